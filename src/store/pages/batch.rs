//! Metrics of many groups that are put on new pages all at once.

use std::cmp::Reverse;
use std::ops::Range;

use super::directory::Directory;
use super::draft::Draft;
use super::page::offset;
use super::sort_key::append_key_of_labels;
use super::{Names, Pages, SPLIT_BYTES, SortKey};
use crate::model::Label;
use crate::store::groups::GroupId;

/// Metrics of a family in no order, all in the same three buffers, which may be filled again.
#[derive(Debug, Default)]
pub(in crate::store) struct Batch {
    text: Vec<u8>,
    keys: Vec<u8>,
    metrics: Vec<Metric>,
}

/// Where a metric's lines and its key are, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Metric {
    lines_at: usize,
    lines_length: u32,
    index: u32,
    key_at: usize,
    key_length: u32,
    rank_length: u32,
    group: GroupId,
    names: Names,
}

impl Batch {
    /// How long the text is.
    pub(in crate::store) fn position(&self) -> usize {
        self.text.len()
    }

    /// How many lines there are from there on.
    pub(in crate::store) fn lines_from(&self, position: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.text[position..]).count()
    }

    /// Adds a metric with these labels, sorted by name, whose lines are appended by `render`. `index` is its place among the
    /// metrics of its group's family.
    pub(in crate::store) fn add(
        &mut self,
        group: GroupId,
        index: u32,
        labels: &[Label<'_>],
        render: impl FnOnce(&mut Vec<u8>) -> Names,
    ) {
        let (lines_at, key_at) = (self.text.len(), self.keys.len());
        let names = render(&mut self.text);
        let rank_end = append_key_of_labels(&mut self.keys, labels);
        self.metrics.push(Metric {
            lines_at,
            lines_length: offset(self.text.len() - lines_at),
            index,
            key_at,
            key_length: offset(self.keys.len() - key_at),
            rank_length: offset(rank_end - key_at),
            group,
            names,
        });
    }

    /// Empties it into pages; into none if two groups have the same metric. Of what a group has twice the one pushed last
    /// stays.
    pub(in crate::store) fn take_pages(&mut self) -> Option<Pages> {
        let Self {
            text,
            keys,
            metrics,
        } = self;
        metrics.sort_unstable_by(|a, b| {
            let twice = |metric: &Metric| (metric.group, Reverse(metric.index));
            let order = keys[a.key()].cmp(&keys[b.key()]);
            order.then_with(|| twice(a).cmp(&twice(b)))
        });
        metrics.dedup_by(|later, first| {
            later.group == first.group && keys[later.key()] == keys[first.key()]
        });
        let is_shared = |pair: &[Metric]| keys[pair[0].key()] == keys[pair[1].key()];
        let pages = if metrics.windows(2).any(is_shared) {
            None
        } else {
            Some(pages(text, keys, metrics))
        };
        text.clear();
        keys.clear();
        metrics.clear();
        pages
    }
}

impl Metric {
    fn lines(&self) -> Range<usize> {
        self.lines_at..self.lines_at + self.lines_length as usize
    }

    fn key(&self) -> Range<usize> {
        self.key_at..self.key_at + self.key_length as usize
    }

    fn rank(&self) -> Range<usize> {
        self.key_at..self.key_at + self.rank_length as usize
    }
}

/// Pages of metrics that are sorted by key, no key twice.
fn pages(text: &[u8], keys: &[u8], mut rest: &mut [Metric]) -> Pages {
    let mut directory = Directory::default();
    while !rest.is_empty() {
        let (page, after) = rest.split_at_mut(first_page(keys, rest));
        let lowest = SortKey::new(&keys[page[0].key()], page[0].rank_length as usize);
        page.sort_by(|a, b| {
            let tie = |metric: &Metric| (metric.group, metric.index);
            let ranks = keys[a.rank()].cmp(&keys[b.rank()]);
            ranks.then_with(|| tie(a).cmp(&tie(b)))
        });
        let length = page.iter().map(|metric| metric.lines().len()).sum();
        let mut draft = Draft::with_capacity(length, page.len());
        for metric in page {
            let lines = &text[metric.lines()];
            draft.push(metric.group, metric.index, lines, metric.names);
        }
        directory.insert(lowest, draft);
        rest = after;
    }
    Pages { directory }
}

/// How many of the metrics make a page: about half of what it may hold, if possible without parting equal ranks.
fn first_page(keys: &[u8], metrics: &[Metric]) -> usize {
    let mut bytes = 0;
    let fits = |metric: &&Metric| {
        bytes += metric.lines().len();
        bytes <= SPLIT_BYTES * 3 / 4
    };
    let longest = metrics.iter().take_while(fits).count().max(1);
    let Some(next) = metrics.get(longest) else {
        return longest;
    };
    let is_lower = |metric: &Metric| keys[metric.rank()] < keys[next.rank()];
    match metrics[..longest].partition_point(is_lower) {
        0 => longest,
        whole_ranks => whole_ranks,
    }
}
