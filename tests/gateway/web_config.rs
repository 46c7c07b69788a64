//! The web configuration file from outside: TLS with curl, users, headers, the rate limit, and its reload.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    generate_simple_self_signed,
};
use tempfile::TempDir;

use crate::harness::http::{self, Request, Response};
use crate::harness::{Gateway, Program, files, free_port, wait_until};
use crate::parts;

/// A folder with a web configuration file.
struct Configured {
    folder: TempDir,
}

impl Configured {
    fn new(content: &str) -> Self {
        let configured = Self {
            folder: files::folder(),
        };
        configured.write("web.yml", content);
        configured
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file at once, as Kubernetes does.
    fn write(&self, name: &str, content: &str) {
        let new = self.path("new");
        fs::write(&new, content).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    fn program(&self) -> Program {
        let flag = format!("--web.config.file={}", self.path("web.yml").display());
        Program::gateway().flag(flag).ready_when_listening()
    }

    /// A self-signed certificate for localhost and its key, as `cert.pem` and `key.pem`.
    fn write_certificate(&self) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certified = generate_simple_self_signed(names).unwrap();
        self.write("key.pem", &certified.signing_key.serialize_pem());
        self.write("cert.pem", &certified.cert.pem());
    }
}

/// Runs curl and returns its exit code and what it printed; `None` if the test is skipped.
fn curl(arguments: &[&str]) -> Option<(Option<i32>, String)> {
    let Ok(output) = Command::new("curl")
        .args(["-sS", "--max-time", "30"])
        .args(arguments)
        .output()
    else {
        parts::skip("curl is not installed");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Some((output.status.code(), text.into_owned()))
}

fn url(gateway: &Gateway, path: &str) -> String {
    format!("https://localhost:{}{path}", gateway.address.port())
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

fn get_as(gateway: &Gateway, authorization: &str) -> Response {
    gateway.send(&Request::new("GET", "/metrics").header("Authorization", authorization))
}

fn users(password: &str) -> String {
    let hash = bcrypt::hash(password, 4).unwrap();
    format!("basic_auth_users:\n  alice: {hash}\n")
}

const TLS: &str = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";

#[test]
fn tls_serves_http_2_unless_it_is_switched_off() {
    for (more, version) in [("", "2"), ("http_server_config:\n  http2: false\n", "1.1")] {
        let configured = Configured::new(&format!("{TLS}{more}"));
        configured.write_certificate();
        let gateway = configured.program().start();
        let ca = configured.path("cert.pem").display().to_string();
        let push = url(&gateway, "/metrics/job/j");
        let Some(pushed) = curl(&["--cacert", &ca, "--data-binary", "m 1\n", &push]) else {
            return;
        };
        assert_eq!(pushed, (Some(0), String::new()));
        let scrape = url(&gateway, "/metrics");
        let written = "%{http_code} %{http_version}";
        let (_, text) = curl(&["--cacert", &ca, "-w", written, &scrape]).unwrap();
        assert!(text.contains("m{instance=\"\",job=\"j\"} 1\n"), "{text}");
        assert!(text.ends_with(&format!("200 {version}")), "{text}");
    }
}

#[test]
fn plain_http_to_the_tls_port_is_told_so() {
    let configured = Configured::new(TLS);
    configured.write_certificate();
    let gateway = configured.program().start();
    let response = gateway.get("/metrics");
    assert_eq!(response.status, 400);
    assert!(
        response
            .text()
            .starts_with("Client sent an HTTP request to an HTTPS server."),
        "{}",
        response.brief()
    );
}

#[test]
fn a_new_certificate_is_used_without_a_restart() {
    let configured = Configured::new(TLS);
    configured.write_certificate();
    let gateway = configured.program().start();
    configured.write_certificate();
    let ca = configured.path("cert.pem").display().to_string();
    let healthy = url(&gateway, "/-/healthy");
    if curl(&["--version"]).is_none() {
        return;
    }
    wait_until("the new certificate", || {
        curl(&["--cacert", &ca, &healthy]).unwrap() == (Some(0), "OK".to_owned())
    });
}

/// Writes a certificate authority and a client certificate signed by it.
fn write_client_certificate(configured: &Configured) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    configured.write("clients.pem", &authority_pem);
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let mut client = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    configured.write(
        "client.pem",
        &client.signed_by(&key, &issuer).unwrap().pem(),
    );
    configured.write("client-key.pem", &key.serialize_pem());
}

fn check_client_certificate(more: &str, is_let_in: bool) {
    let content = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.pem\n{more}"
    );
    let configured = Configured::new(&content);
    configured.write_certificate();
    write_client_certificate(&configured);
    let gateway = configured.program().start();
    let path = |name| configured.path(name).display().to_string();
    let (ca, healthy) = (path("cert.pem"), url(&gateway, "/-/healthy"));
    let Some((code, _)) = curl(&["--cacert", &ca, &healthy]) else {
        return;
    };
    assert_ne!(code, Some(0), "no client certificate was needed");
    let (cert, key) = (path("client.pem"), path("client-key.pem"));
    let (code, text) = curl(&["--cacert", &ca, "--cert", &cert, "--key", &key, &healthy]).unwrap();
    assert_eq!(code == Some(0), is_let_in, "{text}");
}

#[test]
fn a_client_certificate_can_be_required() {
    check_client_certificate("", true);
}

#[test]
fn a_client_certificate_must_have_an_allowed_name() {
    check_client_certificate("  client_allowed_sans: [client.example]\n", true);
    check_client_certificate("  client_allowed_sans: [other.example]\n", false);
}

#[test]
fn every_endpoint_wants_a_user() {
    let configured = Configured::new(&users("secret"));
    let gateway = configured.program().start();
    for (method, target) in [
        ("GET", "/metrics"),
        ("GET", "/-/healthy"),
        ("GET", "/-/ready"),
        ("GET", "/"),
        ("GET", "/api/v1/metrics"),
        ("GET", "/static/prometheus.css"),
        ("PUT", "/metrics/job/j"),
        ("GET", "/nope"),
    ] {
        let response = gateway.send(&Request::new(method, target));
        assert_eq!(response.status, 401, "{method} {target}");
        assert_eq!(response.text(), "Unauthorized\n", "{method} {target}");
        assert_eq!(
            response.header("www-authenticate"),
            Some("Basic"),
            "{method} {target}"
        );
    }
    assert_eq!(get_as(&gateway, &basic("alice", "wrong")).status, 401);
    assert_eq!(get_as(&gateway, &basic("bob", "secret")).status, 401);
    assert_eq!(get_as(&gateway, "Bearer secret").status, 401);
    assert_eq!(get_as(&gateway, "Basic !").status, 401);
    for _ in 0..2 {
        assert_eq!(get_as(&gateway, &basic("alice", "secret")).status, 200);
    }
}

#[test]
fn probes_have_an_address_without_users() {
    let probes = format!("127.0.0.1:{}", free_port());
    let configured = Configured::new(&users("secret"));
    let flag = format!("--web.probe-listen-address={probes}");
    let _gateway = configured.program().flag(flag).start();
    let probe =
        |target: &str| http::send(probes.parse().unwrap(), &Request::new("GET", target)).unwrap();
    wait_until("the gateway to be ready", || {
        probe("/-/ready").status == 200
    });
    assert_eq!(probe("/-/healthy").status, 200);
    assert_ne!(probe("/api/v1/metrics").status, 200);
    assert_ne!(probe("/").status, 200);
}

#[test]
fn a_user_can_come_from_two_files() {
    let configured = Configured::new("");
    configured.write("username", "carol\n");
    configured.write("password", "s3cret\n");
    let flag = |name| {
        format!(
            "--web.basic-auth.{name}-file={}",
            configured.path(name).display()
        )
    };
    let program = Program::gateway().flags([flag("username"), flag("password")]);
    let gateway = program.ready_when_listening().start();
    assert_eq!(gateway.get("/metrics").status, 401);
    assert_eq!(get_as(&gateway, &basic("carol", "wrong")).status, 401);
    assert_eq!(get_as(&gateway, &basic("carol", "s3cret")).status, 200);
    configured.write("password", "n3w\n");
    wait_until("the new password", || {
        get_as(&gateway, &basic("carol", "n3w")).status == 200
    });
    assert_eq!(get_as(&gateway, &basic("carol", "s3cret")).status, 401);
}

#[test]
fn a_changed_file_takes_effect_without_a_restart() {
    let configured = Configured::new("{}\n");
    let gateway = configured.program().start();
    assert_eq!(gateway.get("/metrics").status, 200);
    configured.write("web.yml", &users("secret"));
    wait_until("the user", || gateway.get("/metrics").status == 401);
    assert_eq!(get_as(&gateway, &basic("alice", "secret")).status, 200);
    configured.write("web.yml", &users("changed"));
    wait_until("the new password", || {
        get_as(&gateway, &basic("alice", "secret")).status == 401
    });
    assert_eq!(get_as(&gateway, &basic("alice", "changed")).status, 200);
}

#[test]
fn a_file_that_was_broken_lets_nobody_in_who_was_not() {
    let configured = Configured::new(&users("secret"));
    let gateway = configured.program().start();
    configured.write("web.yml", "basic_auth_users: [\n");
    for _ in 0..50 {
        assert_ne!(gateway.get("/metrics").status, 200);
    }
    configured.write("web.yml", &users("mended"));
    wait_until("the mended file", || {
        get_as(&gateway, &basic("alice", "mended")).status == 200
    });
}

#[test]
fn configured_headers_are_on_every_response() {
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    \
                   Strict-Transport-Security: max-age=1\n    Content-Security-Policy: default-src 'self'\n";
    let configured = Configured::new(&format!("{headers}{}", users("secret")));
    let gateway = configured.program().start();
    let authorization = basic("alice", "secret");
    for (target, authorization, status) in [
        ("/metrics", "", 401),
        ("/metrics", authorization.as_str(), 200),
        ("/nope", authorization.as_str(), 404),
    ] {
        let response =
            gateway.send(&Request::new("GET", target).header("Authorization", authorization));
        assert_eq!(response.status, status, "{target}");
        assert_eq!(
            response.header("x-frame-options"),
            Some("deny"),
            "{target} {status}"
        );
        assert_eq!(
            response.header("strict-transport-security"),
            Some("max-age=1"),
            "{target} {status}"
        );
        let policy = response.header("content-security-policy");
        assert_eq!(policy, Some("default-src 'self'"), "{target} {status}");
    }
}

#[test]
fn requests_beyond_the_rate_are_told_so() {
    let configured = Configured::new("rate_limit:\n  interval: 1h\n  burst: 2\n");
    let gateway = configured.program().start();
    let responses: Vec<Response> = (0..4).map(|_| gateway.get("/-/healthy")).collect();
    let statuses: Vec<u16> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    assert_eq!(responses[3].text(), "Too Many Requests\n");
}

#[test]
fn a_client_that_never_shakes_hands_holds_up_nobody() {
    let configured = Configured::new(TLS);
    configured.write_certificate();
    let gateway = configured.program().start();
    let silent: Vec<_> = (0..20)
        .map(|_| http::connect(gateway.address).unwrap())
        .collect();
    let ca = configured.path("cert.pem").display().to_string();
    if let Some(answer) = curl(&["--cacert", &ca, &url(&gateway, "/-/healthy")]) {
        assert_eq!(answer, (Some(0), "OK".to_owned()));
    }
    drop(silent);
}
