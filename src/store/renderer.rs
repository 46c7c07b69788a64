//! The metrics of a family as lines, each with its place in a scrape.

use bytes::Bytes;

use super::consistency::{Check, Refusal};
use super::pages::{Names, Rendered, SortKey};
use crate::exposition::Escaping;
use crate::exposition::text_encoder::append_metric;
use crate::model::{Label, Metric, MetricFamily};

/// Renders the metrics of one family into one buffer.
#[derive(Debug)]
pub(super) struct Renderer<'a> {
    name: &'a str,
    text: Vec<u8>,
    /// Key, end in the text, and names of each metric in pushed order.
    metrics: Vec<(SortKey, usize, Names)>,
    key_buffer: Vec<u8>,
}

impl<'a> Renderer<'a> {
    /// For the family of this name, and about so many metrics.
    pub(super) fn new(name: &'a str, metrics: usize) -> Self {
        Self {
            name,
            text: Vec::with_capacity(metrics * 128),
            metrics: Vec::with_capacity(metrics),
            key_buffer: Vec::with_capacity(128),
        }
    }

    /// Adds a metric, exposed with these labels; one without a value has no line.
    pub(super) fn add(&mut self, labels: &[Label<'_>], metric: &Metric<'_>) {
        let Some(value) = &metric.value else { return };
        let pairs = labels.iter().map(|label| (&*label.name, &*label.value));
        append_metric(&mut self.text, self.name, pairs, value, Escaping::AllowUtf8);
        let names = Names::of(self.name, labels);
        let key = SortKey::of(labels, &mut self.key_buffer);
        self.metrics.push((key, self.text.len(), names));
    }

    /// Adds all metrics of a family with the labels that they have.
    pub(super) fn add_all(&mut self, family: &MetricFamily<'_>) {
        for metric in &family.metrics {
            self.add(&metric.labels, metric);
        }
    }

    /// How many metrics there are, and how many bytes of lines.
    pub(super) fn position(&self) -> (usize, usize) {
        (self.metrics.len(), self.text.len())
    }

    /// How many lines there are from this byte on.
    pub(super) fn lines_from(&self, byte: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.text[byte..]).count()
    }

    /// The metrics as they were added, counted from zero.
    pub(super) fn into_rendered(self) -> impl Iterator<Item = Rendered> {
        let text = Bytes::from(self.text);
        let mut start = 0;
        let metrics = self.metrics.into_iter().zip(0..);
        metrics.map(move |((key, end, names), index)| {
            let lines = text.slice(start..end);
            start = end;
            Rendered {
                key,
                text: lines,
                index,
                names,
                is_tied: false,
            }
        })
    }

    /// The metrics sorted by key, and how many lines they have.
    pub(super) fn finish(self, check: Check) -> Result<(Vec<Rendered>, usize), Refusal> {
        let series = self.lines_from(0);
        let mut rendered: Vec<_> = self.into_rendered().collect();
        // Of equal keys the one pushed last comes first, and stays.
        rendered.sort_by(|a, b| a.key.cmp(&b.key).then(b.index.cmp(&a.index)));
        let duplicate = rendered.windows(2).find(|pair| pair[0].key == pair[1].key);
        if let (Check::Checked, Some(pair)) = (check, duplicate) {
            let series = pair[0].series();
            return Err(Refusal::Invalid(format!(
                "collected metric {series} was collected before with the same name and label values"
            )));
        }
        rendered.dedup_by(|later, first| later.key == first.key);
        mark_ties(&mut rendered);
        Ok((rendered, series))
    }
}

fn mark_ties(rendered: &mut [Rendered]) {
    for at in 1..rendered.len() {
        if rendered[at - 1].key.rank() == rendered[at].key.rank() {
            rendered[at - 1].is_tied = true;
            rendered[at].is_tied = true;
        }
    }
}
