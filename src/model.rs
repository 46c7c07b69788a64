//! The words of the exposition formats as plain values: families, metrics and their values.
//!
//! Knows no wire form, no store and no time but what it is given. Values borrow from the bytes they were
//! parsed from where they can, hence the lifetimes.

use std::borrow::Cow;

mod grouping_key;
mod histogram;
mod labels;
mod metrics;
mod timestamp;

pub use grouping_key::{GroupingKey, GroupingKeyError, INSTANCE, JOB};
pub use histogram::{
    Boundaries, Bucket, BucketCount, BucketSpan, Buckets, Exemplar, Histogram, NativeBucket,
    NativeHistogramError, ProtoTimestamp,
};
pub use labels::{
    LABEL_NAME_BYTES, Label, METRIC_NAME_BYTES, NameScheme, is_legacy_label_name,
    is_legacy_metric_name,
};
pub use metrics::Metrics;
pub use timestamp::Timestamp;

/// Name of the gauge that tells when a group was last pushed to with success.
pub const PUSH_TIME_SECONDS: &str = "push_time_seconds";
/// Name of the gauge that tells when a push to a group was last refused.
pub const PUSH_FAILURE_TIME_SECONDS: &str = "push_failure_time_seconds";

/// All metrics that share a name, a help and a type.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFamily<'a> {
    /// The metric name; every metric of the family carries it.
    pub name: Cow<'a, str>,
    /// What the metric means. Absent and empty are told apart on the wire.
    pub help: Option<Cow<'a, str>>,
    /// The type that all metrics of the family have.
    pub metric_type: MetricType,
    /// The metrics, each with its labels, in the order in which they were pushed.
    pub metrics: Metrics<'a>,
}

/// What a metric family measures: `io.prometheus.client.MetricType`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MetricType {
    /// A value that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Quantiles, a count and a sum, computed by the client.
    Summary,
    /// No type was declared.
    Untyped,
    /// Classic or native buckets, a count and a sum.
    Histogram,
    /// A histogram whose buckets go up and down.
    GaugeHistogram,
}

/// What there is of one label set within a family. [`Metrics`] have the labels: in pushed order, and perhaps a name
/// twice until the store has checked them.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric<'a> {
    /// The value; absent when a protobuf metric carried none. May be of another type than the family until
    /// the store has checked it.
    pub value: Option<Value<'a>>,
    /// Milliseconds since the epoch as the client sent them. A push with any is refused.
    pub timestamp_ms: Option<i64>,
    /// Protobuf fields of the metric that this program does not know, verbatim.
    pub unknown_fields: Cow<'a, [u8]>,
}

/// The value of a metric, by type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of a [`MetricType::Counter`].
    Counter(Counter<'a>),
    /// Of a [`MetricType::Gauge`].
    Gauge(f64),
    /// Of a [`MetricType::Untyped`].
    Untyped(f64),
    /// Of a [`MetricType::Summary`].
    Summary(Box<Summary>),
    /// Of a [`MetricType::Histogram`] or [`MetricType::GaugeHistogram`].
    Histogram(Box<Histogram<'a>>),
}

/// A counter's value and what only protobuf carries beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counter<'a> {
    /// The count.
    pub value: f64,
    /// An example of what was counted.
    pub exemplar: Option<Box<Exemplar<'a>>>,
    /// When counting began.
    pub created: Option<ProtoTimestamp>,
}

/// Client-side quantiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many observations there were.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Quantile and value, in pushed order.
    pub quantiles: Vec<(f64, f64)>,
    /// When observing began.
    pub created: Option<ProtoTimestamp>,
}

impl MetricType {
    /// The name on a `# TYPE` line of the text format, which has no gauge histograms.
    pub fn text_name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
            Self::Histogram | Self::GaugeHistogram => "histogram",
        }
    }

    /// The name in protobuf, which is also the one in the JSON API.
    pub fn proto_name(self) -> &'static str {
        match self {
            Self::Counter => "COUNTER",
            Self::Gauge => "GAUGE",
            Self::Summary => "SUMMARY",
            Self::Untyped => "UNTYPED",
            Self::Histogram => "HISTOGRAM",
            Self::GaugeHistogram => "GAUGE_HISTOGRAM",
        }
    }

    /// The number in protobuf.
    pub fn proto_number(self) -> u8 {
        match self {
            Self::Counter => 0,
            Self::Gauge => 1,
            Self::Summary => 2,
            Self::Untyped => 3,
            Self::Histogram => 4,
            Self::GaugeHistogram => 5,
        }
    }

    /// The type with this number in protobuf, if there is one.
    pub fn from_proto_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Counter,
            1 => Self::Gauge,
            2 => Self::Summary,
            3 => Self::Untyped,
            4 => Self::Histogram,
            5 => Self::GaugeHistogram,
            _ => return None,
        })
    }
}

impl<'a> From<Value<'a>> for Metric<'a> {
    /// One of this value and nothing else.
    fn from(value: Value<'a>) -> Self {
        Self {
            value: Some(value),
            timestamp_ms: None,
            unknown_fields: Cow::Borrowed(&[]),
        }
    }
}

impl Value<'_> {
    /// Whether a metric with this value belongs into a family of this type.
    pub fn is_of(&self, metric_type: MetricType) -> bool {
        match self {
            Self::Counter(_) => metric_type == MetricType::Counter,
            Self::Gauge(_) => metric_type == MetricType::Gauge,
            Self::Untyped(_) => metric_type == MetricType::Untyped,
            Self::Summary(_) => metric_type == MetricType::Summary,
            Self::Histogram(_) => {
                matches!(
                    metric_type,
                    MetricType::Histogram | MetricType::GaugeHistogram
                )
            }
        }
    }
}
