//! The metrics of one family over all groups: rendered, in scrape order, cut into pages.
//!
//! A page's text is both what a scrape sends and the index that tells who has which labels: a label set is
//! looked up by reading the labels back from the lines. So there is one resident form, a push touches the pages
//! its metrics are on, and a scrape hands out the pages as they are.
//!
//! Everything here is a value: editing makes new pages and shares the others with the old state.

use std::slice::Iter;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::groups::GroupId;

mod batch;
mod directory;
mod draft;
mod overwrite;
mod page;
mod sort_key;

pub(super) use batch::Batch;
pub(super) use page::{Entry, Names, Page};
pub(super) use sort_key::SortKey;

use directory::{Directory, PageNumber};

/// Text bytes above which a page is split in two. Small pages make a push cheap, large ones compress better.
const SPLIT_BYTES: usize = 16 * 1024;

/// The rendered metrics of one family, in the order in which a scrape shows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    directory: Directory,
}

/// Where a metric was last found. Nothing but a hint: pages come and go, and metrics move.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    page: PageNumber,
    at: u32,
}

/// A metric that is about to be put on a page.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    /// Where it belongs.
    pub(super) key: SortKey,
    /// Its lines.
    pub(super) text: Bytes,
    /// Its place among the metrics of its group's family.
    pub(super) index: u32,
    /// What its names need.
    pub(super) names: Names,
    /// Whether it differs from another metric of the push in nothing but label names, see [`SortKey::rank`].
    pub(super) is_tied: bool,
}

/// Where metrics are that are pushed again: a run of them that follow each other in the push.
#[derive(Clone, Debug)]
pub(super) struct Places {
    page: PageNumber,
    /// Their places among the metrics there, in order.
    at: SmallVec<[u32; 4]>,
}

impl Places {
    /// Where the first metric of the run is.
    pub(super) fn first(&self) -> Place {
        Place {
            page: self.page,
            at: self.at.first().copied().unwrap_or_default(),
        }
    }
}

/// Another group exposes a metric with the same labels.
#[derive(Clone, Debug)]
pub(super) struct Duplicate {
    /// The group that has it.
    pub(super) owner: GroupId,
    /// The series, see [`Rendered::series`].
    pub(super) series: String,
}

impl Rendered {
    /// The series as a person would write it.
    fn series(&self) -> String {
        series(&self.text)
    }
}

/// The series of a metric, read from its lines, as a person would write it: `m{a="b"}`.
pub(super) fn series(lines: &[u8]) -> String {
    String::from_utf8_lossy(page::series(lines)).into_owned()
}

impl Pages {
    /// The pages in scrape order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Page>> {
        self.directory.iter()
    }

    /// Whether no metric is left.
    pub(super) fn is_empty(&self) -> bool {
        self.directory.is_empty()
    }

    /// Puts the metrics of a group, sorted by key, on their pages, replacing those of the same labels.
    ///
    /// Answers how many were replaced. Where another group has one of them, nothing is changed.
    pub(super) fn put(&mut self, group: GroupId, metrics: &[Rendered]) -> Result<usize, Duplicate> {
        let mut replaced = 0;
        let mut edited = self.directory.clone();
        let mut rest = metrics;
        while let Some(first) = rest.first() {
            let (page_key, run) = edited.run_on_one_page(rest, &first.key, |metric| &metric.key);
            let page = edited.get(&page_key).map(Arc::clone).unwrap_or_default();
            let (draft, hits) = page.with(group, &rest[..run])?;
            replaced += hits;
            edited.store(page_key, draft);
            rest = &rest[run..];
        }
        self.directory = edited;
        Ok(replaced)
    }

    /// Adds the places of metrics, sorted by key, that a group pushes again. The first is likely at this place or little
    /// behind it.
    ///
    /// None if it has them not, or not under the same index, or if a page would become too long.
    pub(super) fn find_again(
        &self,
        group: GroupId,
        metrics: &[Rendered],
        near: Place,
        places: &mut Vec<Places>,
    ) -> Option<()> {
        let mut rest = metrics;
        let mut found = self.run_again(group, metrics, near);
        while let Some(first) = rest.first() {
            let run = found.take().or_else(|| {
                let page = self.directory.page_of(&first.key)?;
                self.run_again(group, rest, Place { page, at: 0 })
            })?;
            rest = &rest[run.at.len()..];
            places.push(run);
        }
        Some(())
    }

    /// As many of the metrics, from the first on, as a group pushes again and has on the page of this place; none if
    /// there are none.
    fn run_again(&self, group: GroupId, metrics: &[Rendered], near: Place) -> Option<Places> {
        let Place { page, at } = near;
        let on_page = self.directory.page(page)?;
        let at = on_page.find_again(group, metrics, at as usize);
        (!at.is_empty()).then_some(Places { page, at })
    }

    /// Overwrites metrics of a group at their places, the next ones.
    pub(super) fn overwrite(
        &mut self,
        group: GroupId,
        metrics: &[Rendered],
        places: &mut Iter<'_, Places>,
    ) {
        let mut rest = metrics;
        while !rest.is_empty()
            && let Some(Places { page, at }) = places.next()
        {
            let (here, after) = rest.split_at(at.len());
            rest = after;
            if let Some(page) = self.directory.page_mut(*page) {
                overwrite::overwrite(page, group, at, here);
            }
        }
    }

    /// Takes the metrics of a group with these keys, sorted, from their pages. Those of others stay.
    pub(super) fn remove(&mut self, group: GroupId, keys: &[SortKey]) {
        let mut rest = keys;
        while let Some(first) = rest.first() {
            let (page_key, run) = self.directory.run_on_one_page(rest, first, |key| key);
            if let Some(page) = self.directory.get(&page_key) {
                let draft = page.without(group, &rest[..run]);
                self.directory.store(page_key, draft);
            }
            rest = &rest[run..];
        }
    }

    /// The groups that have metrics here, each as often as it has.
    pub(super) fn owners(&self) -> impl Iterator<Item = GroupId> {
        self.iter()
            .flat_map(|page| page.entries.iter().map(|entry| entry.group))
    }
}

#[cfg(test)]
mod tests;
