//! All of a push that can be done before the store is looked at: labels, checks, packing, rendering, sorting.

use std::sync::Arc;

use super::Limits;
use super::change::{Change, PushGauge, PushMode, StoredFamily};
use super::consistency::{Check, Refusal, check_family, check_metric, collected_before};
use super::exhibit::Exhibit;
use super::groups::{Exposed, Gauge, Group, GroupFamily, Unpacker};
use super::metadata::KnownMetadata;
use super::pages::{Rendered, SortKey};
use super::renderer::Renderer;
use super::shared_labels::SharedLabels;
use crate::exposition::protobuf;
use crate::model::{GroupingKey, Label, Metric, MetricFamily, Timestamp};

/// A push that could be exposed if it were alone, ready to be put into the store.
#[derive(Debug)]
pub struct PreparedPush {
    pub(super) key: Arc<GroupingKey>,
    pub(super) mode: PushMode,
    pub(super) at: Timestamp,
    /// Sorted by name, no name twice.
    pub(super) families: Vec<PreparedFamily>,
    /// The group's `push_time_seconds` after this push.
    pub(super) push_time: Option<Rendered>,
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
            .flat_map(|family| family.metrics.iter())
            .any(|(_, metric)| metric.timestamp_ms.is_some())
        {
            return Err(Refusal::Timestamps);
        }
        let shared = SharedLabels::of(&key);
        let count = families.iter().map(|family| family.metrics.len()).sum();
        let mut preparer = Preparer::new(&shared, families.len(), count);
        for family in families {
            let is_gauge = |gauge: &Gauge| gauge.name() == family.name;
            if !Gauge::ALL.iter().any(is_gauge) {
                preparer.add(family, at, rules)?;
            }
        }
        let (mut families, push_time) = preparer.finish(at);
        families.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(Self {
            key,
            mode,
            at,
            families,
            push_time,
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
            push_time: Preparer::new(&SharedLabels::of(key), 0, 0).finish(at).1,
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

    /// Takes metadata that is in the store already from there, so that what is equal shares its memory.
    pub(super) fn share_metadata(&mut self, exhibit: &Exhibit) {
        for family in &mut self.families {
            if let Some(stored) = Arc::get_mut(&mut family.stored) {
                exhibit.share_metadata(stored);
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
    /// What pushes said of their families lately.
    pub(super) known: &'a KnownMetadata,
}

/// Prepares the families of a push, all in the same buffers.
struct Preparer<'a> {
    shared: &'a SharedLabels<'a>,
    renderer: Renderer<'a>,
    /// Without their rendered metrics until those of all are there.
    families: Vec<PreparedFamily>,
    /// How many rendered metrics each of them has.
    rendered: Vec<usize>,
    /// The metric's labels.
    labels: Vec<Label<'a>>,
    /// The family's metrics.
    packed: Vec<u8>,
}

impl<'a> Preparer<'a> {
    /// For so many families and about so many metrics.
    fn new(shared: &'a SharedLabels<'a>, families: usize, metrics: usize) -> Self {
        Self {
            shared,
            renderer: Renderer::with_shared(shared.labels(), metrics + 1),
            families: Vec::with_capacity(families),
            rendered: Vec::with_capacity(families),
            labels: Vec::with_capacity(8),
            packed: Vec::with_capacity(256),
        }
    }

    fn add(
        &mut self,
        family: &'a MetricFamily<'_>,
        at: Timestamp,
        rules: &PrepareRules<'_>,
    ) -> Result<(), Refusal> {
        check_family(family, rules.limits)?;
        let start = self.renderer.position();
        self.packed.clear();
        for ((own, metric), index) in family.metrics.iter().zip(0..) {
            let labels = &mut self.labels;
            labels.clear();
            let own = own.iter().map(borrowed);
            self.shared.append_exposed(own, labels);
            check_metric(family, metric, labels, rules.limits)?;
            self.renderer.add(&family.name, labels, metric, index);
            pack(&mut self.packed, self.shared, labels, metric);
        }
        let metadata = rules
            .known
            .share(&family.name, family.help.as_deref(), family.metric_type);
        let prepared = PreparedFamily {
            stored: Arc::new(StoredFamily {
                metadata,
                pushed_at: at,
                packed: (*self.packed).into(),
            }),
            metrics: family.metrics.len(),
            rendered: Vec::new(),
            series: self.renderer.lines_from(start),
        };
        if let (Some(series), Check::Checked) = (self.renderer.sort_from(start), rules.check) {
            return Err(Refusal::Invalid(collected_before(&series)));
        }
        self.families.push(prepared);
        let rendered = self.renderer.position().metrics - start.metrics;
        self.rendered.push(rendered);
        Ok(())
    }

    /// The families, and the push time of the group.
    fn finish(mut self, at: Timestamp) -> (Vec<PreparedFamily>, Option<Rendered>) {
        Gauge::Pushed.render(&mut self.renderer, self.shared, PushGauge::of(at));
        let mut rendered = self.renderer.into_rendered();
        for (family, count) in self.families.iter_mut().zip(self.rendered) {
            family.rendered = rendered.by_ref().take(count).collect();
        }
        (self.families, rendered.next())
    }
}

impl PreparedFamily {
    /// A family that is at rest already, made ready to be exposed. Of metrics with the same labels the last
    /// one is.
    pub(super) fn from_stored(key: &GroupingKey, stored: &Arc<StoredFamily>) -> Self {
        let mut unpacker = Unpacker::default();
        let metrics = unpacker.unpack(key, stored);
        let mut renderer = Renderer::new(metrics.len());
        let start = renderer.position();
        renderer.add_all(&stored.metadata.name, metrics);
        let series = renderer.lines_from(start);
        renderer.sort_from(start);
        Self {
            stored: Arc::clone(stored),
            metrics: metrics.len(),
            rendered: renderer.into_rendered().collect(),
            series,
        }
    }

    /// A push gauge of a group, made ready to be exposed.
    pub(super) fn of_gauge(gauge: Gauge, group: &Group) -> Self {
        let value = gauge.value(group);
        let shared = SharedLabels::of(group.grouping_key());
        let mut packed = Vec::with_capacity(32);
        pack(&mut packed, &shared, shared.labels(), &value.metric());
        let stored = StoredFamily {
            metadata: Arc::clone(gauge.metadata()),
            pushed_at: value.stored_at,
            packed: packed.into(),
        };
        Self::from_stored(group.grouping_key(), &Arc::new(stored))
    }

    /// The metric name.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.stored.metadata.name
    }

    /// As it is at rest in a group.
    pub(super) fn as_group_family(&self) -> GroupFamily {
        GroupFamily::new(Arc::clone(&self.stored), self.metrics, self.series)
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
    let mut unpacker = Unpacker::default();
    let metrics = unpacker.unpack(key, stored).iter();
    let mut buffer = Vec::with_capacity(128);
    let mut keys: Vec<_> = metrics
        .map(|(labels, _)| SortKey::of(labels, &mut buffer))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
