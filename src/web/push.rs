//! PUT, POST and DELETE of a group.

use std::sync::Arc;
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::answer;
use super::backend::{Backend, ReceivedPush};
use super::body::OpenBody;
use super::error::Error;
use super::grouping_path;
use super::{AppState, method_label};
use crate::model::GroupingKey;
use crate::store::PushMode;

/// PUT and POST. Whatever becomes of the push, its size and duration are observed.
pub(super) async fn push<B: Backend>(
    state: &AppState<B>,
    mode: PushMode,
    path: &[u8],
    (head, body): (Box<Parts>, Box<OpenBody>),
) -> Result<Response, Error> {
    let received_at = Instant::now();
    let method = method_label(&head.method);
    let size_bytes = approximate_size(&head);
    let answer = receive_and_apply(state, mode, path, (head, body)).await;
    let duration = received_at.elapsed();
    state.backend.observe_push(method, size_bytes, duration);
    answer
}

async fn receive_and_apply<B: Backend>(
    state: &AppState<B>,
    mode: PushMode,
    path: &[u8],
    (head, body): (Box<Parts>, Box<OpenBody>),
) -> Result<Response, Error> {
    let key = parse_path(state, path)?;
    let push = ReceivedPush {
        key: Arc::new(key),
        mode,
        body: body.receive().await?,
        head,
    };
    Ok(answer::empty(state.backend.push(push).await?))
}

/// DELETE. A group that is not there is deleted with the same success.
pub(super) async fn delete<B: Backend>(
    state: &AppState<B>,
    path: &[u8],
) -> Result<Response, Error> {
    let key = parse_path(state, path)?;
    state.backend.delete(key).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

fn parse_path<B>(state: &AppState<B>, path: &[u8]) -> Result<GroupingKey, Error> {
    grouping_path::parse(path, state.settings.name_scheme).map_err(|error| {
        tracing::debug!(url = %path.escape_ascii(), err = %error, "failed to parse URL");
        error.into()
    })
}

/// The size of a request as Prometheus's instrumentation of HTTP handlers reckons it: the parts of the head without
/// what separates them, and the announced length of the body.
fn approximate_size(head: &Parts) -> usize {
    let target = head.uri.path_and_query();
    let target_len = target.map_or(0, |target| target.as_str().len());
    let protocol_len = "HTTP/1.1".len();
    let name_len = |name: &HeaderName| {
        if name == header::HOST {
            0
        } else {
            name.as_str().len()
        }
    };
    let names: usize = head.headers.keys().map(name_len).sum();
    let values: usize = head.headers.values().map(HeaderValue::len).sum();
    let announced = head.headers.get(header::CONTENT_LENGTH);
    let announced_len = announced.and_then(|len| len.to_str().ok()?.parse().ok());
    target_len
        + head.method.as_str().len()
        + protocol_len
        + names
        + values
        + announced_len.unwrap_or(0_usize)
}
