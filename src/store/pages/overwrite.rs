//! Metrics that are pushed again with other values: found on their page, and put in place of the old ones.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::page::{Page, offset};
use super::{Rendered, SPLIT_BYTES};
use crate::store::groups::GroupId;

/// Gives a page other lines for metrics of a group at these places, which are sorted: in place if nothing shares the page.
pub(super) fn overwrite(
    page: &mut Arc<Page>,
    group: GroupId,
    places: &[u32],
    metrics: &[Rendered],
) {
    let done = Arc::get_mut(page).is_some_and(|page| {
        page.protobuf = OnceLock::new();
        page.overwrite_lines(places, metrics)
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
    /// would become too long. The first is likely at `near` or little behind it.
    pub(super) fn find_again(
        &self,
        group: GroupId,
        metrics: &[Rendered],
        near: usize,
    ) -> SmallVec<[u32; 4]> {
        let mut found = SmallVec::new();
        let mut length = self.text.plain().len();
        let mut from = near;
        for metric in metrics {
            let mut at = self.same_series_of_group(from, group, metric);
            if found.is_empty() {
                at = at.or_else(|| self.same_series_of_group(0, group, metric));
            }
            let Some(at) = at else { break };
            length = length + metric.text.len() - self.lines(at).len();
            found.push(offset(at));
            from = at;
        }
        if length > SPLIT_BYTES {
            found.clear();
        }
        found
    }

    /// Puts metrics in place of those at these places, if there is the room. Changes nothing otherwise.
    fn overwrite_lines(&mut self, places: &[u32], metrics: &[Rendered]) -> bool {
        let growth = |(&at, metric): (&u32, &Rendered)| {
            let old = self.lines(at as usize).len();
            metric.text.len().saturating_sub(old)
        };
        let growth: usize = places.iter().zip(metrics).map(growth).sum();
        let text = self.text.plain();
        if text.len() + growth > text.capacity() {
            return false;
        }
        for (&at, metric) in places.iter().zip(metrics) {
            self.replace_lines(at as usize, &metric.text);
        }
        true
    }

    /// Replaces the lines of one metric in the text of this page.
    fn replace_lines(&mut self, at: usize, lines: &[u8]) {
        let (start, old_end) = (self.start(at), self.entries[at].end as usize);
        let text = self.text.plain_mut();
        let (new_end, length) = (start + lines.len(), text.len());
        if new_end != old_end {
            let new_length = length - old_end + new_end;
            text.resize(length.max(new_length), 0);
            text.copy_within(old_end..length, new_end);
            text.truncate(new_length);
            for entry in &mut self.entries[at..] {
                entry.end = entry.end - offset(old_end) + offset(new_end);
            }
        }
        text[start..new_end].copy_from_slice(lines);
    }
}
