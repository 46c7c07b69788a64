//! One page: its lines, who they belong to, and how another page is made of it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::draft::{Draft, ROOM};
use super::sort_key::{SortKey, append_key_of_lines};
use super::{Duplicate, Rendered};
use crate::exposition::sample_line::last_line;
use crate::store::deflate::Piece;
use crate::store::groups::GroupId;

/// A run of rendered metrics.
#[derive(Debug)]
pub(in crate::store) struct Page {
    pub(super) text: Piece<Vec<u8>>,
    pub(super) entries: Box<[Entry]>,
    /// Whether a name in here may need escaping, see [`crate::store::escaped`].
    pub(super) names: Names,
    /// The metrics in protobuf, once a scrape asked for it.
    pub(super) protobuf: OnceLock<Piece>,
}

struct SharedText(Arc<Page>);

impl AsRef<[u8]> for SharedText {
    fn as_ref(&self) -> &[u8] {
        self.0.text.plain()
    }
}

/// One metric on a page.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Entry {
    /// Where its lines end in the page's text; they begin where those of the entry before end.
    pub(super) end: u32,
    /// Its place among the metrics of its group's family.
    pub(in crate::store) index: u32,
    /// The group that it belongs to.
    pub(in crate::store) group: GroupId,
}

/// Whether names can be printed without quotes and without escaping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::store) enum Names {
    /// All of them.
    Legacy,
    /// Maybe not all of them.
    Utf8,
}

impl Default for Page {
    fn default() -> Self {
        Draft::default().into_page()
    }
}

impl Page {
    /// The text of all metrics here.
    pub(in crate::store) fn text(&self) -> &Piece<Vec<u8>> {
        &self.text
    }

    /// The same for who sends it, without a copy. The page can't be changed in place while somebody has it.
    pub(in crate::store) fn shared_text(self: &Arc<Self>) -> Bytes {
        Bytes::from_owner(SharedText(Arc::clone(self)))
    }

    /// All metrics here as protobuf, made by `encode` the first time.
    pub(in crate::store) fn protobuf(&self, encode: impl FnOnce(&Self) -> Bytes) -> &Piece {
        self.protobuf.get_or_init(|| Piece::new(encode(self)))
    }

    /// Whether a name in here may need escaping.
    pub(in crate::store) fn names(&self) -> Names {
        self.names
    }

    /// The metrics here, each with its lines.
    pub(in crate::store) fn entries(&self) -> impl ExactSizeIterator<Item = (Entry, &[u8])> {
        self.entries
            .iter()
            .enumerate()
            .map(|(at, entry)| (*entry, self.lines(at)))
    }

    /// Whether all metrics here come after the place of this key.
    pub(in crate::store) fn comes_after(&self, key: &SortKey) -> bool {
        self.search(key).place() == 0
    }

    /// Whether the place of this key is among the metrics here.
    pub(in crate::store) fn holds_place_of(&self, key: &SortKey) -> bool {
        self.search(key).place() < self.entries.len()
    }

    /// How many bytes of the text come before the place of this key.
    pub(in crate::store) fn offset_of(&self, key: &SortKey) -> usize {
        self.start(self.search(key).place())
    }

    pub(super) fn start(&self, at: usize) -> usize {
        if at == 0 {
            0
        } else {
            self.entries[at - 1].end as usize
        }
    }

    pub(super) fn key(&self, at: usize) -> SortKey {
        SortKey::of_lines(self.lines(at))
    }

    pub(super) fn lines(&self, at: usize) -> &[u8] {
        &self.text.plain()[self.start(at)..self.entries[at].end as usize]
    }

    /// Where the metric with this key is, or where it would be.
    fn search(&self, key: &SortKey) -> Found {
        let mut buffer = Vec::with_capacity(128);
        let rank = key.rank();
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            buffer.clear();
            append_key_of_lines(&mut buffer, self.lines(middle));
            match buffer.as_slice().cmp(key.as_bytes()) {
                std::cmp::Ordering::Equal => return Found::Here(middle),
                _ if buffer.starts_with(rank) => return self.search_ties(key, middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Found::Missing { ties: low..low }
    }

    /// The place of a metric that is pushed again, if the push has its group's metrics in the order of the last one.
    ///
    /// Most pushes do. They are spared a search, which reads labels back from lines at every step.
    pub(super) fn same_series_of_group(
        &self,
        from: usize,
        group: GroupId,
        metric: &Rendered,
    ) -> Option<usize> {
        let is_expected = |entry: &Entry| entry.group == group && entry.index == metric.index;
        let at = from + self.entries.get(from..)?.iter().position(is_expected)?;
        let same = series(&metric.text);
        let line = if metric.text.starts_with(same) {
            self.lines(at)
        } else {
            last_line(self.lines(at))
        };
        // Whether its series is the same too, found without looking for its end.
        let value = line.strip_prefix(same)?;
        value.starts_with(b" ").then_some(at)
    }

    /// Looks among the metrics of equal rank, one of which is at `near`.
    fn search_ties(&self, key: &SortKey, near: usize) -> Found {
        let ties = self.ties(key, near);
        let mut buffer = Vec::with_capacity(128);
        let here = ties.clone().find(|&at| {
            buffer.clear();
            append_key_of_lines(&mut buffer, self.lines(at));
            buffer == key.as_bytes()
        });
        here.map_or(Found::Missing { ties }, Found::Here)
    }

    /// The metrics of the rank of this key, one of which is at `near`.
    fn ties(&self, key: &SortKey, near: usize) -> Range<usize> {
        let mut buffer = Vec::with_capacity(128);
        let mut is_tied = |at: &usize| {
            buffer.clear();
            append_key_of_lines(&mut buffer, self.lines(*at));
            buffer.starts_with(key.rank())
        };
        let before = (0..near).rev().take_while(&mut is_tied).count();
        let behind = (near + 1..self.entries.len())
            .take_while(&mut is_tied)
            .count();
        near - before..near + 1 + behind
    }

    /// Where a metric goes among those of equal rank: groups by their age, those of a group as pushed.
    fn place_among(&self, ties: Range<usize>, group: GroupId, index: u32) -> usize {
        let is_before = |entry: &Entry| (entry.group, entry.index) <= (group, index);
        ties.start
            + self.entries[ties]
                .iter()
                .take_while(|entry| is_before(entry))
                .count()
    }

    /// This page with the metrics put in, and how many it had already.
    pub(super) fn with(
        &self,
        group: GroupId,
        metrics: &[Rendered],
    ) -> Result<(Draft, usize), Duplicate> {
        let mut added = Vec::with_capacity(metrics.len());
        let mut removed = Vec::with_capacity(metrics.len());
        let mut last = 0;
        for metric in metrics {
            let found = match self.same_series_of_group(last, group, metric) {
                Some(at) => {
                    last = at;
                    Found::Here(at)
                }
                None => self.search(&metric.key),
            };
            let place = match found {
                Found::Here(at) if self.entries[at].group != group => {
                    return Err(Duplicate {
                        owner: self.entries[at].group,
                        series: metric.series(),
                    });
                }
                Found::Here(at) => {
                    removed.push(at);
                    if metric.is_tied {
                        self.place_among(self.ties(&metric.key, at), group, metric.index)
                    } else {
                        at
                    }
                }
                Found::Missing { ties } => self.place_among(ties, group, metric.index),
            };
            added.push((place, metric));
        }
        if metrics.iter().any(|metric| metric.is_tied) {
            removed.sort_unstable();
            added.sort_by(|(place, metric), (other_place, other)| {
                let tie = || {
                    metric
                        .key
                        .rank()
                        .cmp(other.key.rank())
                        .then(metric.index.cmp(&other.index))
                };
                place.cmp(other_place).then_with(tie)
            });
        }
        let replaced = removed.len();
        Ok((self.edited(group, &added, &removed), replaced))
    }

    /// This page without those metrics of the group that have one of the keys, which are sorted.
    pub(super) fn without(&self, group: GroupId, keys: &[SortKey]) -> Draft {
        // A group has few metrics here: to look at those is faster than to search for each key.
        let is_gone = |at: &usize| {
            self.entries[*at].group == group && keys.binary_search(&self.key(*at)).is_ok()
        };
        let removed: Vec<_> = (0..self.entries.len()).filter(is_gone).collect();
        self.edited(group, &[], &removed)
    }

    /// This page with metrics of a group added at places, and without some, both sorted by place.
    pub(super) fn edited(
        &self,
        group: GroupId,
        added: &[(usize, &Rendered)],
        removed: &[usize],
    ) -> Draft {
        // What it takes and little more: a page that shrinks to fit at the end leaves a hole in the heap at each push.
        let coming: usize = added.iter().map(|(_, metric)| metric.text.len()).sum();
        let going: usize = removed.iter().map(|&at| self.lines(at).len()).sum();
        let length = self.text.plain().len() + coming - going;
        let mut draft = Draft::with_capacity(
            length.next_multiple_of(ROOM),
            self.entries.len() + added.len() - removed.len(),
        );
        draft.names = self.names;
        let mut removed = removed.iter().copied().peekable();
        let mut done = 0;
        let end = (self.entries.len(), None);
        for (until, metric) in added
            .iter()
            .map(|(place, metric)| (*place, Some(*metric)))
            .chain([end])
        {
            while let Some(gone) = removed.next_if(|&gone| gone < until) {
                draft.copy(self, done..gone);
                done = gone + 1;
            }
            draft.copy(self, done..until.max(done));
            done = done.max(until);
            if let Some(metric) = metric {
                draft.push(group, metric.index, &metric.text, metric.names);
            }
        }
        draft
    }

    pub(super) fn joined_with(&self, other: &Draft) -> Draft {
        let mut draft = Draft::with_capacity(
            self.text.plain().len() + other.text.len(),
            self.entries.len() + other.entries.len(),
        );
        draft.copy(self, 0..self.entries.len());
        let shift = draft.position();
        draft.text.extend_from_slice(&other.text);
        draft
            .entries
            .extend(other.entries.iter().map(|entry| Entry {
                end: entry.end + shift,
                ..*entry
            }));
        draft.names = self.names.and(other.names);
        draft
    }
}

/// The name and labels of a metric's last line, as they are written there.
pub(super) fn series(lines: &[u8]) -> &[u8] {
    let line = last_line(lines);
    let end = memchr::memrchr(b' ', line);
    end.map_or(line, |end| &line[..end])
}

/// What a search on a page has found.
enum Found {
    /// The metric is here.
    Here(usize),
    /// It is not; metrics of equal rank are there, or would be.
    Missing { ties: Range<usize> },
}

impl Found {
    fn place(self) -> usize {
        match self {
            Self::Here(at) => at,
            Self::Missing { ties } => ties.start,
        }
    }
}

impl Names {
    /// What two runs of names need together.
    pub(in crate::store) fn and(self, other: Self) -> Self {
        if self == Self::Legacy { other } else { self }
    }
}

/// An offset in a page.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a push is far below 4 GiB, a page two pushes long at most"
)]
pub(super) fn offset(bytes: usize) -> u32 {
    bytes as u32
}
