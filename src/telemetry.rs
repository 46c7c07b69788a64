//! Logging as the log flags ask for it: one line an event, on standard error.
//!
//! The lines are those of other Prometheus programs, in logfmt or JSON: `ts`, `level`, `caller` and `msg`,
//! then the fields of the event. Spans are not shown.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use thiserror::Error;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

mod line;
mod logfmt;
mod rate_limit;
#[cfg(test)]
mod tests;

pub use rate_limit::RateLimit;

use line::LineFormat;

/// Which events are logged: `--log.level`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogLevel {
    /// Everything, with the module beside the file in `caller`.
    Debug,
    /// What an operator wants to have seen.
    #[default]
    Info,
    /// What may need attention.
    Warn,
    /// What needs attention.
    Error,
}

/// How a line is written: `--log.format`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// `key=value key="quoted value"`.
    #[default]
    Logfmt,
    /// One object a line.
    Json,
}

/// What to log, and how.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Logging {
    /// The least severe level that is logged.
    pub level: LogLevel,
    /// The form of the lines.
    pub format: LogFormat,
}

/// A word that names no log level.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("unrecognized log level {0}")]
pub struct UnknownLevel(String);

/// A word that names no log format.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("unrecognized log format {0}")]
pub struct UnknownFormat(String);

/// Installs the process-wide subscriber, which writes to standard error.
///
/// Fails if there is one already.
pub fn init(logging: Logging, clock: fn() -> SystemTime) -> Result<(), SetGlobalDefaultError> {
    tracing::subscriber::set_global_default(subscriber(logging, clock, std::io::stderr))
}

/// The subscriber that [`init`] installs, writing wherever it is told.
///
/// Other crates' events are shown from `warn` on only: theirs are about bytes and frames.
pub fn subscriber<W>(
    logging: Logging,
    clock: fn() -> SystemTime,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let level = logging.level.to_filter();
    let targets = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_default(level.min(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .event_format(LineFormat { logging, clock })
        .with_ansi(false)
        .log_internal_errors(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(targets).with(lines)
}

impl LogLevel {
    fn to_filter(self) -> LevelFilter {
        match self {
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warn => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
        }
    }
}

impl FromStr for LogLevel {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        match name.to_lowercase().as_str() {
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            _ => Err(UnknownLevel(name.to_owned())),
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

impl FromStr for LogFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "logfmt" => Ok(Self::Logfmt),
            "json" => Ok(Self::Json),
            _ => Err(UnknownFormat(name.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Logfmt => "logfmt",
            Self::Json => "json",
        })
    }
}
