//! Text format 0.0.4 to metric families, with the messages that the Pushgateway refuses a body with.
//!
//! One pass over the body, line by line; the first error ends it. Names and label values without escapes
//! borrow from the body.

use std::borrow::Cow;

use crate::model::{MetricFamily, NameScheme};

use super::{NameKind, ParseLimits, limits::Budget};
use cursor::{Cursor, Name};
use error::Stop;
use families::{Families, Target};
use float::parse_float;
use label_buffer::LabelBuffer;

mod comment;
mod cursor;
mod error;
mod families;
mod float;
mod label_buffer;
mod labels;
mod samples;
#[cfg(test)]
mod tests;

pub use error::{ParseError, SyntaxError};

/// Parses a whole body. Families come in order of first appearance; those without metrics are left out.
///
/// Names must be valid under the scheme, must be UTF-8 and must not hold NUL.
pub fn parse(
    body: &[u8],
    scheme: NameScheme,
    limits: ParseLimits,
) -> Result<Vec<MetricFamily<'_>>, ParseError> {
    let mut parser = Parser {
        cursor: Cursor::new(body),
        scheme,
        budget: Budget::new(limits),
        families: Families::default(),
        labels: LabelBuffer::default(),
        label_names: Vec::new(),
    };
    let mut line = 0;
    while !parser.cursor.is_at_end() {
        line += 1;
        parser.line().map_err(|stop| stop.in_line(line))?;
    }
    Ok(parser.families.finish())
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    scheme: NameScheme,
    budget: Budget,
    families: Families<'a>,
    /// The labels of the current line, a bucket's or quantile's own aside.
    labels: LabelBuffer<'a>,
    /// Label names that need no quotes, by place in the braces the last one; mostly they come again.
    label_names: Vec<&'a str>,
}

/// What the labels of a line say beside the labels that are kept.
struct LineHead {
    target: Target,
    /// The value of the label `quantile` or `le` that makes the line a quantile or bucket; NaN for none.
    position: f64,
}

impl<'a> Parser<'a> {
    /// Parses one line, its line end included. The last line may lack the line end if it is blank.
    fn line(&mut self) -> Result<(), Stop> {
        self.cursor.skip_blanks();
        if self.cursor.is_at_end() {
            return Ok(());
        }
        match self.cursor.peek()? {
            b'\n' => {}
            b'#' => self.comment()?,
            _ => self.sample()?,
        }
        self.cursor.advance();
        Ok(())
    }

    /// Parses a metric line up to the line end.
    fn sample(&mut self) -> Result<(), Stop> {
        self.labels.clear();
        let head = if self.cursor.peek()? == b'{' {
            self.labels(None)?
        } else {
            self.name_and_labels()?
        };
        let word = self.cursor.word()?;
        let value = self.cursor.text_of(word).and_then(parse_float);
        let value = value.ok_or_else(|| SyntaxError::NotAFloat(word.into()))?;
        let LineHead { target, position } = head;
        let labels = &mut self.labels;
        let metric = (self.families).add(target, labels, (position, value), &mut self.budget)?;
        if self.cursor.peek()? != b'\n' {
            metric.timestamp_ms = Some(timestamp(&mut self.cursor)?);
        }
        Ok(())
    }

    fn name_and_labels(&mut self) -> Result<LineHead, Stop> {
        let target = self.metric_name()?;
        self.families.settle_type(target);
        self.cursor.skip_blanks();
        if self.cursor.peek()? == b'{' {
            return self.labels(Some(target));
        }
        Ok(LineHead {
            target,
            position: f64::NAN,
        })
    }

    /// Takes the name in front of the braces; mostly it is that of the line before.
    fn metric_name(&mut self) -> Result<Target, Stop> {
        if let Some(target) = self.recent_name() {
            return Ok(target);
        }
        let name = self.cursor.name(NameKind::Metric)?;
        if name.is_empty() {
            return Err(SyntaxError::NoMetricName.into());
        }
        self.select(name)
    }

    /// Takes the name that was selected last, if it is what stands here.
    #[inline]
    fn recent_name(&mut self) -> Option<Target> {
        let recent = self.families.recent.filter(|recent| recent.is_bare)?;
        let is_here = self.cursor.take_metric_name(recent.name);
        is_here.then_some(recent.target)
    }

    /// The family that a line about this name belongs to.
    fn select(&mut self, name: Name<'a>) -> Result<Target, Stop> {
        let name = self.valid_name(name, NameKind::Metric)?;
        Ok(self.families.select(name, &mut self.budget)?)
    }

    #[inline]
    fn valid_name(&self, name: Name<'a>, kind: NameKind) -> Result<Cow<'a, str>, SyntaxError> {
        match name {
            // What needs no quotes is valid under either scheme.
            Name::Bare(name) if !name.is_empty() => Ok(Cow::Borrowed(name)),
            Name::Bare(name) => self.valid_quoted_name(Cow::Borrowed(name.as_bytes()), kind),
            Name::Quoted(bytes) => self.valid_quoted_name(bytes, kind),
        }
    }

    #[cold]
    fn valid_quoted_name(
        &self,
        bytes: Cow<'a, [u8]>,
        kind: NameKind,
    ) -> Result<Cow<'a, str>, SyntaxError> {
        let is_allowed = match kind {
            NameKind::Metric => self.scheme.allows_metric_name(&bytes),
            NameKind::Label => self.scheme.allows_label_name(&bytes),
        };
        let invalid = |bytes: Cow<'_, [u8]>| match kind {
            NameKind::Metric => SyntaxError::InvalidMetricName(bytes.into()),
            NameKind::Label => SyntaxError::InvalidLabelName(bytes.into()),
        };
        if !is_allowed || bytes.contains(&0) {
            return Err(invalid(bytes));
        }
        into_text(bytes).map_err(invalid)
    }
}

/// Parses what stands behind a value, up to the line end.
fn timestamp(cursor: &mut Cursor<'_>) -> Result<i64, SyntaxError> {
    cursor.skip_blanks();
    let word = cursor.word()?;
    let timestamp = cursor.text_of(word).and_then(|word| word.parse().ok());
    let timestamp = timestamp.ok_or_else(|| SyntaxError::NotATimestamp(word.into()))?;
    let rest = cursor.rest_of_line_without_backslashes()?;
    if !rest.is_empty() {
        return Err(SyntaxError::AfterTimestamp(rest.into()));
    }
    Ok(timestamp)
}

/// The bytes as text, or back if they are not UTF-8.
fn into_text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Cow<'_, [u8]>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|_| Cow::Borrowed(bytes)),
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .map(Cow::Owned)
            .map_err(|error| Cow::Owned(error.into_bytes())),
    }
}
