//! Single samples into the metrics that they are the value or a part of.

use super::error::SyntaxError;
use crate::model::{Bucket, Histogram, Metric, Value};

/// Which part of a metric a line tells.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The `_count` of a summary or histogram.
    Count,
    /// The `_sum` of a summary or histogram.
    Sum,
    /// The value, a quantile or a bucket.
    Value,
}

/// Writes what a line tells into the metric. Of a summary or histogram, a line that tells none of its parts is
/// ignored.
pub(super) fn add(
    metric: &mut Metric<'_>,
    part: Part,
    (position, value): (f64, f64),
    family: &str,
) -> Result<(), SyntaxError> {
    match &mut metric.value {
        Some(Value::Summary(summary)) => match part {
            Part::Count => summary.count = truncated(value),
            Part::Sum => summary.sum = value,
            Part::Value if position.is_nan() => {}
            Part::Value => summary.quantiles.push((position, value)),
        },
        Some(Value::Histogram(histogram)) => match part {
            Part::Count if value < 0.0 => {
                return Err(SyntaxError::NegativeCount(family.to_owned()));
            }
            Part::Count => match as_integer(value) {
                Some(count) => histogram.count = count,
                None => histogram.count_float = value,
            },
            Part::Sum => histogram.sum = value,
            Part::Value if position.is_nan() => {}
            Part::Value if value < 0.0 => {
                return Err(SyntaxError::NegativeBucket(family.to_owned()));
            }
            Part::Value => histogram.buckets.push(bucket(position, value)),
        },
        Some(Value::Counter(counter)) => counter.value = value,
        Some(Value::Gauge(single) | Value::Untyped(single)) => *single = value,
        None => {}
    }
    Ok(())
}

fn bucket(upper_bound: f64, value: f64) -> Bucket<'static> {
    let count = as_integer(value);
    Bucket {
        cumulative_count: count.unwrap_or_default(),
        cumulative_count_float: if count.is_some() { 0.0 } else { value },
        upper_bound,
        exemplar: None,
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// The count of a summary as an integer, as a Pushgateway on amd64 has it: fractions are cut off, small negative
/// numbers wrap around, and what does not fit at all becomes 2^63.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "fractions are to be cut off, and the range is checked"
)]
fn truncated(value: f64) -> u64 {
    if (0.0..2.0 * TWO_TO_63).contains(&value) {
        value as u64
    } else if (-TWO_TO_63..0.0).contains(&value) {
        (value as i64).cast_unsigned()
    } else {
        1 << 63
    }
}

/// The value as an integer if it is one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is checked to be in range and to have no fraction"
)]
fn as_integer(value: f64) -> Option<u64> {
    let is_integer = (0.0..2.0 * TWO_TO_63).contains(&value) && value.fract() == 0.0;
    is_integer.then_some(value as u64)
}

/// A histogram that has float counts has only those.
#[expect(clippy::cast_precision_loss, reason = "counts become doubles")]
pub(super) fn settle_counts(histogram: &mut Histogram<'_>) {
    let is_float = histogram.count_float != 0.0
        || (histogram.buckets.iter()).any(|bucket| bucket.cumulative_count_float != 0.0);
    if !is_float {
        return;
    }
    if histogram.count_float == 0.0 {
        histogram.count_float = std::mem::take(&mut histogram.count) as f64;
    }
    for bucket in &mut histogram.buckets {
        if bucket.cumulative_count_float == 0.0 {
            bucket.cumulative_count_float = std::mem::take(&mut bucket.cumulative_count) as f64;
        }
    }
}
