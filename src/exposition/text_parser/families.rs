//! Puts the samples of a body together into metric families.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

use super::error::Stop;
use super::label_buffer::LabelBuffer;
use super::samples::{self, Part};
use crate::exposition::TooLarge;
use crate::exposition::family_index::FamilyIndex;
use crate::exposition::limits::Budget;
use crate::model::{
    Bucket, Counter, Histogram, Label, Metric, MetricFamily, MetricType, Metrics, Summary, Value,
    is_legacy_metric_name,
};

/// The families of a body so far, in order of first appearance.
#[derive(Default)]
pub(super) struct Families<'a> {
    all: Vec<Family<'a>>,
    by_name: FamilyIndex<Cow<'a, str>>,
    /// For summaries and histograms: from the family and the hash of a label set to the metric that has it. If
    /// different label sets have the same hash, the later ones are under the next free numbers.
    by_labels: HashMap<(usize, u64), usize>,
    /// The name that was selected last; the next line mostly has the same.
    pub(super) recent: Option<Recent<'a>>,
}

/// A family on its way.
pub(super) struct Family<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) help: Option<Cow<'a, str>>,
    /// Absent until there was a TYPE line or a sample.
    pub(super) metric_type: Option<MetricType>,
    metrics: Metrics<'a>,
    /// The metric that was found last; the next line mostly belongs to the same.
    recent: usize,
}

/// A name that lines were about. A name never changes its target.
#[derive(Clone, Copy)]
pub(super) struct Recent<'a> {
    pub(super) name: &'a str,
    pub(super) target: Target,
    /// Whether the name needs no quotes.
    pub(super) is_bare: bool,
}

/// What a line about some name is about.
#[derive(Clone, Copy)]
pub(super) struct Target {
    family: usize,
    part: Part,
}

impl<'a> Families<'a> {
    /// What lines about this name are about: the family of that name; or the summary or histogram that the name
    /// is a part of; or a new family.
    pub(super) fn select(
        &mut self,
        name: Cow<'a, str>,
        budget: &mut Budget,
    ) -> Result<Target, TooLarge> {
        if let Some(recent) = self.recent
            && recent.name == name
        {
            return Ok(recent.target);
        }
        let borrowed = match name {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        };
        let target = match self.find(&name) {
            Some(target) => target,
            None => self.create(name, budget)?,
        };
        self.recent = borrowed.map(|name| Recent {
            name,
            target,
            is_bare: is_legacy_metric_name(name.as_bytes()),
        });
        Ok(target)
    }

    fn find(&self, name: &str) -> Option<Target> {
        if let Some(family) = self.by_name.get(name) {
            return Some(Target {
                family,
                part: Part::Value,
            });
        }
        let (owner, part) = if let Some(owner) = name.strip_suffix("_count") {
            (owner, Part::Count)
        } else if let Some(owner) = name.strip_suffix("_sum") {
            (owner, Part::Sum)
        } else {
            (name.strip_suffix("_bucket")?, Part::Value)
        };
        let family = self.by_name.get(owner)?;
        let is_owner = match self.all[family].metric_type? {
            MetricType::Summary => !matches!(part, Part::Value),
            MetricType::Histogram | MetricType::GaugeHistogram => true,
            MetricType::Counter | MetricType::Gauge | MetricType::Untyped => false,
        };
        is_owner.then_some(Target { family, part })
    }

    fn create(&mut self, name: Cow<'a, str>, budget: &mut Budget) -> Result<Target, TooLarge> {
        // Twice for the index by name.
        budget.take::<Family<'_>>(2)?;
        let family = self.all.len();
        self.by_name.push(name.clone());
        self.all.push(Family {
            name,
            help: None,
            metric_type: None,
            metrics: Metrics::default(),
            recent: 0,
        });
        Ok(Target {
            family,
            part: Part::Value,
        })
    }

    pub(super) fn family_mut(&mut self, target: Target) -> &mut Family<'a> {
        &mut self.all[target.family]
    }

    /// The name of the family for a message; empty if it is not known yet.
    pub(super) fn name_of(&self, target: Option<Target>) -> String {
        target.map_or_else(String::new, |target| {
            self.all[target.family].name.clone().into()
        })
    }

    /// A family that has samples but no type is untyped.
    pub(super) fn settle_type(&mut self, target: Target) {
        let family = self.family_mut(target);
        family.metric_type.get_or_insert(MetricType::Untyped);
    }

    /// The label that makes a line of the family a quantile or bucket, for summaries and histograms.
    pub(super) fn own_label(&self, target: Target) -> Option<&'static str> {
        match self.all[target.family].metric_type? {
            MetricType::Summary => Some("quantile"),
            MetricType::Histogram | MetricType::GaugeHistogram => Some("le"),
            MetricType::Counter | MetricType::Gauge | MetricType::Untyped => None,
        }
    }

    /// Adds what a line tells, a value at a position among quantiles or buckets, to the metric it is about.
    pub(super) fn add(
        &mut self,
        target: Target,
        labels: &mut LabelBuffer<'a>,
        (position, value): (f64, f64),
        budget: &mut Budget,
    ) -> Result<&mut Metric<'a>, Stop> {
        let family = &mut self.all[target.family];
        let metric_type = family.metric_type.unwrap_or(MetricType::Untyped);
        let at = match metric_type {
            MetricType::Counter | MetricType::Gauge | MetricType::Untyped => {
                family.push(labels, metric_type, budget)?
            }
            MetricType::Summary | MetricType::Histogram | MetricType::GaugeHistogram => {
                self.find_or_push(target.family, labels, metric_type, budget)?
            }
        };
        if !position.is_nan() {
            // A quantile is smaller.
            budget.take::<Bucket<'_>>(1)?;
        }
        let family = &mut self.all[target.family];
        let metric = family.metrics.metric_mut(at);
        samples::add(metric, target.part, (position, value), &family.name)?;
        Ok(metric)
    }

    /// Where the metric of a summary or histogram is that has these labels, in any order; it may be new.
    fn find_or_push(
        &mut self,
        index: usize,
        labels: &mut LabelBuffer<'a>,
        metric_type: MetricType,
        budget: &mut Budget,
    ) -> Result<usize, TooLarge> {
        let family = &mut self.all[index];
        let recent = family.metrics.get(family.recent);
        if recent.is_some_and(|(known, _)| known == labels.as_slice()) {
            return Ok(family.recent);
        }
        let mut hash = hash_of(labels.as_slice(), self.by_labels.hasher());
        family.recent = loop {
            match self.by_labels.entry((index, hash)) {
                Entry::Occupied(known) if family.has_at(*known.get(), labels) => {
                    break *known.get();
                }
                Entry::Occupied(_) => hash = hash.wrapping_add(1),
                Entry::Vacant(free) => {
                    break *free.insert(family.push(labels, metric_type, budget)?);
                }
            }
        };
        Ok(family.recent)
    }

    /// The families that have metrics.
    pub(super) fn finish(self) -> Vec<MetricFamily<'a>> {
        // Not collected, which would go on in the memory of the larger `all`, and then have it shrunk.
        let mut finished = Vec::with_capacity(self.all.len());
        let families = self.all.into_iter();
        let with_metrics = families.filter(|family| !family.metrics.is_empty());
        finished.extend(with_metrics.map(Family::finish));
        finished
    }
}

impl<'a> Family<'a> {
    /// Adds a metric; returns where it is.
    fn push(
        &mut self,
        labels: &mut LabelBuffer<'a>,
        metric_type: MetricType,
        budget: &mut Budget,
    ) -> Result<usize, TooLarge> {
        budget.take_metrics(1)?;
        budget.take::<Label<'_>>(labels.len())?;
        match metric_type {
            MetricType::Counter | MetricType::Gauge | MetricType::Untyped => {}
            MetricType::Summary => budget.take::<Summary>(1)?,
            MetricType::Histogram | MetricType::GaugeHistogram => {
                budget.take::<Histogram<'_>>(1)?;
            }
        }
        let make = || Metric::from(empty_value(metric_type));
        labels.move_to(self.metrics.append(make).0);
        Ok(self.metrics.len() - 1)
    }

    /// Whether the metric at this place has these labels, in any order.
    fn has_at(&self, at: usize, labels: &LabelBuffer<'_>) -> bool {
        let metric = self.metrics.get(at);
        metric.is_some_and(|(known, _)| is_same_set(known, labels))
    }

    fn finish(mut self) -> MetricFamily<'a> {
        for metric in self.metrics.metrics_mut() {
            if let Some(Value::Histogram(histogram)) = &mut metric.value {
                samples::settle_counts(histogram);
            }
        }
        MetricFamily {
            name: self.name,
            help: self.help,
            metric_type: self.metric_type.unwrap_or(MetricType::Untyped),
            metrics: self.metrics,
        }
    }
}

fn empty_value(metric_type: MetricType) -> Value<'static> {
    match metric_type {
        MetricType::Counter => Value::Counter(Counter::default()),
        MetricType::Gauge => Value::Gauge(0.0),
        MetricType::Untyped => Value::Untyped(0.0),
        MetricType::Summary => Value::Summary(Box::default()),
        MetricType::Histogram | MetricType::GaugeHistogram => Value::Histogram(Box::default()),
    }
}

/// The same for every order of the labels. Keyed at random, so that no body can make label sets collide.
fn hash_of(labels: &[Label<'_>], hasher: &RandomState) -> u64 {
    labels.iter().fold(0, |hash, label| {
        hash.wrapping_add(hasher.hash_one((&label.name, &label.value)))
    })
}

fn is_same_set(ours: &[Label<'_>], theirs: &LabelBuffer<'_>) -> bool {
    let theirs = theirs.as_slice();
    ours == theirs || (ours.len() == theirs.len() && sorted(ours) == sorted(theirs))
}

fn sorted<'l>(labels: &'l [Label<'_>]) -> Vec<(&'l str, &'l str)> {
    let pairs = labels.iter().map(|label| (&*label.name, &*label.value));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs
}
