//! What was changed but not written down yet, where changes are written at intervals.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::change::Change;
use super::state::State;
use crate::model::GroupingKey;

/// Groups that were changed since the last write.
#[derive(Debug, Default)]
pub(super) struct Unkept {
    wiped: bool,
    groups: BTreeSet<Arc<GroupingKey>>,
}

impl Unkept {
    pub(super) fn is_empty(&self) -> bool {
        !self.wiped && self.groups.is_empty()
    }

    pub(super) fn note(&mut self, change: &Change) {
        match change {
            Change::Push { key, .. }
            | Change::Refused { key, .. }
            | Change::Delete { key }
            | Change::Group { key, .. } => {
                self.groups.insert(Arc::clone(key));
            }
            Change::Wipe => {
                *self = Self {
                    wiped: true,
                    groups: BTreeSet::new(),
                }
            }
        }
    }

    /// What leads from the state at the last write to this one.
    pub(super) fn changes(&self, state: &State) -> Vec<Change> {
        let wipe = self.wiped.then_some(Change::Wipe);
        let groups = self.groups.iter().map(|key| match state.group_of(key) {
            Some(group) => group.to_change(),
            None => Change::Delete {
                key: Arc::clone(key),
            },
        });
        wipe.into_iter().chain(groups).collect()
    }
}
