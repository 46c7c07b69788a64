//! Durations as Go writes them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A duration in Go's notation: `300ms`, `1.5h`, `2m30s`. What is negative counts as zero.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval(pub Duration);

/// A text that is no duration.
#[derive(Debug, thiserror::Error)]
#[error("time: invalid duration {0:?}")]
pub struct IntervalError(String);

impl TryFrom<String> for Interval {
    type Error = IntervalError;

    fn try_from(text: String) -> Result<Self, IntervalError> {
        match parse(&text) {
            Some(duration) => Ok(Self(duration)),
            None => Err(IntervalError(text)),
        }
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0 => formatter.write_str("0s"),
            _ if nanos.is_multiple_of(1_000_000_000) => {
                write!(formatter, "{}s", nanos / 1_000_000_000)
            }
            _ if nanos.is_multiple_of(1_000_000) => write!(formatter, "{}ms", nanos / 1_000_000),
            _ => write!(formatter, "{nanos}ns"),
        }
    }
}

fn parse(text: &str) -> Option<Duration> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(number_len);
        let unit_len = tail
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        sum = sum.checked_add(part(number, unit_seconds(unit)?)?)?;
        rest = tail;
    }
    Some(if is_negative { Duration::ZERO } else { sum })
}

fn part(number: &str, unit_seconds: f64) -> Option<Duration> {
    // Rust reads "1." and ".5" as Go does, and refuses "." and "1.2.3".
    let count: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(count * unit_seconds).ok()
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Duration>) {
        let parsed = Interval::try_from(text.to_owned()).ok();
        assert_eq!(parsed.map(|interval| interval.0), expected, "{text}");
    }

    #[test]
    fn units_add_up() {
        check("1s", Some(Duration::from_secs(1)));
        check("1h2m3.5s", Some(Duration::from_millis(3_723_500)));
        check("1.5ms", Some(Duration::from_micros(1500)));
        check("20µs", Some(Duration::from_micros(20)));
        check("0", Some(Duration::ZERO));
    }

    #[test]
    fn negative_is_zero() {
        check("-1s", Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "-", "1", "s", "1d", "1.2.3s", ".s", "1 s", "1e3s"] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["0s", "90s", "1500ms", "7ns"] {
            assert_eq!(
                Interval::try_from(text.to_owned()).unwrap().to_string(),
                text
            );
        }
    }
}
