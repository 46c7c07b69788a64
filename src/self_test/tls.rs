//! The client's side of TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::SelfTestError;

/// Whom to believe, and what to show.
#[derive(Clone, Debug)]
pub struct Tls {
    /// How the gateway proves who it is.
    pub server_identity: ServerIdentity,
    /// Files with a certificate and its key, to show to the gateway.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
}

/// How a gateway proves who it is.
#[derive(Clone, Debug)]
pub enum ServerIdentity {
    /// Not at all.
    Unverified,
    /// By a certificate that an authority in this file has signed.
    SignedBy(PathBuf),
}

impl Tls {
    pub(super) fn config(&self) -> Result<ClientConfig, SelfTestError> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match &self.server_identity {
            ServerIdentity::Unverified => {
                Arc::new(Anybody(provider.signature_verification_algorithms))
            }
            ServerIdentity::SignedBy(file) => {
                let roots = Arc::new(roots(file)?);
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
                verifier.build().map_err(|error| no_use(file, &error))?
            }
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has suites for them")
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let Some((certificate, key)) = &self.client_certificate else {
            return Ok(config.with_no_client_auth());
        };
        let chain = certificates(certificate)?;
        let text = read(key)?;
        let private = PrivateKeyDer::from_pem_slice(&text).map_err(|error| no_use(key, &error))?;
        let config = config.with_client_auth_cert(chain, private);
        config.map_err(|error| no_use(certificate, &error))
    }
}

fn roots(file: &Path) -> Result<RootCertStore, SelfTestError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        let added = roots.add(certificate);
        added.map_err(|error| no_use(file, &error))?;
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, SelfTestError> {
    let text = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|error| no_use(file, &error))?;
    if certificates.is_empty() {
        return Err(no_use(file, &"there is no certificate in it"));
    }
    Ok(certificates)
}

fn read(file: &Path) -> Result<Vec<u8>, SelfTestError> {
    std::fs::read(file).map_err(|source| SelfTestError::File {
        file: file.to_owned(),
        source,
    })
}

fn no_use(file: &Path, reason: &dyn std::fmt::Display) -> SelfTestError {
    SelfTestError::Content {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}

/// Takes any certificate whose key the server has.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
