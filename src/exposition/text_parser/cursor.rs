//! The place in the body that is being parsed, and the tokens that can be taken there.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr3};

use super::error::SyntaxError;
use super::into_text;
use crate::exposition::NameKind;
use crate::model::METRIC_NAME_BYTES;

/// A place in the body. Nothing but the line end is ever taken across a line end.
pub(super) struct Cursor<'a> {
    body: &'a [u8],
    /// The part of the body up to the first byte that is not UTF-8; mostly all of it. Text can be cut from it
    /// without checking it again.
    text: &'a str,
    at: usize,
}

/// A metric or label name as it stands in the body, or nothing at all.
pub(super) enum Name<'a> {
    /// Without quotes, hence of the bytes that such names may have. May be empty.
    Bare(&'a str),
    /// With quotes, escapes resolved.
    Quoted(Cow<'a, [u8]>),
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default(),
        };
        Self { body, text, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.body.len()
    }

    /// The next byte; there must be one, as only whole lines are parsed.
    #[inline]
    pub(super) fn peek(&self) -> Result<u8, SyntaxError> {
        match self.body.get(self.at) {
            Some(&byte) => Ok(byte),
            None => Err(SyntaxError::UnexpectedEnd),
        }
    }

    /// Passes the byte that was peeked at.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.at = self.body.len().min(self.at + 1);
    }

    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    /// Takes what is there up to a blank or the line end.
    #[inline]
    pub(super) fn word(&mut self) -> Result<&'a [u8], SyntaxError> {
        let rest = &self.body[self.at..];
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
        self.take(length)
    }

    /// Takes what is there up to the line end.
    pub(super) fn rest_of_line(&mut self) -> Result<&'a [u8], SyntaxError> {
        let length = memchr(b'\n', &self.body[self.at..]);
        self.take(length)
    }

    /// Takes what is there up to the line end and drops the backslashes, as upstream does in places.
    pub(super) fn rest_of_line_without_backslashes(
        &mut self,
    ) -> Result<Cow<'a, [u8]>, SyntaxError> {
        let rest = self.rest_of_line()?;
        if memchr(b'\\', rest).is_none() {
            return Ok(Cow::Borrowed(rest));
        }
        Ok(rest.iter().copied().filter(|&byte| byte != b'\\').collect())
    }

    /// The text of bytes that were just taken, if it is UTF-8.
    #[inline]
    pub(super) fn text_of(&self, taken: &'a [u8]) -> Option<&'a str> {
        self.text(self.at - taken.len()..self.at)
    }

    /// Takes the rest of a HELP line and resolves its escapes.
    pub(super) fn help(&mut self) -> Result<Cow<'a, [u8]>, SyntaxError> {
        let start = self.at;
        let mut help = Unescaped::from(start);
        loop {
            let rest = &self.body[self.at..];
            let Some(length) = memchr::memchr2(b'\\', b'\n', rest) else {
                return Err(SyntaxError::UnexpectedEnd);
            };
            self.at += length;
            if self.peek()? == b'\n' {
                return Ok(help.finish(self.body, self.at));
            }
            self.escape(&mut help)?;
        }
    }

    /// Takes this metric name, which needs no quotes, if it is what stands here.
    #[inline]
    pub(super) fn take_metric_name(&mut self, name: &str) -> bool {
        let behind = self.body[self.at..].strip_prefix(name.as_bytes());
        let Some(&[next, ..]) = behind else {
            return false;
        };
        let is_whole = next != b'"' && !METRIC_NAME_BYTES[usize::from(next)];
        if is_whole {
            self.at += name.len();
        }
        is_whole
    }

    /// Takes a label of this name, which needs no quotes, and lends its value, if it stands here as programs write it:
    /// without blanks or escapes, and with a comma or the closing brace right behind it.
    #[inline]
    pub(super) fn take_plain_label(&mut self, name: &str) -> Option<&'a str> {
        let rest = self.body[self.at..].strip_prefix(name.as_bytes())?;
        let rest = rest.strip_prefix(b"=\"")?;
        let length = memchr3(b'"', b'\\', b'\n', rest)?;
        let [b'"', b',' | b'}', ..] = rest[length..] else {
            return None;
        };
        let start = self.body.len() - rest.len();
        let value = self.text(start..start + length)?;
        self.at = start + length + 1;
        Some(value)
    }

    /// Takes the name that starts here. There must be something behind it, since a line has more than a name.
    #[inline]
    pub(super) fn name(&mut self, kind: NameKind) -> Result<Name<'a>, SyntaxError> {
        let start = self.at;
        if !self.peek()?.is_ascii_digit() {
            let is_bare = kind.legacy_bytes();
            let rest = &self.body[start..];
            let length = rest.iter().position(|&byte| !is_bare[usize::from(byte)]);
            self.at += length.unwrap_or(rest.len());
        }
        if self.peek()? == b'"' {
            return self.quoted(start, kind).map(Name::Quoted);
        }
        let name = self.text(start..self.at).unwrap_or_default();
        Ok(Name::Bare(name))
    }

    /// Takes the quotes, which are here, and what is between them; a quoted part may follow a bare one.
    #[cold]
    fn quoted(&mut self, start: usize, kind: NameKind) -> Result<Cow<'a, [u8]>, SyntaxError> {
        let mut name = Unescaped::from(self.at + 1);
        if self.at > start {
            name.resolved = Some(self.body[start..self.at].to_vec());
        }
        let name = self.between_quotes(name, |name| match kind {
            NameKind::Metric => SyntaxError::LineEndInMetricName(name),
            NameKind::Label => SyntaxError::LineEndInLabelName(name),
        })?;
        self.peek()?;
        Ok(name)
    }

    /// Takes the quotes, which are here, and the label value between them.
    #[inline]
    pub(super) fn label_value(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let start = self.at + 1;
        let rest = &self.body[start..];
        if let Some(length) = memchr3(b'"', b'\\', b'\n', rest)
            && rest[length] == b'"'
            && let Some(value) = self.text(start..start + length)
        {
            self.at = start + length + 1;
            return Ok(Cow::Borrowed(value));
        }
        self.odd_label_value()
    }

    /// Takes a label value that has escapes or is none.
    #[cold]
    fn odd_label_value(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let token = Unescaped::from(self.at + 1);
        let value = self.between_quotes(token, SyntaxError::LineEndInLabelValue)?;
        into_text(value).map_err(|value| SyntaxError::InvalidLabelValue(value.into()))
    }

    /// Takes what is left of a quoted token, from its opening quote on, after what was taken of it already.
    fn between_quotes(
        &mut self,
        mut token: Unescaped,
        line_end: impl FnOnce(Box<[u8]>) -> SyntaxError,
    ) -> Result<Cow<'a, [u8]>, SyntaxError> {
        self.at += 1;
        loop {
            let rest = &self.body[self.at..];
            let Some(length) = memchr3(b'"', b'\\', b'\n', rest) else {
                return Err(SyntaxError::UnexpectedEnd);
            };
            self.at += length;
            match rest[length] {
                b'"' => {
                    self.at += 1;
                    return Ok(token.finish(self.body, self.at - 1));
                }
                b'\\' => self.escape(&mut token)?,
                _ => return Err(line_end(token.finish(self.body, self.at).into())),
            }
        }
    }

    /// Takes the escape sequence that is here.
    fn escape(&mut self, token: &mut Unescaped) -> Result<(), SyntaxError> {
        let backslash = self.at;
        self.at += 1;
        let resolved = match self.peek()? {
            b'\\' => b'\\',
            b'"' => b'"',
            b'n' => b'\n',
            other => return Err(SyntaxError::InvalidEscape(other)),
        };
        self.at += 1;
        token.resolve(&self.body[token.from..backslash], resolved);
        token.from = self.at;
        Ok(())
    }

    #[inline]
    fn take(&mut self, length: Option<usize>) -> Result<&'a [u8], SyntaxError> {
        let Some(length) = length else {
            return Err(SyntaxError::UnexpectedEnd);
        };
        let taken = &self.body[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    #[inline]
    fn text(&self, range: Range<usize>) -> Option<&'a str> {
        if range.end <= self.text.len() {
            self.text.get(range)
        } else {
            std::str::from_utf8(&self.body[range]).ok()
        }
    }
}

impl Name<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.as_bytes() == name.as_bytes()
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bare(name) => name.as_bytes(),
            Self::Quoted(name) => name,
        }
    }
}

/// A token on its way to lose its escapes; borrowed as long as it had none.
struct Unescaped {
    /// What lies before `from`, if that cannot be borrowed.
    resolved: Option<Vec<u8>>,
    /// Where in the body that begins which is not resolved yet.
    from: usize,
}

impl Unescaped {
    fn from(from: usize) -> Self {
        Self {
            resolved: None,
            from,
        }
    }

    /// Appends bytes without escapes, then a byte that was escaped.
    fn resolve(&mut self, plain: &[u8], escaped: u8) {
        let resolved = self.resolved.get_or_insert_default();
        resolved.extend_from_slice(plain);
        resolved.push(escaped);
    }

    #[inline]
    fn finish(self, body: &[u8], to: usize) -> Cow<'_, [u8]> {
        let rest = &body[self.from..to];
        let Some(mut resolved) = self.resolved else {
            return Cow::Borrowed(rest);
        };
        resolved.extend_from_slice(rest);
        Cow::Owned(resolved)
    }
}
