//! A group at rest: its grouping key, its push times and its families.

use std::sync::{Arc, LazyLock};

use super::change::{Change, PushGauge, StoredFamily};
use super::metadata::Metadata;
use super::pages::Place;
use super::prepare::PreparedFamily;
use super::renderer::Renderer;
use super::shared_labels::SharedLabels;
use crate::exposition::protobuf;
use crate::model::{
    GroupingKey, Label, Metric, MetricFamily, MetricType, Metrics, PUSH_FAILURE_TIME_SECONDS,
    PUSH_TIME_SECONDS, Timestamp, Value,
};

/// Names a group for as long as it lives; never used again in the life of the process.
pub(super) type GroupId = u64;

/// All that was pushed under one grouping key, and when.
#[derive(Clone, Debug)]
pub struct Group {
    pub(super) id: GroupId,
    key: Arc<GroupingKey>,
    pub(super) pushed: PushGauge,
    pub(super) failed: PushGauge,
    /// Where `push_time_seconds` was last found.
    pub(super) push_time_place: Place,
    /// Sorted by name, the two push gauges not among them.
    pub(super) families: Vec<GroupFamily>,
}

/// A family of a group at rest, with its size.
#[derive(Clone, Debug)]
pub(super) struct GroupFamily {
    pub(super) stored: Arc<StoredFamily>,
    /// How many metrics it has.
    metrics: u32,
    /// How many sample lines it has in a scrape.
    series: u32,
    /// Where its first metric was last found.
    pub(super) place: Place,
}

/// A family of a group as it stands on the pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exposed<'a> {
    /// The group's grouping key.
    pub(super) key: &'a GroupingKey,
    /// The family.
    pub(super) stored: &'a StoredFamily,
    /// How many metrics of it are exposed.
    pub(super) metrics: usize,
}

/// The gauges that the gateway adds to each group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gauge {
    /// `push_time_seconds`.
    Pushed,
    /// `push_failure_time_seconds`.
    Failed,
}

/// A family of a group as it was pushed, with the labels that it is exposed with.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedFamily<'a> {
    /// The family, its metrics in pushed order, their labels sorted by name.
    pub family: MetricFamily<'a>,
    /// The push that stored it.
    pub pushed_at: Timestamp,
}

impl Group {
    /// A group that nothing was pushed to yet.
    pub(super) fn new(id: GroupId, key: Arc<GroupingKey>) -> Self {
        let never = PushGauge::default();
        Self {
            id,
            key,
            pushed: never,
            failed: never,
            push_time_place: Place::default(),
            families: Vec::new(),
        }
    }

    /// The group that a change makes, its families not measured yet.
    pub(super) fn of_change(id: GroupId, change: Change) -> Option<Self> {
        let Change::Group {
            key,
            pushed,
            failed,
            families,
        } = change
        else {
            return None;
        };
        let unmeasured = |stored| GroupFamily::new(stored, 0, 0);
        let families = families.into_iter().map(unmeasured).collect();
        Some(Self {
            id,
            key,
            pushed,
            failed,
            push_time_place: Place::default(),
            families,
        })
    }

    /// What identifies the group.
    pub fn grouping_key(&self) -> &Arc<GroupingKey> {
        &self.key
    }

    /// When it was last pushed to with success.
    pub fn pushed(&self) -> PushGauge {
        self.pushed
    }

    /// When a push to it was last refused.
    pub fn failed(&self) -> PushGauge {
        self.failed
    }

    /// Whether no push was refused since the last one that succeeded.
    pub fn last_push_successful(&self) -> bool {
        self.failed.value <= self.pushed.value
            || self.failed.value.is_nan()
            || self.pushed.value.is_nan()
    }

    /// The families as the JSON API and the status page show them: sorted by name, the push gauges among them.
    pub fn families(&self) -> Vec<PushedFamily<'_>> {
        let mut families: Vec<_> = self
            .stored_families()
            .map(|stored| self.pushed_family(stored))
            .collect();
        families.extend(self.push_gauges());
        families.sort_by(|a, b| a.family.name.cmp(&b.family.name));
        families
    }

    /// The families at rest, without the push gauges.
    pub fn stored_families(&self) -> impl ExactSizeIterator<Item = &Arc<StoredFamily>> {
        self.families.iter().map(|family| &family.stored)
    }

    /// How many sample lines its families have in a scrape, the push gauges not counted.
    pub fn series(&self) -> usize {
        self.families.iter().map(GroupFamily::series).sum()
    }

    /// The change that makes the group as it is.
    pub(super) fn to_change(&self) -> Change {
        Change::Group {
            key: Arc::clone(&self.key),
            pushed: self.pushed,
            failed: self.failed,
            families: self.stored_families().cloned().collect(),
        }
    }

    pub(super) fn family(&self, name: &str) -> Option<&GroupFamily> {
        let at = self.place(name).ok()?;
        Some(&self.families[at])
    }

    /// The family of that name, be it one of the push gauges.
    pub(super) fn family_or_gauge(&self, name: &str) -> Option<GroupFamily> {
        match Gauge::ALL.into_iter().find(|gauge| gauge.name() == name) {
            Some(gauge) => Some(gauge.prepared(self).as_group_family()),
            None => self.family(name).cloned(),
        }
    }

    /// Puts a family in, in place of the one of that name, if there is one.
    pub(super) fn put(&mut self, family: GroupFamily) {
        match self.place(&family.stored.metadata.name) {
            Ok(at) => self.families[at] = family,
            Err(at) => self.families.insert(at, family),
        }
    }

    /// The place among the families of the one with this name, which is likely `guess`.
    pub(super) fn place_near(&self, guess: usize, metadata: &Arc<Metadata>) -> Option<usize> {
        let name = &metadata.name;
        let is_here = |family: &GroupFamily| {
            let here = &family.stored.metadata;
            // It is shared, which spares a look at the name.
            Arc::ptr_eq(here, metadata) || here.name == *name
        };
        if self.families.get(guess).is_some_and(is_here) {
            return Some(guess);
        }
        self.place(name).ok()
    }

    /// Takes all families out that are not about to be replaced.
    pub(super) fn take_all_but(&mut self, kept: &[PreparedFamily]) -> Vec<GroupFamily> {
        let is_kept = |family: &GroupFamily| {
            kept.binary_search_by(|other| other.name().cmp(&family.stored.metadata.name))
                .is_ok()
        };
        let (kept, gone) = std::mem::take(&mut self.families)
            .into_iter()
            .partition(is_kept);
        self.families = kept;
        gone
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.families
            .binary_search_by(|family| (*family.stored.metadata.name).cmp(name))
    }

    /// One of the families, taken out of rest.
    pub(super) fn pushed_family<'a>(&'a self, stored: &'a StoredFamily) -> PushedFamily<'a> {
        let mut unpacker = Unpacker::default();
        unpacker.unpack(&self.key, stored);
        PushedFamily {
            family: MetricFamily {
                name: (&*stored.metadata.name).into(),
                help: stored.metadata.help.as_deref().map(Into::into),
                metric_type: stored.metadata.metric_type,
                metrics: unpacker.metrics,
            },
            pushed_at: stored.pushed_at,
        }
    }

    /// The two gauges that the gateway adds to the group.
    fn push_gauges(&self) -> impl Iterator<Item = PushedFamily<'_>> {
        Gauge::ALL.into_iter().map(|gauge| {
            let value = gauge.value(self);
            PushedFamily {
                family: gauge.family(&self.key, value),
                pushed_at: value.stored_at,
            }
        })
    }
}

impl GroupFamily {
    /// A family of so many metrics and sample lines, of which a push has far fewer than the type can count.
    pub(super) fn new(stored: Arc<StoredFamily>, metrics: usize, series: usize) -> Self {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            stored,
            metrics: count(metrics),
            series: count(series),
            place: Place::default(),
        }
    }

    /// Takes the metadata of another family, if it is equal, for what is equal shares its memory.
    pub(super) fn share_metadata(&mut self, other: &Self) {
        let (metadata, known) = (&self.stored.metadata, &other.stored.metadata);
        if !Arc::ptr_eq(metadata, known) && metadata == known {
            Arc::make_mut(&mut self.stored).metadata = Arc::clone(known);
        }
    }

    /// How many metrics it has.
    pub(super) fn metrics(&self) -> usize {
        self.metrics as usize
    }

    /// How many sample lines it has in a scrape.
    pub(super) fn series(&self) -> usize {
        self.series as usize
    }

    /// As it stands on the pages.
    pub(super) fn exposed<'a>(&'a self, key: &'a GroupingKey) -> Exposed<'a> {
        Exposed {
            key,
            stored: &self.stored,
            metrics: self.metrics(),
        }
    }
}

impl Gauge {
    pub(super) const ALL: [Self; 2] = [Self::Failed, Self::Pushed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pushed => PUSH_TIME_SECONDS,
            Self::Failed => PUSH_FAILURE_TIME_SECONDS,
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Pushed => "Last Unix time when changing this group in the Pushgateway succeeded.",
            Self::Failed => "Last Unix time when changing this group in the Pushgateway failed.",
        }
    }

    /// What it says of a group.
    pub(super) fn value(self, group: &Group) -> PushGauge {
        match self {
            Self::Pushed => group.pushed,
            Self::Failed => group.failed,
        }
    }

    pub(super) fn set(self, group: &mut Group, value: PushGauge) {
        match self {
            Self::Pushed => group.pushed = value,
            Self::Failed => group.failed = value,
        }
    }

    /// Renders its one metric as it would be exposed with this value.
    pub(super) fn render(
        self,
        renderer: &mut Renderer<'_>,
        shared: &SharedLabels<'_>,
        value: PushGauge,
    ) {
        renderer.add(self.name(), shared.labels(), &value.metric(), 0);
    }

    /// Ready to be exposed.
    pub(super) fn prepared(self, group: &Group) -> PreparedFamily {
        PreparedFamily::of_gauge(self, group)
    }

    /// What it says of itself, the same for all groups.
    pub(super) fn metadata(self) -> &'static Arc<Metadata> {
        static OF: LazyLock<[Arc<Metadata>; 2]> = LazyLock::new(|| {
            Gauge::ALL.map(|gauge| {
                Arc::new(Metadata {
                    name: gauge.name().into(),
                    help: Some(gauge.help().into()),
                    metric_type: MetricType::Gauge,
                })
            })
        });
        let [failed, pushed] = &*OF;
        match self {
            Self::Pushed => pushed,
            Self::Failed => failed,
        }
    }

    fn family(self, key: &GroupingKey, gauge: PushGauge) -> MetricFamily<'_> {
        let shared = SharedLabels::of(key);
        let labels = shared.labels().iter().cloned();
        MetricFamily {
            name: self.name().into(),
            help: Some(self.help().into()),
            metric_type: MetricType::Gauge,
            metrics: Metrics::from_iter([(labels, gauge.metric())]),
        }
    }
}

impl PushGauge {
    /// As it is exposed.
    pub(super) fn metric(self) -> Metric<'static> {
        Value::Gauge(self.value).into()
    }
}

/// Takes families out of rest, one after the other in the same memory.
#[derive(Default)]
pub(super) struct Unpacker<'a> {
    shared: SharedLabels<'a>,
    metrics: Metrics<'a>,
    /// What the labels of all metrics were in before.
    spare: Vec<Label<'a>>,
}

impl<'a> Unpacker<'a> {
    /// The metrics of a family at rest with the labels back that they are exposed with.
    pub(super) fn unpack(
        &mut self,
        key: &'a GroupingKey,
        stored: &'a StoredFamily,
    ) -> &Metrics<'a> {
        self.metrics.clear();
        // What is at rest was packed by this program or checked when it was read; if it is broken nonetheless, an
        // empty family is better than an end of the process.
        if protobuf::decode_metrics_to(&stored.packed, &mut self.metrics).is_err() {
            self.metrics.clear();
        }
        self.shared.become_those_of(key);
        let shared = &self.shared;
        self.metrics.map_labels(&mut self.spare, |own, labels| {
            shared.append_exposed(own.iter().cloned(), labels);
        });
        &self.metrics
    }
}
