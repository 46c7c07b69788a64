//! When logfmt quotes a value, and how.

use std::fmt::{self, Write};

/// A value as Go's `log/slog` text handler writes it: bare if nothing in it can mislead, else as a Go string
/// literal.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.chars().all(is_bare) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        self.0.chars().try_for_each(|c| write_escaped(f, c))?;
        f.write_char('"')
    }
}

fn is_bare(c: char) -> bool {
    match c {
        ' ' | '=' | '"' => false,
        // Go counts it as safe.
        '\u{7f}' => true,
        c => is_printable(c) && !c.is_whitespace(),
    }
}

/// Near enough to Go's `unicode.IsPrint`: no control character, no line separator, nothing unassigned.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // Combining marks are escaped at the start of a text only.
    let behind_another = String::from_iter(['a', c]);
    c != char::REPLACEMENT_CHARACTER && behind_another.escape_debug().nth(1) == Some(c)
}

fn write_escaped(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\u{7}' => f.write_str("\\a"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\u{b}' => f.write_str("\\v"),
        char::REPLACEMENT_CHARACTER => f.write_char(c),
        c if is_printable(c) => f.write_char(c),
        c => match u32::from(c) {
            code @ ..0x80 => write!(f, "\\x{code:02x}"),
            code @ ..0x1_0000 => write!(f, "\\u{code:04x}"),
            code => write!(f, "\\U{code:08x}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(Quoted(text).to_string(), expected, "of {text:?}");
    }

    #[test]
    fn leaves_what_cannot_mislead() {
        check("a", "a");
        check("main.go:82", "main.go:82");
        check(r"C:\temp", r"C:\temp");
        check("it's", "it's");
        check("{job:1,x}", "{job:1,x}");
        check("Grüße☃", "Grüße☃");
        check("e\u{301}", "e\u{301}");
    }

    #[test]
    fn quotes_what_would_break_the_line() {
        check("", r#""""#);
        check("a b", r#""a b""#);
        check("a=b", r#""a=b""#);
        check(r#"say "x""#, r#""say \"x\"""#);
        check("a\\ b", r#""a\\ b""#);
        check("a\nb\tc\r", r#""a\nb\tc\r""#);
        check("\u{7}\u{8}\u{b}\u{c}", r#""\a\b\v\f""#);
        check("\u{1}\u{1b}[0m", r#""\x01\x1b[0m""#);
        check("a\u{a0}b", r#""a\u00a0b""#);
        check("a\u{2028}b", r#""a\u2028b""#);
        check("\u{e0001}", r#""\U000e0001""#);
        check("\u{fffd}", "\"\u{fffd}\"");
    }
}
