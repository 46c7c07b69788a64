//! What can be asked of the store, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::Limits;
use super::change::Change;
use super::consistency::{Check, OwnFamily, Refusal};
use super::prepare::PreparedPush;
use crate::model::{GroupingKey, Timestamp};

/// What a store goes by.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether pushes are checked against what is there.
    pub check: Check,
    /// How much it takes.
    pub limits: Limits,
    /// Requests that may wait for the disk at a time; more are turned away.
    pub queued_requests: usize,
    /// The families that the gateway exposes of its own.
    pub own_families: Vec<OwnFamily>,
}

/// When a change is durable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Before it is visible and answered.
    EachCommit,
    /// Some time later, at most this long and the time of a write.
    Interval(Duration),
}

/// Something that is to be done to the store.
#[derive(Debug)]
pub enum Request {
    /// A push that is in order by itself.
    Push(PreparedPush),
    /// The note that a push was refused before it came to the store.
    Refused {
        /// The group that it was for.
        key: Arc<GroupingKey>,
        /// When it was received.
        at: Timestamp,
    },
    /// The deletion of a group, whether it is there or not.
    Delete(Arc<GroupingKey>),
    /// The deletion of all groups.
    Wipe,
    /// Groups from elsewhere, each taken unless the store has one that was pushed to later.
    Import(Vec<Change>),
}

/// Who waits for a request to be done. Called on a thread of the store; must not block.
pub trait Waiter: Send {
    /// Whether nobody waits any more, in which case the request is dropped if it was not begun.
    fn is_gone(&self) -> bool;
    /// The request is done, or will never be.
    fn done(self: Box<Self>, outcome: Result<(), Failure>);
}

/// Why a request was not done.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Failure {
    /// The request itself is the reason.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store is the reason; the same request may succeed later.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why the store can't do anything right now.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unavailable {
    /// The persistence file is still being read.
    #[error("the persistence file is still being loaded; try again")]
    Loading,
    /// Too many requests wait for the disk.
    #[error(
        "{limit} requests wait to be stored, which is the limit (--limit.queued-pushes); try again"
    )]
    QueueFull {
        /// How many may wait.
        limit: usize,
    },
    /// The change could not be written down, so it was undone.
    #[error("not stored: {0}")]
    NotStored(String),
    /// The process is about to end.
    #[error("the gateway is shutting down")]
    Closed,
}

/// Whether a push would be accepted and stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Readiness {
    /// It would.
    Ready,
    /// It would not, for this reason.
    NotReady(Unavailable),
}
