//! Times as users read them, in the time zone of the server.

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// The time zone that the server is in.
pub fn system_zone() -> TimeZone {
    TimeZone::system()
}

/// RFC 3339 with as many digits of the second's fraction as it takes: `2020-03-10T00:54:08.025744841+05:30`.
pub(super) fn rfc3339_nano(time: Timestamp, zone: &TimeZone) -> String {
    let zoned = to_zoned(time, zone);
    let mut text = zoned.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let nanos = format!(".{:09}", zoned.subsec_nanosecond());
    text.push_str(nanos.trim_end_matches('0').trim_end_matches('.'));
    text.push_str(&offset(&zoned));
    text
}

/// RFC 3339 with whole seconds.
pub(super) fn rfc3339(time: Timestamp, zone: &TimeZone) -> String {
    let zoned = to_zoned(time, zone);
    format!("{}{}", zoned.strftime("%Y-%m-%dT%H:%M:%S"), offset(&zoned))
}

fn to_zoned(time: Timestamp, zone: &TimeZone) -> Zoned {
    let nanos = i128::from(time.as_nanos());
    // All of our times lie between the years 1678 and 2262.
    let time = jiff::Timestamp::from_nanosecond(nanos).unwrap_or_default();
    time.to_zoned(zone.clone())
}

fn offset(zoned: &Zoned) -> String {
    if zoned.offset().is_zero() {
        "Z".to_owned()
    } else {
        zoned.strftime("%:z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz;

    use super::*;

    #[test]
    fn times_are_printed_as_go_prints_them() {
        let check = |nanos: i64, zone: &TimeZone, long: &str, short: &str| {
            let time = Timestamp::from_nanos(nanos);
            assert_eq!(rfc3339_nano(time, zone), long);
            assert_eq!(rfc3339(time, zone), short);
        };
        let india = TimeZone::fixed(tz::Offset::from_seconds(19_800).unwrap());
        check(
            1_583_781_848_025_744_841,
            &india,
            "2020-03-10T00:54:08.025744841+05:30",
            "2020-03-10T00:54:08+05:30",
        );
        let utc = &TimeZone::UTC;
        check(0, utc, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
        check(
            1_500_000_000,
            utc,
            "1970-01-01T00:00:01.5Z",
            "1970-01-01T00:00:01Z",
        );
    }
}
