//! Reads back a sample line of the text format as [`super::text_encoder`] writes it.
//!
//! The store keeps what a scrape shows as text and nothing beside it; this is how it finds its way in there.
//! Not a parser for foreign text: that is [`super::text_parser`].

use std::borrow::Cow;

use memchr::{memchr, memrchr};

/// The last line of a metric's lines: the one that has no `le` and no `quantile`.
pub fn last_line(lines: &[u8]) -> &[u8] {
    let body = lines.strip_suffix(b"\n").unwrap_or(lines);
    memrchr(b'\n', body).map_or(body, |newline| &body[newline + 1..])
}

/// A sample line taken apart, everything still escaped as it stands there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SampleLine<'a> {
    /// The metric name, without quotes.
    pub name: &'a [u8],
    /// What stands between the braces, without the name.
    labels: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

impl<'a> SampleLine<'a> {
    /// Takes apart one line, with or without its line feed.
    pub fn new(line: &'a [u8]) -> Self {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        // A value holds no blank, so the last one stands before it.
        let blank = memrchr(b' ', line).unwrap_or(line.len());
        let (series, value) = (&line[..blank], line.get(blank + 1..).unwrap_or_default());
        let brace = memchr(b'{', series).unwrap_or(series.len());
        let inner = series.get(brace + 1..).unwrap_or_default();
        let inner = inner.strip_suffix(b"}").unwrap_or(inner);
        if brace > 0 {
            return Self {
                name: &series[..brace],
                labels: inner,
                value,
            };
        }
        let name = quoted(inner);
        let rest = inner.get(name.len() + 2..).unwrap_or_default();
        Self {
            name,
            labels: rest.strip_prefix(b",").unwrap_or(rest),
            value,
        }
    }

    /// The labels in the order in which they stand there.
    pub fn labels(&self) -> RawLabels<'a> {
        RawLabels { rest: self.labels }
    }
}

/// Iterates over the labels of a [`SampleLine`].
#[derive(Clone, Debug)]
pub struct RawLabels<'a> {
    rest: &'a [u8],
}

/// A label as it stands in the line: quotes removed, escapes not resolved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RawLabel<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Iterator for RawLabels<'a> {
    type Item = RawLabel<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.rest.first()?;
        let (name, after_name) = if first == b'"' {
            let name = quoted(self.rest);
            (name, name.len() + 2)
        } else {
            let equals = memchr(b'=', self.rest).unwrap_or(self.rest.len());
            (&self.rest[..equals], equals)
        };
        let from_value = self.rest.get(after_name + 1..).unwrap_or_default();
        let value = quoted(from_value);
        // Past the closing quote and the comma, if there is one.
        self.rest = from_value.get(value.len() + 3..).unwrap_or_default();
        Some(RawLabel { name, value })
    }
}

/// The inside of the quoted string that the text begins with.
fn quoted(text: &[u8]) -> &[u8] {
    let inside = text.get(1..).unwrap_or_default();
    let mut end = 0;
    while end < inside.len() && inside[end] != b'"' {
        end += if inside[end] == b'\\' { 2 } else { 1 };
    }
    &inside[..end.min(inside.len())]
}

/// Resolves the escapes of a quoted string.
pub fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr(b'\\', raw) else {
        return Cow::Borrowed(raw);
    };
    let mut plain = raw[..first].to_vec();
    let mut rest = raw[first..].iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'\\' => plain.push(match rest.next() {
                Some(b'n') => b'\n',
                Some(&other) => other,
                None => b'\\',
            }),
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, name: &str, labels: &[(&str, &str)], value: &str) {
        let read = SampleLine::new(line.as_bytes());
        let read_labels: Vec<_> = read
            .labels()
            .map(|label| {
                let text = |raw| String::from_utf8(unescape(raw).into_owned()).unwrap();
                (text(label.name), text(label.value))
            })
            .collect();
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(
            (read.name, read.value),
            (name.as_bytes(), value.as_bytes()),
            "{line}"
        );
        assert_eq!(read_labels, labels, "{line}");
    }

    #[test]
    fn reads_what_the_encoder_writes() {
        check("m 1\n", "m", &[], "1");
        check(
            "m{a=\"b\",job=\"j\"} +Inf\n",
            "m",
            &[("a", "b"), ("job", "j")],
            "+Inf",
        );
        check(r#"m{a="",b="x"} 1"#, "m", &[("a", ""), ("b", "x")], "1");
        check(r#"{"a.b",c="d"} 1e+06"#, "a.b", &[("c", "d")], "1e+06");
        check(r#"{"a.b"} 1"#, "a.b", &[], "1");
        check(
            r#"m{"l.1"="v",b="x"} 1"#,
            "m",
            &[("l.1", "v"), ("b", "x")],
            "1",
        );
    }

    #[test]
    fn is_not_confused_by_what_values_hold() {
        check(
            r#"m{a="} 2",b="x,y=\"z\""} 1"#,
            "m",
            &[("a", "} 2"), ("b", "x,y=\"z\"")],
            "1",
        );
        check(
            r#"m{a="\\",b="\n"} 1"#,
            "m",
            &[("a", "\\"), ("b", "\n")],
            "1",
        );
        check(r#"{"q\"{",b="{"} 1"#, "q\\\"{", &[("b", "{")], "1");
    }

    #[test]
    fn the_last_line_is_found_in_one_and_in_many() {
        assert_eq!(last_line(b"m 1\n"), b"m 1");
        assert_eq!(last_line(b"m_sum 1\nm_count 2\n"), b"m_count 2");
    }
}
