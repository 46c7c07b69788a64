//! The labels that all metrics of a group have: added where a metric is exposed, left away where it is at rest.

use std::cmp::Ordering;

use crate::model::{GroupingKey, INSTANCE, Label};

/// The labels of a grouping key, and an empty `instance` for metrics that have none.
#[derive(Debug, Default)]
pub(super) struct SharedLabels<'a> {
    /// Sorted by name.
    labels: Vec<Label<'a>>,
    /// The place of an `instance` that gives way to a metric's own.
    default: Option<usize>,
}

impl<'a> SharedLabels<'a> {
    /// Those of the group with this grouping key.
    pub(super) fn of(key: &'a GroupingKey) -> Self {
        let mut shared = Self {
            labels: Vec::with_capacity(8),
            default: None,
        };
        shared.become_those_of(key);
        shared
    }

    /// Makes them those of the group with this grouping key.
    pub(super) fn become_those_of(&mut self, key: &'a GroupingKey) {
        let labels = &mut self.labels;
        labels.clear();
        labels.extend(key.labels().map(|(name, value)| Label::new(name, value)));
        let instance = labels.binary_search_by(|label| (*label.name).cmp(INSTANCE));
        if let Err(at) = instance {
            labels.insert(at, Label::new(INSTANCE, ""));
        }
        self.default = instance.err();
    }

    /// The labels, sorted by name: those of a metric that has none of its own.
    pub(super) fn labels(&self) -> &[Label<'a>] {
        &self.labels
    }

    /// Appends what a metric with these own labels is exposed with: they with the shared ones among them, sorted by name.
    ///
    /// Own labels that the grouping key names as well are overwritten; a name that the metric itself has twice stays
    /// there twice.
    pub(super) fn append_exposed(
        &self,
        own: impl IntoIterator<Item = Label<'a>>,
        labels: &mut Vec<Label<'a>>,
    ) {
        let from = labels.len();
        labels.extend(own);
        let own = &mut labels[from..];
        if !own.is_sorted_by(|a, b| a.name <= b.name) {
            own.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let mut at = from;
        for (place, shared) in self.labels.iter().enumerate() {
            let order = loop {
                match labels.get(at).map(|own| own.name.cmp(&shared.name)) {
                    Some(Ordering::Less) => at += 1,
                    order => break order,
                }
            };
            match order {
                Some(Ordering::Equal) if self.default == Some(place) => {}
                Some(Ordering::Equal) => labels[at].value.clone_from(&shared.value),
                _ => labels.insert(at, shared.clone()),
            }
            at += 1;
        }
    }

    /// Whether all metrics of the group have this very label.
    pub(super) fn has(&self, label: &Label<'_>) -> bool {
        self.labels.contains(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &[(&str, &str)], own: &[(&'static str, &'static str)], exposed: &str) {
        let key = GroupingKey::new(key.iter().copied()).unwrap();
        let shared = SharedLabels::of(&key);
        let own = own.iter().map(|(name, value)| Label::new(*name, *value));
        // Behind those of another metric, which stay as they are.
        let mut labels = vec![Label::new("z", ""), Label::new("a", "")];
        shared.append_exposed(own, &mut labels);
        assert_eq!(labels[..2], [Label::new("z", ""), Label::new("a", "")]);
        let shown: Vec<_> = labels[2..]
            .iter()
            .map(|label| {
                let mark = if shared.has(label) { "" } else { "!" };
                format!("{}={}{mark}", label.name, label.value)
            })
            .collect();
        assert_eq!(shown.join(" "), exposed);
    }

    #[test]
    fn labels_of_the_group_stand_among_the_own_ones_sorted() {
        check(&[("job", "j")], &[], "instance= job=j");
        check(
            &[("job", "j")],
            &[("z", "1"), ("a", "2")],
            "a=2! instance= job=j z=1!",
        );
        check(
            &[("a", "1"), ("job", "j")],
            &[("b", "2")],
            "a=1 b=2! instance= job=j",
        );
    }

    #[test]
    fn the_group_overwrites_but_an_instance_of_its_own_stays() {
        check(&[("job", "j")], &[("job", "x")], "instance= job=j");
        check(&[("job", "j")], &[("instance", "i")], "instance=i! job=j");
        check(&[("job", "j")], &[("instance", "")], "instance= job=j");
        let key = [("instance", "k"), ("job", "j")];
        check(&key, &[("instance", "i")], "instance=k job=j");
    }

    #[test]
    fn what_is_there_twice_stays_there_twice() {
        let own = [("a", "1"), ("job", "x"), ("a", "2"), ("job", "y")];
        check(&[("job", "j")], &own, "a=1! a=2! instance= job=j job=y!");
    }
}
