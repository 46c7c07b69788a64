//! Which endpoint a request means, and what it is told when it means none. Pure.
//!
//! The rules are those of Go's `ServeMux` (paths are cleaned by redirect, `api/v1` has a router of its own) around
//! those of httprouter (paths match percent-decoded; a slash too much or too little and wrong letter case are
//! redirected; `HEAD` is no `GET`). axum matches otherwise, so the table is ours.

use axum::http::{Method, StatusCode};

pub(super) use self::pattern::Pattern;
use super::url_path;
use crate::store::PushMode;

mod pattern;

/// What a request can ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Endpoint {
    /// PUT and POST of a grouping path.
    Push(PushMode),
    /// DELETE of a grouping path.
    Delete,
    /// GET of the telemetry path.
    Scrape,
    /// The same on the probe listener: the gateway's own metrics only.
    OwnMetrics,
    /// `/` and `/status`.
    StatusPage,
    /// A file of the status page.
    Static,
    /// `/-/healthy`.
    Healthy,
    /// `/-/ready`.
    Ready,
    /// `/-/quit`.
    Quit,
    /// GET of `/-/quit`, which is told off.
    QuitByGet,
    /// The JSON API's CORS preflight.
    ApiOptions,
    /// `/api/v1/status`.
    ApiStatus,
    /// `/api/v1/metrics`.
    ApiMetrics,
    /// `/api/v1/admin/wipe`.
    Wipe,
    /// `/api/v1/admin/export`.
    Export,
    /// `/api/v1/admin/import`.
    Import,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Route {
    method: Method,
    pattern: Pattern,
    endpoint: Endpoint,
}

/// All routes of a listener.
#[derive(Clone, Debug)]
pub(super) struct RouteTable {
    /// The routes of the JSON API and its root without the trailing slash.
    pub(super) api: Option<(String, Vec<Route>)>,
    /// All others.
    pub(super) main: Vec<Route>,
}

/// Where a request goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Routed {
    /// Who decided so.
    pub(super) by: Router,
    /// What was decided.
    pub(super) outcome: Outcome,
}

/// The three stages that may answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Router {
    /// Before any router.
    Mux,
    /// The router of the JSON API.
    Api,
    /// The main router, which looks at the body's encoding first.
    Main,
}

/// What becomes of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// An endpoint takes it, with what the pattern left open of the decoded path.
    Endpoint(Endpoint, Vec<u8>),
    /// It is sent elsewhere.
    Redirect {
        /// 301 or 307.
        status: StatusCode,
        /// The escaped path and the query.
        location: String,
    },
    /// Other methods are known for the path.
    MethodNotAllowed {
        /// They, sorted.
        allow: String,
    },
    /// It asked which methods are known.
    Options {
        /// They, sorted.
        allow: String,
    },
    /// The path holds a malformed escape.
    Malformed,
    /// Nothing is known of the path.
    NotFound,
}

impl Endpoint {
    /// The handler's name in `pushgateway_http_requests_total`, if it counts its requests.
    pub(super) fn counted_as(self) -> Option<&'static str> {
        match self {
            Self::Push(_) => Some("push"),
            Self::Delete => Some("delete"),
            Self::StatusPage => Some("status"),
            Self::Static => Some("static"),
            Self::Healthy => Some("healthy"),
            Self::Ready => Some("ready"),
            Self::ApiOptions => Some("api/v1/options"),
            Self::ApiStatus => Some("api/v1/status"),
            Self::ApiMetrics => Some("api/v1/metrics"),
            Self::Wipe => Some("wipe"),
            Self::Scrape
            | Self::OwnMetrics
            | Self::Quit
            | Self::QuitByGet
            | Self::Export
            | Self::Import => None,
        }
    }
}

impl Route {
    /// Requests with this method and such a path mean this endpoint.
    pub(super) fn new(method: Method, pattern: Pattern, endpoint: Endpoint) -> Self {
        Self {
            method,
            pattern,
            endpoint,
        }
    }
}

impl RouteTable {
    /// Where a request with this method, escaped path and query goes.
    pub(super) fn route(&self, method: &Method, sent: &str, query: Option<&str>) -> Routed {
        if sent == "*" && method == Method::OPTIONS {
            let allow = String::new();
            return Routed::by_mux(Outcome::Options { allow });
        }
        let Some(decoded) = url_path::decode(sent) else {
            return Routed::by_mux(Outcome::Malformed);
        };
        let escaped = url_path::normalize(sent, &decoded);
        if let Some(location) = self.cleaned(method, &escaped) {
            let status = StatusCode::TEMPORARY_REDIRECT;
            return Routed::by_mux(redirect(status, location, query));
        }
        let (by, routes) = match &self.api {
            Some((root, api)) if is_under(&escaped, root) => (Router::Api, api),
            _ => (Router::Main, &self.main),
        };
        let outcome = find(routes, method, &decoded, query);
        Routed { by, outcome }
    }

    /// The escaped path that the client should have sent, if it is not this one.
    fn cleaned(&self, method: &Method, escaped: &str) -> Option<String> {
        if method == Method::CONNECT {
            return None;
        }
        let mut cleaned = url_path::clean(escaped.as_bytes());
        if let Some((root, _)) = &self.api
            && cleaned == url_path::encode(root.as_bytes()).as_bytes()
        {
            cleaned.push(b'/');
        }
        // Cleaning cuts at slashes only, so this loses nothing.
        let cleaned = String::from_utf8_lossy(&cleaned);
        (cleaned != escaped).then(|| cleaned.into_owned())
    }
}

impl Routed {
    fn by_mux(outcome: Outcome) -> Self {
        let by = Router::Mux;
        Self { by, outcome }
    }
}

fn is_under(escaped: &str, root: &str) -> bool {
    let root = url_path::encode(root.as_bytes());
    let rest = escaped.strip_prefix(&root);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

fn find(routes: &[Route], method: &Method, path: &[u8], query: Option<&str>) -> Outcome {
    let of_method = || routes.iter().filter(|route| route.method == method);
    for route in of_method() {
        if let Some(rest) = route.pattern.matches(path) {
            return Outcome::Endpoint(route.endpoint, rest.to_vec());
        }
    }
    let patterns = || of_method().map(|route| &route.pattern);
    let meant = patterns().find_map(|pattern| pattern.without_slash_mistake(path));
    let meant = meant.or_else(|| {
        let path = url_path::clean(path);
        patterns().find_map(|pattern| pattern.without_case_mistake(&path))
    });
    if let Some(meant) = meant.filter(|_| path != b"/") {
        let status = match *method {
            Method::GET => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::TEMPORARY_REDIRECT,
        };
        return redirect(status, url_path::encode(&meant), query);
    }
    match allowed_methods(routes, path) {
        None => Outcome::NotFound,
        Some(allow) if method == Method::OPTIONS => Outcome::Options { allow },
        Some(allow) => Outcome::MethodNotAllowed { allow },
    }
}

fn redirect(status: StatusCode, mut location: String, query: Option<&str>) -> Outcome {
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    Outcome::Redirect { status, location }
}

/// For the header `Allow`; `OPTIONS` only ever comes on top of other methods.
fn allowed_methods(routes: &[Route], path: &[u8]) -> Option<String> {
    let mut methods: Vec<_> = routes
        .iter()
        .filter(|route| route.method != Method::OPTIONS && route.pattern.matches(path).is_some())
        .map(|route| route.method.as_str())
        .collect();
    if methods.is_empty() {
        return None;
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.dedup();
    Some(methods.join(", "))
}

#[cfg(test)]
mod tests;
