//! Whole answers of the service, over a store that the test makes up.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use jiff::tz::TimeZone;
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::backend::{PushedGroup, ReceivedPush, Snapshot};
use super::body::BodyLimits;
use super::*;
use crate::build_info::{BUILD_INFO, BuildInfo};
use crate::model::{GroupingKey, MetricFamily, NameScheme, Timestamp};
use crate::store::PushedFamily;

/// Records what it is asked to do, and holds made-up groups.
#[derive(Debug, Default)]
pub(super) struct FakeBackend {
    pub(super) groups: Vec<Arc<FakeGroup>>,
    pub(super) log: Mutex<Vec<String>>,
    pub(super) refusal: Option<String>,
}

#[derive(Debug)]
pub(super) struct FakeGroup {
    pub(super) key: GroupingKey,
    pub(super) last_push_successful: bool,
    pub(super) families: Vec<PushedFamily<'static>>,
}

impl FakeBackend {
    fn note(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }

    fn noted(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn refuse(&self) -> Result<(), String> {
        self.refusal.clone().map_or(Ok(()), Err)
    }
}

impl Backend for FakeBackend {
    type Snapshot = Vec<Arc<FakeGroup>>;

    fn healthy(&self) -> Result<(), String> {
        self.refuse()
    }

    fn ready(&self) -> Result<(), String> {
        self.refuse()
    }

    fn snapshot(&self) -> Result<Self::Snapshot, Error> {
        self.refuse().map_err(Error::Unavailable)?;
        Ok(self.groups.clone())
    }

    async fn push(&self, push: ReceivedPush) -> Result<StatusCode, Error> {
        let body = String::from_utf8_lossy(push.body.as_bytes()).into_owned();
        self.note(format!("push {:?} {} {body:?}", push.mode, push.key));
        match &self.refusal {
            None => Ok(StatusCode::OK),
            Some(reason) => Err(Error::BadContent(reason.clone())),
        }
    }

    async fn delete(&self, key: GroupingKey) -> Result<(), Error> {
        self.note(format!("delete {key}"));
        Ok(())
    }

    async fn wipe(&self) -> Result<(), Error> {
        self.note("wipe".to_owned());
        Ok(())
    }

    async fn scrape(&self, _: &HeaderMap, scope: ScrapeScope) -> Result<Response, Error> {
        Ok(format!("{scope:?}").into_response())
    }

    async fn export(&self, _: Option<&str>) -> Result<Response, Error> {
        Ok("export".into_response())
    }

    async fn import(&self, request: Request) -> Result<Response, Error> {
        let body = to_bytes(request.into_body(), 1000).await.unwrap();
        Ok(body.into_response())
    }

    fn count_request(&self, handler: &str, method: &str, code: u16) {
        self.note(format!("count {handler} {method} {code}"));
    }

    fn observe_push(&self, method: &'static str, size_bytes: usize, _duration: Duration) {
        self.note(format!("observe {method} {size_bytes}"));
    }
}

impl Snapshot for Vec<Arc<FakeGroup>> {
    type Group = Arc<FakeGroup>;

    fn groups(&self) -> Self {
        self.clone()
    }
}

impl PushedGroup for Arc<FakeGroup> {
    fn grouping_key(&self) -> &GroupingKey {
        &self.key
    }

    fn last_push_successful(&self) -> bool {
        self.last_push_successful
    }

    fn families(&self) -> Vec<PushedFamily<'_>> {
        self.families.clone()
    }
}

impl FakeGroup {
    pub(super) fn new(labels: &[(&str, &str)], families: Vec<PushedFamily<'static>>) -> Self {
        Self {
            key: GroupingKey::new(labels.iter().copied()).unwrap(),
            last_push_successful: true,
            families,
        }
    }
}

pub(super) fn pushed(family: MetricFamily<'static>) -> PushedFamily<'static> {
    PushedFamily {
        family,
        pushed_at: Timestamp::from_nanos(1_583_781_848_025_744_841),
    }
}

pub(super) fn settings() -> Settings {
    let flag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let text = |text: &str| text.to_owned();
    Settings {
        route_prefix: String::new(),
        telemetry_path: text("/metrics"),
        external_prefix: text("."),
        name_scheme: NameScheme::Legacy,
        lifecycle: LifecycleApi::Disabled,
        admin_api: AdminApi::Enabled,
        body_limits: BodyLimits {
            bytes: 1000,
            inflated_bytes: 10_000,
            in_flight_bytes: 20_000,
        },
        flags: BTreeMap::from([flag("web.listen-address", ":9091"), flag("a", "<b>")]),
        build_info: BuildInfo {
            branch: "main",
            build_date: "20261120",
            build_user: "me@here",
            rustc_version: "rustc",
            revision: "abc",
            version: "1",
            ..BUILD_INFO
        },
        started: Timestamp::from_nanos(1_500_000_000),
        zone: Arc::new(LazyLock::new(|| TimeZone::UTC)),
    }
}

/// The answer to a request as text: status, headers sorted by name, body.
pub(super) async fn answer(router: &axum::Router, request: Request) -> String {
    let response = router.clone().oneshot(request).await.unwrap();
    let mut text = format!("{}\n", response.status().as_u16());
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    headers.sort();
    text.extend(headers);
    let body = to_bytes(response.into_body(), 100 << 20).await.unwrap();
    text + "\n" + std::str::from_utf8(&body).unwrap()
}

pub(super) fn request(method: &str, target: &str, body: impl Into<Body>) -> Request {
    Request::builder()
        .method(method)
        .uri(target)
        .body(body.into())
        .unwrap()
}

pub(super) async fn get(router: &axum::Router, target: &str) -> String {
    answer(router, request("GET", target, "")).await
}

/// What the main service answers to a request without a body, and what it made the backend note.
async fn check(request_line: &str, expected: &str, expected_notes: &[&str]) {
    let backend = Arc::new(FakeBackend::default());
    let router = router(settings(), Arc::clone(&backend));
    let (method, target) = request_line.split_once(' ').unwrap();
    let found = answer(&router, request(method, target, "")).await;
    assert_eq!(found, expected, "{request_line}");
    assert_eq!(backend.noted(), expected_notes, "{request_line}");
}

const PLAIN: &str = "content-type: text/plain; charset=utf-8";
const REFUSAL: &str = "content-type: text/plain; charset=utf-8\nx-content-type-options: nosniff\n";

#[tokio::test]
async fn lifecycle_answers_word_for_word() {
    check(
        "GET /-/healthy",
        &format!("200\ncontent-length: 2\n{PLAIN}\n\nOK"),
        &["count healthy get 200"],
    )
    .await;
    check(
        "GET /-/ready",
        &format!("200\ncontent-length: 2\n{PLAIN}\n\nOK"),
        &["count ready get 200"],
    )
    .await;
    check(
        "PUT /-/quit",
        &format!("403\ncontent-length: 29\n{PLAIN}\n\nLifecycle API is not enabled."),
        &[],
    )
    .await;
    check(
        "GET /-/quit",
        &format!("405\ncontent-length: 34\n{PLAIN}\n\nOnly POST or PUT requests allowed."),
        &[],
    )
    .await;
}

#[tokio::test]
async fn an_enabled_quit_notifies() {
    let quit = Arc::new(Notify::new());
    let settings = Settings {
        lifecycle: LifecycleApi::Enabled(Arc::clone(&quit)),
        ..settings()
    };
    let router = router(settings, Arc::new(FakeBackend::default()));
    let found = answer(&router, request("POST", "/-/quit", "")).await;
    let goodbye = "Requesting termination... Goodbye!";
    assert_eq!(
        found,
        format!("200\ncontent-length: 34\n{PLAIN}\n\n{goodbye}")
    );
    quit.notified().await;
}

#[tokio::test]
async fn a_backend_that_is_not_well_says_why() {
    let backend = FakeBackend {
        refusal: Some("write queue is full".to_owned()),
        ..FakeBackend::default()
    };
    let router = router(settings(), Arc::new(backend));
    let refusal =
        |status: &str| format!("{status}\ncontent-length: 20\n{REFUSAL}\nwrite queue is full\n");
    assert_eq!(get(&router, "/-/healthy").await, refusal("500"));
    assert_eq!(get(&router, "/-/ready").await, refusal("503"));
    let unavailable = refusal("503").replace(
        "plain; charset=utf-8\n",
        "plain; charset=utf-8\nretry-after: 1\n",
    );
    for path in ["/", "/api/v1/metrics"] {
        assert_eq!(get(&router, path).await, unavailable, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_route_is_answered_as_go_answers() {
    let not_found = format!("404\ncontent-length: 19\n{REFUSAL}\n404 page not found\n");
    check("GET /nope", &not_found, &[]).await;
    check("GET /static/nope.js", &not_found, &["count static get 404"]).await;
    check(
        "DELETE /metrics",
        &format!("405\nallow: GET, OPTIONS\ncontent-length: 19\n{REFUSAL}\nMethod Not Allowed\n"),
        &[],
    )
    .await;
    check(
        "HEAD /metrics",
        &format!("405\nallow: GET, OPTIONS\ncontent-length: 19\n{REFUSAL}\n"),
        &[],
    )
    .await;
    check(
        "OPTIONS /metrics",
        "200\nallow: GET, OPTIONS\ncontent-length: 0\n\n",
        &[],
    )
    .await;
    check(
        "GET /%zz",
        &format!("400\ncontent-length: 15\n{PLAIN}\n\n400 Bad Request"),
        &[],
    )
    .await;
}

#[tokio::test]
async fn redirects_link_only_for_get() {
    check(
        "GET /status/?a=b&c",
        "301\ncontent-length: 52\ncontent-type: text/html; charset=utf-8\nlocation: /status?a=b&c\n\n\
         <a href=\"/status?a=b&amp;c\">Moved Permanently</a>.\n\n",
        &[],
    )
    .await;
    check(
        "GET /a/../metrics",
        "307\ncontent-length: 44\ncontent-type: text/html; charset=utf-8\nlocation: /metrics\n\n\
         <a href=\"/metrics\">Temporary Redirect</a>.\n\n",
        &[],
    )
    .await;
    check(
        "PUT /metrics/job/",
        "307\ncontent-length: 0\nlocation: /metrics/job\n\n",
        &[],
    )
    .await;
}

#[tokio::test]
async fn pushes_and_deletes_reach_the_backend() {
    let backend = Arc::new(FakeBackend::default());
    let router = router(settings(), Arc::clone(&backend));
    let done = |status: &str| format!("{status}\ncontent-length: 0\n\n");
    let push = request("PUT", "/metrics/job/foo/a/b?x", "m 1\n");
    assert_eq!(answer(&router, push).await, done("200"));
    assert_eq!(
        backend.noted(),
        [
            r#"push Replace {a="b",job="foo"} "m 1\n""#,
            "observe put 33",
            "count push put 200",
        ]
    );
    let push = request("POST", "/metrics/job@base64/Zm9v", "");
    assert_eq!(answer(&router, push).await, done("200"));
    assert_eq!(backend.noted()[0], r#"push Merge {job="foo"} """#);
    let delete = request("DELETE", "/metrics/job/foo", "ignored");
    assert_eq!(answer(&router, delete).await, done("202"));
    assert_eq!(
        backend.noted(),
        [r#"delete {job="foo"}"#, "count delete delete 202"]
    );
}

#[tokio::test]
async fn a_refused_push_is_counted_and_observed() {
    let text = "odd number of components in label string \"/a\"";
    let refused = format!("400\ncontent-length: 46\n{REFUSAL}\n{text}\n");
    let notes = ["observe put 29", "count push put 400"];
    check("PUT /metrics/job/foo/a", &refused, &notes).await;
    let notes = ["count delete delete 400"];
    check("DELETE /metrics/job/foo/a", &refused, &notes).await;
}

#[tokio::test]
async fn a_gzip_header_is_checked_before_anything_else() {
    let backend = Arc::new(FakeBackend::default());
    let router = router(settings(), Arc::clone(&backend));
    for (method, target) in [
        ("GET", "/nope"),
        ("GET", "/metrics"),
        ("DELETE", "/metrics/job/foo"),
        ("PUT", "/metrics/job/foo/a"),
    ] {
        let mut request = request(method, target, "no gzip at all");
        let encoding = HeaderValue::from_static("GZip");
        request
            .headers_mut()
            .insert(header::CONTENT_ENCODING, encoding);
        let refused = format!("400\ncontent-length: 21\n{REFUSAL}\ngzip: invalid header\n");
        assert_eq!(answer(&router, request).await, refused, "{target}");
    }
    assert!(backend.noted().is_empty());
    let mut request = request("GET", "/api/v1/metrics", "");
    let encoding = HeaderValue::from_static("gzip");
    request
        .headers_mut()
        .insert(header::CONTENT_ENCODING, encoding);
    assert!(answer(&router, request).await.starts_with("200\n"));
}

#[tokio::test]
async fn the_admin_api_exports_and_imports() {
    let router = router(settings(), Arc::new(FakeBackend::default()));
    assert!(
        get(&router, "/api/v1/admin/export")
            .await
            .ends_with("\n\nexport")
    );
    let import = request("PUT", "/api/v1/admin/import", "a".repeat(1000));
    assert!(answer(&router, import).await.ends_with(&"a".repeat(1000)));
}

#[tokio::test]
async fn the_probe_service_shows_own_metrics_only() {
    let router = probe_router(settings(), Arc::new(FakeBackend::default()));
    assert!(get(&router, "/metrics").await.ends_with("\n\nOwnMetrics"));
    assert!(get(&router, "/-/healthy").await.ends_with("\n\nOK"));
    assert!(get(&router, "/").await.starts_with("404\n"));
}
