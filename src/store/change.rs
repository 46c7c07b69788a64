//! What happens to the store, as values: the unit of commit and of the log.

use std::sync::Arc;

use super::metadata::Metadata;
use crate::model::{GroupingKey, Timestamp};

/// One change of the store's state. Applied in the order in which they were committed, changes give the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A push that was accepted.
    Push {
        /// The group pushed to.
        key: Arc<GroupingKey>,
        /// What becomes of the group's other families.
        mode: PushMode,
        /// When the push was received.
        at: Timestamp,
        /// The pushed families, sorted by name, no name twice.
        families: Vec<Arc<StoredFamily>>,
    },
    /// A push that was refused, which its group's failure gauge tells.
    Refused {
        /// The group that was to be changed; it exists from now on.
        key: Arc<GroupingKey>,
        /// When the push was received.
        at: Timestamp,
    },
    /// The deletion of a group.
    Delete {
        /// The group.
        key: Arc<GroupingKey>,
    },
    /// The deletion of all groups.
    Wipe,
    /// A group as a whole, replacing what there was of it: from a compacted log, an export or an import.
    Group {
        /// The group.
        key: Arc<GroupingKey>,
        /// Its `push_time_seconds`.
        pushed: PushGauge,
        /// Its `push_failure_time_seconds`.
        failed: PushGauge,
        /// Its families, sorted by name, no name twice, the two gauges not among them.
        families: Vec<Arc<StoredFamily>>,
    },
}

/// What a push does with families of its group that it does not name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PushMode {
    /// PUT: they go.
    Replace,
    /// POST: they stay.
    Merge,
}

/// One of the two gauges that the gateway adds to each group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PushGauge {
    /// Seconds since the Unix epoch, or 0 for never.
    pub value: f64,
    /// When the gauge was set; the JSON API shows it.
    pub stored_at: Timestamp,
}

impl PushGauge {
    /// Of a push received at this time.
    pub(super) fn of(at: Timestamp) -> Self {
        Self {
            value: at.as_seconds(),
            stored_at: at,
        }
    }
}

/// One family of one group, at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFamily {
    /// What it says of itself, mostly shared with those of other groups.
    pub metadata: Arc<Metadata>,
    /// The push that stored it.
    pub pushed_at: Timestamp,
    /// The metrics in pushed order as protobuf: `metric` fields (number 4) of a `MetricFamily`, one after the
    /// other, each without the labels that every metric of the group has: the grouping key's, and an empty
    /// `instance` if the key has none.
    pub packed: Box<[u8]>,
}
