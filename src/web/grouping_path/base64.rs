//! URL-safe base64 as lax as Go reads it in a push URL, down to where it says that the input is corrupt.

use thiserror::Error;

/// Why, and how far, text is no base64.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("illegal base64 data at input byte {at}")]
pub struct Corrupt {
    /// The offset of the offending byte.
    pub at: usize,
    /// What the groups of four before it stand for.
    pub decoded: Vec<u8>,
}

/// The bytes that the text stands for. Padding is optional and of any length, CR and LF are skipped, spare bits at
/// the end may be set.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let end = text.iter().rposition(|&byte| byte != b'=');
    let text = &text[..end.map_or(0, |last| last + 1)];
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut group, mut digits) = (0_u32, 0_usize);
    for (at, &byte) in text.iter().enumerate() {
        if matches!(byte, b'\r' | b'\n') {
            continue;
        }
        let Some(digit) = digit(byte) else {
            return Err(Corrupt { at, decoded });
        };
        group = group << 6 | u32::from(digit);
        digits += 1;
        if digits == 4 {
            decoded.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, digits) = (0, 0);
        }
    }
    if digits == 1 {
        let at = text.len() - 1;
        return Err(Corrupt { at, decoded });
    }
    let rest = (group << (6 * (4 - digits))).to_be_bytes();
    decoded.extend_from_slice(&rest[1..][..digits.saturating_sub(1)]);
    Ok(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// The text that stands for a value, without padding.
pub(super) fn encode(value: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_as_lax_as_go() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                decode(text.as_bytes()).unwrap(),
                expected.as_bytes(),
                "{text}"
            );
        };
        check("", "");
        check("====", "");
        check("Zm9v", "foo");
        check("Zm9vYg", "foob");
        check("Zm9vYg==", "foob");
        check("Zm9vYh", "foob");
        check("Zm9vYmE", "fooba");
        check("Z\nm9\r\nv", "foo");
        check("Pz8_", "???");
    }

    #[test]
    fn says_where_it_stopped_and_keeps_what_came_before() {
        let check = |text: &str, at: usize, decoded: &[u8]| {
            let decoded = decoded.to_vec();
            assert_eq!(
                decode(text.as_bytes()),
                Err(Corrupt { at, decoded }),
                "{text}"
            );
        };
        check("foo.bar", 3, b"");
        check("Z", 0, b"");
        check("Zm+v", 2, b"");
        check("Zm9vY", 4, b"foo");
        check("Zm9v!", 4, b"foo");
        check("Zm=v", 2, b"");
    }
}
