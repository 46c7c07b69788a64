//! Why a body in the text format is refused, in the words of the Pushgateway.

use thiserror::Error;

use crate::exposition::TooLarge;
use crate::exposition::quoting::{Quoted, QuotedByte};

/// Why a body was refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ParseError {
    /// It is not in the text format.
    #[error("text format parsing error in line {line}: {reason}")]
    Syntax {
        /// The line, counted from one, empty lines included.
        line: usize,
        /// What is wrong there.
        reason: SyntaxError,
    },
    /// It would take more memory than it may.
    #[error(transparent)]
    TooLarge(TooLarge),
}

/// What is wrong with a line. Strings and bytes are what was found, or the name of the metric family.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SyntaxError {
    #[error("unexpected end of input stream")]
    UnexpectedEnd,
    #[error("invalid metric name in comment")]
    InvalidMetricNameInComment,
    #[error("second HELP line for metric name {}", text(.0))]
    SecondHelp(String),
    #[error("HELP of metric name {} is not valid UTF-8", text(.0))]
    HelpNotUtf8(String),
    #[error(
        "second TYPE line for metric name {}, or TYPE reported after samples", text(.0)
    )]
    SecondType(String),
    #[error("unknown metric type {}", Quoted(.0))]
    UnknownType(Box<[u8]>),
    #[error("invalid escape sequence '\\{}'", char::from(*.0))]
    InvalidEscape(u8),
    #[error("metric name {} contains unescaped new-line", Quoted(.0))]
    LineEndInMetricName(Box<[u8]>),
    #[error("label name {} contains unescaped new-line", Quoted(.0))]
    LineEndInLabelName(Box<[u8]>),
    #[error("label value {} contains unescaped new-line", Quoted(.0))]
    LineEndInLabelValue(Box<[u8]>),
    #[error("invalid metric name")]
    NoMetricName,
    #[error("invalid metric name {}", Quoted(.0))]
    InvalidMetricName(Box<[u8]>),
    #[error("multiple metric names for metric {}", text(.0))]
    SecondMetricName(String),
    #[error("unexpected end of metric name {}", QuotedByte(*.0))]
    EndOfMetricName(u8),
    #[error("invalid label name for metric {}", text(.0))]
    NoLabelName(String),
    #[error("expected '=' after label name, found {}", QuotedByte(*.0))]
    NoEquals(u8),
    #[error("label name \"__name__\" is reserved")]
    ReservedLabelName,
    #[error("invalid label name {}", Quoted(.0))]
    InvalidLabelName(Box<[u8]>),
    #[error("duplicate label names for metric {}", text(.0))]
    DuplicateLabelNames(String),
    #[error("expected '\"' at start of label value, found {}", QuotedByte(*.0))]
    NoLabelValue(u8),
    #[error("invalid label value {}", Quoted(.0))]
    InvalidLabelValue(Box<[u8]>),
    #[error("unexpected end of label value {}", text(.0))]
    EndOfLabelValue(String),
    #[error("expected float as value for '{label}' label, got {}", text(.value))]
    PositionNotAFloat { label: &'static str, value: String },
    #[error("expected float as value, got {}", Quoted(.0))]
    NotAFloat(Box<[u8]>),
    #[error("negative bucket population for histogram {}", text(.0))]
    NegativeBucket(String),
    #[error("negative count for histogram {}", text(.0))]
    NegativeCount(String),
    #[error("expected integer as timestamp, got {}", Quoted(.0))]
    NotATimestamp(Box<[u8]>),
    #[error("spurious string after timestamp: {}", Quoted(.0))]
    AfterTimestamp(Box<[u8]>),
}

/// What ends the parsing of a line.
pub(super) enum Stop {
    Syntax(SyntaxError),
    TooLarge(TooLarge),
}

impl Stop {
    pub(super) fn in_line(self, line: usize) -> ParseError {
        match self {
            Self::Syntax(reason) => ParseError::Syntax { line, reason },
            Self::TooLarge(error) => ParseError::TooLarge(error),
        }
    }
}

impl From<SyntaxError> for Stop {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}

impl From<TooLarge> for Stop {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}

fn text(text: &str) -> Quoted<'_> {
    Quoted(text.as_bytes())
}
