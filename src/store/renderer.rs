//! Metrics as lines, each with its place in a scrape.

use std::ops::Range;
use std::ptr;

use bytes::Bytes;

use super::pages::{Names, Rendered, SortKey, series};
use crate::exposition::Escaping;
use crate::exposition::text_encoder::{LabelText, WrittenLabel, append_metric};
use crate::model::{Label, Metric, Metrics, Value};

/// Renders metrics, family by family, into one buffer.
#[derive(Debug)]
pub(super) struct Renderer<'a> {
    /// Labels that are likely to come again, and how they are written.
    shared: Vec<(Label<'a>, WrittenLabel)>,
    text: Vec<u8>,
    /// The metrics, without their text until all of it is there, and where that will be.
    metrics: Vec<(Rendered, Range<usize>)>,
    key_buffer: Vec<u8>,
}

/// How far a [`Renderer`] had come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) metrics: usize,
    bytes: usize,
}

impl<'a> Renderer<'a> {
    /// For about so many metrics.
    pub(super) fn new(metrics: usize) -> Self {
        Self {
            shared: Vec::new(),
            text: Vec::with_capacity(metrics * 128),
            metrics: Vec::with_capacity(metrics),
            key_buffer: Vec::with_capacity(128),
        }
    }

    /// The same for metrics that have these labels, all or most of them.
    pub(super) fn with_shared(shared: &[Label<'a>], metrics: usize) -> Self {
        let write = |label: &Label<'a>| {
            let written = WrittenLabel::new(&label.name, &label.value, Escaping::AllowUtf8);
            (label.clone(), written)
        };
        Self {
            shared: shared.iter().map(write).collect(),
            ..Self::new(metrics)
        }
    }

    /// Adds a metric of the family of this name, exposed with these labels; one without a value has no line. `index` is
    /// its place among the metrics of its group's family.
    pub(super) fn add(
        &mut self,
        name: &str,
        labels: &[Label<'_>],
        metric: &Metric<'_>,
        index: u32,
    ) {
        let Some(value) = &metric.value else { return };
        let start = self.text.len();
        let labels_text = labels.iter().map(|label| text_of(label, &self.shared));
        let names = append_lines(&mut self.text, name, labels_text, value);
        let rendered = Rendered {
            key: SortKey::of(labels, &mut self.key_buffer),
            text: Bytes::new(),
            index,
            names,
            is_tied: false,
        };
        self.metrics.push((rendered, start..self.text.len()));
    }

    /// Adds all metrics of a family with the labels that they have.
    pub(super) fn add_all(&mut self, name: &str, metrics: &Metrics<'_>) {
        for ((labels, metric), index) in metrics.iter().zip(0..) {
            self.add(name, labels, metric, index);
        }
    }

    /// How far it has come.
    pub(super) fn position(&self) -> Position {
        Position {
            metrics: self.metrics.len(),
            bytes: self.text.len(),
        }
    }

    /// How many lines there are from there on.
    pub(super) fn lines_from(&self, position: Position) -> usize {
        memchr::memchr_iter(b'\n', &self.text[position.bytes..]).count()
    }

    /// Sorts the metrics from there on, which are those of a family, by key. Of those that are there twice the one pushed
    /// last stays; answers one of these series, if there are any.
    pub(super) fn sort_from(&mut self, position: Position) -> Option<String> {
        let family = &mut self.metrics[position.metrics..];
        // Of equal keys the one pushed last comes first, and stays.
        family.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key).then(b.index.cmp(&a.index)));
        let is_twice = |pair: &&[(Rendered, _)]| pair[0].0.key == pair[1].0.key;
        let twice = family.windows(2).find(is_twice);
        let twice = twice.map(|pair| series(&self.text[pair[0].1.clone()]));
        if twice.is_some() {
            let mut family = self.metrics.split_off(position.metrics);
            family.dedup_by(|(later, _), (first, _)| later.key == first.key);
            self.metrics.append(&mut family);
        }
        mark_ties(&mut self.metrics[position.metrics..]);
        twice
    }

    /// The metrics with their lines.
    pub(super) fn into_rendered(self) -> impl Iterator<Item = Rendered> {
        let all = Bytes::from(self.text);
        let metrics = self.metrics.into_iter();
        metrics.map(move |(metric, lines)| Rendered {
            text: all.slice(lines),
            ..metric
        })
    }
}

/// Appends the lines of a metric that is exposed with these labels; what its names need.
pub(super) fn append_lines<'l>(
    text: &mut Vec<u8>,
    name: &str,
    labels: impl IntoIterator<Item: Into<LabelText<'l>>>,
    value: &Value<'_>,
) -> Names {
    if append_metric(text, name, labels, value, Escaping::AllowUtf8) {
        Names::Legacy
    } else {
        Names::Utf8
    }
}

/// How to write a label: as before if it is a copy of one that was written.
fn text_of<'l>(label: &'l Label<'_>, shared: &'l [(Label<'_>, WrittenLabel)]) -> LabelText<'l> {
    let (name, value): (&str, &str) = (&label.name, &label.value);
    // Copies borrow the same text, which shows without a look at it.
    let is_copy = |(shared, _): &&(Label<'_>, _)| {
        let (shared_name, shared_value): (&str, &str) = (&shared.name, &shared.value);
        ptr::eq(name, shared_name) && ptr::eq(value, shared_value)
    };
    match shared.iter().find(is_copy) {
        Some((_, written)) => LabelText::Written(written),
        None => LabelText::Pair(name, value),
    }
}

fn mark_ties(family: &mut [(Rendered, Range<usize>)]) {
    for at in 1..family.len() {
        if family[at - 1].0.key.rank() == family[at].0.key.rank() {
            family[at - 1].0.is_tied = true;
            family[at].0.is_tied = true;
        }
    }
}
