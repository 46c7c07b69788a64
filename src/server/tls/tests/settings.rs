//! What the section of the web configuration file narrows, and what in it is refused.

use super::*;

#[tokio::test]
async fn versions_suites_and_curves_are_narrowed() {
    let fixture = Fixture::new();
    let check = async |tls: &str, version, suite: Option<&str>, curve: Option<&str>| {
        let server = fixture.serve(tls).await;
        let stream = server.connect(&fixture.client(None, &[])).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.protocol_version(), Some(version), "{tls}");
        if let Some(suite) = suite {
            let chosen = connection.negotiated_cipher_suite().unwrap();
            assert_eq!(format!("{:?}", chosen.suite()), suite);
        }
        if let Some(curve) = curve {
            let chosen = connection.negotiated_key_exchange_group().unwrap();
            assert_eq!(format!("{:?}", chosen.name()), curve);
        }
    };
    check("", TLSv1_3, None, None).await;
    check(
        "min_version: TLS10, max_version: TLS12",
        TLSv1_2,
        None,
        None,
    )
    .await;
    check(
        "max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, \
         TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]",
        TLSv1_2,
        Some("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        None,
    )
    .await;
    // Suites concern TLS 1.2 only.
    let suites = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]";
    check(suites, TLSv1_3, None, None).await;
    let curves = "curve_preferences: [CurveP521, CurveP384]";
    check(curves, TLSv1_3, None, Some("secp384r1")).await;
}

#[test]
fn what_leaves_nothing_to_offer_is_refused() {
    let fixture = Fixture::new();
    let check = |tls: &str, expected: &str| {
        let error = fixture.open(tls).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("max_version: TLS11", "no TLS version from TLS12 to TLS11");
    check("min_version: TLS10, max_version: TLS11", "no TLS version");
    check("min_version: TLS13, max_version: TLS12", "no TLS version");
    check(
        "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA]",
        "none of the configured cipher_suites",
    );
    check(
        "curve_preferences: [CurveP521]",
        "none of the configured curve_preferences",
    );
}

#[test]
fn files_that_are_no_certificates_are_refused() {
    let fixture = Fixture::new();
    let check = |name: &str, content: &str, expected: &str| {
        let saved = fs::read(fixture.path(name)).unwrap();
        fixture.write(name, content);
        let policy = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem";
        let error = fixture.open(policy).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
        fs::write(fixture.path(name), saved).unwrap();
    };
    check("cert.pem", "", "certificate has no certificate in it");
    check("key.pem", "nonsense", "private key is not valid PEM");
    check("ca.pem", "nonsense", "client CA has no certificate in it");
    check(
        "key.pem",
        &fixture.issue(&["other"]).key,
        "certificate and private key",
    );
    fs::remove_file(fixture.path("cert.pem")).unwrap();
    let error = fixture.open("").unwrap_err().to_string();
    assert!(
        error.contains("could not read") && error.contains("cert.pem"),
        "{error}"
    );
}

#[test]
fn no_section_is_no_tls() {
    let fixture = Fixture::new();
    fixture.write("web.yml", "rate_limit: {}");
    let file = ConfigFile::new(fixture.path("web.yml"));
    let config = Arc::new(Reloading::open(file).unwrap());
    assert!(Tls::open(&config).unwrap().is_none());
}
