//! Which versions, suites and curves are offered, of those that the configuration names.

use std::fmt::Display;

use rustls::crypto::ring::{self, cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use tracing::warn;

use super::TlsError;
use crate::web_config::{CipherSuite, Curve, TlsServerConfig, TlsVersion};

/// ring, narrowed to the suites and curves of `section`.
pub(super) fn provider(section: &TlsServerConfig) -> Result<CryptoProvider, TlsError> {
    let mut provider = ring::default_provider();
    if !section.cipher_suites.is_empty() {
        provider.cipher_suites = suites(&section.cipher_suites)?;
    }
    if !section.curve_preferences.is_empty() {
        let groups = supported("curve", &section.curve_preferences, curve);
        if groups.is_empty() {
            return Err(TlsError::NoCurve(join(&section.curve_preferences)));
        }
        provider.kx_groups = groups;
    }
    Ok(provider)
}

/// The versions from the minimum to the maximum, if there are any that rustls speaks.
pub(super) fn versions(
    section: &TlsServerConfig,
) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    let (min, max) = (section.min_version, section.max_version);
    if min < TlsVersion::Tls12 {
        warn!("{min} is not supported, the minimum TLS version is TLS12");
    }
    let all = [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)];
    let allowed = all
        .into_iter()
        .filter(|(name, _)| (min..=max).contains(name));
    let versions: Vec<_> = allowed.map(|(_, version)| version).collect();
    if versions.is_empty() {
        return Err(TlsError::NoVersion {
            min: min.to_string(),
            max: max.to_string(),
        });
    }
    Ok(versions)
}

/// As in Go, a list of suites concerns TLS 1.2 only: those of TLS 1.3 are always offered.
fn suites(names: &[CipherSuite]) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    let chosen = supported("cipher suite", names, suite);
    if chosen.is_empty() {
        return Err(TlsError::NoCipherSuite(join(names)));
    }
    let (tls13, tls12): (Vec<_>, Vec<_>) = (
        ring::ALL_CIPHER_SUITES
            .iter()
            .filter(|s| s.tls13().is_some())
            .copied()
            .collect(),
        chosen.into_iter().filter(|s| s.tls13().is_none()).collect(),
    );
    Ok([tls13, tls12].concat())
}

fn supported<N: Copy + Display, T>(
    what: &str,
    names: &[N],
    find: impl Fn(N) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for &name in names {
        if let Some(value) = find(name) {
            found.push(value);
        } else {
            warn!("{what} {name} is not supported and left out");
        }
    }
    found
}

fn suite(name: CipherSuite) -> Option<SupportedCipherSuite> {
    use CipherSuite as Name;
    Some(match name {
        Name::Aes128GcmSha256 => cipher_suite::TLS13_AES_128_GCM_SHA256,
        Name::Aes256GcmSha384 => cipher_suite::TLS13_AES_256_GCM_SHA384,
        Name::Chacha20Poly1305Sha256 => cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        Name::EcdheEcdsaAes128GcmSha256 => cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Name::EcdheEcdsaAes256GcmSha384 => cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Name::EcdheRsaAes128GcmSha256 => cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Name::EcdheRsaAes256GcmSha384 => cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Name::EcdheRsaChacha20Poly1305 => cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        Name::EcdheEcdsaChacha20Poly1305 => {
            cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        }
        Name::EcdheEcdsaAes128CbcSha
        | Name::EcdheEcdsaAes256CbcSha
        | Name::EcdheRsaAes128CbcSha
        | Name::EcdheRsaAes256CbcSha => return None,
    })
}

fn curve(name: Curve) -> Option<&'static dyn SupportedKxGroup> {
    match name {
        Curve::CurveP256 => Some(kx_group::SECP256R1),
        Curve::CurveP384 => Some(kx_group::SECP384R1),
        Curve::X25519 => Some(kx_group::X25519),
        Curve::CurveP521 => None,
    }
}

fn join<N: Display>(names: &[N]) -> String {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}
