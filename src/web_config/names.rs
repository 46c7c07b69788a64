//! The names that Go gives to versions, cipher suites, curves and client policies of TLS.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares an enum whose values are written as names.
macro_rules! named {
    (
        $(#[$doc:meta])* $type:ident, $unknown:literal, $error:ident,
        { $($(#[$variant_doc:meta])* $variant:ident = $name:literal $(| $alias:literal)*,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// The name as written in the file.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        #[doc = concat!("A name that no [`", stringify!($type), "`] has.")]
        #[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
        #[error($unknown, .0)]
        pub struct $error(String);

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(name: String) -> Result<Self, $error> {
                match name.as_str() {
                    $($name $(| $alias)* => Ok(Self::$variant),)+
                    _ => Err($error(name)),
                }
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.name().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.name())
            }
        }
    };
}

named! {
    /// What is asked of clients' certificates.
    ClientAuthType, "invalid ClientAuth: {}", UnknownClientAuthType,
    {
        /// None is asked for.
        NoClientCert = "NoClientCert",
        /// One is asked for, and taken unseen.
        RequestClientCert = "RequestClientCert",
        /// One is needed, and taken unseen.
        RequireAnyClientCert = "RequireAnyClientCert" | "RequireClientCert",
        /// One is asked for; if given it must come from the client authorities.
        VerifyClientCertIfGiven = "VerifyClientCertIfGiven",
        /// One is needed, and must come from the client authorities.
        RequireAndVerifyClientCert = "RequireAndVerifyClientCert",
    }
}

named! {
    /// A version of TLS.
    TlsVersion, "unknown TLS version: {}", UnknownTlsVersion,
    {
        /// TLS 1.0.
        Tls10 = "TLS10",
        /// TLS 1.1.
        Tls11 = "TLS11",
        /// TLS 1.2.
        Tls12 = "TLS12",
        /// TLS 1.3.
        Tls13 = "TLS13",
    }
}

named! {
    /// An elliptic curve.
    Curve, "unknown curve: {}", UnknownCurve,
    {
        /// NIST P-256.
        CurveP256 = "CurveP256",
        /// NIST P-384.
        CurveP384 = "CurveP384",
        /// NIST P-521.
        CurveP521 = "CurveP521",
        /// X25519.
        X25519 = "X25519",
    }
}

named! {
    /// A cipher suite that Go holds for secure.
    CipherSuite, "unknown cipher: {}", UnknownCipherSuite,
    {
        /// TLS 1.3 only.
        Aes128GcmSha256 = "TLS_AES_128_GCM_SHA256",
        /// TLS 1.3 only.
        Aes256GcmSha384 = "TLS_AES_256_GCM_SHA384",
        /// TLS 1.3 only.
        Chacha20Poly1305Sha256 = "TLS_CHACHA20_POLY1305_SHA256",
        /// In CBC mode.
        EcdheEcdsaAes128CbcSha = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        /// In CBC mode.
        EcdheEcdsaAes256CbcSha = "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        /// In CBC mode.
        EcdheRsaAes128CbcSha = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        /// In CBC mode.
        EcdheRsaAes256CbcSha = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        /// TLS 1.2, ECDSA certificates.
        EcdheEcdsaAes128GcmSha256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        /// TLS 1.2, ECDSA certificates.
        EcdheEcdsaAes256GcmSha384 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        /// TLS 1.2, RSA certificates.
        EcdheRsaAes128GcmSha256 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        /// TLS 1.2, RSA certificates.
        EcdheRsaAes256GcmSha384 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        /// TLS 1.2, RSA certificates.
        EcdheRsaChacha20Poly1305 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        /// TLS 1.2, ECDSA certificates.
        EcdheEcdsaChacha20Poly1305 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    }
}
