//! The command `self-test`, which asks a running gateway to keep a metric.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use super::config::BasicAuthFiles;
use super::duration::GoDuration;
use super::error::UsageError;
use super::flag::{Flag, Group};

/// Whom to ask, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SelfTestConfig {
    /// Where pushes go, without a slash at its end: scheme, host and perhaps a port and a prefix.
    pub url: Uri,
    /// Path of scrapes below it.
    pub telemetry_path: String,
    /// Files with a user's name and password.
    pub basic_auth: Option<BasicAuthFiles>,
    /// How the gateway proves who it is; for `https` only.
    pub server_identity: ServerIdentity,
    /// Files with the certificate of the client and its key.
    pub client_certificate: Option<ClientCertificateFiles>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// How a gateway proves who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServerIdentity {
    /// Not at all.
    Unverified,
    /// By a certificate that an authority in this file has signed.
    SignedBy(PathBuf),
}

/// Files with the certificate of a client and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientCertificateFiles {
    /// The certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// The flags of the command as typed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct SelfTestFlags {
    url: String,
    telemetry_path: String,
    username_file: String,
    password_file: String,
    ca_file: String,
    cert_file: String,
    key_file: String,
    insecure_skip_verify: bool,
    timeout: GoDuration,
}

const URL: &str = "url";
const USERNAME_FILE: &str = "basic-auth.username-file";
const PASSWORD_FILE: &str = "basic-auth.password-file";
const CA_FILE: &str = "tls.ca-file";
const CERT_FILE: &str = "tls.cert-file";
const KEY_FILE: &str = "tls.key-file";

/// All flags of the command.
pub(super) static SELF_TEST_FLAGS: [Flag<SelfTestFlags>; 9] = [
    Flag {
        name: URL,
        place: |flags| &mut flags.url,
        default: "",
        placeholder: "URL",
        help: "Gateway to ask, with its route prefix, such as http://pushgateway:9091/push. Required.",
        group: Group::SelfTest,
    },
    Flag {
        name: "telemetry-path",
        place: |flags| &mut flags.telemetry_path,
        default: "/metrics",
        placeholder: "PATH",
        help: "Path of scrapes below the URL.",
        group: Group::SelfTest,
    },
    file(
        USERNAME_FILE,
        |flags| &mut flags.username_file,
        "File with the name of a user.",
    ),
    file(
        PASSWORD_FILE,
        |flags| &mut flags.password_file,
        "File with that user's password.",
    ),
    file(
        CA_FILE,
        |flags| &mut flags.ca_file,
        "File with the authorities that may have signed the gateway's certificate. An https URL needs it, or \
         --tls.insecure-skip-verify.",
    ),
    file(
        CERT_FILE,
        |flags| &mut flags.cert_file,
        "File with a certificate to show to the gateway.",
    ),
    file(
        KEY_FILE,
        |flags| &mut flags.key_file,
        "File with the key of that certificate.",
    ),
    Flag {
        name: "tls.insecure-skip-verify",
        place: |flags| &mut flags.insecure_skip_verify,
        default: "false",
        placeholder: "",
        help: "Take any certificate of the gateway.",
        group: Group::SelfTest,
    },
    Flag {
        name: "timeout",
        place: |flags| &mut flags.timeout,
        default: "30s",
        placeholder: "DURATION",
        help: "How long all of it may take. A gateway that can't be reached is tried again until then.",
        group: Group::SelfTest,
    },
];

const fn file(
    name: &'static str,
    place: fn(&mut SelfTestFlags) -> &mut dyn super::value::Value,
    help: &'static str,
) -> Flag<SelfTestFlags> {
    Flag {
        name,
        place,
        default: "",
        placeholder: "FILE",
        help,
        group: Group::SelfTest,
    }
}

impl SelfTestConfig {
    /// What these flags mean.
    pub(super) fn new(flags: SelfTestFlags) -> Result<Self, UsageError> {
        let url = url(&flags.url)?;
        let is_https = url.scheme_str() == Some("https");
        let server_identity = match (flags.insecure_skip_verify, flags.ca_file) {
            (false, file) if !file.is_empty() => ServerIdentity::SignedBy(file.into()),
            (false, _) if is_https => return Err(UsageError::Required(CA_FILE)),
            _ => ServerIdentity::Unverified,
        };
        let user = both([
            (USERNAME_FILE, flags.username_file),
            (PASSWORD_FILE, flags.password_file),
        ])?;
        let certificate = both([(CERT_FILE, flags.cert_file), (KEY_FILE, flags.key_file)])?;
        Ok(Self {
            url,
            telemetry_path: flags.telemetry_path,
            basic_auth: user.map(|[username_file, password_file]| BasicAuthFiles {
                username_file,
                password_file,
            }),
            server_identity,
            client_certificate: certificate
                .map(|[certificate, key]| ClientCertificateFiles { certificate, key }),
            timeout: flags.timeout.to_std(),
        })
    }
}

fn url(typed: &str) -> Result<Uri, UsageError> {
    if typed.is_empty() {
        return Err(UsageError::Required(URL));
    }
    let parsed = typed.trim_end_matches('/').parse::<Uri>().ok();
    let is_full = |url: &Uri| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some()
            && url.query().is_none()
    };
    parsed.filter(is_full).ok_or_else(|| {
        let reason = format!(
            "flag '{URL}' has an invalid URL {typed:?}: want one such as http://pushgateway:9091"
        );
        UsageError::InvalidValue(reason)
    })
}

/// Two files that are given both or neither.
fn both(files: [(&'static str, String); 2]) -> Result<Option<[PathBuf; 2]>, UsageError> {
    let [(one_name, one), (other_name, other)] = files;
    match (one.is_empty(), other.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some([one.into(), other.into()])),
        (true, false) => Err(UsageError::Required(one_name)),
        (false, true) => Err(UsageError::Required(other_name)),
    }
}
