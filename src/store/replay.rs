//! Rebuilding the state from the changes of a log, in time proportional to their bytes.
//!
//! Changes are first brought down to what the groups are in the end, without a look at what a scrape shows;
//! then each family is rendered, sorted and cut into pages once.

use std::collections::HashMap;
use std::sync::Arc;

use super::change::{Change, PushGauge, PushMode, StoredFamily};
use super::consistency::OwnFamily;
use super::state::State;
use crate::model::{GroupingKey, Timestamp};

/// A state in the making.
#[derive(Debug, Default)]
pub struct Replay {
    groups: HashMap<Arc<GroupingKey>, ReplayedGroup>,
}

#[derive(Debug, Default)]
struct ReplayedGroup {
    pushed: PushGauge,
    failed: PushGauge,
    /// Sorted by name.
    families: Vec<Arc<StoredFamily>>,
}

impl Replay {
    /// Takes in the next change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Push {
                key,
                mode,
                at,
                families,
            } => self.push(key, mode, at, families),
            Change::Refused { key, at } => {
                let group = self.group(key, at);
                group.failed = PushGauge::of(at);
            }
            Change::Delete { key } => {
                self.groups.remove(&key);
            }
            Change::Wipe => self.groups.clear(),
            Change::Group {
                key,
                pushed,
                failed,
                families,
            } => {
                self.groups.insert(
                    key,
                    ReplayedGroup {
                        pushed,
                        failed,
                        families,
                    },
                );
            }
        }
    }

    /// How many groups there are so far.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    fn push(
        &mut self,
        key: Arc<GroupingKey>,
        mode: PushMode,
        at: Timestamp,
        families: Vec<Arc<StoredFamily>>,
    ) {
        let group = self.group(key, at);
        group.pushed = PushGauge::of(at);
        match mode {
            PushMode::Replace => group.families = families,
            PushMode::Merge => merge(&mut group.families, families),
        }
    }

    /// The group with this key, made at this time if there is none.
    fn group(&mut self, key: Arc<GroupingKey>, at: Timestamp) -> &mut ReplayedGroup {
        let never = PushGauge {
            value: 0.0,
            stored_at: at,
        };
        let new = || ReplayedGroup {
            pushed: never,
            failed: never,
            families: Vec::new(),
        };
        self.groups.entry(key).or_insert_with(new)
    }

    /// The groups that the changes lead to, one [`Change::Group`] each, in the order in which they were last
    /// pushed to.
    pub fn into_groups(self) -> impl ExactSizeIterator<Item = Change> {
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_by(|(key, group), (other_key, other)| {
            (group.pushed.stored_at, key).cmp(&(other.pushed.stored_at, other_key))
        });
        let change = |(key, group): (_, ReplayedGroup)| Change::Group {
            key,
            pushed: group.pushed,
            failed: group.failed,
            families: group.families,
        };
        groups.into_iter().map(change)
    }

    /// The state that the changes lead to. Where groups clash, a scrape shows what was pushed later.
    pub(super) fn finish(self, own: &[OwnFamily]) -> Arc<State> {
        Arc::new(State::of_groups(self.into_groups(), own))
    }
}

/// Puts families in, in place of those of the same names. All are sorted by name.
fn merge(families: &mut Vec<Arc<StoredFamily>>, pushed: Vec<Arc<StoredFamily>>) {
    let mut added = Vec::new();
    for family in pushed {
        let name = &family.metadata.name;
        match families.binary_search_by(|here| here.metadata.name.cmp(name)) {
            Ok(at) => families[at] = family,
            Err(_) => added.push(family),
        }
    }
    if !added.is_empty() {
        families.append(&mut added);
        // Two sorted runs, which takes no longer than to go through them.
        families.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    }
}
