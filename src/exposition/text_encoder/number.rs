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
    let (number, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = integer.bytes().chain(fraction.bytes());
    let leading_zeros = digits.clone().take_while(|&digit| digit == b'0').count();

    if value < 0.0 {
        out.push(b'-');
    }
    let first = out.len();
    out.extend(digits.skip(leading_zeros));
    while out.last() == Some(&b'0') {
        out.pop();
    }
    if out.len() > first + 1 {
        out.insert(first + 1, b'.');
    }
    let exponent: isize = exponent.parse().unwrap_or_default();
    let first_digit = integer.len().cast_signed() - 1 - leading_zeros.cast_signed();
    append_exponent(out, exponent + first_digit);
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
