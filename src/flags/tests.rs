use std::time::Duration;

use crate::model::NameScheme;
use crate::telemetry::{LogFormat, LogLevel};

use super::*;

mod refused;

/// Parses a line whose arguments are apart by spaces.
fn parse_line(line: &str) -> Result<Command, Error> {
    let arguments = ["/bin/pushgateway"]
        .into_iter()
        .chain(line.split_whitespace());
    let read = |file: &Path| match file.to_str() {
        Some("args") => {
            Ok("# comment\n\n--log.level=debug\n--web.external-url\nhttp://h/a b".into())
        }
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    parse(arguments.map(OsString::from), &read)
}

fn config(line: &str) -> Config {
    match parse_line(line) {
        Ok(Command::Run(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

fn printed(line: &str) -> String {
    match parse_line(line) {
        Ok(Command::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

#[track_caller]
fn check_error(line: &str, expected: &str) {
    match parse_line(line) {
        Err(error) => assert_eq!(error.to_string(), expected, "of {line:?}"),
        Ok(command) => panic!("{line}: {command:?}"),
    }
}

#[track_caller]
fn check_shown(line: &str, name: &str, expected: &str) {
    let config = config(line);
    let shown = config.flag_map.iter().find(|(other, _)| *other == name);
    assert_eq!(shown, Some((name, expected)), "of {line:?}");
}

#[test]
fn without_arguments_everything_is_default() {
    let config = config("");
    assert_eq!(
        config.listen,
        ListenConfig {
            on: ListenOn::Addresses(vec![":9091".into()]),
            probe_address: None,
            drain_timeout: Duration::from_secs(20),
        }
    );
    assert_eq!(
        config.web,
        WebConfig {
            telemetry_path: "/metrics".into(),
            route_prefix: String::new(),
            external_prefix: String::new(),
            enable_lifecycle: false,
            enable_admin_api: false,
        }
    );
    assert_eq!(
        config.push,
        PushConfig {
            check: ConsistencyCheck::Checked,
            name_scheme: NameScheme::Legacy,
            queue: 1000,
        }
    );
    assert_eq!(
        config.persistence,
        PersistenceConfig {
            file: None,
            interval: Duration::ZERO,
        }
    );
    assert_eq!(
        (config.logging.level, config.logging.format),
        (LogLevel::Info, LogFormat::Logfmt)
    );
    assert_eq!((config.web_config_file, config.basic_auth), (None, None));
}

#[test]
fn limits_are_generous_by_default() {
    let config = config("");
    assert_eq!(
        config.server_limits,
        ServerLimits {
            connections: 10_000,
            head_bytes: 1 << 20,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_mins(2),
        }
    );
    assert_eq!(
        config.body_limits,
        BodyLimits {
            bytes: 64 << 20,
            inflated_bytes: 256 << 20,
            in_flight_bytes: 1 << 30,
        }
    );
    assert_eq!(
        config.store_limits,
        StoreLimits {
            groups: 1_000_000,
            series: 10_000_000,
            series_per_group: 200_000,
            labels_per_series: 64,
            label_name_bytes: 1 << 10,
            label_value_bytes: 16 << 10,
            help_bytes: 16 << 10,
        }
    );
}

#[test]
fn values_follow_an_equals_sign_or_a_space() {
    let config = config(
        "--persistence.file=/data/f --persistence.interval 5m --web.config.file w.yml \
         --push.enable-utf8-names --push.disable-consistency-check --log.level=WARN --log.format json",
    );
    assert_eq!(
        config.persistence,
        PersistenceConfig {
            file: Some("/data/f".into()),
            interval: Duration::from_mins(5),
        }
    );
    assert_eq!(config.web_config_file, Some("w.yml".into()));
    assert_eq!(config.push.check, ConsistencyCheck::Unchecked);
    assert_eq!(config.push.name_scheme, NameScheme::Utf8);
    assert_eq!(config.logging.level, LogLevel::Warn);
    assert_eq!(config.logging.format, LogFormat::Json);
}

#[test]
fn given_addresses_replace_the_default() {
    let on = |line: &str| config(line).listen.on;
    assert_eq!(
        on("--web.listen-address=a:1 --web.listen-address b:2"),
        ListenOn::Addresses(vec!["a:1".into(), "b:2".into()])
    );
    assert_eq!(
        on("--web.systemd-socket --web.listen-address=a:1"),
        ListenOn::SystemdSockets
    );
}

#[test]
fn switches_are_cleared_with_no() {
    assert!(config("--web.enable-lifecycle").web.enable_lifecycle);
    assert!(!config("--no-web.enable-lifecycle").web.enable_lifecycle);
    assert!(config("--web.enable-admin-api").web.enable_admin_api);
}

#[test]
fn an_argument_file_stands_for_its_lines() {
    let config = config("@args --log.format=json");
    assert_eq!(config.logging.level, LogLevel::Debug);
    assert_eq!(config.logging.format, LogFormat::Json);
    assert_eq!(config.web.external_prefix, "/a b");
    check_error(
        "@nope",
        "failed to open arguments file \"nope\": open nope: entity not found, try --help",
    );
    check_error(
        "--log.level @nope",
        "expected argument for flag '--log.level', try --help",
    );
}

#[test]
fn basic_auth_takes_both_files() {
    let config = config("--web.basic-auth.username-file=u --web.basic-auth.password-file=p");
    let files = BasicAuthFiles {
        username_file: "u".into(),
        password_file: "p".into(),
    };
    assert_eq!(config.basic_auth, Some(files));
}

#[test]
fn prefixes_follow_from_the_external_url_unless_given() {
    let cases = [
        ("", "", "", "/metrics"),
        ("--web.route-prefix=pre/", "/pre", "", "/pre/metrics"),
        (
            "--web.external-url=http://h/ext/",
            "/ext",
            "/ext",
            "/ext/metrics",
        ),
        ("--web.external-url=http://h/", "", "", "/metrics"),
        (
            "--web.external-url=x.example",
            "/x.example",
            "/x.example",
            "/x.example/metrics",
        ),
        (
            "--web.external-url=http://h/ext --web.route-prefix=/",
            "",
            "/ext",
            "/metrics",
        ),
        (
            "--web.external-url=/ext --web.route-prefix=/pre",
            "/pre",
            "/ext",
            "/pre/metrics",
        ),
    ];
    for (line, route, external, telemetry) in cases {
        let web = config(line).web;
        let found = (
            &*web.route_prefix,
            &*web.external_prefix,
            &*web.telemetry_path,
        );
        assert_eq!(found, (route, external, telemetry), "of {line:?}");
    }
}

#[test]
fn the_flag_map_shows_what_is_applied() {
    check_shown(
        "--web.external-url=http://h/ext/",
        "web.route-prefix",
        "/ext",
    );
    check_shown(
        "--web.external-url=http://h/ext/",
        "web.external-url",
        "http://h/ext/",
    );
    check_shown("", "web.route-prefix", "");
    check_shown("", "web.listen-address", ":9091");
    check_shown(
        "--web.listen-address=a:1 --web.listen-address=b:2",
        "web.listen-address",
        "a:1,b:2",
    );
    check_shown("", "web.enable-lifecycle", "false");
    check_shown("--web.enable-lifecycle", "web.enable-lifecycle", "true");
    check_shown("", "persistence.interval", "0s");
    check_shown("--persistence.interval=5m", "persistence.interval", "5m0s");
    check_shown(
        "--persistence.interval=1d",
        "persistence.interval",
        "24h0m0s",
    );
    check_shown(
        "--persistence.interval=1h2m3.5s",
        "persistence.interval",
        "1h2m3.5s",
    );
    check_shown(
        "--web.telemetry-path=/a/../b/",
        "web.telemetry-path",
        "/a/../b/",
    );
    check_shown("--log.level=WARN", "log.level", "warn");
    check_shown("", "limit.body-bytes", "64MiB");
    check_shown("", "limit.idle-timeout", "2m0s");
}

#[test]
fn the_flag_map_has_all_flags_of_the_go_pushgateway_and_is_sorted() {
    let config = config("");
    let names: Vec<_> = config.flag_map.iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted());
    let upstream = [
        "log.format",
        "log.level",
        "persistence.file",
        "persistence.interval",
        "push.disable-consistency-check",
        "push.enable-utf8-names",
        "web.config.file",
        "web.enable-admin-api",
        "web.enable-lifecycle",
        "web.external-url",
        "web.listen-address",
        "web.route-prefix",
        "web.systemd-socket",
        "web.telemetry-path",
    ];
    for name in upstream {
        assert!(names.contains(&name), "{name} is missing");
    }
}

#[test]
fn a_negative_interval_is_none() {
    let config = config("--persistence.interval=-5m");
    assert_eq!(config.persistence.interval, Duration::ZERO);
}

#[test]
fn the_version_is_six_lines() {
    let text = printed("--version");
    assert_eq!(text, format!("{BUILD_INFO}\n"));
    assert_eq!(text.lines().count(), 6);
}

#[test]
fn the_help_names_every_flag_and_fits_a_terminal() {
    let text = printed("--help");
    assert!(text.starts_with("usage: pushgateway [<flags>]\n"), "{text}");
    for flag in &table::FLAGS {
        assert!(text.contains(&flag.usage()), "{} is missing", flag.name);
    }
    for line in text
        .lines()
        .chain(printed("export --help").lines())
        .chain(printed("self-test --help").lines())
    {
        assert!(line.len() <= 90, "{} columns: {line}", line.len());
        assert_eq!(line, line.trim_end());
    }
}

#[test]
fn export_has_flags_of_its_own() {
    let export = |line: &str| parse_line(line);
    let expected = |format, output| {
        Ok(Command::Export(ExportConfig {
            persistence_file: "f".into(),
            format,
            output,
        }))
    };
    assert_eq!(
        export("export --persistence.file=f"),
        expected(ExportFormat::Native, ExportOutput::Stdout)
    );
    assert_eq!(
        export("export --persistence.file f --format=gob --output=out"),
        expected(ExportFormat::Gob, ExportOutput::File("out".into()))
    );
    assert_eq!(
        export("export --persistence.file f --output -"),
        expected(ExportFormat::Native, ExportOutput::Stdout)
    );
    check_error(
        "export",
        "required flag --persistence.file not provided, try --help",
    );
    check_error(
        "export --format=xml",
        "flag 'format' has an invalid format \"xml\": want native or gob, try --help",
    );
    check_error(
        "export --log.level=info",
        "unknown long flag '--log.level', try --help",
    );
    assert!(printed("export --help").starts_with("usage: pushgateway export "));
}

#[cfg(unix)]
#[test]
fn arguments_must_be_text() {
    use std::os::unix::ffi::OsStringExt;
    let arguments = ["pushgateway".into(), OsString::from_vec(vec![b'a', 0xff])];
    let error = parse(arguments, &|_| Ok(String::new())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "argument \"a\\xFF\" is not UTF-8, try --help"
    );
}

#[test]
fn the_program_is_called_by_its_file_name() {
    assert_eq!(program_name(Some(OsStr::new("/bin/gateway"))), "gateway");
    assert_eq!(program_name(None), "pushgateway");
}

#[test]
fn a_self_test_needs_to_know_whom_to_ask_and_whom_to_believe() {
    let Ok(Command::SelfTest(config)) = parse_line(
        "self-test --url=https://g:9091/push/ --tls.ca-file=ca --tls.cert-file=c --tls.key-file=k \
         --basic-auth.username-file=u --basic-auth.password-file=p --timeout=5s",
    ) else {
        panic!("it is one");
    };
    let expected = SelfTestConfig {
        url: http::Uri::from_static("https://g:9091/push"),
        telemetry_path: "/metrics".to_owned(),
        basic_auth: Some(BasicAuthFiles {
            username_file: "u".into(),
            password_file: "p".into(),
        }),
        server_identity: ServerIdentity::SignedBy("ca".into()),
        client_certificate: Some(ClientCertificateFiles {
            certificate: "c".into(),
            key: "k".into(),
        }),
        timeout: Duration::from_secs(5),
    };
    assert_eq!(*config, expected);
    for (line, error) in [
        ("self-test", "required flag --url not provided, try --help"),
        (
            "self-test --url=g:9091",
            "flag 'url' has an invalid URL \"g:9091\": want one such as http://pushgateway:9091, try --help",
        ),
        (
            "self-test --url=https://g",
            "required flag --tls.ca-file not provided, try --help",
        ),
        (
            "self-test --url=http://g --basic-auth.username-file=u",
            "required flag --basic-auth.password-file not provided, try --help",
        ),
    ] {
        check_error(line, error);
    }
    assert!(printed("self-test --help").starts_with("usage: pushgateway self-test "));
}
