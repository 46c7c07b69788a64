//! Comparing Kubernetes quantities, such as `1Gi` and `1024Mi` (Kubernetes API: Quantity).

/// Whether the first quantity is larger than the second; neither where one can't be read.
pub(super) fn is_larger(first: &str, second: &str) -> bool {
    matches!((parse(first), parse(second)), (Some(first), Some(second)) if first > second)
}

/// Whether two quantities are the same in other words.
pub(super) fn are_equal(first: &str, second: &str) -> bool {
    matches!((parse(first), parse(second)), (Some(first), Some(second)) if first == second)
}

/// A quantity of bytes, in thousandths. Fractions below are cut off, as no volume has them.
fn parse(quantity: &str) -> Option<i128> {
    let end = quantity
        .find(|char: char| !(char.is_ascii_digit() || matches!(char, '.' | '+' | '-')))
        .unwrap_or(quantity.len());
    let (number, suffix) = quantity.split_at(end);
    let (numerator, denominator) = scale(suffix)?;
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = u32::try_from(fraction.len())
        .ok()
        .filter(|&digits| digits <= 9)?;
    let number: i128 = format!("{integer}{fraction}").parse().ok()?;
    let thousandths = number.checked_mul(1000)?.checked_mul(numerator)?;
    Some(thousandths / denominator / 10_i128.pow(digits))
}

/// What a suffix multiplies by, as a fraction.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    const DECIMAL: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    const SMALL: [&str; 3] = ["m", "u", "n"];
    let place = |suffixes: &[&str]| {
        let at = suffixes.iter().position(|known| *known == suffix)?;
        u32::try_from(at).ok()
    };
    if let Some(at) = place(&BINARY) {
        Some((1024_i128.pow(at + 1), 1))
    } else if let Some(at) = place(&DECIMAL) {
        Some((1000_i128.pow(at), 1))
    } else if let Some(at) = place(&SMALL) {
        Some((1, 1000_i128.pow(at + 1)))
    } else {
        let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
        Some(if exponent < 0 { (1, power) } else { (power, 1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_compared_by_value() {
        for (first, second) in [
            ("1Gi", "1024Mi"),
            ("1G", "1000M"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("500m", "0.5"),
            ("1.5e-1", "150m"),
            ("1E", "1e18"),
            ("12E3", "12k"),
        ] {
            assert!(are_equal(first, second), "{first} {second}");
            assert!(!is_larger(first, second), "{first} {second}");
        }
        for (larger, smaller) in [
            ("2Gi", "1Gi"),
            ("1Gi", "1G"),
            ("1Ti", "1023Gi"),
            ("1", "999m"),
        ] {
            assert!(is_larger(larger, smaller), "{larger} {smaller}");
            assert!(!is_larger(smaller, larger), "{larger} {smaller}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_nothing() {
        for text in ["", "Gi", "1Q", "1GB", "1 Gi", "1.2.3", "1e", "1ex", "--1"] {
            assert!(!are_equal(text, text), "{text}");
            assert!(!is_larger("1", text), "{text}");
        }
    }
}
