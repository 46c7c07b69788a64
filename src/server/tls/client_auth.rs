//! What is asked of clients' certificates, in Go's five ways.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::TlsError;
use crate::web_config::ClientAuthType;

/// Makes the verifier for `policy`; `allowed_sans` may be empty, which allows all.
pub(super) fn verifier(
    policy: ClientAuthType,
    authorities: RootCertStore,
    allowed_sans: &[String],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let (presence, is_verified) = match policy {
        ClientAuthType::NoClientCert => return Ok(Arc::new(NoClientAuth)),
        ClientAuthType::RequestClientCert => (Presence::Optional, false),
        ClientAuthType::RequireAnyClientCert => (Presence::Required, false),
        ClientAuthType::VerifyClientCertIfGiven => (Presence::Optional, true),
        ClientAuthType::RequireAndVerifyClientCert => (Presence::Required, true),
    };
    let chain = if is_verified {
        let provider = Arc::clone(provider);
        let authorities = Arc::new(authorities);
        Some(WebPkiClientVerifier::builder_with_provider(authorities, provider).build()?)
    } else {
        None
    };
    Ok(Arc::new(ClientCertificates {
        presence,
        chain,
        allowed_sans: allowed_sans.to_vec(),
        algorithms: provider.signature_verification_algorithms,
    }))
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Presence {
    Optional,
    Required,
}

/// A policy for clients' certificates.
///
/// That the client holds the key of its certificate is checked always, who signed the certificate only
/// where the policy says so.
#[derive(Debug)]
struct ClientCertificates {
    presence: Presence,
    chain: Option<Arc<dyn ClientCertVerifier>>,
    allowed_sans: Vec<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for ClientCertificates {
    fn client_auth_mandatory(&self) -> bool {
        self.presence == Presence::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain
            .as_ref()
            .map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(chain) = &self.chain {
            chain.verify_client_cert(end_entity, intermediates, now)?;
        }
        if !self.allowed_sans.is_empty() {
            let sans = subject_alternative_names(end_entity)?;
            if !sans.iter().any(|san| self.allowed_sans.contains(san)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The alternative names that can be allowed: DNS, e-mail, IP address and URI.
fn subject_alternative_names(certificate: &CertificateDer<'_>) -> Result<Vec<String>, Error> {
    let bad_encoding = |_| Error::from(CertificateError::BadEncoding);
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let extension = certificate
        .subject_alternative_name()
        .map_err(bad_encoding)?;
    let Some(extension) = extension else {
        return Ok(Vec::new());
    };
    Ok(extension
        .value
        .general_names
        .iter()
        .filter_map(name)
        .collect())
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(octets) => ip_address(octets).map(|ip| ip.to_string()),
        _ => None,
    }
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let v6 = <[u8; 16]>::try_from(octets).map(IpAddr::from);
    v4.or(v6).ok()
}
