//! The kinds of metrics that the gateway has of its own, each as the metrics of one family.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, proto};

use crate::model::{Counter, Label, Metric, MetricType, Metrics, Value};

use super::OwnFamily;
use super::summary::SummaryByMethod;

/// Something that is exposed as one family.
pub(super) trait Instrument {
    /// The type of the family.
    const TYPE: MetricType;

    /// With these variable labels, if the kind has any.
    fn create(family: &OwnFamily, labels: &[&str]) -> Self;

    /// The metrics of the family; none if it is not to be exposed yet.
    fn metrics(&self, now: Instant) -> Metrics<'static>;
}

impl Instrument for IntCounter {
    const TYPE: MetricType = MetricType::Counter;

    fn create(family: &OwnFamily, _labels: &[&str]) -> Self {
        Self::new(family.name, family.help).expect("names are literals that a test has seen")
    }

    fn metrics(&self, _now: Instant) -> Metrics<'static> {
        #[expect(clippy::cast_precision_loss, reason = "counters are doubles")]
        let value = self.get() as f64;
        only(counter(value))
    }
}

impl Instrument for IntCounterVec {
    const TYPE: MetricType = MetricType::Counter;

    fn create(family: &OwnFamily, labels: &[&str]) -> Self {
        Self::new(Opts::new(family.name, family.help), labels)
            .expect("names are literals that a test has seen")
    }

    fn metrics(&self, _now: Instant) -> Metrics<'static> {
        collected(self)
    }
}

impl Instrument for IntGauge {
    const TYPE: MetricType = MetricType::Gauge;

    fn create(family: &OwnFamily, _labels: &[&str]) -> Self {
        Self::new(family.name, family.help).expect("names are literals that a test has seen")
    }

    fn metrics(&self, _now: Instant) -> Metrics<'static> {
        #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
        let value = self.get() as f64;
        only(Value::Gauge(value))
    }
}

impl Instrument for SummaryByMethod {
    const TYPE: MetricType = MetricType::Summary;

    fn create(_family: &OwnFamily, _labels: &[&str]) -> Self {
        Self::default()
    }

    fn metrics(&self, now: Instant) -> Metrics<'static> {
        self.metrics(now)
    }
}

/// A gauge that is not exposed until it is set: a zero that nobody meant would look like a failure.
#[derive(Debug, Default)]
pub struct LateGauge(Mutex<Option<f64>>);

impl LateGauge {
    /// Sets it.
    pub fn set(&self, value: f64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Sets it to how many there are.
    #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
    pub fn set_count(&self, count: usize) {
        self.set(count as f64);
    }
}

impl Instrument for LateGauge {
    const TYPE: MetricType = MetricType::Gauge;

    fn create(_family: &OwnFamily, _labels: &[&str]) -> Self {
        Self::default()
    }

    fn metrics(&self, _now: Instant) -> Metrics<'static> {
        let value = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        value.map_or_else(Metrics::default, |value| only(Value::Gauge(value)))
    }
}

/// Counts something in a gauge for as long as it lives.
#[derive(Debug)]
#[must_use = "what is counted is gone when this is dropped"]
pub struct Held {
    gauge: IntGauge,
    count: i64,
}

impl Held {
    /// One more.
    pub fn one(gauge: &IntGauge) -> Self {
        Self::many(gauge, 1)
    }

    /// So many more.
    pub fn many(gauge: &IntGauge, count: usize) -> Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        gauge.add(count);
        Self {
            gauge: gauge.clone(),
            count,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.sub(self.count);
    }
}

/// One metric without labels.
pub(super) fn only(value: Value<'static>) -> Metrics<'static> {
    Metrics::from_iter([([], value.into())])
}

/// The metrics of counters, in the order of their labels.
fn collected(counters: &IntCounterVec) -> Metrics<'static> {
    let families = counters.collect();
    let metrics = families.iter().flat_map(proto::MetricFamily::get_metric);
    let mut metrics: Vec<_> = metrics.map(translated).collect();
    metrics.sort_by(|(one, _), (other, _)| {
        let (one, other) = (one.iter(), other.iter());
        one.map(|label| &label.value)
            .cmp(other.map(|label| &label.value))
    });
    metrics.into_iter().collect()
}

fn translated(found: &proto::Metric) -> (Vec<Label<'static>>, Metric<'static>) {
    let label =
        |pair: &proto::LabelPair| Label::new(pair.name().to_owned(), pair.value().to_owned());
    let labels = found.get_label().iter().map(label).collect();
    (labels, counter(found.get_counter().get_value()).into())
}

fn counter(value: f64) -> Value<'static> {
    Value::Counter(Counter {
        value,
        ..Counter::default()
    })
}
