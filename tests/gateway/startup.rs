//! How the program starts, and how it refuses to: texts, streams and exit codes.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::harness::{Exit, Program, files, free_port};

mod persistence_file;

/// The one line on stderr of a command line that cannot be understood.
fn check_misuse(flags: &[&str], message: &str) {
    let exit = Program::gateway().flags(flags).run();
    let line = format!("pushgateway: error: {message}, try --help\n");
    let stderr = exit
        .stderr
        .replace("prometheus-pushgateway:", "pushgateway:");
    assert_eq!((exit.code, stderr), (Some(1), line), "{flags:?}");
    assert_eq!(exit.stdout, "", "{flags:?}");
}

/// The end of a program that is to end instead of serving.
fn refused(program: &Program) -> Exit {
    match program.try_start() {
        Ok(gateway) => panic!("it serves with {program:?}: {}", gateway.stderr()),
        Err(exit) => exit,
    }
}

/// A start that fails with one clear line on stderr, which contains all of `words`.
fn check_refusal(exit: &Exit, words: &[&str]) {
    assert!(exit.code.is_some_and(|code| code != 0), "{exit:#?}");
    let last = exit.stderr.lines().last().unwrap_or_default();
    for word in words {
        assert!(
            last.contains(word),
            "{word:?} is not in the last line of {exit:#?}"
        );
    }
    assert!(!exit.stderr.contains("panicked"), "{exit:#?}");
}

#[test]
fn a_command_line_that_cannot_be_understood_is_refused_in_upstreams_words() {
    check_misuse(&["--nope"], "unknown long flag '--nope'");
    check_misuse(&["-v"], "unknown short flag '-v'");
    check_misuse(
        &["--persistence.file"],
        "expected argument for flag '--persistence.file'",
    );
    check_misuse(
        &["--persistence.interval=xx"],
        "time: invalid duration \"xx\"",
    );
    check_misuse(&["--log.level=foo"], "unrecognized log level foo");
    check_misuse(&["--log.format=foo"], "unrecognized log format foo");
    check_misuse(&["--web.enable-lifecycle=true"], "unexpected true");
    check_misuse(&["surplus"], "unexpected surplus");
    check_misuse(
        &["--", "--web.enable-lifecycle"],
        "unexpected --web.enable-lifecycle",
    );
    check_misuse(
        &["--web.route-prefix=/a", "--web.route-prefix=/b"],
        "flag 'web.route-prefix' cannot be repeated",
    );
    check_misuse(
        &["--web.external-url=http://[::1"],
        "invalid URL: parse \"http://[::1\": missing ']' in host",
    );
}

#[test]
fn help_goes_to_stdout() {
    for flag in ["--help", "-h"] {
        let exit = Program::gateway().flag(flag).run();
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{flag}");
        assert!(
            exit.stdout.starts_with("usage: "),
            "{flag}: {}",
            exit.stdout
        );
        for name in [
            "--web.listen-address",
            "--persistence.file",
            "push.enable-utf8-names",
        ] {
            assert!(exit.stdout.contains(name), "{flag} does not tell of {name}");
        }
    }
}

#[test]
fn version_goes_to_stdout_in_six_lines() {
    let exit = Program::gateway().flag("--version").run();
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = exit.stdout.lines().collect();
    let starts = [
        "pushgateway, version ",
        "  build user:       ",
        "  build date:       ",
        "  ",
        "  platform:         ",
        "  tags:             ",
    ];
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(
            line.starts_with(start),
            "{line:?} does not begin with {start:?}"
        );
    }
}

#[test]
fn arguments_are_read_from_a_file() {
    let folder = files::folder();
    let path = folder.path().join("arguments");
    fs::write(
        &path,
        "# a comment\n\n--web.enable-lifecycle\n--web.route-prefix=/pre\n",
    )
    .unwrap();
    let argument = format!("@{}", path.display());
    let gateway = Program::gateway()
        .flag(argument)
        .ready_at("/pre/-/ready")
        .start();
    let flags = &gateway.get("/pre/api/v1/status").json()["data"]["flags"];
    assert_eq!(flags["web.enable-lifecycle"], "true");
    assert_eq!(flags["web.route-prefix"], "/pre");
}

#[test]
fn a_boolean_flag_can_be_cleared() {
    let gateway = Program::gateway().flag("--no-web.enable-admin-api").start();
    let flags = &gateway.get("/api/v1/status").json()["data"]["flags"];
    assert_eq!(flags["web.enable-admin-api"], "false");
}

#[test]
fn every_listen_address_serves() {
    let second = free_port();
    let listen = format!("--web.listen-address=127.0.0.1:{second}");
    let gateway = Program::gateway().flag(listen).start();
    gateway.put("/metrics/job/j", "m 1\n");
    let address = (Ipv4Addr::LOCALHOST, second).into();
    let request = crate::harness::http::Request::new("GET", "/metrics");
    let response = crate::harness::http::send(address, &request).unwrap();
    assert!(
        response.text().contains("m{instance=\"\",job=\"j\"} 1"),
        "{response:?}"
    );
}

#[test]
fn routes_and_asset_links_follow_prefix_and_external_url() {
    let cases = [
        (vec!["--web.route-prefix=pre/"], "/pre", "./static/"),
        (
            vec!["--web.external-url=http://h/ext/"],
            "/ext",
            "/ext/static/",
        ),
        (
            vec!["--web.external-url=/ext", "--web.route-prefix=/"],
            "",
            "/ext/static/",
        ),
        (
            vec!["--web.external-url=/ext", "--web.route-prefix=/pre"],
            "/pre",
            "/ext/static/",
        ),
        (
            vec!["--web.external-url=x.example"],
            "/x.example",
            "/x.example/static/",
        ),
    ];
    for (flags, prefix, assets) in cases {
        let ready = format!("{prefix}/-/ready");
        let gateway = Program::gateway().flags(&flags).ready_at(&ready).start();
        assert_eq!(
            gateway
                .put(&format!("{prefix}/metrics/job/j"), "m 1\n")
                .status,
            200
        );
        assert_eq!(gateway.get(&format!("{prefix}/metrics")).status, 200);
        let page = gateway.get(&format!("{prefix}/")).text();
        assert!(page.contains(assets), "{flags:?} does not link to {assets}");
        if !prefix.is_empty() {
            assert_eq!(gateway.get("/metrics").status, 404, "{flags:?}");
        }
    }
}

#[test]
fn the_telemetry_path_is_for_scrapes_only() {
    let gateway = Program::gateway()
        .flag("--web.telemetry-path=/a/b/../c/")
        .start();
    assert_eq!(gateway.put("/metrics/job/j", "m 1\n").status, 200);
    assert!(
        gateway
            .get("/a/c")
            .text()
            .contains("m{instance=\"\",job=\"j\"} 1")
    );
    assert_eq!(gateway.get("/metrics").status, 404);
}

#[test]
fn a_telemetry_path_that_hides_another_page_is_refused() {
    for path in ["/", "/status", "/-/ready", "metrics"] {
        let flag = format!("--web.telemetry-path={path}");
        let exit = refused(&Program::gateway().flag(&flag));
        check_refusal(&exit, &["web.telemetry-path", path]);
    }
}

#[test]
fn a_taken_port_is_refused() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let flag = format!("--web.listen-address={address}");
    check_refusal(&Program::gateway().flag(flag).run(), &[&address, "in use"]);
}

#[test]
fn an_impossible_listen_address_is_refused() {
    for address in ["nonsense", "127.0.0.1:99999", "192.0.2.1:9091"] {
        let flag = format!("--web.listen-address={address}");
        check_refusal(&Program::gateway().flag(flag).run(), &[address]);
    }
}

#[test]
fn a_bad_web_configuration_file_is_refused() {
    let folder = files::folder();
    let path = folder.path().join("web.yml");
    let cases = [
        ("nonsense_key: 1\n", "nonsense_key"),
        (
            "tls_server_config:\n  cert_file: missing.pem\n",
            "missing one of key or key_file",
        ),
        (
            "basic_auth_users:\n  alice: not-a-hash\n",
            "basic_auth_users",
        ),
        (
            "http_server_config:\n  headers:\n    X-Own: x\n",
            "HTTP header \"X-Own\" can not be configured",
        ),
        ("tls_server_config: [\n", "web.yml"),
    ];
    for (content, words) in cases {
        fs::write(&path, content).unwrap();
        let flag = format!("--web.config.file={}", path.display());
        check_refusal(&refused(&Program::gateway().flag(flag)), &[words]);
    }
    let flag = format!(
        "--web.config.file={}",
        folder.path().join("missing.yml").display()
    );
    check_refusal(&refused(&Program::gateway().flag(flag)), &["missing.yml"]);
}

#[test]
fn half_of_basic_auth_is_refused() {
    let exit = refused(&Program::gateway().flag("--web.basic-auth.username-file=/dev/null"));
    check_refusal(&exit, &["web.basic-auth.password-file"]);
}
