//! Limits, as the gateway's flags take them.

use super::Invalid;
use super::api::Limits;

/// Defaults of the gateway's flags, to which others are compared.
const BODY_BYTES: &str = "64MiB";
const INFLATED_BODY_BYTES: &str = "256MiB";
const BODIES_IN_FLIGHT_BYTES: &str = "1GiB";

/// Each limit is a number above zero, a size or a duration.
pub(super) fn check(limits: &Limits) -> Result<(), Invalid> {
    let Limits {
        body_bytes,
        inflated_body_bytes,
        bodies_in_flight_bytes,
        groups,
        series,
        series_per_group,
        labels_per_series,
        label_name_bytes,
        label_value_bytes,
        help_bytes,
        head_bytes,
        head_timeout,
        body_timeout,
        idle_timeout,
        connections,
        queued_pushes,
    } = limits;
    for (name, size) in [
        ("bodyBytes", body_bytes),
        ("inflatedBodyBytes", inflated_body_bytes),
        ("bodiesInFlightBytes", bodies_in_flight_bytes),
        ("labelNameBytes", label_name_bytes),
        ("labelValueBytes", label_value_bytes),
        ("helpBytes", help_bytes),
        ("headBytes", head_bytes),
    ] {
        let is_size = |text: &str| bytes(text).is_some();
        refuse_unless(name, size.as_deref(), is_size, "a size such as 64MiB")?;
    }
    for (name, timeout) in [
        ("headTimeout", head_timeout),
        ("bodyTimeout", body_timeout),
        ("idleTimeout", idle_timeout),
    ] {
        let is_timeout = |text: &str| milliseconds(text).is_some_and(|time| time > 0);
        refuse_unless(
            name,
            timeout.as_deref(),
            is_timeout,
            "a duration such as 10s",
        )?;
    }
    for (name, count) in [
        ("groups", groups),
        ("series", series),
        ("seriesPerGroup", series_per_group),
        ("labelsPerSeries", labels_per_series),
        ("connections", connections),
        ("queuedPushes", queued_pushes),
    ] {
        let count = count.map(|count| count.to_string());
        let is_count = |text: &str| !text.starts_with(['-', '0']);
        refuse_unless(name, count.as_deref(), is_count, "a number above zero")?;
    }
    check_total(limits)
}

fn refuse_unless(
    name: &str,
    value: Option<&str>,
    is_valid: impl Fn(&str) -> bool,
    wanted: &str,
) -> Result<(), Invalid> {
    match value {
        Some(value) if !is_valid(value) => Err(Invalid::new(
            format!("spec.push.limits.{name}"),
            format!("{value:?} is no limit; write {wanted}"),
        )),
        _ => Ok(()),
    }
}

/// All bodies together must have room for the largest single one.
fn check_total(limits: &Limits) -> Result<(), Invalid> {
    let or =
        |limit: &Option<String>, default: &str| limit.clone().unwrap_or_else(|| default.to_owned());
    let total = or(&limits.bodies_in_flight_bytes, BODIES_IN_FLIGHT_BYTES);
    for (name, single) in [
        ("bodyBytes", or(&limits.body_bytes, BODY_BYTES)),
        (
            "inflatedBodyBytes",
            or(&limits.inflated_body_bytes, INFLATED_BODY_BYTES),
        ),
    ] {
        if bytes(&single) > bytes(&total) {
            let message = format!(
                "{total:?} is less than {name} {single:?}, so that one such request would never fit; raise it or lower {name}"
            );
            let field = "spec.push.limits.bodiesInFlightBytes";
            return Err(Invalid::new(field, message));
        }
    }
    Ok(())
}

/// A number of bytes above zero, alone or with a binary unit, that 64 bits can hold.
fn bytes(text: &str) -> Option<u64> {
    let units = [("KiB", 1_u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let unit = units.iter().find(|(unit, _)| text.ends_with(unit));
    let (digits, factor) = unit.map_or((text, 1), |(unit, factor)| {
        (&text[..text.len() - unit.len()], *factor)
    });
    let bytes = number(digits)?.checked_mul(factor)?;
    (1..=i64::MAX.unsigned_abs())
        .contains(&bytes)
        .then_some(bytes)
}

/// A duration as Prometheus writes it: numbers with units, from large to small, each at most once.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut units, mut total) = (text, UNITS.iter(), 0_u64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit());
        let (unit, tail) = tail.split_at(unit_end.unwrap_or(tail.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number(digits)?.checked_mul(*factor)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

fn number(digits: &str) -> Option<u64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, time) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1h30m", Some(5_400_000)),
            ("1w2d3h4m5s6ms", Some(788_645_006)),
            ("", None),
            ("5", None),
            ("s", None),
            ("5x", None),
            ("1m1h", None),
            ("1s1s", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(milliseconds(text), time, "of {text:?}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_binary_unit() {
        for text in ["1", "64MiB", "1GiB", "10KiB"] {
            assert!(bytes(text).is_some(), "{text:?} is a size");
        }
        for text in [
            "",
            "0",
            "0KiB",
            "+1",
            "1MB",
            "MiB",
            "-1",
            "9999999999999GiB",
        ] {
            assert!(bytes(text).is_none(), "{text:?} is no size");
        }
    }
}
