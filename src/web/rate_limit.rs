//! The rate limit of the web configuration file: one token bucket for all clients.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;

use super::guard::refusal;
use crate::web_config::RateLimit;

/// A bucket of `burst` tokens that gains one each `interval`; a request costs one.
#[derive(Debug)]
pub struct TokenBucket {
    interval: Duration,
    burst: f64,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    /// A full bucket; none if the limit is off.
    pub fn new(limit: &RateLimit) -> Option<Self> {
        let interval = limit.interval.0;
        if interval.is_zero() {
            return None;
        }
        let burst = f64::from(limit.burst);
        let level = Level {
            tokens: burst,
            at: Instant::now(),
        };
        Some(Self {
            interval,
            burst,
            level: Mutex::new(level),
        })
    }

    /// Takes a token, if there is one at the time `now`.
    pub fn try_take(&self, now: Instant) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(level.at);
        let gained = elapsed.as_secs_f64() / self.interval.as_secs_f64();
        level.tokens = self.burst.min(level.tokens + gained);
        level.at = level.at.max(now);
        let has_token = level.tokens >= 1.0;
        if has_token {
            level.tokens -= 1.0;
        }
        has_token
    }
}

/// Answers 429 once the bucket is empty.
pub async fn limit_rate(
    State(bucket): State<Arc<TokenBucket>>,
    request: Request,
    next: Next,
) -> Response {
    if bucket.try_take(Instant::now()) {
        next.run(request).await
    } else {
        refusal(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web_config::Interval;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(interval: Duration, burst: u32) -> Option<TokenBucket> {
        let interval = Interval(interval);
        TokenBucket::new(&RateLimit { interval, burst })
    }

    #[test]
    fn no_interval_is_no_limit() {
        assert!(bucket(Duration::ZERO, 5).is_none());
    }

    #[test]
    fn a_burst_is_let_through_and_comes_back_one_by_one() {
        let bucket = bucket(SECOND, 2).unwrap();
        let start = Instant::now();
        let check = |after: Duration, expected| {
            assert_eq!(bucket.try_take(start + after), expected, "{after:?}");
        };
        check(Duration::ZERO, true);
        check(Duration::ZERO, true);
        check(Duration::ZERO, false);
        check(SECOND / 2, false);
        check(SECOND, true);
        check(SECOND, false);
        check(10 * SECOND, true);
        check(10 * SECOND, true);
        check(10 * SECOND, false);
    }

    #[test]
    fn no_burst_lets_nothing_through() {
        let bucket = bucket(SECOND, 0).unwrap();
        assert!(!bucket.try_take(Instant::now() + 10 * SECOND));
    }
}
