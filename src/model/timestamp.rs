//! A point in time as the gateway keeps it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since the Unix epoch; good for the years 1678 to 2262.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time that lies this many nanoseconds after the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, rounded as the push gauges show them: the nanoseconds as a double,
    /// divided by 1e9.
    #[expect(clippy::cast_precision_loss, reason = "the gauges are doubles")]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl From<SystemTime> for Timestamp {
    /// Times out of range become the nearest one in it.
    fn from(time: SystemTime) -> Self {
        let nanos = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos)
            }
        };
        Self(nanos)
    }
}
