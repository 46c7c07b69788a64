//! The pages of a family, by number and in order.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use super::draft::Draft;
use super::page::Page;
use super::{SPLIT_BYTES, SortKey};

/// Text bytes below which a page is joined with the one before it.
const JOIN_BYTES: usize = 2 * 1024;

/// Names a page of a family, from one on; never used again.
pub(super) type PageNumber = u32;

/// All pages of a family.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    /// Pages by the lowest [`SortKey`] that they may hold.
    order: OrdMap<SortKey, PageNumber>,
    /// Whoever knows a number is spared to compare keys, which are long.
    by_number: OrdMap<PageNumber, Arc<Page>>,
    /// The highest number so far.
    last: PageNumber,
}

impl Directory {
    /// The pages in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Page>> {
        self.order.values().map(|number| &self.by_number[number])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The page of this number, if there is one still.
    pub(super) fn page(&self, number: PageNumber) -> Option<&Arc<Page>> {
        self.by_number.get(&number)
    }

    /// The same, to change it.
    pub(super) fn page_mut(&mut self, number: PageNumber) -> Option<&mut Arc<Page>> {
        self.by_number.get_mut(&number)
    }

    /// The page on which the key belongs.
    pub(super) fn page_of(&self, key: &SortKey) -> Option<PageNumber> {
        self.order.get_prev(key).map(|(_, number)| *number)
    }

    /// The page with this lowest key.
    pub(super) fn get(&self, key: &SortKey) -> Option<&Arc<Page>> {
        self.by_number.get(self.order.get(key)?)
    }

    /// The page on which the first key belongs, and how many of the sorted items belong there too.
    pub(super) fn run_on_one_page<T>(
        &self,
        items: &[T],
        first: &SortKey,
        key_of: impl Fn(&T) -> &SortKey,
    ) -> (SortKey, usize) {
        let page_key = self.order.get_prev(first).map(|(key, _)| key.clone());
        let page_key = page_key.unwrap_or_default();
        let behind = (Bound::Excluded(page_key.clone()), Bound::Unbounded);
        let run = match self.order.range(behind).next() {
            Some((next_key, _)) => items.partition_point(|item| key_of(item) < next_key),
            None => items.len(),
        };
        (page_key, run)
    }

    /// Stores what became of a page: cut up when too long, joined with its neighbour when too short.
    pub(super) fn store(&mut self, key: SortKey, draft: Draft) {
        if draft.text.len() > SPLIT_BYTES && draft.entries.len() > 1 {
            self.remove(&key);
            for (key, part) in draft.split() {
                self.insert(key, part);
            }
            return;
        }
        if draft.entries.is_empty() {
            self.remove(&key);
            return;
        }
        if draft.text.len() < JOIN_BYTES
            && let Some((neighbour_key, neighbour)) = self.page_before(&key)
            && neighbour.text().plain().len() + draft.text.len() <= SPLIT_BYTES / 2
        {
            let joined = neighbour.joined_with(&draft);
            self.remove(&key);
            self.insert(neighbour_key, joined);
            return;
        }
        self.insert(key, draft);
    }

    fn page_before(&self, key: &SortKey) -> Option<(SortKey, &Arc<Page>)> {
        let before = (Bound::Unbounded, Bound::Excluded(key.clone()));
        let (key, page) = self.order.range(before).next_back()?;
        Some((key.clone(), self.by_number.get(page)?))
    }

    /// Puts a page in, in place of the one with that key, if there is one.
    pub(super) fn insert(&mut self, key: SortKey, draft: Draft) {
        // An entry to be changed is copied, with its neighbours, if a snapshot has it too; mostly nothing changes here.
        let known = self.order.get(&key).copied();
        let number = known.unwrap_or_else(|| {
            self.last += 1;
            self.order.insert(key, self.last);
            self.last
        });
        self.by_number.insert(number, Arc::new(draft.into_page()));
    }

    fn remove(&mut self, key: &SortKey) {
        if let Some(number) = self.order.remove(key) {
            self.by_number.remove(&number);
        }
    }
}
