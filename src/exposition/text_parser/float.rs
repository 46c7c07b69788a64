//! Numbers as the text format has them.

/// The number, if it is one by the rules of Go's `ParseFloat` for decimal numbers, rounded to nearest.
///
/// Of what Rust parses, not-a-number with a sign and numbers that are too great are refused.
pub(super) fn parse_float(word: &str) -> Option<f64> {
    if let Some(integer) = parse_short_integer(word.as_bytes()) {
        return Some(integer);
    }
    let value: f64 = word.parse().ok()?;
    if value.is_nan() {
        return (word.len() == "nan".len()).then_some(value);
    }
    if value.is_infinite() && word.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(value)
}

/// Most values are counts. Integers of up to nine digits are parsed here, in half the time.
fn parse_short_integer(digits: &[u8]) -> Option<f64> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let mut integer = 0_u32;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        integer = integer * 10 + u32::from(digit - b'0');
    }
    Some(f64::from(integer))
}
