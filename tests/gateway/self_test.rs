//! `pushgateway self-test` against real gateways: plain, under a prefix, with TLS, certificates and users.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::harness::{Exit, Gateway, Program, free_port};

/// Runs the command to its end.
fn self_test(url: &str, flags: &[String]) -> Exit {
    Program::gateway()
        .flag("self-test")
        .flag(format!("--url={url}"))
        .flags(flags)
        .run()
}

#[track_caller]
fn passes(gateway: &Gateway, url: &str, flags: &[String]) {
    let exit = self_test(url, flags);
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!(
        exit.stdout,
        format!("{url}: pushed, read back and deleted a metric\n")
    );
    assert!(
        !gateway.stderr().contains("panicked"),
        "{}",
        gateway.stderr()
    );
}

#[track_caller]
fn fails(url: &str, flags: &[String], why: &[&str]) {
    let exit = self_test(url, flags);
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert_eq!(exit.stderr.lines().count(), 1, "{exit:?}");
    for part in why {
        assert!(exit.stderr.contains(part), "{part}: {exit:?}");
    }
}

#[test]
fn a_plain_gateway_passes_and_keeps_nothing() {
    let gateway = Program::gateway().start();
    assert_eq!(gateway.put("/metrics/job/other", "a 1\n").status, 200);
    let before = gateway.scrape();
    passes(&gateway, &format!("http://{}/", gateway.address), &[]);
    assert_eq!(gateway.scrape(), before);
}

#[test]
fn prefix_and_telemetry_path_are_followed() {
    let gateway = Program::gateway()
        .flags(["--web.route-prefix=/push", "--web.telemetry-path=/pushed"])
        .ready_at("/push/-/ready")
        .start();
    let url = format!("http://{}/push", gateway.address);
    passes(&gateway, &url, &["--telemetry-path=/pushed".to_owned()]);
    let elsewhere = format!("http://{}", gateway.address);
    fails(
        &elsewhere,
        &[],
        &["PUT", "/metrics/job/helm-test was answered with 404"],
    );
    fails(&url, &[], &["GET", "/push/metrics was answered with 404"]);
}

#[test]
fn a_gateway_that_is_not_there_is_named() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let timeout = "--timeout=300ms".to_owned();
    fails(
        &format!("http://{address}"),
        &[timeout],
        &["not done after 300ms", &address.to_string(), "refused"],
    );
}

#[test]
fn users_are_taken_from_files() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (user, password, wrong) = (
        write("user", "batch\n"),
        write("password", "sesame"),
        write("wrong", "x"),
    );
    let gateway = Program::gateway()
        .flag(format!("--web.basic-auth.username-file={user}"))
        .flag(format!("--web.basic-auth.password-file={password}"))
        .ready_when_listening()
        .start();
    let url = format!("http://{}/", gateway.address);
    let with = |password: &str| {
        [
            format!("--basic-auth.username-file={user}"),
            format!("--basic-auth.password-file={password}"),
        ]
    };
    passes(&gateway, &url, &with(&password));
    fails(&url, &with(&wrong), &["answered with 401"]);
    fails(&url, &[], &["answered with 401"]);
    fails(&url, &with("/nowhere"), &["could not read /nowhere"]);
}

#[test]
fn certificates_are_checked_and_shown() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    write_certificates(folder.path());
    let configuration = format!(
        "tls_server_config:\n  cert_file: {}\n  key_file: {}\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {}\n",
        file("localhost.crt"),
        file("localhost.key"),
        file("ca.crt"),
    );
    fs::write(folder.path().join("web.yml"), configuration).unwrap();
    let gateway = Program::gateway()
        .flag(format!("--web.config.file={}", file("web.yml")))
        .ready_when_listening()
        .start();
    let url = format!("https://localhost:{}/", gateway.address.port());
    let believe = |ca: &str| format!("--tls.ca-file={}", file(ca));
    let show = [
        format!("--tls.cert-file={}", file("client.crt")),
        format!("--tls.key-file={}", file("client.key")),
    ];
    let [certificate, key] = show.clone();
    passes(
        &gateway,
        &url,
        &[believe("ca.crt"), certificate.clone(), key.clone()],
    );
    let anybody = "--tls.insecure-skip-verify".to_owned();
    passes(&gateway, &url, &[anybody, certificate.clone(), key.clone()]);

    fails(
        &url,
        &[believe("other.crt"), certificate.clone(), key.clone()],
        &["no TLS with localhost", "invalid peer certificate"],
    );
    // Which side notices first depends on who is quicker.
    fails(&url, &[believe("ca.crt")], &["ertificate"]);
    fails(
        &url,
        &[believe("web.yml"), certificate, key],
        &["web.yml is of no use", "no certificate"],
    );
    let address = format!("https://127.0.0.1:{}/", gateway.address.port());
    fails(
        &address,
        &[believe("ca.crt"), show[0].clone(), show[1].clone()],
        &["no TLS with 127.0.0.1"],
    );
}

/// An authority, what it has signed for `localhost` and for a client, and another authority.
fn write_certificates(folder: &Path) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.join(name), certificate.pem()).unwrap();
        Issuer::new(params, key)
    };
    authority("other.crt");
    let issuer = authority("ca.crt");
    for name in ["localhost", "client"] {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}
