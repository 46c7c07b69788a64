//! The state of the gateway: all groups, what a scrape of them shows, and their commit to disk.
//!
//! [`Store`] is the one handle that other modules hold. Reading takes a [`Snapshot`], which never changes and
//! never waits. Changing goes through [`Store::submit`]: one request after the other, visible only once it is
//! as durable as promised. No lock, channel or file path leaves this module.

use std::sync::Arc;

mod apply;
mod change;
mod commit;
mod consistency;
mod deflate;
mod escaped;
mod exhibit;
mod families;
mod groups;
mod listed;
mod metadata;
mod pages;
mod prepare;
mod renderer;
mod replay;
mod request;
mod scrape;
mod shared_labels;
mod state;
#[cfg(test)]
mod tests;
mod translate;
mod unkept;

pub mod log;
pub mod persistence;
pub mod record;
pub mod upstream;

pub use change::{Change, PushGauge, PushMode, StoredFamily};
pub use commit::Store;
pub use consistency::{Check, HelpRule, OwnFamily, Refusal};
pub use deflate::Run;
pub use groups::{Group, PushedFamily};
pub use metadata::Metadata;
pub use prepare::PreparedPush;
pub use replay::Replay;
pub use request::{Durability, Failure, Options, Readiness, Request, Unavailable, Waiter};
pub use scrape::Scraped;
pub use translate::{Imported, export, import};

use crate::exposition::negotiation::{Compression, ScrapeFormat};
use crate::model::{GroupingKey, MetricFamily, Timestamp};
use state::State;

/// How much the store takes. Every limit is a flag of the gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Groups in all.
    pub groups: usize,
    /// Sample lines in all, the push gauges not counted.
    pub series: usize,
    /// Sample lines of one group.
    pub series_per_group: usize,
    /// Labels of one metric, those of the grouping key among them.
    pub labels_per_series: usize,
    /// Bytes of a label name or metric name.
    pub label_name_bytes: usize,
    /// Bytes of a label value.
    pub label_value_bytes: usize,
    /// Bytes of a help.
    pub help_bytes: usize,
}

impl Limits {
    /// No limits: for what was accepted before.
    pub fn unlimited() -> Self {
        Self {
            groups: usize::MAX,
            series: usize::MAX,
            series_per_group: usize::MAX,
            labels_per_series: usize::MAX,
            label_name_bytes: usize::MAX,
            label_value_bytes: usize::MAX,
            help_bytes: usize::MAX,
        }
    }
}

/// The store at one moment. Cheap to take and to keep; later changes don't touch it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(Arc<State>);

impl Snapshot {
    /// The groups in the order of their grouping keys.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Arc<Group>> {
        self.0.groups()
    }

    /// The group with this grouping key.
    pub fn group(&self, key: &GroupingKey) -> Option<&Arc<Group>> {
        self.0.group_of(key)
    }

    /// How many sample lines the groups have, the push gauges not counted.
    pub fn series(&self) -> usize {
        self.0.series()
    }

    /// How many families of groups no scrape shows, since they clash with what was pushed later.
    pub fn left_out(&self) -> usize {
        self.0.exhibit().left_out().len()
    }

    /// The body of a scrape in this format, with the gateway's own metrics, sorted by name, merged in.
    pub fn scrape(
        &self,
        own: &[MetricFamily<'_>],
        format: ScrapeFormat,
        compression: Compression,
    ) -> Scraped {
        scrape::scrape(&self.0, own, format, compression)
    }

    /// Whether such a scrape is just a list of what is there: one was made since the last change.
    pub fn is_listed(&self, format: ScrapeFormat, compression: Compression) -> bool {
        scrape::is_listed(&self.0, format, compression)
    }

    /// Every group as a change that makes it: the contents of an export.
    pub fn changes(&self) -> impl Iterator<Item = Change> + Send + 'static {
        state::changes(&self.0)
    }
}

impl Store {
    /// Prepares a push of these families, received at this time: all of the work that needs no other group.
    pub fn prepare(
        &self,
        key: Arc<GroupingKey>,
        mode: PushMode,
        at: Timestamp,
        families: &[MetricFamily<'_>],
    ) -> Result<PreparedPush, Refusal> {
        let options = self.options();
        let rules = prepare::PrepareRules {
            check: options.check,
            limits: &options.limits,
            known: self.known_metadata(),
        };
        PreparedPush::new(key, mode, at, families, &rules)
    }
}
