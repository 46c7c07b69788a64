//! `/-/healthy`, `/-/ready` and `/-/quit`.

use axum::http::StatusCode;
use axum::response::Response;

use super::answer;
use super::{AppState, Backend, LifecycleApi};

/// GET `/-/healthy`.
pub(super) fn healthy<B: Backend>(state: &AppState<B>) -> Response {
    match state.backend.healthy() {
        Ok(()) => answer::word(StatusCode::OK, "OK"),
        Err(reason) => answer::refusal(StatusCode::INTERNAL_SERVER_ERROR, &reason),
    }
}

/// GET `/-/ready`.
pub(super) fn ready<B: Backend>(state: &AppState<B>) -> Response {
    match state.backend.ready() {
        Ok(()) => answer::word(StatusCode::OK, "OK"),
        Err(reason) => answer::refusal(StatusCode::SERVICE_UNAVAILABLE, &reason),
    }
}

/// PUT or POST `/-/quit`.
pub(super) fn quit(api: &LifecycleApi) -> Response {
    match api {
        LifecycleApi::Enabled(quit) => {
            quit.notify_one();
            answer::word(StatusCode::OK, "Requesting termination... Goodbye!")
        }
        LifecycleApi::Disabled => {
            answer::word(StatusCode::FORBIDDEN, "Lifecycle API is not enabled.")
        }
    }
}

/// GET `/-/quit`, which has this route of its own at the root whatever the route prefix is.
pub(super) fn quit_by_get() -> Response {
    let text = "Only POST or PUT requests allowed.";
    answer::word(StatusCode::METHOD_NOT_ALLOWED, text)
}
