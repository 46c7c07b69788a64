//! What every request passes before any route: rate limit, headers, users.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use super::auth::{Authenticator, authenticate};
use super::headers::set_headers;
use super::rate_limit::{TokenBucket, limit_rate};
use crate::web_config::ConfigFile;
use crate::web_config::reload::Reloading;

/// Puts `router` behind what the web configuration file and `authenticator` ask for.
///
/// The order is that of Prometheus' exporter-toolkit: the rate limit is asked first, so that guessing
/// passwords is limited too and 429 carries none of the configured headers; 401 carries them. The rate limit
/// is that of now, headers and users follow the file.
pub fn guard(
    router: Router,
    web_config: Option<&Arc<Reloading<ConfigFile>>>,
    authenticator: Option<Authenticator>,
) -> Router {
    let router = match authenticator.map(Arc::new) {
        Some(authenticator) => router.layer(from_fn_with_state(authenticator, authenticate)),
        None => router,
    };
    let Some(web_config) = web_config else {
        return router;
    };
    let router = router.layer(from_fn_with_state(Arc::clone(web_config), set_headers));
    match TokenBucket::new(&web_config.current().rate_limit) {
        Some(bucket) => router.layer(from_fn_with_state(Arc::new(bucket), limit_rate)),
        None => router,
    }
}

/// A refusal in the form in which Go's `http.Error` gives it.
pub(super) fn refusal(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
