//! What the HTTP floor asks of the rest of the gateway.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::body::ReceivedBody;
use super::error::Error;
use crate::model::GroupingKey;
use crate::store::{PushMode, PushedFamily};

/// The store and the instrumentation, as the handlers see them.
pub trait Backend: Send + Sync + 'static {
    /// See [`Snapshot`].
    type Snapshot: Snapshot;

    /// Whether the process can make progress; if not, why.
    fn healthy(&self) -> Result<(), String>;

    /// Whether a push can be accepted and durably stored; if not, why.
    fn ready(&self) -> Result<(), String>;

    /// The groups as they are now; an error while they are being loaded.
    fn snapshot(&self) -> Result<Self::Snapshot, Error>;

    /// Parses and applies a push; the status says whether it is applied (200) or unchecked (202).
    fn push(&self, push: ReceivedPush) -> impl Future<Output = Result<StatusCode, Error>> + Send;

    /// Deletes a group, if there is one.
    fn delete(&self, key: GroupingKey) -> impl Future<Output = Result<(), Error>> + Send;

    /// Deletes all groups.
    fn wipe(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Answers a scrape.
    fn scrape(
        &self,
        headers: &HeaderMap,
        scope: ScrapeScope,
    ) -> impl Future<Output = Result<Response, Error>> + Send;

    /// Answers `/api/v1/admin/export`.
    fn export(&self, query: Option<&str>) -> impl Future<Output = Result<Response, Error>> + Send;

    /// Answers `/api/v1/admin/import`.
    fn import(&self, request: Request) -> impl Future<Output = Result<Response, Error>> + Send;

    /// Counts a request in `pushgateway_http_requests_total`; the method is in lower case.
    fn count_request(&self, handler: &str, method: &str, code: u16);

    /// Adds a push to `pushgateway_http_push_size_bytes` and `pushgateway_http_push_duration_seconds`.
    fn observe_push(&self, method: &'static str, size_bytes: usize, duration: Duration);
}

/// The store at one moment. Cheap to take; the groups are listed where that may take its time.
pub trait Snapshot: Send + 'static {
    /// A handle of a group.
    type Group: PushedGroup;

    /// All groups, in the order of their grouping keys.
    fn groups(&self) -> Vec<Self::Group>;
}

/// A group, as the JSON API and the status page show it.
pub trait PushedGroup: Send + 'static {
    /// What identifies the group.
    fn grouping_key(&self) -> &GroupingKey;

    /// Whether no push was refused since the last one that succeeded.
    fn last_push_successful(&self) -> bool;

    /// The families sorted by name, the two push gauges among them.
    fn families(&self) -> Vec<PushedFamily<'_>>;
}

/// A push as received: its key is valid, its body is whole and inflated.
#[derive(Debug)]
pub struct ReceivedPush {
    /// The group pushed to.
    pub key: Arc<GroupingKey>,
    /// What becomes of the group's other families.
    pub mode: PushMode,
    /// The body.
    pub body: ReceivedBody,
    /// The head of the request: its content type and where it came from.
    pub head: Box<Parts>,
}

/// What a scrape shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ScrapeScope {
    /// The gateway's own metrics and all groups.
    All,
    /// The gateway's own metrics.
    OwnMetrics,
}
