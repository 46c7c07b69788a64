//! Floats as the JSON API and the page print them: as a scrape does, but with the sign of a negative zero.

use crate::exposition::text_encoder;

/// Appends the shortest digits that give the same double, plain for exponents from -4 to 5.
pub(super) fn append_float(out: &mut Vec<u8>, float: f64) {
    if float == 0.0 && float.is_sign_negative() {
        out.push(b'-');
    }
    text_encoder::append_float(out, float);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_printed_as_go_prints_them() {
        let check = |float: f64, expected: &str| {
            let mut out = Vec::new();
            append_float(&mut out, float);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(0.0, "0");
        check(-0.0, "-0");
        check(100_000.0, "100000");
        check(999_999.0, "999999");
        check(1e6, "1e+06");
        check(123_456.7, "123456.7");
        check(1_234_567.0, "1.234567e+06");
        check(0.0001, "0.0001");
        check(0.000_01, "1e-05");
        check(3e-7, "3e-07");
        check(1e21, "1e+21");
        check(5e-324, "5e-324");
        check(f64::MAX, "1.7976931348623157e+308");
        check(-2.5, "-2.5");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "+Inf");
        check(f64::NEG_INFINITY, "-Inf");
    }
}
