//! Timings and rates: where the middle of them lies, and taking them in turns.

use std::array;
use std::time::{Duration, Instant};

use anyhow::Result;

/// In each turn, so often at least, however long it takes.
const LEAST_IN_A_TURN: usize = 3;

/// Where the middle, the middle four fifths and the slowest hundredth of many measurements lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread<T> {
    pub(crate) p10: T,
    pub(crate) median: T,
    pub(crate) p90: T,
    pub(crate) p99: T,
    pub(crate) count: usize,
}

impl<T: Copy + PartialOrd> Spread<T> {
    /// # Panics
    /// Without measurements, or if one is not a number.
    pub(crate) fn of(mut measured: Vec<T>) -> Self {
        measured.sort_unstable_by(|a, b| a.partial_cmp(b).expect("a measurement is a number"));
        let last = measured.len() - 1;
        Self {
            p10: measured[last / 10],
            median: measured[last / 2],
            p90: measured[last * 9 / 10],
            p99: measured[last * 99 / 100],
            count: measured.len(),
        }
    }
}

impl Spread<Duration> {
    /// How many times as long the other takes.
    pub(crate) fn faster_than(&self, other: &Self) -> f64 {
        other.median.as_secs_f64() / self.median.as_secs_f64()
    }
}

/// Takes operations in turns, A B C A B C, so that what changes on the machine meanwhile changes all of them. The
/// first round only warms up. What each operation gave in the others comes back.
pub(crate) fn in_turns<T, const N: usize>(
    rounds: usize,
    mut operations: [&mut dyn FnMut() -> Result<T>; N],
) -> Result<[Vec<T>; N]> {
    let mut taken = all_in_turns(rounds, &mut operations)?.into_iter();
    Ok(array::from_fn(|_| taken.next().unwrap_or_default()))
}

/// [`in_turns`] where it is not known beforehand how many operations there are.
pub(crate) fn all_in_turns<T>(
    rounds: usize,
    operations: &mut [&mut dyn FnMut() -> Result<T>],
) -> Result<Vec<Vec<T>>> {
    let mut taken: Vec<_> = operations.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for (operation, taken) in operations.iter_mut().zip(&mut taken) {
            let measured = operation()?;
            if round > 0 {
                taken.push(measured);
            }
        }
    }
    Ok(taken)
}

/// How long operations take that are taken in turns, each again and again for a turn's time.
pub(crate) fn time_in_turns<const N: usize>(
    (rounds, turn): (usize, Duration),
    operations: [&mut dyn FnMut() -> Result<Duration>; N],
) -> Result<[Spread<Duration>; N]> {
    let mut turns = operations.map(|operation| || repeat(turn, operation));
    let turns = turns
        .each_mut()
        .map(|turn| turn as &mut dyn FnMut() -> Result<Vec<Duration>>);
    let taken = in_turns(rounds, turns)?;
    Ok(taken.map(|turns| Spread::of(turns.concat())))
}

/// Times an operation again and again for a time, some times at least.
pub(crate) fn repeat(
    time: Duration,
    operation: &mut dyn FnMut() -> Result<Duration>,
) -> Result<Vec<Duration>> {
    let started = Instant::now();
    let mut timings = Vec::new();
    while timings.len() < LEAST_IN_A_TURN || started.elapsed() < time {
        timings.push(operation()?);
    }
    Ok(timings)
}

/// Times an operation once and then as long as it seems to be done in time.
pub(crate) fn repeat_within(
    time: Duration,
    operation: &mut dyn FnMut() -> Result<Duration>,
) -> Result<Spread<Duration>> {
    let started = Instant::now();
    let mut timings = Vec::new();
    loop {
        let took = operation()?;
        timings.push(took);
        if started.elapsed() + took > time {
            return Ok(Spread::of(timings));
        }
    }
}
