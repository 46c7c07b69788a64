//! Summaries whose quantiles are those of the last ten minutes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::model::{self, Label, Metrics};

use super::sketch::{Objective, Sketch};

/// What the Go Pushgateway asks of its summaries.
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

/// Observations count for between four and five of these: for the last ten minutes at most.
const SLICE: Duration = Duration::from_mins(2);
const SLICES: usize = 5;

/// Observations are sorted into the sketches this many at a time, off the lock that observers wait for.
const BUFFER: usize = 500;

/// A summary for each value of the label `method`, from its first observation on.
#[derive(Debug, Default)]
pub struct SummaryByMethod {
    children: RwLock<BTreeMap<&'static str, Arc<Summary>>>,
}

impl SummaryByMethod {
    /// Takes in an observation.
    pub fn observe(&self, method: &'static str, value: f64, now: Instant) {
        self.child(method, now).observe(value, now);
    }

    /// One metric for each method, in the order of their names.
    pub(super) fn metrics(&self, now: Instant) -> Metrics<'static> {
        let children = self.children.read();
        let children = children.unwrap_or_else(PoisonError::into_inner).clone();
        let of = |(method, summary): (&'static str, Arc<Summary>)| {
            let value = model::Value::Summary(Box::new(summary.collect(now)));
            ([Label::new("method", method)], value.into())
        };
        children.into_iter().map(of).collect()
    }

    fn child(&self, method: &'static str, now: Instant) -> Arc<Summary> {
        let children = self.children.read();
        let child = children
            .unwrap_or_else(PoisonError::into_inner)
            .get(method)
            .cloned();
        child.unwrap_or_else(|| {
            let children = self.children.write();
            let mut children = children.unwrap_or_else(PoisonError::into_inner);
            let child = children.entry(method);
            Arc::clone(child.or_insert_with(|| Arc::new(Summary::new(now))))
        })
    }
}

/// Count and sum of all observations, quantiles of the last ones.
#[derive(Debug)]
struct Summary {
    /// When slices are counted from.
    origin: Instant,
    /// Held for as long as it takes to append a number.
    buffer: Mutex<Buffer>,
    /// Held while numbers are sorted in. Never taken before [`Self::buffer`].
    window: Mutex<Window>,
}

/// Observations of one slice that are not yet in the window.
#[derive(Debug)]
struct Buffer {
    slice: u64,
    values: Vec<f64>,
}

#[derive(Debug)]
struct Window {
    count: u64,
    sum: f64,
    /// The newest slice.
    slice: u64,
    /// Each takes in everything. When a slice begins, the first is cleared and becomes the last, so that each
    /// reaches back one slice further than the next.
    sketches: [Sketch; SLICES],
}

impl Summary {
    fn new(now: Instant) -> Self {
        Self {
            origin: now,
            buffer: Mutex::new(Buffer::new(0)),
            window: Mutex::new(Window {
                count: 0,
                sum: 0.0,
                slice: 0,
                sketches: std::array::from_fn(|_| Sketch::new(&OBJECTIVES)),
            }),
        }
    }

    fn observe(&self, value: f64, now: Instant) {
        let slice = self.slice(now);
        let mut buffer = lock(&self.buffer);
        let is_due = slice > buffer.slice || buffer.values.len() >= BUFFER;
        let full = is_due.then(|| buffer.take(slice));
        buffer.values.push(value);
        drop(buffer);
        if let Some(full) = full {
            lock(&self.window).absorb(full);
        }
    }

    fn collect(&self, now: Instant) -> model::Summary {
        let slice = self.slice(now);
        let rest = lock(&self.buffer).take(slice);
        let mut window = lock(&self.window);
        window.absorb(rest);
        window.advance(slice);
        window.summary()
    }

    fn slice(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.origin).as_secs() / SLICE.as_secs()
    }
}

impl Buffer {
    fn new(slice: u64) -> Self {
        Self {
            slice,
            values: Vec::with_capacity(BUFFER),
        }
    }

    /// What is in it, leaving it empty for this slice or the one it has reached already.
    fn take(&mut self, slice: u64) -> Self {
        let slice = slice.max(self.slice);
        if self.values.is_empty() {
            self.slice = slice;
            let values = Vec::new();
            return Self { slice, values };
        }
        std::mem::replace(self, Self::new(slice))
    }
}

impl Window {
    fn absorb(&mut self, mut buffer: Buffer) {
        self.advance(buffer.slice);
        if buffer.values.is_empty() {
            return; // As at most scrapes. Sorting none in takes as long as sorting in a few.
        }
        buffer.values.sort_by(f64::total_cmp);
        for sketch in &mut self.sketches {
            sketch.insert(&buffer.values);
        }
        self.count += buffer.values.len() as u64;
        self.sum += buffer.values.iter().sum::<f64>();
    }

    /// Begins slices up to this one.
    fn advance(&mut self, slice: u64) {
        let begun = slice.saturating_sub(self.slice);
        let begun = usize::try_from(begun).unwrap_or(SLICES).min(SLICES);
        self.sketches.rotate_left(begun % SLICES);
        for sketch in self.sketches.iter_mut().rev().take(begun) {
            sketch.clear();
        }
        self.slice = self.slice.max(slice);
    }

    fn summary(&self) -> model::Summary {
        let [furthest, ..] = &self.sketches;
        let quantile = |Objective { quantile, .. }| (quantile, furthest.quantile(quantile));
        model::Summary {
            count: self.count,
            sum: self.sum,
            quantiles: OBJECTIVES.map(quantile).to_vec(),
            created: None,
        }
    }
}

/// A panic while the lock was held can only have lost observations.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, minutes: u64) -> Instant {
        start + Duration::from_mins(minutes)
    }

    /// Count, sum and quantiles as text, since NaN equals nothing.
    fn shown(summary: &Summary, now: Instant) -> String {
        let model::Summary {
            count,
            sum,
            quantiles,
            ..
        } = summary.collect(now);
        format!("{count} {sum} {quantiles:?}")
    }

    #[test]
    fn counts_sums_and_has_quantiles() {
        let start = Instant::now();
        let summary = Summary::new(start);
        for value in 1..=10 {
            summary.observe(f64::from(value), start);
        }
        assert_eq!(
            shown(&summary, start),
            "10 55 [(0.1, 1.0), (0.5, 5.0), (0.9, 9.0)]"
        );
    }

    #[test]
    fn quantiles_forget_after_ten_minutes_at_most_and_eight_at_least() {
        let start = Instant::now();
        let summary = Summary::new(start);
        summary.observe(1.0, start);
        summary.observe(2.0, after(start, 3));
        let both = "2 3 [(0.1, 1.0), (0.5, 1.0), (0.9, 2.0)]";
        let second = "2 3 [(0.1, 2.0), (0.5, 2.0), (0.9, 2.0)]";
        let none = "2 3 [(0.1, NaN), (0.5, NaN), (0.9, NaN)]";
        assert_eq!(shown(&summary, after(start, 9)), both);
        assert_eq!(shown(&summary, after(start, 10)), second);
        assert_eq!(shown(&summary, after(start, 11)), second);
        assert_eq!(shown(&summary, after(start, 12)), none);
        assert_eq!(shown(&summary, after(start, 1000)), none);
    }

    #[test]
    fn observations_after_a_long_pause_stand_alone() {
        let start = Instant::now();
        let summary = Summary::new(start);
        summary.observe(1.0, start);
        summary.observe(5.0, after(start, 500));
        assert_eq!(
            shown(&summary, after(start, 501)),
            "2 6 [(0.1, 5.0), (0.5, 5.0), (0.9, 5.0)]"
        );
    }

    #[test]
    fn times_that_go_back_are_taken_for_the_newest() {
        let start = Instant::now();
        let summary = Summary::new(start);
        summary.observe(1.0, after(start, 20));
        summary.observe(2.0, start);
        assert_eq!(
            shown(&summary, after(start, 1)),
            "2 3 [(0.1, 1.0), (0.5, 1.0), (0.9, 2.0)]"
        );
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let start = Instant::now();
        let summaries = SummaryByMethod::default();
        std::thread::scope(|scope| {
            for method in ["put", "post", "put", "post"] {
                let observe = || (0..5000).for_each(|_| summaries.observe(method, 1.0, start));
                scope.spawn(observe);
            }
        });
        let metrics = summaries.metrics(start);
        let counts = metrics.iter().map(|(labels, metric)| {
            let Some(model::Value::Summary(summary)) = &metric.value else {
                panic!("no summary");
            };
            (&*labels[0].value, summary.count)
        });
        assert_eq!(
            counts.collect::<Vec<_>>(),
            [("post", 10_000), ("put", 10_000)]
        );
    }
}
