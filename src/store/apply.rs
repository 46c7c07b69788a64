//! Requests as they change the state.

use std::sync::Arc;

use super::change::{Change, PushMode};
use super::consistency::{Check, Refusal};
use super::prepare::PreparedPush;
use super::request::Request;
use super::state::{Rules, State};
use crate::model::{GroupingKey, Timestamp};

/// What a request changes, if anything, and whether it was refused.
pub(super) fn apply(
    state: &State,
    request: Request,
    rules: &Rules<'_>,
) -> (Option<Applied>, Result<(), Refusal>) {
    match request {
        Request::Push(push) => match state.pushed(&push, rules) {
            Ok(next) => (Some(Applied::one(next, push.to_change())), Ok(())),
            Err(refusal) if refusal.is_recorded() => (
                refused(state, push.grouping_key(), push.received_at(), rules),
                Err(refusal),
            ),
            Err(refusal) => (None, Err(refusal)),
        },
        Request::Refused { key, at } => (refused(state, &key, at, rules), Ok(())),
        Request::Delete(key) => {
            let next = state.without(&key, rules);
            (
                next.map(|next| Applied::one(next, Change::Delete { key })),
                Ok(()),
            )
        }
        Request::Wipe => (Some(Applied::one(state.wiped(), Change::Wipe)), Ok(())),
        Request::Import(groups) => match import(state, groups, rules) {
            Ok(applied) => (Some(applied), Ok(())),
            Err(refusal) => (None, Err(refusal)),
        },
    }
}

/// A request as it was done.
pub(super) struct Applied {
    /// The state after it.
    pub(super) state: State,
    /// What is to be written down of it.
    pub(super) changes: Vec<Change>,
}

impl Applied {
    fn one(state: State, change: Change) -> Self {
        Self {
            state,
            changes: vec![change],
        }
    }
}

/// The note that a push was refused; none if the group can't be made for it.
fn refused(
    state: &State,
    key: &Arc<GroupingKey>,
    at: Timestamp,
    rules: &Rules<'_>,
) -> Option<Applied> {
    let next = state.refused(key, at, rules).ok()?;
    Some(Applied::one(
        next,
        Change::Refused {
            key: Arc::clone(key),
            at,
        },
    ))
}

/// Takes groups that are newer than those of the same key, all or none.
fn import(state: &State, groups: Vec<Change>, rules: &Rules<'_>) -> Result<Applied, Refusal> {
    let rules = Rules {
        check: Check::Unchecked,
        ..*rules
    };
    let mut next = state.clone();
    let mut changes = Vec::with_capacity(groups.len());
    for change in groups {
        let Change::Group {
            key,
            pushed,
            failed,
            families,
        } = &change
        else {
            continue;
        };
        if next
            .group_of(key)
            .is_some_and(|group| group.pushed().value >= pushed.value)
        {
            continue;
        }
        let push = PreparedPush::from_stored(key, PushMode::Replace, pushed.stored_at, families);
        next = next.with_group(&push, *pushed, *failed, &rules)?;
        changes.push(change);
    }
    Ok(Applied {
        state: next,
        changes,
    })
}
