//! JSON as Go's `encoding/json` writes it, straight into bytes.

use std::collections::BTreeMap;

use crate::web::chunks::append;
use crate::web::number;

/// Appends the text as a string, with `<`, `>` and `&` escaped so that it may stand in HTML.
pub(super) fn append_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|&(_, c)| needs_escape(c)) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        append_escape(out, c);
        rest = &rest[at + c.len_utf8()..];
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn needs_escape(c: char) -> bool {
    matches!(
        c,
        '\0'..='\x1f' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}'
    )
}

fn append_escape(out: &mut Vec<u8>, c: char) {
    let short = match c {
        '"' | '\\' => u8::try_from(c).ok(),
        '\x08' => Some(b'b'),
        '\x0c' => Some(b'f'),
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        _ => None,
    };
    match short {
        Some(short) => out.extend_from_slice(&[b'\\', short]),
        None => append(out, format_args!("\\u{:04x}", u32::from(c))),
    }
}

/// Appends an integer as a string.
pub(super) fn append_integer(out: &mut Vec<u8>, integer: u64) {
    append(out, format_args!("\"{integer}\""));
}

/// Appends a float as a string.
pub(super) fn append_float(out: &mut Vec<u8>, float: f64) {
    out.push(b'"');
    number::append_float(out, float);
    out.push(b'"');
}

/// Appends an object of strings, sorted by key; of a key given twice the last value counts.
pub(super) fn append_strings<'a>(
    out: &mut Vec<u8>,
    entries: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    append_object(out, &entries.into_iter().collect(), |out, value| {
        append_string(out, value);
    });
}

/// Appends an object.
pub(super) fn append_object<K: AsRef<str> + Ord, V>(
    out: &mut Vec<u8>,
    entries: &BTreeMap<K, V>,
    append_value: impl Fn(&mut Vec<u8>, &V),
) {
    out.push(b'{');
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        append_key(out, key.as_ref());
        append_value(out, value);
    }
    out.push(b'}');
}

/// Appends the key of an object's member.
pub(super) fn append_key(out: &mut Vec<u8>, key: &str) {
    append_string(out, key);
    out.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, append: impl Fn(&mut Vec<u8>)) {
        let mut out = Vec::new();
        append(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        let check = |text: &str, expected: &str| {
            check(expected, |out| append_string(out, text));
        };
        check("", r#""""#);
        check("Björn 😊 / '\x7f", "\"Björn 😊 / '\x7f\"");
        check("inst'a\"n\\ce1", r#""inst'a\"n\\ce1""#);
        check("<&>", r#""\u003c\u0026\u003e""#);
        check("\u{2028}\u{2029}", r#""\u2028\u2029""#);
        check(
            "\0\x01\x08\x0c\n\r\t\x1f",
            r#""\u0000\u0001\b\f\n\r\t\u001f""#,
        );
    }

    #[test]
    fn objects_are_sorted_and_the_last_of_equal_keys_wins() {
        let entries = [("b", "1"), ("a<", "2"), ("b", "3")];
        check(r#"{"a\u003c":"2","b":"3"}"#, |out| {
            append_strings(out, entries);
        });
        check("{}", |out| append_strings(out, []));
    }

    #[test]
    fn numbers_are_strings() {
        check(r#""18446744073709551615""#, |out| {
            append_integer(out, u64::MAX);
        });
        check(r#""1e+06""#, |out| append_float(out, 1e6));
        check(r#""-0""#, |out| append_float(out, -0.0));
    }
}
