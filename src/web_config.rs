//! The web configuration file: TLS, users, headers and rate limit, as in Prometheus' exporter-toolkit.
//!
//! The gateway reads the file, the operator writes it. Parsing is strict: a key that is not known is an
//! error, so that a misspelt `basic_auth_users` never leaves a gateway open. Reading files named *by* the
//! configuration is for those who use them; [`reload`] keeps all of it fresh.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use http::HeaderValue;
use serde::{Deserialize, Serialize};

mod duration;
mod file;
mod lenient;
mod names;
pub mod reload;
mod secret;
mod tls_material;

pub use duration::Interval;
pub use file::ConfigFile;
pub use names::{CipherSuite, ClientAuthType, Curve, TlsVersion};
pub use secret::{PasswordHash, Secret};
pub use tls_material::{Pem, TlsMaterial};

/// Headers that may be configured, and the values that each allows; none means any.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// TLS; off unless a certificate is named.
    #[serde(deserialize_with = "lenient::null_is_default")]
    pub tls_server_config: TlsServerConfig,
    /// HTTP/2 and response headers.
    #[serde(deserialize_with = "lenient::null_is_default")]
    pub http_server_config: HttpServerConfig,
    /// Who may use the gateway. Everybody, if there are no users.
    #[serde(
        deserialize_with = "lenient::unique_keys",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub basic_auth_users: BTreeMap<String, PasswordHash>,
    /// How often all clients together may ask.
    #[serde(deserialize_with = "lenient::null_is_default")]
    pub rate_limit: RateLimit,
}

/// The section `tls_server_config`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsServerConfig {
    /// File of the certificate chain in PEM.
    #[serde(
        deserialize_with = "lenient::empty_is_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub cert_file: Option<PathBuf>,
    /// The certificate chain itself; the file wins.
    #[serde(
        deserialize_with = "lenient::empty_is_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub cert: Option<Secret>,
    /// File of the private key in PEM.
    #[serde(
        deserialize_with = "lenient::empty_is_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub key_file: Option<PathBuf>,
    /// The private key itself; the file wins.
    #[serde(
        deserialize_with = "lenient::empty_is_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub key: Option<Secret>,
    /// What is asked of clients' certificates.
    #[serde(
        deserialize_with = "lenient::empty_is_none_or_parsed",
        skip_serializing_if = "Option::is_none"
    )]
    pub client_auth_type: Option<ClientAuthType>,
    /// File of the authorities that sign clients' certificates, in PEM.
    #[serde(
        deserialize_with = "lenient::empty_is_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub client_ca_file: Option<PathBuf>,
    /// These authorities themselves; the file wins.
    #[serde(
        deserialize_with = "lenient::empty_is_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub client_ca: Option<Secret>,
    /// Subject alternative names of which a client's certificate must have one; empty means no matter.
    #[serde(
        deserialize_with = "lenient::null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub client_allowed_sans: Vec<String>,
    /// The oldest version spoken.
    pub min_version: TlsVersion,
    /// The newest version spoken.
    pub max_version: TlsVersion,
    /// The only cipher suites used up to TLS 1.2; empty means all.
    #[serde(
        deserialize_with = "lenient::null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub cipher_suites: Vec<CipherSuite>,
    /// Without effect, as in current releases of Go.
    pub prefer_server_cipher_suites: bool,
    /// The only curves used, in order of preference; empty means all.
    #[serde(
        deserialize_with = "lenient::null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub curve_preferences: Vec<Curve>,
}

impl Default for TlsServerConfig {
    fn default() -> Self {
        Self {
            cert_file: None,
            cert: None,
            key_file: None,
            key: None,
            client_auth_type: None,
            client_ca_file: None,
            client_ca: None,
            client_allowed_sans: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            cipher_suites: Vec::new(),
            prefer_server_cipher_suites: true,
            curve_preferences: Vec::new(),
        }
    }
}

/// The section `http_server_config`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpServerConfig {
    /// Whether HTTP/2 is offered over TLS.
    pub http2: bool,
    /// Headers set on all responses.
    #[serde(
        deserialize_with = "lenient::unique_keys",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub headers: BTreeMap<String, String>,
}

impl Default for HttpServerConfig {
    fn default() -> Self {
        Self {
            http2: true,
            headers: BTreeMap::new(),
        }
    }
}

/// The section `rate_limit`: a bucket of `burst` requests that gains one each `interval`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    /// Time after which one more request is let through; zero turns the limit off.
    pub interval: Interval,
    /// Requests that may come at once.
    pub burst: u32,
}

/// Why a web configuration file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WebConfigError {
    /// The file, or one that it names, can't be read.
    #[error("could not read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("could not parse {}: {source}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<Self>,
    },
    /// No YAML, or YAML of another shape.
    #[error("{0}")]
    Yaml(#[from] serde_yaml::Error),
    /// TLS without a certificate.
    #[error("missing one of cert or cert_file")]
    MissingCertificate,
    /// TLS without a private key.
    #[error("missing one of key or key_file")]
    MissingKey,
    /// Authorities that no client would be checked against.
    #[error("client CA's have been configured without a Client Auth Policy")]
    ClientCaWithoutPolicy,
    /// Clients to be verified against nothing.
    #[error("client_auth_type {0} needs one of client_ca or client_ca_file")]
    PolicyWithoutClientCa(ClientAuthType),
    /// A header that may not be configured.
    #[error("HTTP header {0:?} can not be configured")]
    ForbiddenHeader(String),
    /// A header with a value that it may not have.
    #[error("invalid value for {name}. Expected one of: {allowed:?}, but got: {value:?}")]
    HeaderValue {
        /// The header.
        name: String,
        /// The value.
        value: String,
        /// The values that it may have.
        allowed: &'static [&'static str],
    },
    /// A header with a value that no header can have.
    #[error("invalid value for {name}: {value:?} has characters that a header can't carry")]
    HeaderCharacters {
        /// The header.
        name: String,
        /// The value.
        value: String,
    },
}

impl WebConfig {
    /// Parses and checks the content of a file; paths stay as they are written.
    pub fn parse(yaml: &str) -> Result<Self, WebConfigError> {
        let config: Option<Self> = serde_yaml::from_str(yaml)?;
        let config = config.unwrap_or_default();
        config.tls_server_config.material()?;
        config.http_server_config.check_headers()?;
        Ok(config)
    }

    /// Makes relative paths relative to `directory`, in which the file is.
    #[must_use]
    pub fn relative_to(mut self, directory: &Path) -> Self {
        let tls = &mut self.tls_server_config;
        for path in [
            &mut tls.cert_file,
            &mut tls.key_file,
            &mut tls.client_ca_file,
        ] {
            *path = path.take().map(|path| directory.join(path));
        }
        self
    }
}

impl HttpServerConfig {
    fn check_headers(&self) -> Result<(), WebConfigError> {
        for (name, value) in &self.headers {
            let Some((_, allowed)) = HEADERS.iter().find(|(known, _)| known == name) else {
                return Err(WebConfigError::ForbiddenHeader(name.clone()));
            };
            let (name, value) = (name.clone(), value.clone());
            if HeaderValue::from_str(&value).is_err() {
                return Err(WebConfigError::HeaderCharacters { name, value });
            }
            if !allowed.is_empty() && !allowed.contains(&value.as_str()) {
                return Err(WebConfigError::HeaderValue {
                    name,
                    value,
                    allowed,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
