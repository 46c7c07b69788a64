//! Numbers as the text format prints them, which is as Go does.

/// Appends the shortest decimal number that parses to the same double.
///
/// With X the exponent of its first digit, the number is plain for X from -4 to 5 and otherwise like `1.5e+06`,
/// with at least two digits in the exponent. Both zeros are `0`.
pub fn append_float(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if magnitude < 1e6 && value.fract() == 0.0 {
        append_short_integer(out, value);
    } else if (1e-4..1e6).contains(&magnitude) {
        // In this range the crate prints plain numbers, too.
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        append_scientific(out, value);
    }
}

/// Appends an integer of up to six digits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the caller has checked the range"
)]
fn append_short_integer(out: &mut Vec<u8>, value: f64) {
    let integer = value as isize;
    if integer < 0 {
        out.push(b'-');
    }
    append_digits(out, integer.unsigned_abs());
}

/// Appends the form with an exponent, from the form that the crate happens to print.
fn append_scientific(out: &mut Vec<u8>, value: f64) {
    let mut buffer = zmij::Buffer::new();
    let printed = buffer.format_finite(value.abs());
    let (number, exponent) = cut(printed, b'e');
    let (integer, fraction) = cut(number, b'.');
    let exponent: isize = exponent.parse().unwrap_or_default();
    // Of a number below one, neither the zero before the point nor those right behind it count.
    let (digits, rest, first_digit) = if integer == "0" {
        let digits = fraction.trim_start_matches('0');
        let zeros = fraction.len() - digits.len();
        (digits, "", -1 - zeros.cast_signed())
    } else {
        (integer, fraction, integer.len().cast_signed() - 1)
    };

    if value < 0.0 {
        out.push(b'-');
    }
    let (first, others) = digits.split_at(digits.len().min(1));
    out.extend_from_slice(first.as_bytes());
    out.push(b'.');
    out.extend_from_slice(others.as_bytes());
    out.extend_from_slice(rest.as_bytes());
    while out.last() == Some(&b'0') {
        out.pop();
    }
    if out.last() == Some(&b'.') {
        out.pop();
    }
    append_exponent(out, exponent + first_digit);
}

/// What is before and behind the first such byte; all and nothing if there is none.
fn cut(text: &str, separator: u8) -> (&str, &str) {
    // Not `split_once`, which sets up a search: that takes longer than to look through text as short as this.
    match text.bytes().position(|byte| byte == separator) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

fn append_exponent(out: &mut Vec<u8>, exponent: isize) {
    out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    let exponent = exponent.unsigned_abs();
    if exponent < 10 {
        out.push(b'0');
    }
    append_digits(out, exponent);
}

/// Appends a number of up to six digits.
fn append_digits(out: &mut Vec<u8>, mut number: usize) {
    let mut digits = [b'0'; 6];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b"0123456789"[number % 10];
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}
