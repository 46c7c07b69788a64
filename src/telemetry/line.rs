//! One event as one line.

use std::fmt;
use std::time::SystemTime;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::{LogFormat, LogLevel, Logging, logfmt};

/// Writes events as lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineFormat {
    pub(super) logging: Logging,
    /// Where the time of an event comes from.
    pub(super) clock: fn() -> SystemTime,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let head = [
            ("ts", timestamp((self.clock)())),
            ("level", level_name(*event.metadata().level()).to_owned()),
            ("caller", self.caller(event.metadata())),
            ("msg", fields.message),
        ];
        let head = head.map(|(key, text)| (key, Value::String(text)));
        let pairs = head.into_iter().chain(fields.others);
        match self.logging.format {
            LogFormat::Logfmt => write_logfmt(writer, pairs),
            LogFormat::Json => write_json(writer, pairs),
        }
    }
}

impl LineFormat {
    /// `push.rs:17`, and `push.rs(pushgateway::web::push):17` when everything is logged.
    fn caller(&self, metadata: &Metadata<'_>) -> String {
        let path = metadata.file().unwrap_or_default();
        let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let line = metadata.line().unwrap_or_default();
        match self.logging.level {
            LogLevel::Debug => format!("{file}({}):{line}", metadata.target()),
            LogLevel::Info | LogLevel::Warn | LogLevel::Error => format!("{file}:{line}"),
        }
    }
}

/// UTC with milliseconds; times that no calendar has become the epoch.
fn timestamp(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        _ => "debug",
    }
}

fn write_logfmt(
    mut writer: Writer<'_>,
    pairs: impl Iterator<Item = (&'static str, Value)>,
) -> fmt::Result {
    for (at, (key, value)) in pairs.enumerate() {
        let space = if at == 0 { "" } else { " " };
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        write!(writer, "{space}{key}={}", logfmt::Quoted(&text))?;
    }
    writeln!(writer)
}

fn write_json(
    mut writer: Writer<'_>,
    pairs: impl Iterator<Item = (&'static str, Value)>,
) -> fmt::Result {
    for (at, (key, value)) in pairs.enumerate() {
        let separator = if at == 0 { '{' } else { ',' };
        write!(writer, "{separator}{}:{value}", Value::from(key))?;
    }
    writeln!(writer, "}}")
}

/// The fields of an event: its message, and the others in their order.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn push(&mut self, field: &Field, value: Value) {
        let key = match field.name() {
            // The name that Go's structured logger takes for what is `caller` here.
            "source" => "logged_source",
            name => name.strip_prefix("r#").unwrap_or(name),
        };
        match value {
            Value::String(text) if key == "message" => self.message = text,
            value => self.others.push((key, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, Value::String(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // What JSON has no number for is told as text.
        let value = serde_json::Number::from_f64(value)
            .map_or_else(|| Value::String(value.to_string()), Value::Number);
        self.push(field, value);
    }
}
