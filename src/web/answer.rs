//! Small answers, headed as Go's `net/http` heads them.

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::html;

pub(super) const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A refusal or a failure: the text with a line end.
pub(super) fn refusal(status: StatusCode, text: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, PLAIN_TEXT),
        (
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (status, headers, format!("{text}\n")).into_response()
}

/// A word from a handler, as it is.
pub(super) fn word(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, PLAIN_TEXT)], text).into_response()
}

/// No body at all.
pub(super) fn empty(status: StatusCode) -> Response {
    (status, Body::empty()).into_response()
}

/// The page that Go answers to what it has no route for.
pub(super) fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "404 page not found")
}

/// Goes elsewhere; only a `GET` is shown a link too.
pub(super) fn redirect(method: &Method, status: StatusCode, location: &str) -> Response {
    let Ok(target) = HeaderValue::from_bytes(location.as_bytes()) else {
        return refusal(StatusCode::BAD_REQUEST, "malformed request target");
    };
    let mut response = empty(status);
    response.headers_mut().insert(header::LOCATION, target);
    if method == Method::GET || method == Method::HEAD {
        let reason = status.canonical_reason().unwrap_or_default();
        let link = format!("<a href=\"{}\">{reason}</a>.\n\n", html::Escaped(location));
        response.headers_mut().insert(header::CONTENT_TYPE, HTML);
        *response.body_mut() = Body::from(link);
    }
    response
}
