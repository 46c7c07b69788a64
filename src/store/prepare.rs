//! All of a push that can be done before the store is looked at: labels, checks, packing, rendering, sorting.

use std::sync::Arc;

use super::Limits;
use super::change::{Change, PushMode, StoredFamily};
use super::consistency::{Check, Refusal, check_family, check_metric};
use super::exhibit::Exhibit;
use super::groups::{Exposed, GroupFamily, unpack};
use super::pages::{Rendered, SortKey};
use super::renderer::Renderer;
use super::shared_labels::SharedLabels;
use crate::exposition::protobuf;
use crate::model::{
    GroupingKey, Label, Metric, MetricFamily, PUSH_FAILURE_TIME_SECONDS, PUSH_TIME_SECONDS,
    Timestamp,
};

/// A push that could be exposed if it were alone, ready to be put into the store.
#[derive(Debug)]
pub struct PreparedPush {
    pub(super) key: Arc<GroupingKey>,
    pub(super) mode: PushMode,
    pub(super) at: Timestamp,
    /// Sorted by name, no name twice.
    pub(super) families: Vec<PreparedFamily>,
}

/// A family of a push: at rest, and as a scrape shows it.
#[derive(Clone, Debug)]
pub(super) struct PreparedFamily {
    pub(super) stored: Arc<StoredFamily>,
    /// How many metrics there are at rest.
    pub(super) metrics: usize,
    /// Sorted by key, no key twice.
    pub(super) rendered: Vec<Rendered>,
    /// How many sample lines there are.
    pub(super) series: usize,
}

impl PreparedPush {
    /// Prepares the push of these families, received at this time. Families that claim to be the gateway's push
    /// gauges are dropped.
    pub(super) fn new(
        key: Arc<GroupingKey>,
        mode: PushMode,
        at: Timestamp,
        families: &[MetricFamily<'_>],
        rules: &PrepareRules<'_>,
    ) -> Result<Self, Refusal> {
        if families
            .iter()
            .flat_map(|family| &family.metrics)
            .any(|metric| metric.timestamp_ms.is_some())
        {
            return Err(Refusal::Timestamps);
        }
        let shared = SharedLabels::of(&key);
        let mut prepared = families
            .iter()
            .filter(|family| {
                ![PUSH_TIME_SECONDS, PUSH_FAILURE_TIME_SECONDS].contains(&&*family.name)
            })
            .map(|family| PreparedFamily::new(&shared, at, family, rules))
            .collect::<Result<Vec<_>, _>>()?;
        prepared.sort_by(|a, b| a.stored.name.cmp(&b.stored.name));
        Ok(Self {
            key,
            mode,
            at,
            families: prepared,
        })
    }

    /// A push that was accepted before, of families that are at rest.
    pub(super) fn from_stored(
        key: &Arc<GroupingKey>,
        mode: PushMode,
        at: Timestamp,
        families: &[Arc<StoredFamily>],
    ) -> Self {
        let families = families
            .iter()
            .map(|stored| PreparedFamily::from_stored(key, stored))
            .collect();
        Self {
            key: Arc::clone(key),
            mode,
            at,
            families,
        }
    }

    /// The group pushed to.
    pub fn grouping_key(&self) -> &Arc<GroupingKey> {
        &self.key
    }

    /// When it was received.
    pub fn received_at(&self) -> Timestamp {
        self.at
    }

    /// Takes names and helps that are in the store already from there, so that equal ones share their memory.
    pub(super) fn share_words(&mut self, exhibit: &Exhibit) {
        for family in &mut self.families {
            if let Some(stored) = Arc::get_mut(&mut family.stored) {
                exhibit.share_words(stored);
            }
        }
    }

    /// Its families as they are at rest.
    pub(super) fn into_stored(self) -> impl Iterator<Item = Arc<StoredFamily>> {
        self.families.into_iter().map(|family| family.stored)
    }

    /// What is written down of it once it was accepted.
    pub(super) fn to_change(&self) -> Change {
        let families = self.families.iter();
        Change::Push {
            key: Arc::clone(&self.key),
            mode: self.mode,
            at: self.at,
            families: families.map(|family| Arc::clone(&family.stored)).collect(),
        }
    }
}

/// What [`PreparedPush::new`] goes by.
#[derive(Clone, Copy)]
pub(super) struct PrepareRules<'a> {
    pub(super) check: Check,
    pub(super) limits: &'a Limits,
}

impl PreparedFamily {
    fn new<'a>(
        shared: &SharedLabels<'a>,
        at: Timestamp,
        family: &'a MetricFamily<'_>,
        rules: &PrepareRules<'_>,
    ) -> Result<Self, Refusal> {
        check_family(family, rules.limits)?;
        let count = family.metrics.len();
        let mut renderer = Renderer::new(&family.name, count);
        let mut packed = Vec::with_capacity(count * 32);
        let mut labels = Vec::with_capacity(8);
        for metric in &family.metrics {
            labels.clear();
            labels.extend(metric.labels.iter().map(borrowed));
            shared.add_to(&mut labels);
            check_metric(family, metric, &labels, rules.limits)?;
            renderer.add(&labels, metric);
            pack(&mut packed, shared, &labels, metric);
        }
        let (on_pages, series) = renderer.finish(rules.check)?;
        Ok(Self {
            stored: Arc::new(StoredFamily::of(family, at, &packed)),
            metrics: count,
            rendered: on_pages,
            series,
        })
    }

    /// A family that is at rest already, made ready to be exposed. Of metrics with the same labels the last
    /// one is.
    pub(super) fn from_stored(key: &GroupingKey, stored: &Arc<StoredFamily>) -> Self {
        Self::exposed(Arc::clone(stored), &unpack(key, stored))
    }

    /// A family that is known to be in order, such as a push gauge, made ready to be exposed.
    pub(super) fn from_family(key: &GroupingKey, family: &MetricFamily<'_>, at: Timestamp) -> Self {
        let shared = SharedLabels::of(key);
        let mut packed = Vec::with_capacity(family.metrics.len() * 32);
        for metric in &family.metrics {
            pack(&mut packed, &shared, &metric.labels, metric);
        }
        Self::exposed(Arc::new(StoredFamily::of(family, at, &packed)), family)
    }

    /// A family at rest, whose metrics come with all labels that they are exposed with.
    fn exposed(stored: Arc<StoredFamily>, family: &MetricFamily<'_>) -> Self {
        let metrics = family.metrics.len();
        let mut renderer = Renderer::new(&family.name, metrics);
        renderer.add_all(family);
        let (on_pages, series) = renderer.finish(Check::Unchecked).unwrap_or_default();
        Self {
            stored,
            metrics,
            rendered: on_pages,
            series,
        }
    }

    /// As it is at rest in a group.
    pub(super) fn as_group_family(&self) -> GroupFamily {
        GroupFamily {
            stored: Arc::clone(&self.stored),
            metrics: self.metrics,
            series: self.series,
        }
    }

    /// As if none of its metrics were on the pages.
    pub(super) fn exposed_as_nothing<'a>(&'a self, key: &'a GroupingKey) -> Exposed<'a> {
        Exposed {
            key,
            stored: &self.stored,
            metrics: 0,
        }
    }
}

impl StoredFamily {
    /// A family at rest, whose metrics were packed.
    pub(super) fn of(family: &MetricFamily<'_>, pushed_at: Timestamp, packed: &[u8]) -> Self {
        Self {
            name: (&*family.name).into(),
            help: family.help.as_deref().map(Into::into),
            metric_type: family.metric_type,
            pushed_at,
            packed: packed.into(),
        }
    }
}

/// The same label, without a copy.
fn borrowed<'a>(label: &'a Label<'_>) -> Label<'a> {
    Label::new(&*label.name, &*label.value)
}

/// Appends a metric as it is at rest: without those of its labels that all metrics of the group have.
fn pack(
    packed: &mut Vec<u8>,
    shared: &SharedLabels<'_>,
    labels: &[Label<'_>],
    metric: &Metric<'_>,
) {
    let own = labels.iter().filter(|label| !shared.has(label));
    let own = own.map(|label| (&*label.name, &*label.value));
    protobuf::append_metric(packed, own, metric);
}

/// The keys under which the metrics of a stored family are exposed, sorted.
pub(super) fn sort_keys(key: &GroupingKey, stored: &StoredFamily) -> Vec<SortKey> {
    let family = unpack(key, stored);
    let mut buffer = Vec::with_capacity(128);
    let mut keys: Vec<_> = family
        .metrics
        .iter()
        .map(|metric| SortKey::of(&metric.labels, &mut buffer))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
