//! Quotes names and values in messages as the Pushgateway does, which is as Go's `%q` does.

use std::fmt::{self, Write};

/// Of longer values only the beginning is shown; messages go into answers and logs.
const MAX_SHOWN: usize = 16 * 1024;

/// Bytes that print between double quotes, with Go's escapes.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a [u8]);

/// A byte that prints between single quotes, as the character of that number.
#[derive(Clone, Copy, Debug)]
pub struct QuotedByte(pub u8);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(MAX_SHOWN)];
        f.write_char('"')?;
        for chunk in shown.utf8_chunks() {
            for character in chunk.valid().chars() {
                write_escaped(f, character, '"')?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str(if shown.len() < self.0.len() {
            "\"..."
        } else {
            "\""
        })
    }
}

impl fmt::Display for QuotedByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        write_escaped(f, char::from(self.0), '\'')?;
        f.write_char('\'')
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, character: char, quote: char) -> fmt::Result {
    match character {
        '\\' => f.write_str("\\\\"),
        '\x07' => f.write_str("\\a"),
        '\x08' => f.write_str("\\b"),
        '\x0c' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\x0b' => f.write_str("\\v"),
        _ if character == quote => write!(f, "\\{quote}"),
        _ if is_printable(character) => f.write_char(character),
        _ => match u32::from(character) {
            code @ (0..0x20 | 0x7f) => write!(f, "\\x{code:02x}"),
            code @ 0..=0xffff => write!(f, "\\u{code:04x}"),
            code => write!(f, "\\U{code:08x}"),
        },
    }
}

/// Whether the character shows as itself. The standard library knows, but tells only by how it escapes, and
/// spares combining marks only if they follow something.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    let mut after_letter = [b'a', 0, 0, 0, 0];
    let end = 1 + character.encode_utf8(&mut after_letter[1..]).len();
    let text = std::str::from_utf8(&after_letter[..end]).unwrap_or_default();
    text.escape_debug().nth(1) != Some('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], quoted: &str) {
        assert_eq!(Quoted(bytes).to_string(), quoted);
    }

    #[test]
    fn escapes_what_does_not_print() {
        check(b"plain 'a'", r#""plain 'a'""#);
        check(b"\"\\\x07\x08\x0c\n\r\t\x0b", r#""\"\\\a\b\f\n\r\t\v""#);
        check(b"\x00\x1f\x7f", r#""\x00\x1f\x7f""#);
        check(
            "\u{80}\u{a0}\u{ad}\u{200b}".as_bytes(),
            r#""\u0080\u00a0\u00ad\u200b""#,
        );
        check("\u{e0001}".as_bytes(), r#""\U000e0001""#);
    }

    #[test]
    fn keeps_what_prints() {
        check("äé☃😊e\u{301}".as_bytes(), "\"äé☃😊e\u{301}\"");
    }

    #[test]
    fn shows_invalid_utf8_byte_by_byte() {
        check(b"a\xff\xc3b\xed\xa0\x80", r#""a\xff\xc3b\xed\xa0\x80""#);
    }

    #[test]
    fn quotes_bytes_as_characters() {
        let quoted = |byte| QuotedByte(byte).to_string();
        assert_eq!(quoted(b'a'), "'a'");
        assert_eq!(quoted(b'"'), "'\"'");
        assert_eq!(quoted(b'\''), r"'\''");
        assert_eq!(quoted(b'\n'), r"'\n'");
        assert_eq!(quoted(0xff), "'ÿ'");
        assert_eq!(quoted(0x80), r"'\u0080'");
    }
}
