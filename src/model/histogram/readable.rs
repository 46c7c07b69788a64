//! Which native histograms Prometheus takes in. One that it does not take makes it drop the whole scrape.

use super::{BucketSpan, Buckets, Histogram};

impl Histogram<'_> {
    /// Whether Prometheus, reading this in protobuf, takes it in: its `histogram.Validate`.
    ///
    /// A histogram without native buckets always passes.
    pub fn is_readable(&self) -> bool {
        if !self.is_native() {
            return true;
        }
        if self.is_float() {
            self.negative.floats_are_sound()
                && self.positive.floats_are_sound()
                && self.zero_count_float.is_none_or(|count| count >= 0.0)
                && self.count_float >= 0.0
        } else {
            self.integers_are_sound().unwrap_or(false)
        }
    }

    /// The histogram without its native buckets: what a text scrape shows of it.
    #[must_use]
    pub fn without_native(&self) -> Self {
        Self {
            schema: None,
            zero_threshold: None,
            zero_count: None,
            zero_count_float: None,
            negative: Buckets::default(),
            positive: Buckets::default(),
            ..self.clone()
        }
    }

    /// Whether Prometheus takes it for a native one: also without spans, by its zero bucket.
    fn is_native(&self) -> bool {
        self.has_spans()
            || self.zero_threshold.is_some_and(|threshold| threshold > 0.0)
            || self.zero_count.is_some_and(|count| count > 0)
            || self.zero_count_float.is_some_and(|count| count > 0.0)
    }

    /// Whether the buckets are sound and hold as many observations as there were; none on overflow.
    fn integers_are_sound(&self) -> Option<bool> {
        let (negative, positive) = (
            self.negative.sum_of_integers()?,
            self.positive.sum_of_integers()?,
        );
        let in_buckets = negative
            .checked_add(positive)?
            .checked_add(self.zero_count.unwrap_or_default())?;
        // Observations of NaN are in no bucket.
        Some(if self.sum.is_nan() {
            in_buckets <= self.count
        } else {
            in_buckets == self.count
        })
    }
}

impl Buckets {
    /// How many observations there are; none if a count is negative or the spans claim other buckets.
    fn sum_of_integers(&self) -> Option<u64> {
        if !spans_claim(&self.spans, self.deltas.len()) {
            return None;
        }
        let mut count = 0_i64;
        self.deltas.iter().try_fold(0_u64, |sum, delta| {
            count = count.checked_add(*delta)?;
            sum.checked_add(u64::try_from(count).ok()?)
        })
    }

    fn floats_are_sound(&self) -> bool {
        spans_claim(&self.spans, self.counts.len()) && self.counts.iter().all(|count| *count >= 0.0)
    }
}

/// Whether the spans claim exactly that many buckets, and none lies before the one in front of it.
fn spans_claim(spans: &[BucketSpan], buckets: usize) -> bool {
    let claimed: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    claimed == buckets as u64 && spans.iter().skip(1).all(|span| span.offset >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(count: u64, spans: &[(i32, u32)], deltas: &[i64]) -> Histogram<'static> {
        let spans = spans
            .iter()
            .map(|&(offset, length)| BucketSpan { offset, length })
            .collect();
        let positive = Buckets {
            spans,
            deltas: deltas.to_vec(),
            counts: Vec::new(),
        };
        Histogram {
            count,
            positive,
            ..Histogram::default()
        }
    }

    #[test]
    fn integer_buckets_hold_all_observations() {
        assert!(integer(3, &[(0, 2)], &[1, 1]).is_readable());
        assert!(!integer(4, &[(0, 2)], &[1, 1]).is_readable());
        let with_nan = Histogram {
            sum: f64::NAN,
            ..integer(4, &[(0, 2)], &[1, 1])
        };
        assert!(with_nan.is_readable());
    }

    #[test]
    fn counts_are_not_negative_and_spans_fit() {
        assert!(!integer(0, &[(0, 2)], &[1, -2]).is_readable());
        assert!(!integer(3, &[(0, 1)], &[1, 1]).is_readable());
        assert!(!integer(3, &[(5, 1), (-1, 1)], &[1, 1]).is_readable());
        let negative = Buckets {
            spans: vec![BucketSpan {
                offset: 0,
                length: 1,
            }],
            counts: vec![-1.0],
            ..Buckets::default()
        };
        let float = Histogram {
            count_float: 1.0,
            negative,
            ..Histogram::default()
        };
        assert!(!float.is_readable());
        assert!(float.without_native().is_readable());
    }

    #[test]
    fn an_empty_zero_bucket_alone_makes_it_native() {
        let empty = Histogram {
            count: 1,
            zero_threshold: Some(0.1),
            ..Histogram::default()
        };
        assert!(!empty.is_readable());
        assert!(
            Histogram {
                count: 1,
                ..Histogram::default()
            }
            .is_readable()
        );
    }
}
