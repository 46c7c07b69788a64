//! The TLS side of the web configuration file, and its reload.
//!
//! rustls with ring speaks TLS 1.2 and 1.3. Older versions, CBC suites and P-521, which Go knows, are left
//! out with a warning; if that leaves nothing to offer, the server does not start.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::web_config::reload::{Refresh, Reloading, Source};
use crate::web_config::{ClientAuthType, ConfigFile, Pem, TlsServerConfig, WebConfigError};

mod client_auth;
mod offer;

/// The name by which ALPN calls HTTP/2.
const ALPN_HTTP2: &[u8] = b"h2";
/// The name by which ALPN calls HTTP/1.1.
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// Why TLS can't be spoken as configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The section does not fit together, or a file that it names can't be read.
    #[error(transparent)]
    Config(#[from] WebConfigError),
    /// TLS was on at the start, and a running server can't turn it off.
    #[error("tls_server_config names no certificate any more: turning TLS off needs a restart")]
    TurnedOff,
    /// Text is not PEM, or has not in it what it should.
    #[error("{0} is not valid PEM: {1}")]
    Pem(&'static str, pem::Error),
    /// There is PEM, but nothing of use in it.
    #[error("{0} has no certificate in it")]
    NoCertificate(&'static str),
    /// No version is left.
    #[error("no TLS version from {min} to {max} is supported: allow TLS12 or TLS13")]
    NoVersion {
        /// The configured minimum.
        min: String,
        /// The configured maximum.
        max: String,
    },
    /// No suite is left.
    #[error("none of the configured cipher_suites is supported: {0}")]
    NoCipherSuite(String),
    /// No curve is left.
    #[error("none of the configured curve_preferences is supported: {0}")]
    NoCurve(String),
    /// Certificates, keys or authorities that can't be used.
    #[error("{0}: {1}")]
    Rustls(&'static str, rustls::Error),
    /// Authorities that clients can't be verified against.
    #[error("client_ca: {0}")]
    ClientCa(#[from] rustls::server::VerifierBuilderError),
}

/// What servers accept TLS connections with.
#[derive(Debug)]
pub struct Tls {
    config: Arc<Reloading<TlsSource>>,
}

/// What came of a new connection.
pub(super) enum Accepted {
    Tls(Box<TlsStream<TcpStream>>),
    /// The client does not speak TLS, but HTTP.
    PlainHttp(TcpStream),
}

impl Tls {
    /// Loads what `web_config` says of TLS; none if it says nothing.
    ///
    /// Whether TLS and HTTP/2 are on is decided here for good, all else follows the files as long as
    /// [`refresh`](Self::refreshable) is called.
    pub fn open(web_config: &Arc<Reloading<ConfigFile>>) -> Result<Option<Self>, TlsError> {
        let now = web_config.current();
        if now.tls_server_config.material()?.is_none() {
            return Ok(None);
        }
        let source = TlsSource {
            web_config: Arc::clone(web_config),
            alpn: if now.http_server_config.http2 {
                vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()]
            } else {
                vec![ALPN_HTTP1.to_vec()]
            },
        };
        let config = Arc::new(Reloading::open(source)?);
        Ok(Some(Self { config }))
    }

    /// What is to be refreshed after the web configuration file was.
    pub fn refreshable(&self) -> Arc<dyn Refresh> {
        Arc::<Reloading<TlsSource>>::clone(&self.config)
    }

    /// Whether the files have changed to something that could not be used.
    pub fn is_stale(&self) -> bool {
        self.config.is_stale()
    }

    /// Shakes hands with a client.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<Accepted> {
        let mut first = [0];
        socket.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            return Ok(Accepted::PlainHttp(socket)); // A method; TLS begins with 0x16.
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&*self.config.current()));
        let stream = acceptor.accept(socket).await?;
        Ok(Accepted::Tls(Box::new(stream)))
    }
}

/// Whether the client has chosen HTTP/2.
pub(super) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2)
}

/// The web configuration and the files that it names.
#[derive(Debug)]
struct TlsSource {
    web_config: Arc<Reloading<ConfigFile>>,
    alpn: Vec<Vec<u8>>,
}

/// Everything that a TLS configuration is made of.
#[derive(PartialEq)]
struct TlsInput {
    section: TlsServerConfig,
    client_auth: ClientAuthType,
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Source for TlsSource {
    type Input = TlsInput;
    type Value = Arc<ServerConfig>;
    type Error = TlsError;
    const WHAT: &'static str = "TLS configuration";

    fn read(&self) -> Result<TlsInput, TlsError> {
        let section = self.web_config.current().tls_server_config.clone();
        let material = section.material()?.ok_or(TlsError::TurnedOff)?;
        let client_ca = material.client_ca.as_ref();
        Ok(TlsInput {
            client_auth: material.client_auth,
            certificate: material.certificate.read()?.into_owned(),
            key: material.key.read()?.into_owned(),
            client_ca: client_ca.map(Pem::read).transpose()?.map(Cow::into_owned),
            section,
        })
    }

    fn build(&self, input: &TlsInput) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(offer::provider(&input.section)?);
        let chain = certificates("certificate", &input.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&input.key)
            .map_err(|error| TlsError::Pem("private key", error))?;
        let authorities = authorities(input.client_ca.as_deref())?;
        let sans = &input.section.client_allowed_sans;
        let verifier = client_auth::verifier(input.client_auth, authorities, sans, &provider)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&offer::versions(&input.section)?)
            .map_err(|error| TlsError::Rustls("versions and cipher suites", error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::Rustls("certificate and private key", error))?;
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(Arc::new(config))
    }
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| TlsError::Pem(what, error))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate(what));
    }
    Ok(certificates)
}

fn authorities(pem: Option<&[u8]>) -> Result<RootCertStore, TlsError> {
    let mut authorities = RootCertStore::empty();
    let Some(pem) = pem else {
        return Ok(authorities);
    };
    for certificate in certificates("client CA", pem)? {
        authorities
            .add(certificate)
            .map_err(|error| TlsError::Rustls("client CA", error))?;
    }
    Ok(authorities)
}

#[cfg(test)]
mod tests;
