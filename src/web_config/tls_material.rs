//! What a TLS server is made of, once it is clear that TLS is wanted.

use std::borrow::Cow;
use std::path::PathBuf;

use super::{ClientAuthType, Secret, TlsServerConfig, WebConfigError};

/// Text in PEM, or where to find it.
#[derive(Clone, Debug, PartialEq)]
pub enum Pem {
    /// In a file, which may change.
    File(PathBuf),
    /// In the configuration itself.
    Inline(Secret),
}

/// Certificate, key and client policy of a server that speaks TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsMaterial {
    /// The certificate chain.
    pub certificate: Pem,
    /// Its private key.
    pub key: Pem,
    /// What is asked of clients.
    pub client_auth: ClientAuthType,
    /// The authorities that clients are verified against; there if they are to be verified.
    pub client_ca: Option<Pem>,
}

impl TlsServerConfig {
    /// What the server speaks TLS with; none if the section asks for plain HTTP.
    pub fn material(&self) -> Result<Option<TlsMaterial>, WebConfigError> {
        let certificate = pem(self.cert_file.as_ref(), self.cert.as_ref());
        let key = pem(self.key_file.as_ref(), self.key.as_ref());
        let client_ca = pem(self.client_ca_file.as_ref(), self.client_ca.as_ref());
        let is_client_policy_set = client_ca.is_some() || self.client_auth_type.is_some();
        if certificate.is_none() && key.is_none() && !is_client_policy_set {
            return Ok(None);
        }
        let certificate = certificate.ok_or(WebConfigError::MissingCertificate)?;
        let key = key.ok_or(WebConfigError::MissingKey)?;
        let client_auth = self
            .client_auth_type
            .unwrap_or(ClientAuthType::NoClientCert);
        check_policy(client_auth, client_ca.as_ref())?;
        Ok(Some(TlsMaterial {
            certificate,
            key,
            client_auth,
            client_ca,
        }))
    }
}

impl Pem {
    /// Reads the text.
    pub fn read(&self) -> Result<Cow<'_, [u8]>, WebConfigError> {
        match self {
            Self::Inline(text) => Ok(Cow::Borrowed(text.expose().as_bytes())),
            Self::File(path) => match std::fs::read(path) {
                Ok(bytes) => Ok(Cow::Owned(bytes)),
                Err(source) => Err(WebConfigError::Read {
                    path: path.clone(),
                    source,
                }),
            },
        }
    }
}

fn pem(file: Option<&PathBuf>, inline: Option<&Secret>) -> Option<Pem> {
    let file = file.cloned().map(Pem::File);
    file.or_else(|| inline.cloned().map(Pem::Inline))
}

fn check_policy(policy: ClientAuthType, client_ca: Option<&Pem>) -> Result<(), WebConfigError> {
    use ClientAuthType::{
        NoClientCert, RequestClientCert, RequireAndVerifyClientCert, RequireAnyClientCert,
        VerifyClientCertIfGiven,
    };
    match (policy, client_ca) {
        (NoClientCert, Some(_)) => Err(WebConfigError::ClientCaWithoutPolicy),
        // Go would fall back to the authorities that the system trusts for web sites, whoever these may be.
        (VerifyClientCertIfGiven | RequireAndVerifyClientCert, None) => {
            Err(WebConfigError::PolicyWithoutClientCa(policy))
        }
        (NoClientCert, None)
        | (RequestClientCert | RequireAnyClientCert, _)
        | (VerifyClientCertIfGiven | RequireAndVerifyClientCert, Some(_)) => Ok(()),
    }
}
