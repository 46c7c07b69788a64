//! Metrics with their labels, one list after the other in memory.

use std::{iter, mem};

use super::{Label, Metric};

/// The metrics of a family, each with its labels.
///
/// The labels of all stand in one piece of memory. What a push consists of is mostly labels, and a vector of its own for
/// each metric's would cost a quarter of the time that parsing takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics<'a> {
    entries: Vec<Entry<'a>>,
    labels: Vec<Label<'a>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry<'a> {
    metric: Metric<'a>,
    /// Where its labels begin among those of all; they end where those of the next one begin.
    labels_from: usize,
}

impl<'a> Metrics<'a> {
    /// What one metric takes in memory, its labels aside.
    pub const METRIC_BYTES: usize = size_of::<Entry<'a>>();

    /// None yet, with room for so many.
    pub fn with_capacity(metrics: usize) -> Self {
        Self {
            entries: Vec::with_capacity(metrics),
            labels: Vec::new(),
        }
    }

    /// How many metrics there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The labels and the metric at this place, if there is one.
    pub fn get(&self, at: usize) -> Option<(&[Label<'a>], &Metric<'a>)> {
        let entry = self.entries.get(at)?;
        let next = self.entries.get(at + 1);
        let labels_to = next.map_or(self.labels.len(), |next| next.labels_from);
        Some((&self.labels[entry.labels_from..labels_to], &entry.metric))
    }

    /// The labels and the metric, of each.
    pub fn iter(&self) -> impl Iterator<Item = (&[Label<'a>], &Metric<'a>)> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The metrics, to change what is not their labels.
    pub fn metrics_mut(&mut self) -> impl Iterator<Item = &mut Metric<'a>> {
        self.entries.iter_mut().map(|entry| &mut entry.metric)
    }

    /// The metric at this place, which there must be, to change what is not its labels.
    pub(crate) fn metric_mut(&mut self, at: usize) -> &mut Metric<'a> {
        &mut self.entries[at].metric
    }

    /// Appends a metric with these labels.
    pub fn push(&mut self, labels: impl IntoIterator<Item = Label<'a>>, metric: Metric<'a>) {
        self.append(|| metric).0.extend(labels);
    }

    /// Appends a metric that is made where it stays, as to move one costs more than to parse it. It has no labels until
    /// they are appended to those that come with it, which are those of all metrics before.
    pub(crate) fn append(
        &mut self,
        make: impl FnOnce() -> Metric<'a>,
    ) -> (&mut Vec<Label<'a>>, &mut Metric<'a>) {
        let at = self.entries.len();
        make_room(&mut self.entries);
        let labels_from = self.labels.len();
        self.entries.extend(iter::once_with(|| Entry {
            metric: make(),
            labels_from,
        }));
        (&mut self.labels, &mut self.entries[at].metric)
    }

    /// Removes all.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.labels.clear();
    }

    /// Gives each metric the labels that are appended for those that it has, in memory that is exchanged for theirs.
    pub(crate) fn map_labels(
        &mut self,
        memory: &mut Vec<Label<'a>>,
        mut append: impl FnMut(&[Label<'a>], &mut Vec<Label<'a>>),
    ) {
        memory.clear();
        for at in 0..self.len() {
            let labels_from = memory.len();
            if let Some((labels, _)) = self.get(at) {
                append(labels, memory);
            }
            self.entries[at].labels_from = labels_from;
        }
        mem::swap(&mut self.labels, memory);
    }
}

impl<'a, L: IntoIterator<Item = Label<'a>>> FromIterator<(L, Metric<'a>)> for Metrics<'a> {
    fn from_iter<I: IntoIterator<Item = (L, Metric<'a>)>>(metrics: I) -> Self {
        let metrics = metrics.into_iter();
        let mut all = Self::with_capacity(metrics.size_hint().0);
        metrics.for_each(|(labels, metric)| all.push(labels, metric));
        all
    }
}

/// Makes room for another value: for one, as many families have no other metric, then for four.
///
/// To grow in place is a matter of the whole heap, for which all threads queue; small memory that is new is not.
fn make_room<T>(values: &mut Vec<T>) {
    match (values.capacity(), values.len()) {
        (0, 0) => values.reserve_exact(1),
        (1, 1) => {
            let mut more = Vec::with_capacity(4);
            more.append(values);
            *values = more;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    /// The labels and value of each, as text.
    fn shown(metrics: &Metrics<'_>) -> Vec<String> {
        let shown = metrics.iter().map(|(labels, metric)| {
            let names: Vec<_> = labels.iter().map(|label| &*label.name).collect();
            format!("{} {:?}", names.concat(), metric.value)
        });
        shown.collect()
    }

    fn metrics(labels: &[&'static str]) -> Metrics<'static> {
        let metric = |(names, value): (&&'static str, f64)| {
            let names = names.split_terminator("").skip(1);
            (
                names.map(|name| Label::new(name, "")),
                Value::Gauge(value).into(),
            )
        };
        labels.iter().zip([1.0, 2.0, 3.0]).map(metric).collect()
    }

    #[test]
    fn each_metric_has_its_labels() {
        let metrics = metrics(&["ab", "", "c"]);
        assert_eq!(
            shown(&metrics),
            [
                "ab Some(Gauge(1.0))",
                " Some(Gauge(2.0))",
                "c Some(Gauge(3.0))"
            ]
        );
        assert_eq!(metrics.len(), 3);
        assert_eq!(metrics.get(3), None);
    }

    #[test]
    fn labels_are_mapped_one_metric_after_the_other() {
        let mut mapped = metrics(&["a", "bc", ""]);
        mapped.map_labels(&mut Vec::new(), |labels, mapped| {
            mapped.extend(labels.iter().rev().cloned());
            mapped.push(Label::new("z", ""));
        });
        assert_eq!(
            shown(&mapped),
            [
                "az Some(Gauge(1.0))",
                "cbz Some(Gauge(2.0))",
                "z Some(Gauge(3.0))"
            ]
        );
    }
}
