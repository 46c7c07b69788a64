//! A page in the making.

use std::ops::Range;
use std::sync::OnceLock;

use super::SPLIT_BYTES;
use super::page::{Entry, Names, Page, offset};
use super::sort_key::SortKey;
use crate::store::deflate::Piece;
use crate::store::groups::GroupId;

/// The capacity of a page's text is a multiple of so many bytes, so that values may grow by a few digits in place.
pub(super) const ROOM: usize = 256;
/// The text and the entries of a page that is yet to be made.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) text: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    pub(super) names: Names,
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

    /// Where the next metric begins.
    pub(super) fn position(&self) -> u32 {
        offset(self.text.len())
    }

    pub(super) fn push(&mut self, group: GroupId, index: u32, lines: &[u8], names: Names) {
        self.text.extend_from_slice(lines);
        self.entries.push(Entry {
            end: self.position(),
            index,
            group,
        });
        self.names = self.names.and(names);
    }

    /// Adds metrics as they stand on a page.
    pub(super) fn copy(&mut self, page: &Page, range: Range<usize>) {
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
            text: Piece::new(self.text),
            entries: self.entries.into_boxed_slice(),
            names: self.names,
            protobuf: OnceLock::new(),
        }
    }
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
