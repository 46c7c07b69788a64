use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;

/// Collects what is written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_211_569_731)
}

/// What is logged, with the line number of the caller as `N`.
fn logged(level: LogLevel, format: LogFormat, log: impl FnOnce()) -> String {
    let sink = Sink::default();
    let writer = sink.clone();
    let logging = Logging { level, format };
    let subscriber = subscriber(logging, clock, move || writer.clone());
    tracing::subscriber::with_default(subscriber, log);
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let mask = |line: &str| {
        let caller = line.find("tests.rs").unwrap();
        let is_number = |&at: &usize| line[at..].starts_with(|c: char| c.is_ascii_digit());
        let number = (caller..line.len()).find(is_number).unwrap();
        let rest = line[number..].trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{}N{rest}\n", &line[..number])
    };
    text.lines().map(mask).collect()
}

#[test]
fn logfmt_has_the_keys_in_order_and_quotes_where_needed() {
    let text = logged(LogLevel::Info, LogFormat::Logfmt, || {
        tracing::info!(version = "(version=1, branch=b)", "starting pushgateway");
    });
    assert_eq!(
        text,
        "ts=2026-11-20T21:52:49.731Z level=info caller=tests.rs:N msg=\"starting pushgateway\" \
         version=\"(version=1, branch=b)\"\n"
    );
}

#[test]
fn json_has_the_same_keys_and_keeps_numbers() {
    let text = logged(LogLevel::Info, LogFormat::Json, || {
        tracing::warn!(
            count = 3,
            size = 2_u64,
            ratio = 0.5,
            ok = true,
            "say \"{}\"",
            "hi"
        );
    });
    assert_eq!(
        text,
        "{\"ts\":\"2026-11-20T21:52:49.731Z\",\"level\":\"warn\",\"caller\":\"tests.rs:N\",\
         \"msg\":\"say \\\"hi\\\"\",\"count\":3,\"size\":2,\"ratio\":0.5,\"ok\":true}\n"
    );
}

#[test]
fn the_field_source_is_renamed_and_raw_names_lose_their_mark() {
    let text = logged(LogLevel::Info, LogFormat::Logfmt, || {
        let error = io::Error::other("it broke");
        tracing::error!(source = %"1.2.3.4:5", r#type = ?Some(1), err = %error, group.job = "j", "m");
    });
    assert_eq!(
        text,
        "ts=2026-11-20T21:52:49.731Z level=error caller=tests.rs:N msg=m logged_source=1.2.3.4:5 \
         type=Some(1) err=\"it broke\" group.job=j\n"
    );
}

#[test]
fn debug_shows_the_module_too() {
    let text = logged(LogLevel::Debug, LogFormat::Logfmt, || {
        tracing::debug!("m");
    });
    assert_eq!(
        text,
        "ts=2026-11-20T21:52:49.731Z level=debug caller=tests.rs(pushgateway::telemetry::tests):N msg=m\n"
    );
}

#[test]
fn an_event_without_a_message_has_an_empty_one() {
    let text = logged(LogLevel::Info, LogFormat::Logfmt, || {
        tracing::info!(a = 1);
    });
    assert!(text.ends_with("msg=\"\" a=1\n"), "{text}");
}

#[test]
fn less_severe_events_and_chatter_of_other_crates_are_left_out() {
    let log = || {
        tracing::debug!("ours");
        tracing::info!("ours");
        tracing::warn!("ours");
        tracing::info!(target: "hyper::proto", "theirs");
        tracing::error!(target: "hyper::proto", "theirs");
    };
    let levels = |level| {
        let text = logged(level, LogFormat::Logfmt, log);
        let level_of = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
        text.lines().map(level_of).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(levels(LogLevel::Error), "level=error");
    assert_eq!(levels(LogLevel::Warn), "level=warn level=error");
    assert_eq!(levels(LogLevel::Info), "level=info level=warn level=error");
    assert_eq!(
        levels(LogLevel::Debug),
        "level=debug level=info level=warn level=error"
    );
}

#[test]
fn level_names_have_any_case_and_format_names_one() {
    assert_eq!("WARN".parse(), Ok(LogLevel::Warn));
    assert_eq!("Debug".parse(), Ok(LogLevel::Debug));
    let unknown = "foo".parse::<LogLevel>().unwrap_err();
    assert_eq!(unknown.to_string(), "unrecognized log level foo");
    assert_eq!("json".parse(), Ok(LogFormat::Json));
    let unknown = "JSON".parse::<LogFormat>().unwrap_err();
    assert_eq!(unknown.to_string(), "unrecognized log format JSON");
}
