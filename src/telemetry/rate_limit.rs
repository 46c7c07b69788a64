//! Keeps log lines that clients can provoke from filling the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// Admits so many log lines a second, and counts the rest.
///
/// ```
/// # use std::time::Instant;
/// # use pushgateway::telemetry::RateLimit;
/// let limit = RateLimit::per_second(10);
/// if let Some(suppressed) = limit.admit(Instant::now()) {
///     tracing::info!(suppressed, "a push could not be parsed");
/// }
/// ```
#[derive(Debug)]
pub struct RateLimit {
    per_second: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the current second began; none before the first line.
    since: Option<Instant>,
    admitted: u32,
    suppressed: u64,
}

impl RateLimit {
    /// At most so many lines within a second that begins with the first of them.
    pub fn per_second(lines: u32) -> Self {
        Self {
            per_second: lines,
            state: Mutex::default(),
        }
    }

    /// How many lines were suppressed since the last admitted one; none if this one is to be suppressed too.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |since| now.saturating_duration_since(since) >= WINDOW;
        if state.since.is_none_or(is_over) {
            state.since = Some(now);
            state.admitted = 0;
        }
        if state.admitted >= self.per_second {
            state.suppressed += 1;
            return None;
        }
        state.admitted += 1;
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suppresses_beyond_the_limit_and_tells_how_many_later() {
        let limit = RateLimit::per_second(2);
        let start = Instant::now();
        let at = |millis| limit.admit(start + Duration::from_millis(millis));
        assert_eq!([at(0), at(100)], [Some(0), Some(0)]);
        assert_eq!([at(200), at(300), at(999)], [None; 3]);
        assert_eq!([at(1000), at(1001), at(1002)], [Some(3), Some(0), None]);
        assert_eq!(at(9000), Some(1));
    }
}
