//! Timings, and taking them in turns.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Rounds of which the first only warms up.
const ROUNDS: usize = 6;
/// In each round, so often at least, however long it takes.
const LEAST_IN_A_TURN: usize = 3;

/// What was measured of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<T> {
    pub(crate) go: T,
    pub(crate) ours: T,
}

/// Where the middle and the middle four fifths of many timings lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) p10: Duration,
    pub(crate) median: Duration,
    pub(crate) p90: Duration,
    pub(crate) count: usize,
}

impl Spread {
    /// # Panics
    /// Without timings.
    pub(crate) fn of(mut timings: Vec<Duration>) -> Self {
        timings.sort_unstable();
        let last = timings.len() - 1;
        Self {
            p10: timings[last / 10],
            median: timings[last / 2],
            p90: timings[last * 9 / 10],
            count: timings.len(),
        }
    }
}

impl Pair<Spread> {
    /// How many times faster ours is.
    pub(crate) fn ratio(&self) -> f64 {
        self.go.median.as_secs_f64() / self.ours.median.as_secs_f64()
    }
}

/// Times operations in turns of about `turn` each, A B C A B C, so that what changes on the machine
/// meanwhile changes all of them.
pub(crate) fn in_turns<const N: usize>(
    turn: Duration,
    mut operations: [&mut dyn FnMut() -> Result<Duration>; N],
) -> Result<[Spread; N]> {
    let mut timings = [const { Vec::new() }; N];
    for round in 0..ROUNDS {
        for (operation, timings) in operations.iter_mut().zip(&mut timings) {
            let taken = take_turn(turn, *operation)?;
            if round > 0 {
                timings.extend(taken);
            }
        }
    }
    Ok(timings.map(Spread::of))
}

fn take_turn(
    turn: Duration,
    operation: &mut dyn FnMut() -> Result<Duration>,
) -> Result<Vec<Duration>> {
    let started = Instant::now();
    let mut timings = Vec::new();
    while timings.len() < LEAST_IN_A_TURN || started.elapsed() < turn {
        timings.push(operation()?);
    }
    Ok(timings)
}
