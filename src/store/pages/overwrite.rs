//! Metrics that are pushed again with other values: found on their page, and put in place of the old ones.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::draft::Draft;
use super::page::{Page, offset};
use super::{Rendered, SPLIT_BYTES};
use crate::store::deflate::Piece;
use crate::store::groups::GroupId;

/// How much longer metrics may become that are put in place without another look for memory.
const RUN_GROWTH: usize = 64;

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

impl Page {
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
}
