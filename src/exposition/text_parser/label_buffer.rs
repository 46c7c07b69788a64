//! The labels of the line that is being parsed.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::exposition::in_place::append_made;
use crate::model::Label;

/// Up to this many labels, names are compared one by one.
const FEW: usize = 16;

/// Labels of different names, in the order of the line.
#[derive(Default)]
pub(super) struct LabelBuffer<'a> {
    labels: Vec<Label<'a>>,
    /// The names, once there are more than a few.
    names: HashSet<Cow<'a, str>>,
}

impl<'a> LabelBuffer<'a> {
    pub(super) fn clear(&mut self) {
        self.labels.clear();
        self.names.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn as_slice(&self) -> &[Label<'a>] {
        &self.labels
    }

    /// Whether there is a label of this name.
    #[inline]
    pub(super) fn contains(&self, name: &str) -> bool {
        if self.labels.len() <= FEW {
            self.labels.iter().any(|label| label.name == name)
        } else {
            self.names.contains(name)
        }
    }

    /// Adds a label whose name there is not yet.
    #[inline]
    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        append_made(&mut self.labels, || Label { name, value });
        if self.labels.len() > FEW {
            self.index();
        }
    }

    #[cold]
    fn index(&mut self) {
        let unnamed = &self.labels[self.names.len()..];
        let names = unnamed.iter().map(|label| label.name.clone());
        self.names.extend(names);
    }

    /// Takes the label of this name out.
    pub(super) fn remove(&mut self, name: &str) -> Option<Label<'a>> {
        let at = self.labels.iter().position(|label| label.name == name)?;
        self.names.clear();
        Some(self.labels.remove(at))
    }

    /// Moves all labels behind those that are there.
    pub(super) fn move_to(&mut self, labels: &mut Vec<Label<'a>>) {
        labels.append(&mut self.labels);
    }
}
