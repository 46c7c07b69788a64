//! One page: its lines, who they belong to, and how another page is made of it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use smallvec::SmallVec;

use super::sort_key::{SortKey, append_key_of_lines};
use super::{Duplicate, Rendered, SPLIT_BYTES};
use crate::exposition::sample_line::last_line;
use crate::model::{Label, is_legacy_label_name, is_legacy_metric_name};
use crate::store::deflate::Piece;
use crate::store::groups::GroupId;

/// The capacity of a page's text is a multiple of so many bytes, so that values may grow by a few digits in place.
const ROOM: usize = 256;
/// How much longer metrics may become that are put in place without another look for memory.
const RUN_GROWTH: usize = 64;

/// A run of rendered metrics.
#[derive(Debug)]
pub(in crate::store) struct Page {
    text: Piece,
    pub(super) entries: Box<[Entry]>,
    /// Whether a name in here may need escaping, see [`crate::store::escaped`].
    names: Names,
    /// The metrics in protobuf, once a scrape asked for it.
    protobuf: OnceLock<Piece>,
}

/// One metric on a page.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Entry {
    /// Where its lines end in the page's text; they begin where those of the entry before end.
    end: u32,
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
    pub(in crate::store) fn text(&self) -> &Piece {
        &self.text
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

    fn start(&self, at: usize) -> usize {
        if at == 0 {
            0
        } else {
            self.entries[at - 1].end as usize
        }
    }

    fn key(&self, at: usize) -> SortKey {
        SortKey::of_lines(self.lines(at))
    }

    fn lines(&self, at: usize) -> &[u8] {
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
    fn same_series_of_group(
        &self,
        from: usize,
        group: GroupId,
        metric: &Rendered,
    ) -> Option<usize> {
        let is_expected = |entry: &Entry| entry.group == group && entry.index == metric.index;
        let at = from + self.entries.get(from..)?.iter().position(is_expected)?;
        let is_same = series(self.lines(at)) == series(&metric.text);
        is_same.then_some(at)
    }

    /// The places of as many of the metrics, from the first on, as a group pushes again and has here; none if the page
    /// would become too long.
    pub(super) fn find_again(&self, group: GroupId, metrics: &[Rendered]) -> SmallVec<[u32; 4]> {
        let mut found = SmallVec::new();
        let mut length = self.text.plain().len();
        let mut from = 0;
        for metric in metrics {
            let Some(at) = self.same_series_of_group(from, group, metric) else {
                break;
            };
            length = length + metric.text.len() - self.lines(at).len();
            found.push(offset(at));
            from = at;
        }
        if length > SPLIT_BYTES {
            found.clear();
        }
        found
    }

    /// The metrics from the first of these places to the last as they are to be.
    fn edited_run(&self, group: GroupId, places: &[u32], metrics: &[Rendered]) -> Draft {
        let [first, last] =
            [places.first(), places.last()].map(|at| at.map_or(0, |&at| at as usize));
        let length = self.start(last + 1) - self.start(first);
        let mut draft = Draft::with_capacity(length + RUN_GROWTH, 1 + last - first);
        let mut done = first;
        for (&at, metric) in places.iter().zip(metrics) {
            draft.copy(self, done..at as usize);
            draft.push(group, metric);
            done = at as usize + 1;
        }
        draft
    }

    /// Puts a run of as many metrics in place of those from `first` on, if nothing else holds the text and it has the
    /// room. Changes nothing otherwise.
    fn overwrite_run(&mut self, first: usize, run: &Draft) -> bool {
        let after = first + run.entries.len();
        let (start, end) = (self.start(first), self.start(after));
        let mut text = match self.text.take().try_into_mut() {
            Ok(text) => text,
            Err(shared) => {
                self.text = Piece::new(shared);
                return false;
            }
        };
        let (length, new_end) = (text.len(), start + run.text.len());
        let new_length = length - end + new_end;
        let has_room = new_length <= text.capacity();
        if has_room {
            text.resize(length.max(new_length), 0);
            text.copy_within(end..length, new_end);
            text[start..new_end].copy_from_slice(&run.text);
            text.truncate(new_length);
            let (before, behind) = self.entries.split_at_mut(after);
            for (entry, new) in before[first..].iter_mut().zip(&run.entries) {
                entry.end = offset(start) + new.end;
            }
            for entry in behind {
                entry.end = entry.end - offset(end) + offset(new_end);
            }
        }
        self.text = Piece::new(text.freeze());
        has_room
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

    /// This page without those metrics of the group that have one of the keys.
    pub(super) fn without(&self, group: GroupId, keys: &[SortKey]) -> Draft {
        let mut removed: Vec<_> = keys
            .iter()
            .filter_map(|key| match self.search(key) {
                Found::Here(at) if self.entries[at].group == group => Some(at),
                Found::Here(_) | Found::Missing { .. } => None,
            })
            .collect();
        removed.sort_unstable();
        self.edited(group, &[], &removed)
    }

    /// This page with metrics of a group added at places, and without some, both sorted by place.
    fn edited(&self, group: GroupId, added: &[(usize, &Rendered)], removed: &[usize]) -> Draft {
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
                draft.push(group, metric);
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

/// Gives a page other lines for metrics of a group at these places, which are sorted: in place if nothing shares the page.
pub(super) fn overwrite(
    page: &mut Arc<Page>,
    group: GroupId,
    places: &[u32],
    metrics: &[Rendered],
) {
    let Some(&first) = places.first() else {
        return;
    };
    let run = page.edited_run(group, places, metrics);
    let done = Arc::get_mut(page).is_some_and(|page| {
        page.protobuf = OnceLock::new();
        page.overwrite_run(first as usize, &run)
    });
    if !done {
        let places = places.iter().map(|&at| at as usize);
        let added: Vec<_> = places.clone().zip(metrics).collect();
        let removed: Vec<_> = places.collect();
        *page = Arc::new(page.edited(group, &added, &removed).into_page());
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
    /// What the names of a metric need.
    pub(in crate::store) fn of(name: &str, labels: &[Label<'_>]) -> Self {
        let mut label_names = labels.iter().map(|label| label.name.as_bytes());
        if is_legacy_metric_name(name.as_bytes()) && label_names.all(is_legacy_label_name) {
            Self::Legacy
        } else {
            Self::Utf8
        }
    }

    /// What two runs of names need together.
    pub(in crate::store) fn and(self, other: Self) -> Self {
        if self == Self::Legacy { other } else { self }
    }
}

/// A page in the making.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) text: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    names: Names,
}

impl Default for Draft {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl Draft {
    pub(super) fn with_capacity(text: usize, entries: usize) -> Self {
        Self {
            text: Vec::with_capacity(text),
            entries: Vec::with_capacity(entries),
            names: Names::Legacy,
        }
    }

    fn position(&self) -> u32 {
        offset(self.text.len())
    }

    pub(super) fn push(&mut self, group: GroupId, metric: &Rendered) {
        self.text.extend_from_slice(&metric.text);
        self.entries.push(Entry {
            end: self.position(),
            index: metric.index,
            group,
        });
        self.names = self.names.and(metric.names);
    }

    fn copy(&mut self, page: &Page, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let from = page.start(range.start);
        let to = page.entries[range.end - 1].end as usize;
        let position = self.position();
        self.text.extend_from_slice(&page.text.plain()[from..to]);
        let moved = page.entries[range].iter().map(|entry| {
            let end = position + (entry.end - offset(from));
            Entry { end, ..*entry }
        });
        self.entries.extend(moved);
    }

    /// Cuts a page that is too long into parts of about half the allowed length, each with the lowest key in it.
    ///
    /// Metrics of equal rank stay together unless they alone are too long for a page, in which case they are put in
    /// the order of their keys.
    pub(super) fn split(self) -> Vec<(SortKey, Self)> {
        let page = self.into_page();
        let mut keyed: Vec<_> = (0..page.entries.len())
            .map(|at| (page.key(at), at))
            .collect();
        let mut parts: Vec<(SortKey, Self)> = Vec::new();
        for ties in keyed.chunk_by_mut(|(key, _), (other, _)| key.rank() == other.rank()) {
            let bytes: usize = ties.iter().map(|(_, at)| page.lines(*at).len()).sum();
            if bytes > SPLIT_BYTES / 2 {
                ties.sort();
                for (key, at) in ties {
                    add_to_last(&mut parts, key, page.lines(*at).len()).copy(&page, *at..*at + 1);
                }
            } else if let Some((lowest, _)) = ties.iter().min() {
                let part = add_to_last(&mut parts, lowest, bytes);
                for (_, at) in ties {
                    part.copy(&page, *at..*at + 1);
                }
            }
        }
        for (_, part) in &mut parts {
            part.names = page.names;
        }
        parts
    }

    pub(super) fn into_page(mut self) -> Page {
        self.text.shrink_to(self.text.len().next_multiple_of(ROOM));
        Page {
            text: Piece::new(Bytes::from(self.text)),
            entries: self.entries.into_boxed_slice(),
            names: self.names,
            protobuf: OnceLock::new(),
        }
    }
}

/// An offset in a page.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a push is far below 4 GiB, a page two pushes long at most"
)]
fn offset(bytes: usize) -> u32 {
    bytes as u32
}

/// The part of a page that so many bytes more go to: the last one, or a new one if that would be too long.
fn add_to_last<'a>(
    parts: &'a mut Vec<(SortKey, Draft)>,
    key: &SortKey,
    bytes: usize,
) -> &'a mut Draft {
    let fits = |(_, part): &(SortKey, Draft)| part.text.len() + bytes <= SPLIT_BYTES / 2;
    if !parts.last().is_some_and(fits) {
        parts.push((key.clone(), Draft::default()));
    }
    let last = parts.len() - 1;
    &mut parts[last].1
}
