use std::fs;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use rustls::ClientConfig;
use rustls::ProtocolVersion::{TLSv1_2, TLSv1_3};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::server::{Limits, Options, listen, run};

mod settings;

/// An authority and the files of a server that it vouches for.
struct Fixture {
    directory: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key in PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self {
            directory: tempfile::tempdir().unwrap(),
            authority: authority(),
        };
        fixture.write_server(&fixture.issue(&["localhost"]));
        fixture.write("ca.pem", &fixture.authority.pem());
        fixture
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn write_server(&self, identity: &Identity) {
        self.write("cert.pem", &identity.certificate);
        self.write("key.pem", &identity.key);
    }

    fn issue(&self, names: &[&str]) -> Identity {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        self.issue_params(CertificateParams::new(names).unwrap())
    }

    fn issue_params(&self, mut params: CertificateParams) -> Identity {
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Writes a web configuration with `tls` added to the TLS section, and opens it.
    fn open(&self, tls: &str) -> Result<(Arc<Reloading<ConfigFile>>, Tls), TlsError> {
        self.write_config(tls);
        let file = ConfigFile::new(self.path("web.yml"));
        let config = Arc::new(Reloading::open(file)?);
        let tls = Tls::open(&config)?;
        Ok((config, tls.expect("TLS is on")))
    }

    fn write_config(&self, tls: &str) {
        let files = "cert_file: cert.pem, key_file: key.pem";
        let section = format!("tls_server_config: {{{files}, {tls}}}\n");
        self.write("web.yml", &section);
    }

    async fn serve(&self, tls: &str) -> Server {
        let (config, tls) = self.open(tls).unwrap();
        Server::start(config, tls).await
    }

    fn client(&self, identity: Option<&Identity>, alpn: &[&[u8]]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = certificates("client", certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that runs until it is dropped.
struct Server {
    address: std::net::SocketAddr,
    config: Arc<Reloading<ConfigFile>>,
    tls: Arc<Tls>,
    _stop: oneshot::Sender<()>,
}

impl Server {
    async fn start(config: Arc<Reloading<ConfigFile>>, tls: Tls) -> Self {
        Self::start_with(config, tls, Limits::default()).await
    }

    async fn start_with(config: Arc<Reloading<ConfigFile>>, tls: Tls, limits: Limits) -> Self {
        let listener = listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = Arc::new(tls);
        let options = Options {
            tls: Some(Arc::clone(&tls)),
            limits,
            ..Options::default()
        };
        let router = Router::new()
            .route("/", get(async || "hello"))
            .route("/refuse", post(async || StatusCode::PAYLOAD_TOO_LARGE));
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { stopped.await.unwrap_or(()) };
        tokio::spawn(run(vec![listener], router, options, stopped));
        Self {
            address,
            config,
            tls,
            _stop: stop,
        }
    }

    async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn connect(&self, client: &TlsConnector) -> io::Result<ClientStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        client.connect(name, self.socket().await).await
    }

    /// The first line of the answer to a GET.
    async fn get(&self, client: &TlsConnector) -> io::Result<String> {
        let mut stream = self.connect(client).await?;
        let request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        Ok(response.lines().next().unwrap_or_default().to_owned())
    }

    fn refresh(&self) {
        self.config.refresh();
        self.tls.refreshable().refresh();
    }
}

const OK: &str = "HTTP/1.1 200 OK";

fn peer_certificate(stream: &ClientStream<TcpStream>) -> Vec<u8> {
    let certificates = stream.get_ref().1.peer_certificates().unwrap();
    certificates[0].to_vec()
}

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .to_vec()
}

#[tokio::test]
async fn http_1_is_served_over_tls() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    assert_eq!(server.get(&fixture.client(None, &[])).await.unwrap(), OK);
    let client = fixture.client(None, &[b"http/1.1"]);
    assert_eq!(server.get(&client).await.unwrap(), OK);
}

#[tokio::test]
async fn http_2_is_served_to_those_who_ask_for_it() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    let client = fixture.client(None, &[b"h2", b"http/1.1"]);
    let stream = server.connect(&client).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN_HTTP2));
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for (method, path, expected) in [
        ("GET", "/", StatusCode::OK),
        ("GET", "/%", StatusCode::BAD_REQUEST),
        ("POST", "/refuse", StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let uri = format!("https://localhost{path}");
        let request = http::Request::builder().method(method).uri(uri);
        let (response, mut body) = requests
            .send_request(request.body(()).unwrap(), method == "GET")
            .unwrap();
        if method == "POST" {
            body.send_data(vec![b'x'; 5 << 20].into(), true).unwrap();
        }
        assert_eq!(response.await.unwrap().status(), expected, "{path}");
    }
    drop(requests);
    connection.abort();
}

#[tokio::test]
async fn http_2_can_be_turned_off() {
    let fixture = Fixture::new();
    fixture.write_config("");
    let yaml = fs::read_to_string(fixture.path("web.yml")).unwrap();
    fixture.write(
        "web.yml",
        &format!("{yaml}http_server_config: {{http2: false}}\n"),
    );
    let file = ConfigFile::new(fixture.path("web.yml"));
    let config = Arc::new(Reloading::open(file).unwrap());
    let tls = Tls::open(&config).unwrap().unwrap();
    let server = Server::start(config, tls).await;
    let client = fixture.client(None, &[b"h2", b"http/1.1"]);
    let stream = server.connect(&client).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN_HTTP1));
}

#[tokio::test]
async fn plain_http_is_told_to_speak_tls() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    let mut socket = server.socket().await;
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    assert_eq!(
        response,
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    );
}

#[tokio::test]
async fn a_silent_client_blocks_nobody() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    let _silent = server.socket().await;
    let mut half = server.socket().await;
    half.write_all(&[0x16, 3, 1]).await.unwrap();
    assert_eq!(server.get(&fixture.client(None, &[])).await.unwrap(), OK);
}

#[tokio::test]
async fn a_silent_client_is_cut_off() {
    let fixture = Fixture::new();
    let limits = Limits {
        head_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let (config, tls) = fixture.open("").unwrap();
    let server = Server::start_with(config, tls, limits).await;
    let mut socket = server.socket().await;
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_large_body_refused_unread_gets_its_answer() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    let mut stream = server.connect(&fixture.client(None, &[])).await.unwrap();
    let size = 5 << 20;
    let head = format!("POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; size]).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    let client = fixture.client(None, &[]);

    let renewed = fixture.issue(&["localhost"]);
    fixture.write_server(&renewed);
    server.refresh();
    let stream = server.connect(&client).await.unwrap();
    assert_eq!(peer_certificate(&stream), der(&renewed.certificate));

    // The certificate of one pair with the key of another: a renewal that is half done.
    fixture.write("cert.pem", &fixture.issue(&["localhost"]).certificate);
    server.refresh();
    assert!(server.tls.is_stale());
    let stream = server.connect(&client).await.unwrap();
    assert_eq!(peer_certificate(&stream), der(&renewed.certificate));

    fs::remove_file(fixture.path("key.pem")).unwrap();
    server.refresh();
    assert_eq!(server.get(&client).await.unwrap(), OK);

    fixture.write_server(&fixture.issue(&["localhost"]));
    server.refresh();
    assert!(!server.tls.is_stale());
}

#[tokio::test]
async fn turning_tls_off_at_run_time_leaves_it_on() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    fixture.write("web.yml", "{}");
    server.refresh();
    assert!(server.tls.is_stale());
    assert_eq!(server.get(&fixture.client(None, &[])).await.unwrap(), OK);
}

#[tokio::test]
async fn the_client_policy_follows_the_file() {
    let fixture = Fixture::new();
    let server = fixture.serve("").await;
    let nobody = fixture.client(None, &[]);
    assert_eq!(server.get(&nobody).await.unwrap(), OK);
    fixture.write_config("client_auth_type: RequireAnyClientCert");
    server.refresh();
    assert!(server.get(&nobody).await.is_err());
}

/// Who is let in: nobody in particular, a stranger with a certificate, somebody whom the authority knows.
async fn check_policy(policy: &str, expected: [bool; 3]) {
    let fixture = Fixture::new();
    let server = fixture.serve(&format!("client_auth_type: {policy}")).await;
    let stranger = Fixture::new().issue(&["stranger"]);
    let known = fixture.issue(&["known"]);
    for (identity, expected) in [None, Some(&stranger), Some(&known)]
        .into_iter()
        .zip(expected)
    {
        let answer = server.get(&fixture.client(identity, &[])).await;
        assert_eq!(answer.is_ok_and(|line| line == OK), expected, "{policy}");
    }
}

#[tokio::test]
async fn clients_are_asked_for_certificates_in_five_ways() {
    let ca = "client_ca_file: ca.pem";
    check_policy("NoClientCert", [true, true, true]).await;
    check_policy("RequestClientCert", [true, true, true]).await;
    check_policy("RequireAnyClientCert", [false, true, true]).await;
    check_policy(&format!("RequestClientCert, {ca}"), [true, true, true]).await;
    check_policy(
        &format!("VerifyClientCertIfGiven, {ca}"),
        [true, false, true],
    )
    .await;
    check_policy(
        &format!("RequireAndVerifyClientCert, {ca}"),
        [false, false, true],
    )
    .await;
}

#[tokio::test]
async fn only_allowed_alternative_names_are_let_in() {
    let fixture = Fixture::new();
    let mut params = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    params.subject_alt_names.extend([
        SanType::Rfc822Name("a@example.org".try_into().unwrap()),
        SanType::IpAddress("192.0.2.1".parse().unwrap()),
        SanType::IpAddress("2001:db8::1".parse().unwrap()),
        SanType::URI("spiffe://example/job".try_into().unwrap()),
    ]);
    let client = fixture.client(Some(&fixture.issue_params(params)), &[]);
    let policy = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem";
    for (san, expected) in [
        ("client.example", true),
        ("a@example.org", true),
        ("192.0.2.1", true),
        ("2001:db8::1", true),
        ("spiffe://example/job", true),
        ("CLIENT.example", false),
        ("example", false),
        ("192.0.2.2", false),
    ] {
        let sans = format!("{policy}, client_allowed_sans: [other, \"{san}\"]");
        let server = fixture.serve(&sans).await;
        let answer = server.get(&client).await;
        assert_eq!(answer.is_ok_and(|line| line == OK), expected, "{san}");
    }
}
