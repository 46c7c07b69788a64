//! The JSON API: `/api/v1/status`, `/api/v1/metrics`, its CORS preflight, and the wipe.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;

use super::answer;
use super::backend::{Backend, Snapshot};
use super::chunks::{self, CHUNK_BYTES, ChunkSource, Progress};
use super::error::Error;
use super::local_time;
use super::{AppState, Settings};

mod groups;
mod json;

/// Lets pages of any origin call the API.
const CORS: [(HeaderName, HeaderValue); 5] = [
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Accept, Authorization, Content-Type, Origin"),
    ),
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, DELETE, OPTIONS"),
    ),
    (
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    ),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Date"),
    ),
    (
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate"),
    ),
];

const BEFORE_DATA: &[u8] = br#"{"status":"success","data":"#;

/// OPTIONS of any path of the API.
pub(super) fn options() -> Response {
    (CORS, answer::empty(StatusCode::OK)).into_response()
}

/// GET `/api/v1/status`.
pub(super) fn status(settings: &Settings) -> Response {
    let mut out = BEFORE_DATA.to_vec();
    out.extend_from_slice(br#"{"build_information":"#);
    json::append_strings(&mut out, settings.build_entries());
    out.extend_from_slice(br#","flags":"#);
    let flags = settings.flags.iter();
    json::append_strings(&mut out, flags.map(|(name, value)| (&**name, &**value)));
    let started = local_time::rfc3339_nano(settings.started, &settings.zone);
    chunks::append(&mut out, format_args!(r#","start_time":"{started}"}}}}"#));
    json_answer(out.into())
}

/// GET `/api/v1/metrics`.
pub(super) async fn metrics<B: Backend>(state: &AppState<B>) -> Result<Response, Error> {
    let groups = Groups::Unlisted(
        state.backend.snapshot()?,
        TimeZone::clone(&state.settings.zone),
    );
    Ok(json_answer(chunks::body(groups).await?))
}

/// PUT `/api/v1/admin/wipe`, which pages of other origins may not call.
pub(super) async fn wipe<B: Backend>(state: &AppState<B>) -> Result<Response, Error> {
    state.backend.wipe().await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

fn json_answer(body: Body) -> Response {
    let json = HeaderValue::from_static("application/json");
    (CORS, [(header::CONTENT_TYPE, json)], body).into_response()
}

/// Writes all groups.
enum Groups<S: Snapshot> {
    /// None yet.
    Unlisted(S, TimeZone),
    /// These are left.
    Listed(std::vec::IntoIter<S::Group>, TimeZone),
}

impl<S: Snapshot> ChunkSource for Groups<S> {
    fn append_chunk(&mut self, out: &mut Vec<u8>) -> Progress {
        let mut separator = ",";
        if let Self::Unlisted(snapshot, zone) = self {
            out.extend_from_slice(BEFORE_DATA);
            out.push(b'[');
            separator = "";
            *self = Self::Listed(snapshot.groups().into_iter(), zone.clone());
        }
        let Self::Listed(groups, zone) = self else {
            return Progress::Done;
        };
        while out.len() < CHUNK_BYTES {
            let Some(group) = groups.next() else {
                out.extend_from_slice(b"]}");
                return Progress::Done;
            };
            out.extend_from_slice(separator.as_bytes());
            separator = ",";
            groups::append_group(out, &group, zone);
        }
        Progress::More
    }
}

#[cfg(test)]
mod tests;
