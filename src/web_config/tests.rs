use super::*;

const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

fn parse(yaml: &str) -> WebConfig {
    WebConfig::parse(yaml).unwrap()
}

fn check_refused(yaml: &str, expected: &str) {
    let error = WebConfig::parse(yaml).unwrap_err().to_string();
    assert!(error.contains(expected), "{yaml}\n{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn nothing_is_the_default() {
    for yaml in [
        "",
        "{}",
        "# only a comment\n",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
        "tls_server_config: {}",
        "http_server_config:\n  headers:\n",
        "tls_server_config:\n  cert_file: \"\"\n  client_auth_type: \"\"\n  cipher_suites:\n",
    ] {
        assert_eq!(parse(yaml), WebConfig::default(), "{yaml}");
    }
    assert!(WebConfig::default().http_server_config.http2);
    assert!(parse("").tls_server_config.material().unwrap().is_none());
}

#[test]
fn unknown_keys_are_refused_by_name() {
    for (yaml, key) in [
        ("basic_auth_user: {}", "basic_auth_user"),
        ("tls_server_config:\n  certfile: x", "certfile"),
        ("http_server_config:\n  http3: true", "http3"),
        ("rate_limit:\n  bursts: 1", "bursts"),
    ] {
        check_refused(yaml, &format!("unknown field `{key}`"));
    }
}

#[test]
fn keys_set_twice_are_refused() {
    check_refused(
        &format!("basic_auth_users:\n  a: {HASH}\n  a: {HASH}\n"),
        "key \"a\" is set twice",
    );
    check_refused("rate_limit: {}\nrate_limit: {}\n", "duplicate");
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    for yaml in [
        "[]",
        "text",
        "basic_auth_users: [a]",
        "rate_limit:\n  burst: -1",
        ": :",
        "\t",
    ] {
        assert!(WebConfig::parse(yaml).is_err(), "{yaml}");
    }
}

#[test]
fn names_that_are_unknown_are_refused_in_go_s_words() {
    let check = |key: &str, value: &str, expected: &str| {
        check_refused(&format!("tls_server_config:\n  {key}: {value}\n"), expected);
    };
    check("client_auth_type", "Maybe", "invalid ClientAuth: Maybe");
    check("min_version", "SSL3", "unknown TLS version: SSL3");
    check("max_version", "TLS14", "unknown TLS version: TLS14");
    check("cipher_suites", "[NULL]", "unknown cipher: NULL");
    check("curve_preferences", "[P256]", "unknown curve: P256");
}

#[test]
fn a_certificate_needs_its_key_and_a_policy_both() {
    let check = |section: &str, expected| {
        check_refused(&format!("tls_server_config: {{{section}}}"), expected);
    };
    check("key_file: k", "missing one of cert or cert_file");
    check("client_ca_file: a", "missing one of cert or cert_file");
    check(
        "client_auth_type: NoClientCert",
        "missing one of cert or cert_file",
    );
    check("cert_file: c", "missing one of key or key_file");
    check("cert: c", "missing one of key or key_file");
    check(
        "cert: c, key: k, client_ca: a",
        "client CA's have been configured without a Client Auth Policy",
    );
    check(
        "cert: c, key: k, client_auth_type: RequireAndVerifyClientCert",
        "RequireAndVerifyClientCert needs one of client_ca or client_ca_file",
    );
}

#[test]
fn files_win_over_inline_and_are_relative_to_the_config() {
    let yaml = "tls_server_config: {cert_file: c.pem, cert: inline, key: inline, key_file: /abs/k}";
    let config = parse(yaml).relative_to(Path::new("/etc/config"));
    let material = config.tls_server_config.material().unwrap().unwrap();
    assert_eq!(material.certificate, Pem::File("/etc/config/c.pem".into()));
    assert_eq!(material.key, Pem::File("/abs/k".into()));
}

#[test]
fn an_alias_of_a_policy_is_taken() {
    let yaml = "tls_server_config: {cert: c, key: k, client_auth_type: RequireClientCert}";
    let policy = parse(yaml).tls_server_config.client_auth_type;
    assert_eq!(policy, Some(ClientAuthType::RequireAnyClientCert));
}

#[test]
fn only_some_headers_can_be_configured() {
    let check = |header: &str, expected| {
        check_refused(
            &format!("http_server_config:\n  headers:\n    {header}\n"),
            expected,
        );
    };
    check("Server: x", "HTTP header \"Server\" can not be configured");
    check(
        "x-frame-options: deny",
        "HTTP header \"x-frame-options\" can not be configured",
    );
    check(
        "X-Frame-Options: allow",
        "invalid value for X-Frame-Options",
    );
    check(
        "X-Content-Type-Options: sniff",
        "invalid value for X-Content-Type-Options",
    );
    check(
        "X-XSS-Protection: \"a\\nb\"",
        "invalid value for X-XSS-Protection",
    );
    let allowed = "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    \
        Strict-Transport-Security: max-age=1\n";
    assert_eq!(parse(allowed).http_server_config.headers.len(), 2);
}

#[test]
fn users_need_bcrypt_hashes() {
    let config = parse(&format!(
        "basic_auth_users:\n  alice: {HASH}\n  1001: {HASH}\n"
    ));
    let users: Vec<_> = config.basic_auth_users.keys().collect();
    assert_eq!(users, ["1001", "alice"]);
    check_refused("basic_auth_users:\n  alice: hunter2\n", "not a bcrypt hash");
    check_refused(
        &format!(
            "basic_auth_users:\n  alice: {}\n",
            HASH.replace("$10$", "$99$")
        ),
        "not a bcrypt hash",
    );
}

#[test]
fn secrets_are_shown_to_nobody() {
    let yaml =
        format!("tls_server_config: {{cert: c, key: hunter2}}\nbasic_auth_users: {{a: {HASH}}}");
    let shown = format!("{:?}", parse(&yaml));
    assert!(
        !shown.contains("hunter2") && !shown.contains("$2y$"),
        "{shown}"
    );
    let error = WebConfig::parse("basic_auth_users: {a: hunter2}").unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn what_is_written_reads_back() {
    let yaml = format!(
        "tls_server_config:\n  cert_file: c\n  key: k\n  client_auth_type: RequestClientCert\n  \
         client_ca: a\n  client_allowed_sans: [x]\n  min_version: TLS13\n  \
         cipher_suites: [TLS_AES_128_GCM_SHA256]\n  curve_preferences: [X25519]\n\
         http_server_config:\n  http2: false\n  headers: {{X-Frame-Options: deny}}\n\
         basic_auth_users: {{alice: {HASH}}}\nrate_limit: {{interval: 1.5s, burst: 3}}\n"
    );
    for config in [parse(&yaml), WebConfig::default()] {
        let written = serde_yaml::to_string(&config).unwrap();
        assert_eq!(parse(&written), config, "{written}");
    }
}
