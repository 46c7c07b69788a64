//! A `Content-Type`: a media type with parameters, which may be quoted.

use std::borrow::Cow;

/// Bounds the work that a header can make; real ones have three.
const MAX_PARAMETERS: usize = 32;

/// A media type whose parameters all follow the grammar.
pub(super) struct MediaType<'h> {
    name: &'h [u8],
    parameters: Vec<Parameter<'h>>,
}

struct Parameter<'h> {
    name: &'h [u8],
    value: Cow<'h, [u8]>,
}

impl<'h> MediaType<'h> {
    /// The media type, unless there is a mistake in its parameters or two of one name differ.
    pub(super) fn parse(header: &'h [u8]) -> Option<Self> {
        let end = memchr::memchr(b';', header).unwrap_or(header.len());
        let (name, mut rest) = header.split_at(end);
        let mut parsed = Self {
            name: name.trim_ascii(),
            parameters: Vec::new(),
        };
        loop {
            rest = rest.trim_ascii();
            if matches!(rest, b"" | b";") {
                return Some(parsed);
            }
            let (parameter, after) = parameter(rest)?;
            let same = parsed.find(parameter.name);
            let is_contradiction = same.is_some_and(|same| *same != *parameter.value);
            if is_contradiction || parsed.parameters.len() == MAX_PARAMETERS {
                return None;
            }
            parsed.parameters.push(parameter);
            rest = after;
        }
    }

    /// Whether it is this type; case does not matter.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value of the parameter of this name, the case of which does not matter.
    pub(super) fn parameter(&self, name: &str) -> Option<&[u8]> {
        self.find(name.as_bytes())
    }

    fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let mut parameters = self.parameters.iter();
        let parameter = parameters.find(|known| known.name.eq_ignore_ascii_case(name))?;
        Some(&parameter.value)
    }
}

/// Takes `; name = value`.
fn parameter(bytes: &[u8]) -> Option<(Parameter<'_>, &[u8])> {
    let (name, rest) = token(bytes.strip_prefix(b";")?.trim_ascii_start());
    if name.is_empty() {
        return None;
    }
    let value = rest
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let (value, rest) = if let Some(quoted) = value.strip_prefix(b"\"") {
        unquote(quoted)?
    } else {
        let (value, rest) = token(value);
        if value.is_empty() {
            return None;
        }
        (Cow::Borrowed(value), rest)
    };
    Some((Parameter { name, value }, rest))
}

/// What stands before the closing quote and what is behind it. As in Go, a backslash escapes separators only, for
/// the sake of browsers that send `C:\dir`.
fn unquote(bytes: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let mut value = Vec::new();
    let mut rest = bytes;
    loop {
        rest = match rest {
            [b'"', rest @ ..] => return Some((Cow::Owned(value), rest)),
            [] | [b'\r' | b'\n', ..] => return None,
            [b'\\', escaped, rest @ ..] if is_separator(*escaped) => {
                value.push(*escaped);
                rest
            }
            [byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
        };
    }
}

/// The token that the bytes begin with, perhaps an empty one, and the rest.
fn token(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().take_while(|&&byte| is_in_token(byte)).count();
    bytes.split_at(end)
}

/// Whether the byte may be in a token.
pub(super) fn is_in_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !is_separator(byte)
}

fn is_separator(byte: u8) -> bool {
    // Those between `:` and `@` and between `[` and `]` are all separators.
    matches!(byte, b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'['..=b']')
}
