//! What the handlers work on, put together: parsers, store and instrumentation.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use tokio::sync::oneshot;
use tokio::task;
use tracing::{error, info};

use super::backend::{Backend, PushedGroup, ReceivedPush, ScrapeScope};
use super::error::Error;
use super::scrape_body::Answered;
use super::{backend, backup, scrape_body};
use crate::exposition::negotiation::{Compression, PushFormat, ScrapeFormat};
use crate::exposition::protobuf::{self, DecodeError};
use crate::exposition::text_parser;
use crate::exposition::{ParseLimits, TooLarge};
use crate::instrumentation::{Instrumentation, Persistence, PushObservation};
use crate::model::{GroupingKey, MetricFamily, NameScheme, Timestamp};
use crate::store::{
    Check, Failure, Group, PushedFamily, Readiness, Refusal, Request, Snapshot, Store, Unavailable,
    Waiter,
};
use crate::telemetry::RateLimit;

/// What is in front of every text of a push that was refused for what it holds.
const REFUSED: &str = "pushed metrics are invalid or inconsistent with existing metrics";
/// Bodies up to this size are parsed on the spot; larger ones would hold up other requests.
const PARSE_ON_THE_SPOT_BYTES: usize = 64 << 10;
/// How much memory a push may take once it is parsed, in multiples of the largest body.
const PARSED_PER_BODY: usize = 2;
/// Log lines a second about pushes that were refused.
const LOGGED_REFUSALS: u32 = 10;

/// The gateway behind its HTTP interface. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    store: Store,
    instrumentation: Arc<Instrumentation>,
    observe: Observe,
    rules: PushRules,
    import_bytes: usize,
    logged: RateLimit,
    /// How many requests were answered, scrapes aside: in one number what `http_requests_total` counts by label, for a scrape
    /// looks at it again and again.
    answered: Answered,
}

/// Brings those metrics up to date that are counted elsewhere; called before each scrape.
pub type Observe = Box<dyn Fn(&Instrumentation) + Send + Sync>;

/// How pushes are read.
#[derive(Clone, Copy, Debug)]
pub struct PushRules {
    /// Which names text pushes may have.
    pub name_scheme: NameScheme,
    /// Whether they are checked against what is stored, which the status of an answer tells.
    pub check: Check,
    /// How large a body may be.
    pub inflated_body_bytes: usize,
}

/// Where the outcome of a request to the store arrives. When the client is gone, so is the receiving end.
struct Reply(oneshot::Sender<Result<(), Failure>>);

impl Waiter for Reply {
    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }

    fn done(self: Box<Self>, outcome: Result<(), Failure>) {
        // Nobody waits any more.
        let _ = self.0.send(outcome);
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Puts the parts together. Imports may have so many bytes.
    pub fn new(
        store: Store,
        instrumentation: Arc<Instrumentation>,
        observe: Observe,
        rules: PushRules,
        import_bytes: usize,
    ) -> Self {
        let logged = RateLimit::per_second(LOGGED_REFUSALS);
        Self(Arc::new(Inner {
            store,
            instrumentation,
            observe,
            rules,
            import_bytes,
            logged,
            answered: Answered::default(),
        }))
    }

    /// Has the store do a request, from this call on; what is answered waits for it.
    fn submit(&self, request: Request) -> impl Future<Output = Result<(), Failure>> + use<> {
        let (sender, receiver) = oneshot::channel();
        self.0.store.submit(request, Box::new(Reply(sender)));
        async move {
            let outcome = receiver.await;
            outcome.unwrap_or_else(|_| Err(Unavailable::Closed.into()))
        }
    }

    /// Reads a push up to the point where the store is needed.
    fn prepare(&self, push: &ReceivedPush) -> Result<Request, NotPrepared> {
        let Inner { store, rules, .. } = &*self.0;
        let limits = ParseLimits {
            max_memory: rules.inflated_body_bytes.saturating_mul(PARSED_PER_BODY),
        };
        let content_type = push
            .head
            .headers
            .get(header::CONTENT_TYPE)
            .map(HeaderValue::as_bytes);
        let body = push.body.as_bytes();
        let families = match PushFormat::of_content_type(content_type) {
            PushFormat::Text => text_parser::parse(body, rules.name_scheme, limits)?,
            PushFormat::Protobuf => protobuf::decode_families(body, limits)?,
        };
        store
            .prepare(Arc::clone(&push.key), push.mode, now(), &families)
            .map(Request::Push)
            .map_err(NotPrepared::Refused)
    }

    /// Prepares a push where that holds up nobody.
    async fn prepared(&self, push: ReceivedPush) -> Result<Request, NotPrepared> {
        if push.body.as_bytes().len() <= PARSE_ON_THE_SPOT_BYTES {
            return self.prepare(&push);
        }
        let gateway = self.clone();
        let prepared = task::spawn_blocking(move || gateway.prepare(&push)).await;
        prepared
            .unwrap_or_else(|error| Err(NotPrepared::Failed(Error::Internal(error.to_string()))))
    }

    /// What is answered to a push that was refused.
    fn refused(&self, source: &PushSource, refusal: &Refusal) -> Result<StatusCode, Error> {
        self.0.instrumentation.count_refused_push(refusal.reason());
        if let Some(suppressed) = self.0.logged.admit(Instant::now()) {
            let (PushSource { method, .. }, peer, job) = (source, source.peer(), source.job());
            error!(%method, logged_source = %peer, job, err = %refusal, suppressed, "{REFUSED}");
        }
        match refusal {
            Refusal::Timestamps if self.0.rules.check == Check::Unchecked => {
                Ok(StatusCode::ACCEPTED)
            }
            refusal => Err(refusal_error(refusal)),
        }
    }

    /// What is answered to a push that could not be read.
    fn unreadable(&self, source: &PushSource, reason: &str) {
        self.0.instrumentation.count_refused_push("unparsable");
        if let Some(suppressed) = self.0.logged.admit(Instant::now()) {
            let (PushSource { method, .. }, peer, job) = (source, source.peer(), source.job());
            info!(%method, logged_source = %peer, job, err = reason, suppressed, "failed to parse push");
        }
    }

    /// The gateway's own metrics.
    fn own_metrics(&self) -> Vec<MetricFamily<'static>> {
        let Inner {
            store,
            instrumentation,
            observe,
            ..
        } = &*self.0;
        observe(instrumentation);
        instrumentation
            .queued_pushes
            .set(i64::try_from(store.queued_requests()).unwrap_or(i64::MAX));
        if let Ok(snapshot) = store.snapshot() {
            instrumentation.groups.set_count(snapshot.groups().len());
            instrumentation.series.set_count(snapshot.series());
            instrumentation
                .left_out_families
                .set_count(snapshot.left_out());
        }
        if let Some(status) = store.status() {
            instrumentation.set_persistence(&Persistence {
                file_bytes: status.file_bytes,
                live_bytes: status.live_bytes,
                damages: status.damages,
                last_commit_successful: status.last_error.is_none(),
                compactions: status.compactions,
                failed_commits: status.failed_commits,
            });
        }
        instrumentation.families(Instant::now())
    }
}

/// Why a push did not get as far as the store.
#[derive(Debug)]
enum NotPrepared {
    /// Its content is well-formed, but not acceptable.
    Refused(Refusal),
    /// It could not be read.
    Unreadable(String),
    /// It could not be dealt with.
    Failed(Error),
}

impl From<text_parser::ParseError> for NotPrepared {
    fn from(error: text_parser::ParseError) -> Self {
        match error {
            text_parser::ParseError::TooLarge(error) => Self::Failed(too_large(error)),
            error @ text_parser::ParseError::Syntax { .. } => Self::Unreadable(error.to_string()),
        }
    }
}

impl From<DecodeError> for NotPrepared {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge(error) => Self::Failed(too_large(error)),
            DecodeError::Unexposable(error) => Self::Refused(Refusal::Invalid(error.to_string())),
            error => Self::Unreadable(error.to_string()),
        }
    }
}

fn too_large(error: TooLarge) -> Error {
    let flag = "--limit.inflated-body-bytes";
    Error::OverLimit(format!(
        "{error} (the limit is {PARSED_PER_BODY} times {flag})"
    ))
}

fn refusal_error(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::TooLarge { .. } => Error::OverLimit(refusal.to_string()),
        Refusal::StoreFull { .. } => Error::Unavailable(refusal.to_string()),
        Refusal::Timestamps
        | Refusal::Invalid(_)
        | Refusal::ClashesWithOwn(_)
        | Refusal::ClashesWithGroup { .. }
        | Refusal::Twin { .. } => Error::BadContent(format!("{REFUSED}: {refusal}")),
    }
}

fn failure_error(failure: &Failure) -> Error {
    match failure {
        Failure::Refused(refusal) => refusal_error(refusal),
        Failure::Unavailable(reason) => Error::Unavailable(reason.to_string()),
    }
}

/// Where a push came from, for the log.
struct PushSource {
    method: Method,
    peer: Option<SocketAddr>,
    key: Arc<GroupingKey>,
}

impl PushSource {
    fn of(push: &ReceivedPush) -> Self {
        let peer = push.head.extensions.get::<ConnectInfo<SocketAddr>>();
        Self {
            method: push.head.method.clone(),
            peer: peer.map(|ConnectInfo(peer)| *peer),
            key: Arc::clone(&push.key),
        }
    }

    fn peer(&self) -> String {
        let peer = self.peer.map(|peer| peer.to_string());
        peer.unwrap_or_default()
    }

    fn job(&self) -> &str {
        self.key.job()
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

impl Backend for Gateway {
    type Snapshot = Snapshot;

    fn healthy(&self) -> Result<(), String> {
        Ok(())
    }

    fn ready(&self) -> Result<(), String> {
        match self.0.store.readiness() {
            Readiness::Ready => Ok(()),
            Readiness::NotReady(reason) => Err(reason.to_string()),
        }
    }

    fn snapshot(&self) -> Result<Snapshot, Error> {
        self.0
            .store
            .snapshot()
            .map_err(|reason| Error::Unavailable(reason.to_string()))
    }

    async fn push(&self, push: ReceivedPush) -> Result<StatusCode, Error> {
        let source = PushSource::of(&push);
        let prepared = self.prepared(push).await;
        let outcome = match prepared.map(|request| self.submit(request)) {
            Ok(submitted) => submitted.await,
            Err(NotPrepared::Refused(refusal)) => {
                if refusal.is_recorded() {
                    // Whether it could be noted or not, the client is to know the refusal.
                    let key = Arc::clone(&source.key);
                    let _ = self.submit(Request::Refused { key, at: now() }).await;
                }
                Err(Failure::Refused(refusal))
            }
            Err(NotPrepared::Unreadable(reason)) => {
                self.unreadable(&source, &reason);
                return Err(Error::BadContent(reason));
            }
            Err(NotPrepared::Failed(error)) => return Err(error),
        };
        match outcome {
            Ok(()) if self.0.rules.check == Check::Unchecked => Ok(StatusCode::ACCEPTED),
            Ok(()) => Ok(StatusCode::OK),
            Err(Failure::Refused(refusal)) => self.refused(&source, &refusal),
            Err(failure) => Err(failure_error(&failure)),
        }
    }

    async fn delete(&self, key: GroupingKey) -> Result<(), Error> {
        let done = self.submit(Request::Delete(Arc::new(key))).await;
        done.map_err(|failure| failure_error(&failure))
    }

    async fn wipe(&self) -> Result<(), Error> {
        let done = self.submit(Request::Wipe).await;
        done.map_err(|failure| failure_error(&failure))
    }

    async fn scrape(&self, headers: &HeaderMap, scope: ScrapeScope) -> Result<Response, Error> {
        let snapshot = match scope {
            ScrapeScope::All => self.snapshot()?,
            ScrapeScope::OwnMetrics => Snapshot::default(),
        };
        let format = ScrapeFormat::negotiate(first(headers, &header::ACCEPT));
        let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
        let compression = Compression::negotiate(accepted.map(HeaderValue::as_bytes));
        let is_listed = snapshot.is_listed(format, compression);
        let gateway = self.clone();
        let scrape = move || snapshot.scrape(&gateway.own_metrics(), format, compression);
        let scraped = if is_listed {
            scrape()
        } else {
            // Pages that nobody has compressed yet take computing time.
            let scraped = task::spawn_blocking(scrape).await;
            scraped.map_err(|error| Error::Internal(error.to_string()))?
        };
        let others = Arc::clone(&self.0.answered);
        Ok(scrape_body::response(scraped, format, compression, others))
    }

    async fn export(&self, query: Option<&str>) -> Result<Response, Error> {
        let format = backup::Format::of_query(query)?;
        Ok(backup::export(&self.snapshot()?, format))
    }

    async fn import(&self, request: HttpRequest) -> Result<Response, Error> {
        let groups = backup::read(request.into_body(), self.0.import_bytes).await?;
        let count = groups.len();
        let done = self.submit(Request::Import(groups)).await;
        done.map_err(|failure| failure_error(&failure))?;
        info!(groups = count, "groups imported");
        Ok(Response::new(Body::from(format!("{count} groups read\n"))))
    }

    fn count_request(&self, handler: &str, method: &str, code: u16) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        self.0.instrumentation.count_request(handler, method, code);
    }

    fn observe_push(&self, method: &'static str, size_bytes: usize, duration: Duration) {
        let push = PushObservation {
            method,
            size_bytes,
            duration,
        };
        self.0.instrumentation.observe_push(&push, Instant::now());
    }
}

fn first<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h [u8]> {
    headers.get(name).map(HeaderValue::as_bytes)
}

impl backend::Snapshot for Snapshot {
    type Group = Arc<Group>;

    fn groups(&self) -> Vec<Arc<Group>> {
        Self::groups(self).map(Arc::clone).collect()
    }
}

impl PushedGroup for Arc<Group> {
    fn grouping_key(&self) -> &GroupingKey {
        Group::grouping_key(self)
    }

    fn last_push_successful(&self) -> bool {
        Group::last_push_successful(self)
    }

    fn families(&self) -> Vec<PushedFamily<'_>> {
        Group::families(self)
    }
}
