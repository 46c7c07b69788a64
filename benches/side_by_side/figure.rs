//! Figures as a reader wants them: in the unit that fits, with three digits.

use std::time::Duration;

use crate::timing::Spread;

/// A time with its middle four fifths.
pub(crate) fn time(spread: &Spread<Duration>) -> String {
    format!(
        "{} ({} to {}, n = {})",
        duration(spread.median),
        duration(spread.p10),
        duration(spread.p90),
        spread.count
    )
}

/// A rate with its middle four fifths.
pub(crate) fn rate(spread: &Spread<f64>) -> String {
    format!(
        "{}/s ({} to {}, n = {})",
        significant(spread.median),
        significant(spread.p10),
        significant(spread.p90),
        spread.count
    )
}

/// Bytes a second when so many take these times.
pub(crate) fn throughput(bytes: usize, times: &Spread<Duration>) -> String {
    format!(
        "{} MB/s ({} to {}, n = {})",
        significant(megabytes_per_second(bytes, times.median)),
        significant(megabytes_per_second(bytes, times.p90)),
        significant(megabytes_per_second(bytes, times.p10)),
        times.count
    )
}

pub(crate) fn megabytes_per_second(bytes: usize, time: Duration) -> f64 {
    float(bytes as u64) / 1e6 / time.as_secs_f64()
}

/// A duration in the unit that fits it.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    // Half a unit in the third digit, so that 999.6 µs is 1 ms.
    match seconds {
        s if s >= 0.9995 => format!("{} s", significant(s)),
        s if s >= 0.000_999_5 => format!("{} ms", significant(s * 1e3)),
        s => format!("{} µs", significant(s * 1e6)),
    }
}

/// Bytes in the unit that fits them.
pub(crate) fn bytes(bytes: u64) -> String {
    match float(bytes) {
        b if b >= 1023.5 * 1024.0 * 1024.0 => {
            format!("{} GiB", significant(b / 1024.0 / 1024.0 / 1024.0))
        }
        b if b >= 1023.5 * 1024.0 => format!("{} MiB", significant(b / 1024.0 / 1024.0)),
        b if b >= 1023.5 => format!("{} KiB", significant(b / 1024.0)),
        b => format!("{b} B"),
    }
}

/// A round number as people write it: 36k, 1.2M.
pub(crate) fn count(count: usize) -> String {
    match float(count as u64) {
        c if c >= 1e9 => format!("{}G", significant(c / 1e9)),
        c if c >= 1e6 => format!("{}M", significant(c / 1e6)),
        c if c >= 1e3 => format!("{}k", significant(c / 1e3)),
        c => significant(c),
    }
}

/// Three digits of a number, without a fraction that says nothing.
pub(crate) fn significant(number: f64) -> String {
    match number {
        n if n >= 99.95 => format!("{n:.0}"),
        n if n >= 9.995 => trimmed(format!("{n:.1}")),
        n => trimmed(format!("{n:.2}")),
    }
}

fn trimmed(number: String) -> String {
    if number.contains('.') {
        number
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    } else {
        number
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}
