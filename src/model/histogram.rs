//! Classic and native histograms as `io.prometheus.client.Histogram` carries them.

use super::Label;

mod bounds;
mod native;
mod readable;

pub use native::{Boundaries, BucketCount, NativeBucket, NativeHistogramError};

/// A histogram: classic buckets, native ones, or both.
///
/// Counts are integers, or floats where the float field is greater than zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram<'a> {
    /// How many observations there were.
    pub count: u64,
    /// The same as a float; counts when greater than zero.
    pub count_float: f64,
    /// The sum of the observations.
    pub sum: f64,
    /// Classic buckets in pushed order.
    pub buckets: Vec<Bucket<'a>>,
    /// Resolution of the native buckets: bounds are powers of 2^(2^-schema).
    pub schema: Option<i32>,
    /// Half the width of the zero bucket.
    pub zero_threshold: Option<f64>,
    /// Observations in the zero bucket.
    pub zero_count: Option<u64>,
    /// The same as a float; counts when greater than zero.
    pub zero_count_float: Option<f64>,
    /// Native buckets below zero.
    pub negative: Buckets,
    /// Native buckets above zero.
    pub positive: Buckets,
    /// When observing began.
    pub created: Option<ProtoTimestamp>,
    /// Examples of what was observed, for native histograms.
    pub exemplars: Vec<Exemplar<'a>>,
}

/// A classic bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket<'a> {
    /// Observations up to the bound.
    pub cumulative_count: u64,
    /// The same as a float; counts when greater than zero.
    pub cumulative_count_float: f64,
    /// The bound, inclusive.
    pub upper_bound: f64,
    /// An example of what was observed.
    pub exemplar: Option<Box<Exemplar<'a>>>,
}

/// The native buckets on one side of zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// Which buckets are populated.
    pub spans: Vec<BucketSpan>,
    /// Counts of an integer histogram, each relative to the one before.
    pub deltas: Vec<i64>,
    /// Counts of a float histogram, absolute.
    pub counts: Vec<f64>,
}

/// A run of consecutive native buckets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BucketSpan {
    /// Gap to the previous span, or the index of the first bucket for the first span.
    pub offset: i32,
    /// How many buckets the run has.
    pub length: u32,
}

/// An example observation with labels of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exemplar<'a> {
    /// Labels such as a trace id.
    pub labels: Vec<Label<'a>>,
    /// What was observed.
    pub value: f64,
    /// When.
    pub timestamp: Option<ProtoTimestamp>,
}

/// `google.protobuf.Timestamp`, kept as sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProtoTimestamp {
    /// Seconds since the Unix epoch.
    pub seconds: i64,
    /// Nanoseconds on top.
    pub nanos: i32,
}

impl Histogram<'_> {
    /// Whether it has native buckets, as the JSON API and the page understand it.
    pub fn has_spans(&self) -> bool {
        !self.positive.spans.is_empty() || !self.negative.spans.is_empty()
    }
}
