//! The native buckets of a histogram: which are valid, where they lie, and what they hold.

use std::ops::RangeInclusive;

use thiserror::Error;

use super::bounds::upper_bound;
use super::{BucketSpan, Buckets, Histogram};

/// The resolutions that Prometheus knows for exponential buckets.
const SCHEMAS: RangeInclusive<i32> = -4..=8;

/// Why the native buckets of a histogram are not valid.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NativeHistogramError {
    /// A resolution that is not known, or buckets that are not exponential.
    #[error("native histogram schema {0} is not supported: it must be from -4 to 8")]
    UnsupportedSchema(i32),
    /// The spans and the counts do not belong together.
    #[error("native histogram spans claim {claimed} {side} buckets, but only {given} are given")]
    MissingBuckets {
        /// `positive` or `negative`.
        side: &'static str,
        /// How many buckets the spans have together.
        claimed: u64,
        /// How many counts there are.
        given: usize,
    },
}

/// A native bucket that is not empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NativeBucket {
    /// Which of its bounds the bucket includes.
    pub boundaries: Boundaries,
    /// The bound nearer to negative infinity.
    pub lower: f64,
    /// The other bound.
    pub upper: f64,
    /// How many observations fell into it.
    pub count: BucketCount,
}

/// Which bounds a native bucket includes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Boundaries {
    /// `(lower, upper]`: above zero.
    UpperInclusive,
    /// `[lower, upper)`: below zero.
    LowerInclusive,
    /// `[lower, upper]`: around zero.
    BothInclusive,
}

/// A count of an integer histogram or of a float histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BucketCount {
    /// Of an integer histogram. Nonsensical negative counts wrap.
    Integer(u64),
    /// Of a float histogram.
    Float(f64),
}

impl Boundaries {
    /// The number that stands for it in the JSON API.
    pub fn number(self) -> u8 {
        match self {
            Self::UpperInclusive => 0,
            Self::LowerInclusive => 1,
            Self::BothInclusive => 3,
        }
    }

    /// The brackets around the bounds in the notation of intervals.
    pub fn brackets(self) -> (char, char) {
        match self {
            Self::UpperInclusive => ('(', ']'),
            Self::LowerInclusive => ('[', ')'),
            Self::BothInclusive => ('[', ']'),
        }
    }
}

impl BucketCount {
    fn is_zero(self) -> bool {
        match self {
            Self::Integer(count) => count == 0,
            Self::Float(count) => count == 0.0,
        }
    }
}

impl Histogram<'_> {
    /// Refuses native buckets that Prometheus could not read.
    pub fn validate_native(&self) -> Result<(), NativeHistogramError> {
        if let Some(schema) = self.schema.filter(|schema| !SCHEMAS.contains(schema)) {
            return Err(NativeHistogramError::UnsupportedSchema(schema));
        }
        self.validate_side("positive", &self.positive)?;
        self.validate_side("negative", &self.negative)
    }

    fn validate_side(
        &self,
        side: &'static str,
        buckets: &Buckets,
    ) -> Result<(), NativeHistogramError> {
        let claimed = buckets
            .spans
            .iter()
            .map(|span| u64::from(span.length))
            .sum();
        let given = if self.is_float() {
            buckets.counts.len()
        } else {
            buckets.deltas.len()
        };
        if claimed > given as u64 {
            return Err(NativeHistogramError::MissingBuckets {
                side,
                claimed,
                given,
            });
        }
        Ok(())
    }

    /// Whether the native buckets hold floats.
    pub fn is_float(&self) -> bool {
        self.count_float > 0.0 || self.zero_count_float.is_some_and(|count| count > 0.0)
    }

    /// How many observations there were, by the native buckets.
    pub fn native_count(&self) -> BucketCount {
        if self.is_float() {
            BucketCount::Float(self.count_float)
        } else {
            BucketCount::Integer(self.count)
        }
    }

    /// The native buckets that are not empty, from the lowest to the highest.
    ///
    /// Takes any histogram: spans without counts end the walk.
    pub fn native_buckets(&self) -> Vec<NativeBucket> {
        let mut buckets = self.buckets_of(&self.negative);
        for bucket in &mut buckets {
            (bucket.lower, bucket.upper) = (-bucket.upper, -bucket.lower);
            bucket.boundaries = Boundaries::LowerInclusive;
        }
        buckets.reverse();
        buckets.push(self.zero_bucket());
        buckets.extend(self.buckets_of(&self.positive));
        buckets.retain(|bucket| !bucket.count.is_zero());
        buckets
    }

    fn zero_bucket(&self) -> NativeBucket {
        let threshold = self.zero_threshold.unwrap_or_default();
        NativeBucket {
            boundaries: Boundaries::BothInclusive,
            lower: -threshold,
            upper: threshold,
            count: if self.is_float() {
                BucketCount::Float(self.zero_count_float.unwrap_or_default())
            } else {
                BucketCount::Integer(self.zero_count.unwrap_or_default())
            },
        }
    }

    fn buckets_of(&self, side: &Buckets) -> Vec<NativeBucket> {
        let schema = self.schema.unwrap_or_default();
        let at_index = |(index, count)| NativeBucket {
            boundaries: Boundaries::UpperInclusive,
            lower: upper_bound(index - 1, schema),
            upper: upper_bound(index, schema),
            count,
        };
        let indexes = indexes(&side.spans);
        if self.is_float() {
            let counts = side.counts.iter().map(|&count| BucketCount::Float(count));
            return indexes.zip(counts).map(at_index).collect();
        }
        let counts = side.deltas.iter().scan(0_i64, |count, delta| {
            *count = count.wrapping_add(*delta);
            Some(BucketCount::Integer(count.cast_unsigned()))
        });
        indexes.zip(counts).map(at_index).collect()
    }
}

/// The index of each bucket that the spans claim, one by one: there may be billions.
fn indexes(spans: &[BucketSpan]) -> impl Iterator<Item = i64> {
    spans
        .iter()
        .scan(0_i64, |next, span| {
            let first = next.saturating_add(i64::from(span.offset));
            let behind = first.saturating_add(i64::from(span.length));
            *next = behind;
            Some(first..behind)
        })
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(spans: &[(i32, u32)]) -> Vec<BucketSpan> {
        let span = |&(offset, length)| BucketSpan { offset, length };
        spans.iter().map(span).collect()
    }

    /// As `<boundaries> <lower> <upper> <count>` a bucket.
    fn check(histogram: &Histogram<'_>, expected: &[&str]) {
        let show = |bucket: NativeBucket| {
            let (number, lower, upper) = (bucket.boundaries.number(), bucket.lower, bucket.upper);
            match bucket.count {
                BucketCount::Integer(count) => format!("{number} {lower} {upper} {count}"),
                BucketCount::Float(count) => format!("{number} {lower} {upper} {count}f"),
            }
        };
        let found: Vec<_> = histogram.native_buckets().into_iter().map(show).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn integer_buckets_are_sums_of_deltas() {
        let side = || Buckets {
            spans: spans(&[(0, 2), (0, 2)]),
            deltas: vec![0, 2, -2, 0],
            counts: Vec::new(),
        };
        let mut histogram = Histogram {
            count: 20,
            schema: Some(1),
            negative: side(),
            positive: side(),
            ..Histogram::default()
        };
        let negative = "1 -1.414213562373095 -1 2";
        let positive = "0 1 1.414213562373095 2";
        check(&histogram, &[negative, positive]);
        histogram.zero_count = Some(3);
        histogram.zero_threshold = Some(0.001);
        check(&histogram, &[negative, "3 -0.001 0.001 3", positive]);
        assert_eq!(histogram.validate_native(), Ok(()));
    }

    #[test]
    fn float_buckets_are_counts() {
        let side = || Buckets {
            spans: spans(&[(0, 2), (1, 2)]),
            deltas: Vec::new(),
            counts: vec![2.0, 2.5, -2.0, 0.0],
        };
        let histogram = Histogram {
            count_float: 20.0,
            schema: Some(0),
            negative: side(),
            positive: side(),
            ..Histogram::default()
        };
        check(
            &histogram,
            &[
                "1 -8 -4 -2f",
                "1 -2 -1 2.5f",
                "1 -1 -0.5 2f",
                "0 0.5 1 2f",
                "0 1 2 2.5f",
                "0 4 8 -2f",
            ],
        );
    }

    #[test]
    fn a_negative_sum_of_deltas_wraps() {
        let histogram = Histogram {
            positive: Buckets {
                spans: spans(&[(0, 1)]),
                deltas: vec![-5],
                counts: Vec::new(),
            },
            ..Histogram::default()
        };
        check(&histogram, &["0 0.5 1 18446744073709551611"]);
    }

    #[test]
    fn unsupported_schemas_are_refused() {
        let check = |schema, expected| {
            let histogram = Histogram {
                schema,
                ..Histogram::default()
            };
            assert_eq!(histogram.validate_native(), expected, "{schema:?}");
        };
        check(None, Ok(()));
        check(Some(-4), Ok(()));
        check(Some(8), Ok(()));
        for schema in [-5, 9, -53, i32::MIN, i32::MAX] {
            let refused = Err(NativeHistogramError::UnsupportedSchema(schema));
            check(Some(schema), refused);
        }
    }

    #[test]
    fn spans_without_counts_are_refused_and_end_the_walk() {
        let histogram = Histogram {
            positive: Buckets {
                spans: spans(&[(i32::MAX, u32::MAX), (i32::MIN, u32::MAX)]),
                deltas: vec![1, 0, 1],
                counts: Vec::new(),
            },
            ..Histogram::default()
        };
        let refusal = histogram.validate_native().unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "native histogram spans claim 8589934590 positive buckets, but only 3 are given"
        );
        check(&histogram, &["0 inf inf 1", "0 inf inf 1", "0 inf inf 2"]);
    }
}
