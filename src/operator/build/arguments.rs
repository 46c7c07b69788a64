//! The gateway's command line.

use super::PROBE_PORT;
use super::config_map::WEB_CONFIG_FILE;
use crate::DEFAULT_PORT;
use crate::operator::api::{Limits, LogFormat, LogLevel};
use crate::operator::validate::{Mount, ValidatedPushGateway};

/// Seconds between the last request and the end of the grace period, for closing the persistence file.
const CLOSING_SECONDS: i64 = 10;

/// The arguments, each as `--flag=value` or `--switch`.
pub(super) fn build(gateway: &ValidatedPushGateway) -> Vec<String> {
    let drain = gateway.pod().termination_grace_period_seconds - CLOSING_SECONDS;
    let mut arguments = vec![
        format!("--web.listen-address=:{DEFAULT_PORT}"),
        format!("--web.probe-listen-address=:{PROBE_PORT}"),
        format!("--web.drain-timeout={drain}s"),
    ];
    arguments.extend(web(gateway));
    arguments.extend(push(gateway));
    if let Some(storage) = gateway.storage() {
        let file = Mount::Storage.file(&storage.file);
        arguments.push(format!("--persistence.file={file}"));
        arguments.push(format!("--persistence.interval={}", storage.interval));
    }
    arguments.push(format!("--log.level={}", log_level(gateway.log_level())));
    arguments.push(format!("--log.format={}", log_format(gateway.log_format())));
    arguments.extend(gateway.extra_args().iter().map(|extra| match &extra.value {
        Some(value) => format!("--{}={value}", extra.name),
        None => format!("--{}", extra.name),
    }));
    arguments
}

fn web(gateway: &ValidatedPushGateway) -> Vec<String> {
    let web = gateway.web();
    let mut arguments = vec![format!("--web.telemetry-path={}", web.telemetry_path)];
    if let Some(url) = &web.external_url {
        arguments.push(format!("--web.external-url={url}"));
    }
    if web.external_url.is_some() || !web.prefix.is_empty() {
        // Said even where it follows from the URL, so that probes and gateway never differ about it.
        let prefix = if web.prefix.is_empty() {
            "/"
        } else {
            &web.prefix
        };
        arguments.push(format!("--web.route-prefix={prefix}"));
    }
    if web.enable_admin_api {
        arguments.push("--web.enable-admin-api".to_owned());
    }
    if web.enable_lifecycle {
        arguments.push("--web.enable-lifecycle".to_owned());
    }
    if web.tls.is_some() || web.config_secret.is_some() {
        let file = Mount::WebConfig.file(WEB_CONFIG_FILE);
        arguments.push(format!("--web.config.file={file}"));
    }
    if web.basic_auth_secret.is_some() {
        for key in ["username", "password"] {
            let file = Mount::BasicAuth.file(key);
            arguments.push(format!("--web.basic-auth.{key}-file={file}"));
        }
    }
    arguments
}

fn push(gateway: &ValidatedPushGateway) -> Vec<String> {
    let push = gateway.push();
    let mut arguments = Vec::new();
    if !push.consistency_check {
        arguments.push("--push.disable-consistency-check".to_owned());
    }
    if push.utf8_names {
        arguments.push("--push.enable-utf8-names".to_owned());
    }
    let given = limits(&push.limits).into_iter();
    arguments.extend(given.filter_map(|(name, value)| Some(format!("--limit.{name}={}", value?))));
    arguments
}

fn limits(limits: &Limits) -> [(&'static str, Option<String>); 16] {
    let Limits {
        body_bytes,
        inflated_body_bytes,
        bodies_in_flight_bytes,
        groups,
        series,
        series_per_group,
        labels_per_series,
        label_name_bytes,
        label_value_bytes,
        help_bytes,
        head_bytes,
        head_timeout,
        body_timeout,
        idle_timeout,
        connections,
        queued_pushes,
    } = limits;
    let count = |count: &Option<i64>| count.map(|count| count.to_string());
    [
        ("body-bytes", body_bytes.clone()),
        ("inflated-body-bytes", inflated_body_bytes.clone()),
        ("bodies-in-flight-bytes", bodies_in_flight_bytes.clone()),
        ("groups", count(groups)),
        ("series", count(series)),
        ("series-per-group", count(series_per_group)),
        ("labels-per-series", count(labels_per_series)),
        ("label-name-bytes", label_name_bytes.clone()),
        ("label-value-bytes", label_value_bytes.clone()),
        ("help-bytes", help_bytes.clone()),
        ("head-bytes", head_bytes.clone()),
        ("head-timeout", head_timeout.clone()),
        ("body-timeout", body_timeout.clone()),
        ("idle-timeout", idle_timeout.clone()),
        ("connections", count(connections)),
        ("queued-pushes", count(queued_pushes)),
    ]
}

fn log_level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

fn log_format(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Logfmt => "logfmt",
        LogFormat::Json => "json",
    }
}
