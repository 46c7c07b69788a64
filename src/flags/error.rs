//! Why a command line is not obeyed.

use std::ffi::OsString;
use std::io;

use thiserror::Error;

/// Why a command line is not obeyed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Error {
    /// It cannot be understood.
    #[error("{0}, try --help")]
    Usage(UsageError),
    /// It can be understood, but not be done.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Why a command line cannot be understood, in the words of the Go programs where they have any.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum UsageError {
    /// No flag has this name.
    #[error("unknown long flag '--{0}'")]
    UnknownLongFlag(String),
    /// No flag has this letter, or there is none behind the dash.
    #[error("unknown short flag '-{}'", .0.map(String::from).unwrap_or_default())]
    UnknownShortFlag(Option<char>),
    /// The flag is no switch, but nothing follows it, or another flag.
    #[error("expected argument for flag '--{0}'")]
    ExpectedArgument(String),
    /// There are no positional arguments.
    #[error("unexpected {0}")]
    Unexpected(String),
    /// The flag may be given only once.
    #[error("flag '{0}' cannot be repeated")]
    Repeated(&'static str),
    /// The flag has no default.
    #[error("required flag --{0} not provided")]
    Required(&'static str),
    /// The flag does not take this argument.
    #[error("{0}")]
    InvalidValue(String),
    /// An `@file` cannot be read.
    #[error("failed to open arguments file {file:?}: open {file}: {reason}")]
    ArgumentFile {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// A lone `@`.
    #[error("expected @ file to expand arguments from")]
    NoArgumentFile,
    /// An `@file` names further ones without end.
    #[error("more than {limit} argument files, the last of them {file}")]
    TooManyFiles {
        /// The one that was one too many.
        file: String,
        /// How many there may be.
        limit: usize,
    },
    /// Flags are text.
    #[error("argument {0:?} is not UTF-8")]
    NotUtf8(OsString),
}

/// Why flags that can be understood cannot be obeyed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ConfigError {
    /// Scrapes would get another page, or no request at all.
    #[error(
        "--web.telemetry-path={typed} would serve scrapes under {path:?}, {problem}; choose another path"
    )]
    TelemetryPath {
        /// As typed.
        typed: String,
        /// Joined with the route prefix and cleaned.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// One of the two files alone protects nothing.
    #[error("--{given} is given without --{missing}: basic auth needs both")]
    HalfOfBasicAuth {
        /// The flag that is there.
        given: &'static str,
        /// The flag that is not.
        missing: &'static str,
    },
    /// The total must have room for one.
    #[error(
        "--{total}={total_value} is less than --{single}={single_value}, so that one such request would \
         never fit; lower the latter or raise the former"
    )]
    TotalBelowSingle {
        /// The flag of the total.
        total: &'static str,
        /// Its value.
        total_value: String,
        /// The flag of one part.
        single: &'static str,
        /// Its value.
        single_value: String,
    },
}

impl From<UsageError> for Error {
    /// Not as its source, which would tell the same again.
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

/// The operating system's words without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
