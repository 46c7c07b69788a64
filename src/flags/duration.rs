//! Durations as Go programs read and print them.

use std::fmt;
use std::time::Duration;

use super::value::InvalidValue;

const NANOSECOND: u64 = 1;
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A signed duration in nanoseconds, up to some 292 years.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct GoDuration(i64);

impl GoDuration {
    /// Numbers with units, such as `1h30m` or `1.5s`; the units are Go's, and `d` and `w`.
    ///
    /// Refuses in the words of Go's `time.ParseDuration`.
    pub(super) fn parse(typed: &str) -> Result<Self, InvalidValue> {
        let invalid = || InvalidValue::AsGo(format!("time: invalid duration {typed:?}"));
        let is_negative = typed.starts_with('-');
        let mut rest = typed.strip_prefix(['-', '+']).unwrap_or(typed);
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut nanos = 0_u64;
        while !rest.is_empty() {
            let whole = leading(&mut rest, |c| c.is_ascii_digit());
            let mut fraction = "";
            if let Some(after_point) = rest.strip_prefix('.') {
                rest = after_point;
                fraction = leading(&mut rest, |c| c.is_ascii_digit());
            }
            if whole.len() + fraction.len() == 0 {
                return Err(invalid());
            }
            let unit = leading(&mut rest, |c| !c.is_ascii_digit() && c != '.');
            let factor = nanos_per(unit, typed)?;
            let term = nanos_of(whole, fraction, factor);
            let sum = term.and_then(|term| nanos.checked_add(term));
            nanos = sum.ok_or_else(invalid)?;
        }
        let nanos = i64::try_from(nanos).map_err(|_| invalid())?;
        Ok(Self(if is_negative { -nanos } else { nanos }))
    }

    /// What there is to wait; nothing if negative.
    pub(super) fn to_std(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

/// Splits off what satisfies the condition.
fn leading<'a>(text: &mut &'a str, is_part: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    *text = tail;
    head
}

fn nanos_per(unit: &str, typed: &str) -> Result<u64, InvalidValue> {
    Ok(match unit {
        "ns" => NANOSECOND,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => 24 * HOUR,
        "w" => 7 * 24 * HOUR,
        "" => {
            return Err(InvalidValue::AsGo(format!(
                "time: missing unit in duration {typed:?}"
            )));
        }
        _ => {
            return Err(InvalidValue::AsGo(format!(
                "time: unknown unit {unit:?} in duration {typed:?}"
            )));
        }
    })
}

/// Decimal digits before and after the point, in nanoseconds; none if too large.
fn nanos_of(whole: &str, fraction: &str, factor: u64) -> Option<u64> {
    let number = |digits: &str| match digits {
        "" => Some(0),
        digits => digits.parse::<u64>().ok(),
    };
    // No unit has more digits than a week in nanoseconds.
    let fraction = &fraction[..fraction.len().min(15)];
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = u128::from(number(fraction)?) * u128::from(factor) / scale;
    number(whole)?
        .checked_mul(factor)?
        .checked_add(u64::try_from(part).ok()?)
}

impl fmt::Display for GoDuration {
    /// As Go prints it: `5m0s`, `1h0m0s`, `1.5s`, `100ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let nanos = self.0.unsigned_abs();
        match nanos {
            0 => f.write_str("0s"),
            1..MICROSECOND => write!(f, "{nanos}ns"),
            MICROSECOND..MILLISECOND => write!(f, "{}µs", decimal(nanos, MICROSECOND)),
            MILLISECOND..SECOND => write!(f, "{}ms", decimal(nanos, MILLISECOND)),
            _ => {
                let (hours, minutes) = (nanos / HOUR, nanos / MINUTE % 60);
                if hours > 0 {
                    write!(f, "{hours}h")?;
                }
                if nanos >= MINUTE {
                    write!(f, "{minutes}m")?;
                }
                write!(f, "{}s", decimal(nanos % MINUTE, SECOND))
            }
        }
    }
}

/// So many units with a fraction that has no trailing zero.
fn decimal(nanos: u64, unit: u64) -> String {
    let digits = usize::try_from(unit.ilog10()).unwrap_or(0);
    let text = format!("{}.{:0digits$}", nanos / unit, nanos % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: &str) {
        let text = match GoDuration::parse(typed) {
            Ok(duration) => duration.to_string(),
            Err(InvalidValue::AsGo(reason) | InvalidValue::Own(reason)) => reason,
        };
        assert_eq!(text, expected, "of {typed:?}");
    }

    #[test]
    fn prints_what_it_parsed_in_the_form_of_go() {
        check("0", "0s");
        check("0s", "0s");
        check("5m", "5m0s");
        check("300s", "5m0s");
        check("24h", "24h0m0s");
        check("1d", "24h0m0s");
        check("1w", "168h0m0s");
        check("1h2m3.5s", "1h2m3.5s");
        check("1.5h", "1h30m0s");
        check(".5s", "500ms");
        check("5.s", "5s");
        check("1.25ms", "1.25ms");
        check("100us", "100µs");
        check("100\u{b5}s", "100µs");
        check("100\u{3bc}s", "100µs");
        check("15ns", "15ns");
        check("1.0000000019s", "1.000000001s");
        check("1m1ns", "1m0.000000001s");
        check("-5m", "-5m0s");
        check("+5m", "5m0s");
        check("-0", "0s");
        check("10s1s", "11s");
    }

    #[test]
    fn refuses_in_the_words_of_go() {
        check("xx", r#"time: invalid duration "xx""#);
        check("", r#"time: invalid duration """#);
        check("-", r#"time: invalid duration "-""#);
        check(".s", r#"time: invalid duration ".s""#);
        check("1.2.3s", r#"time: missing unit in duration "1.2.3s""#);
        check("5", r#"time: missing unit in duration "5""#);
        check("5x", r#"time: unknown unit "x" in duration "5x""#);
        check("5 s", r#"time: unknown unit " s" in duration "5 s""#);
        check("9999999h", r#"time: invalid duration "9999999h""#);
    }

    #[test]
    fn a_negative_one_is_no_wait() {
        let negative = GoDuration::parse("-5m").unwrap();
        assert_eq!(negative.to_std(), Duration::ZERO);
        let positive = GoDuration::parse("1.5s").unwrap();
        assert_eq!(positive.to_std(), Duration::from_millis(1500));
    }
}
