//! The metrics of one family over all groups: rendered, in scrape order, cut into pages.
//!
//! A page's text is both what a scrape sends and the index that tells who has which labels: a label set is
//! looked up by reading the labels back from the lines. So there is one resident form, a push touches the pages
//! its metrics are on, and a scrape hands out the pages as they are.
//!
//! Everything here is a value: editing makes new pages and shares the others with the old state.

use std::mem;
use std::ops::Bound;
use std::slice::Iter;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use smallvec::SmallVec;

use super::groups::GroupId;

mod draft;
mod overwrite;
mod page;
mod sort_key;

pub(super) use page::{Entry, Names, Page};
pub(super) use sort_key::SortKey;

use draft::Draft;

/// Text bytes above which a page is split in two. Small pages make a push cheap, large ones compress better.
const SPLIT_BYTES: usize = 16 * 1024;
/// Text bytes below which a page is joined with the one before it.
const JOIN_BYTES: usize = 2 * 1024;

/// The rendered metrics of one family, in the order in which a scrape shows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    /// Pages by the lowest [`SortKey`] that they may hold.
    pages: OrdMap<SortKey, Arc<Page>>,
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
    /// The key of their page.
    page: SortKey,
    /// Their places among the metrics there, in order.
    at: SmallVec<[u32; 4]>,
}

impl Places {
    /// Where the first metric of the run is on its page.
    pub(super) fn first(&self) -> u32 {
        self.at.first().copied().unwrap_or_default()
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
    /// Pages made at once of metrics that are sorted by key, no key twice.
    pub(super) fn from_sorted(mut metrics: Vec<(GroupId, Rendered)>) -> Self {
        let mut pages = Self::default();
        let mut rest = metrics.as_mut_slice();
        while !rest.is_empty() {
            let (page, after) = rest.split_at_mut(first_page(rest));
            let key = page[0].1.key.clone();
            page.sort_by(|(group, metric), (other_group, other)| {
                let tie = || (group, metric.index).cmp(&(other_group, other.index));
                metric.key.rank().cmp(other.key.rank()).then_with(tie)
            });
            let mut draft = Draft::default();
            for (group, metric) in page {
                draft.push(*group, metric);
            }
            pages.pages.insert(key, Arc::new(draft.into_page()));
            rest = after;
        }
        pages
    }

    /// The pages in scrape order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Page>> {
        self.pages.values()
    }

    /// Whether no metric is left.
    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Puts the metrics of a group, sorted by key, on their pages, replacing those of the same labels.
    ///
    /// Answers how many were replaced. Where another group has one of them, nothing is changed.
    pub(super) fn put(&mut self, group: GroupId, metrics: &[Rendered]) -> Result<usize, Duplicate> {
        let mut replaced = 0;
        let mut edited = self.pages.clone();
        let mut rest = metrics;
        while let Some(first) = rest.first() {
            let (page_key, run) = run_on_one_page(&edited, rest, &first.key, |metric| &metric.key);
            let page = edited.get(&page_key).map(Arc::clone).unwrap_or_default();
            let (draft, hits) = page.with(group, &rest[..run])?;
            replaced += hits;
            store_draft(&mut edited, page_key, draft);
            rest = &rest[run..];
        }
        self.pages = edited;
        Ok(replaced)
    }

    /// Adds the places of metrics, sorted by key, that a group pushes again. The first is likely near this place on its
    /// page.
    ///
    /// None if it has them not, or not under the same index, or if a page would become too long.
    pub(super) fn find_again(
        &self,
        group: GroupId,
        metrics: &[Rendered],
        mut near: u32,
        places: &mut Vec<Places>,
    ) -> Option<()> {
        let mut rest = metrics;
        while let Some(first) = rest.first() {
            let (key, page) = self.pages.get_prev(&first.key)?;
            let at = page.find_again(group, rest, mem::take(&mut near) as usize);
            if at.is_empty() {
                return None;
            }
            rest = &rest[at.len()..];
            let page = key.clone();
            places.push(Places { page, at });
        }
        Some(())
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
            if let Some(page) = self.pages.get_mut(page) {
                overwrite::overwrite(page, group, at, here);
            }
        }
    }

    /// Takes the metrics of a group with these keys, sorted, from their pages. Those of others stay.
    pub(super) fn remove(&mut self, group: GroupId, keys: &[SortKey]) {
        let mut rest = keys;
        while let Some(first) = rest.first() {
            let (page_key, run) = run_on_one_page(&self.pages, rest, first, |key| key);
            if let Some(page) = self.pages.get(&page_key).map(Arc::clone) {
                let draft = page.without(group, &rest[..run]);
                store_draft(&mut self.pages, page_key, draft);
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

/// How many of the metrics make a page: about half of what it may hold, if possible without parting equal ranks.
fn first_page(metrics: &[(GroupId, Rendered)]) -> usize {
    let mut bytes = 0;
    let fits = |(_, metric): &&(GroupId, Rendered)| {
        bytes += metric.text.len();
        bytes <= SPLIT_BYTES * 3 / 4
    };
    let longest = metrics.iter().take_while(fits).count().max(1);
    let Some((_, next)) = metrics.get(longest) else {
        return longest;
    };
    let is_lower = |(_, metric): &(GroupId, Rendered)| metric.key.rank() < next.key.rank();
    match metrics[..longest].partition_point(is_lower) {
        0 => longest,
        whole_ranks => whole_ranks,
    }
}

/// The page on which the first key belongs, and how many of the sorted items belong there too.
fn run_on_one_page<T>(
    pages: &OrdMap<SortKey, Arc<Page>>,
    items: &[T],
    first: &SortKey,
    key_of: impl Fn(&T) -> &SortKey,
) -> (SortKey, usize) {
    let page_key = pages
        .get_prev(first)
        .map(|(key, _)| key.clone())
        .unwrap_or_default();
    let next = pages
        .range((Bound::Excluded(page_key.clone()), Bound::Unbounded))
        .next();
    let run = match next {
        Some((next_key, _)) => items.partition_point(|item| key_of(item) < next_key),
        None => items.len(),
    };
    (page_key, run)
}

/// Stores what became of a page: cut up when too long, joined with its neighbour when too short.
fn store_draft(pages: &mut OrdMap<SortKey, Arc<Page>>, key: SortKey, draft: Draft) {
    if draft.text.len() > SPLIT_BYTES && draft.entries.len() > 1 {
        pages.remove(&key);
        let parts = draft.split().into_iter();
        pages.extend(parts.map(|(key, part)| (key, Arc::new(part.into_page()))));
        return;
    }
    if draft.entries.is_empty() {
        pages.remove(&key);
        return;
    }
    if draft.text.len() < JOIN_BYTES {
        let before = (Bound::Unbounded, Bound::Excluded(key.clone()));
        let neighbour = pages
            .range(before)
            .next_back()
            .map(|(key, page)| (key.clone(), Arc::clone(page)));
        if let Some((neighbour_key, neighbour)) = neighbour
            && neighbour.text().plain().len() + draft.text.len() <= SPLIT_BYTES / 2
        {
            pages.remove(&key);
            pages.insert(
                neighbour_key,
                Arc::new(neighbour.joined_with(&draft).into_page()),
            );
            return;
        }
    }
    pages.insert(key, Arc::new(draft.into_page()));
}

#[cfg(test)]
mod tests;
