//! Quantiles of a stream with a bounded error of rank, in little memory.
//!
//! The targeted quantiles of Cormode, Korn, Muthukrishnan and Srivastava, "Effective Computation of Biased
//! Quantiles over Data Streams" (ICDE 2005), which the summaries of Prometheus' Go client use too.

/// A quantile of interest, and by which part of all observations its rank may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Objective {
    pub(super) quantile: f64,
    pub(super) error: f64,
}

/// Keeps enough of a stream to answer for the objectives.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    objectives: &'static [Objective],
    /// In the order of their values.
    samples: Vec<Sample>,
    /// How many observations there were. A float, as all ranks are, for they are multiplied with floats.
    count: f64,
}

/// An observation that stands for itself and for those that were dropped before it.
#[derive(Clone, Copy, Debug)]
struct Sample {
    value: f64,
    /// How many it stands for: its least rank is the sum of the widths up to it.
    width: f64,
    /// By how much its rank may be greater than that.
    delta: f64,
}

impl Sketch {
    pub(super) fn new(objectives: &'static [Objective]) -> Self {
        Self {
            objectives,
            samples: Vec::new(),
            count: 0.0,
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.count = 0.0;
    }

    /// Takes in observations in the order of their values.
    pub(super) fn insert(&mut self, sorted: &[f64]) {
        let mut merged = Vec::with_capacity(self.samples.len() + sorted.len());
        let mut kept = self.samples.iter().copied().peekable();
        for &value in sorted {
            while let Some(sample) = kept.next_if(|sample| sample.value <= value) {
                merged.push(sample);
            }
            // It may be any of those that the next sample stands for.
            let delta = match kept.peek() {
                Some(next) if !merged.is_empty() => next.width + next.delta - 1.0,
                _ => 0.0,
            };
            merged.push(Sample {
                value,
                width: 1.0,
                delta,
            });
            self.count += 1.0;
        }
        merged.extend(kept);
        self.samples = self.compressed(&merged);
    }

    /// The value of this rank among all observations, with the error of its objective; NaN if there were none.
    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        let rank = (quantile * self.count).ceil().max(1.0);
        let mut least = 0.0;
        let mut best = (f64::INFINITY, f64::NAN);
        for sample in &self.samples {
            least += sample.width;
            let error = (rank - least).max(least + sample.delta - rank);
            if error < best.0 {
                best = (error, sample.value);
            }
        }
        best.1
    }

    /// Drops samples as long as the next one can stand for them; the least and the greatest stay.
    fn compressed(&self, samples: &[Sample]) -> Vec<Sample> {
        let mut kept: Vec<Sample> = Vec::with_capacity(samples.len());
        let mut before = self.count;
        for (at, sample) in samples.iter().enumerate().rev() {
            before -= sample.width;
            match kept.last_mut() {
                Some(next) if at > 0 && self.can_replace(sample, next, before) => {
                    next.width += sample.width;
                }
                _ => kept.push(*sample),
            }
        }
        kept.reverse();
        kept.shrink_to_fit(); // Few are left of what was sorted in.
        kept
    }

    /// Whether the next sample can stand for this one too, before which there are so many observations.
    ///
    /// The paper asks what is permitted at the first of these ranks only, which is too much for few
    /// observations: what counts is the rank that is nearest to a quantile of interest.
    fn can_replace(&self, sample: &Sample, next: &Sample, before: f64) -> bool {
        let spread = sample.width + next.width + next.delta;
        self.objectives.iter().all(|objective| {
            let Objective { quantile, error } = objective;
            let wanted = quantile * self.count;
            let rank = wanted.clamp(before, before + spread);
            let permitted = if wanted <= rank {
                2.0 * error * rank / quantile
            } else {
                2.0 * error * (self.count - rank) / (1.0 - quantile)
            };
            spread <= permitted
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OBJECTIVES: [Objective; 3] = [
        Objective {
            quantile: 0.1,
            error: 0.01,
        },
        Objective {
            quantile: 0.5,
            error: 0.05,
        },
        Objective {
            quantile: 0.9,
            error: 0.01,
        },
    ];

    fn sketch(values: &[f64], batch: usize) -> Sketch {
        let mut sketch = Sketch::new(&OBJECTIVES);
        for batch in values.chunks(batch) {
            let mut sorted = batch.to_vec();
            sorted.sort_by(f64::total_cmp);
            sketch.insert(&sorted);
        }
        sketch
    }

    /// Whether all quantiles are among the values whose rank is near enough.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn check(values: &[f64], batch: usize) {
        let sketch = sketch(values, batch);
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        for Objective { quantile, error } in OBJECTIVES {
            let value = sketch.quantile(quantile);
            let first = sorted.partition_point(|other| *other < value) as f64 + 1.0;
            let last = sorted.partition_point(|other| *other <= value) as f64;
            let rank = (quantile * count).ceil();
            let off = (first - rank).max(rank - last).max(0.0);
            assert!(
                off <= error * count,
                "quantile {quantile} of {count}: rank {first} to {last} instead of {rank}"
            );
        }
    }

    /// Numbers without a pattern, the same in every run.
    fn noise(count: usize) -> Vec<f64> {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8)
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn nothing_has_no_quantiles() {
        assert!(Sketch::new(&OBJECTIVES).quantile(0.5).is_nan());
    }

    #[test]
    fn few_observations_are_exact() {
        let sketch = sketch(&[10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 3);
        let quantiles = [0.1, 0.5, 0.9].map(|quantile| sketch.quantile(quantile).to_string());
        assert_eq!(quantiles, ["1", "5", "9"]);
    }

    #[test]
    fn many_observations_are_near_enough_in_any_order() {
        let mut values = noise(100_000);
        check(&values, 500);
        let mut skewed: Vec<f64> = values.iter().map(|value| (value / 1e6).exp()).collect();
        check(&skewed, 500);
        values.sort_by(f64::total_cmp);
        check(&values, 500);
        values.reverse();
        check(&values, 500);
        skewed.fill(7.0);
        check(&skewed, 500);
    }

    #[test]
    fn values_that_close_in_on_the_middle_are_near_enough() {
        let mut values: Vec<f64> = (0..50_000)
            .flat_map(|at| [f64::from(at), f64::from(100_000 - at)])
            .collect();
        check(&values, 100);
        values.reverse();
        check(&values, 100);
    }

    #[test]
    fn few_samples_stand_for_many() {
        let sketch = sketch(&noise(200_000), 500);
        assert!(sketch.samples.len() < 500, "{}", sketch.samples.len());
    }

    #[test]
    fn a_cleared_sketch_is_as_new() {
        let mut sketch = sketch(&noise(1000), 100);
        sketch.clear();
        sketch.insert(&[3.0]);
        assert_eq!(sketch.quantile(0.9).to_string(), "3");
    }

    proptest! {
        #[test]
        fn any_observations_are_near_enough(
            values in prop::collection::vec(-1000..1000_i16, 1..3000),
            batch in 1..600_usize,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            check(&values, batch);
        }
    }
}
