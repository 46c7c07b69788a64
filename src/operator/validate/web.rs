//! Paths, TLS and authentication, checked so that the gateway, its probes and Prometheus agree on them.

use http::Uri;
use http::uri::Authority;

use super::Invalid;
use super::api::{self, SecretKeyRef, Tls};

/// What else than scrapes is served below the prefix.
const TAKEN: [&str; 5] = ["/status", "/-/healthy", "/-/ready", "/-/quit", "/api/v1"];

/// Paths below which something else is served.
const TAKEN_TREES: [&str; 3] = ["/api/v1/", "/static/", "/debug/pprof/"];

/// How the gateway serves HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Web {
    /// What clients speak.
    pub scheme: Scheme,
    /// Prefix of all paths; empty for none, never with a slash at the end.
    pub prefix: String,
    /// Path of scrapes below the prefix.
    pub telemetry_path: String,
    /// URL under which users reach the gateway.
    pub external_url: Option<String>,
    /// Whether clients may wipe, export and import.
    pub enable_admin_api: bool,
    /// Whether clients may stop the gateway.
    pub enable_lifecycle: bool,
    /// Certificates.
    pub tls: Option<Tls>,
    /// Secret with the name and password of a user.
    pub basic_auth_secret: Option<String>,
    /// Secret with a whole web configuration file.
    pub config_secret: Option<SecretKeyRef>,
}

/// What clients speak.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As it is written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Checks what the spec says. `scraped_with_tls` is whether it tells Prometheus how to speak TLS, the only sign that
/// a whole web configuration file turns TLS on.
pub(super) fn check(web: api::Web, scraped_with_tls: bool) -> Result<Web, Invalid> {
    let api::Web {
        route_prefix,
        external_url,
        telemetry_path,
        enable_admin_api,
        enable_lifecycle,
        tls,
        basic_auth,
        config_secret,
    } = web;
    if config_secret.is_some() && (tls.is_some() || basic_auth.is_some()) {
        let message = "excludes tls and basicAuth, which its file says as well; remove one side";
        return Err(Invalid::new("spec.web.configSecret", message));
    }
    let prefix = prefix(route_prefix.as_deref(), external_url.as_deref())?;
    check_telemetry_path(&telemetry_path, &prefix)?;
    let is_https = tls.is_some() || (config_secret.is_some() && scraped_with_tls);
    Ok(Web {
        scheme: if is_https {
            Scheme::Https
        } else {
            Scheme::Http
        },
        prefix,
        telemetry_path,
        external_url,
        enable_admin_api,
        enable_lifecycle,
        tls,
        basic_auth_secret: basic_auth.map(|basic_auth| basic_auth.secret_name),
        config_secret,
    })
}

/// The route prefix, or in its place the path of the external URL.
fn prefix(route_prefix: Option<&str>, external_url: Option<&str>) -> Result<String, Invalid> {
    let external_path = external_url.map(external_path).transpose()?;
    let (field, path) = match (route_prefix, external_path) {
        (Some(prefix), _) => ("spec.web.routePrefix", prefix.to_owned()),
        (None, Some(path)) => ("spec.web.externalURL", path),
        (None, None) => return Ok(String::new()),
    };
    let prefix = path.strip_suffix('/').unwrap_or(&path);
    if prefix.is_empty() || is_clean(prefix) {
        return Ok(prefix.to_owned());
    }
    let message =
        format!("path {path:?} can't be a prefix; set routePrefix to a plain path such as /push");
    Err(Invalid::new(field, message))
}

fn external_path(url: &str) -> Result<String, Invalid> {
    let refuse = |why: String| {
        let message = format!("{url:?} {why}; write one such as https://push.example.com/");
        Err(Invalid::new("spec.web.externalURL", message))
    };
    let uri = match url.split('#').next().unwrap_or_default().parse::<Uri>() {
        Ok(uri) => uri,
        Err(error) => return refuse(format!("is no URL ({error})")),
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return refuse("is no http or https URL".to_owned());
    }
    if !uri.authority().is_some_and(is_plain_authority) {
        return refuse("has more than a host and a port before its path".to_owned());
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || !is_escaped(url) {
        return refuse("has characters that are not escaped".to_owned());
    }
    Ok(uri.path().to_owned())
}

/// Whether it is a host and at most a port: neither users nor escapes, about which parsers differ.
fn is_plain_authority(authority: &Authority) -> bool {
    let host = authority.host();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let port = authority.port_u16();
    let written = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    host.chars().all(is_plain) && authority.as_str() == written
}

/// Whether each percent sign has two hexadecimal digits behind it.
fn is_escaped(url: &str) -> bool {
    url.split('%').skip(1).all(|after| {
        let digits = after.bytes().take(2).filter(u8::is_ascii_hexdigit);
        digits.count() == 2
    })
}

fn check_telemetry_path(path: &str, prefix: &str) -> Result<(), Invalid> {
    let problem = if !is_clean(path) {
        "is no plain path"
    } else if TAKEN.contains(&path)
        || TAKEN_TREES.iter().any(|tree| path.starts_with(tree))
        || format!("{prefix}{path}") == "/-/quit"
    {
        "is where the gateway serves something else"
    } else if prefix.len() + path.len() > 1024 {
        "is too long together with the prefix"
    } else {
        return Ok(());
    };
    let message = format!("{path:?} {problem}; write one such as /metrics");
    Err(Invalid::new("spec.web.telemetryPath", message))
}

/// Whether a path is the same for everybody who writes, cleans, escapes or compares it.
fn is_clean(path: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c);
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(is_plain);
    path.strip_prefix('/')
        .is_some_and(|path| path.split('/').all(is_segment))
}
