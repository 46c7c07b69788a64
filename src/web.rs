//! HTTP: every route and layer of the gateway.
//!
//! A request is routed ([`routing`], ours because axum's matching is not the Pushgateway's), its body is opened
//! ([`body`]), and a handler answers it or an [`error::Error`] does. What the handlers work on is behind
//! [`backend::Backend`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

pub use self::gateway::{Gateway, Observe, PushRules};
pub use self::local_time::system_zone;

use self::backend::{Backend, ScrapeScope};
use self::body::{Bodies, OpenBody};
use self::error::Error;
use self::routing::{Endpoint, Outcome, Pattern, Route, RouteTable, Routed, Router};
pub use self::settings::{AdminApi, LifecycleApi, Settings};
use crate::store::PushMode;

pub mod auth;
pub mod backend;
pub mod body;
pub mod error;
pub mod grouping_path;
pub mod guard;
pub mod headers;
pub mod rate_limit;

mod answer;
mod api_v1;
mod backup;
mod chunks;
mod gateway;
mod html;
mod lifecycle;
mod local_time;
mod number;
mod push;
mod routing;
mod scrape_body;
mod settings;
mod static_assets;
mod status_page;
mod url_path;

/// What all requests share.
struct AppState<B> {
    settings: Arc<Settings>,
    routes: Arc<RouteTable>,
    bodies: Arc<Bodies>,
    backend: Arc<B>,
}

/// The gateway's HTTP service.
pub fn router<B: Backend>(settings: Settings, backend: Arc<B>) -> axum::Router {
    let routes = routes(&settings);
    service(settings, routes, backend)
}

/// A smaller service for a listener of its own, which probes and scrapes reach when clients fill the main one: health
/// and the gateway's own metrics.
pub fn probe_router<B: Backend>(settings: Settings, backend: Arc<B>) -> axum::Router {
    let routes = probe_routes(&settings);
    service(settings, routes, backend)
}

fn routes(settings: &Settings) -> RouteTable {
    RouteTable {
        api: Some((
            format!("{}/api/v1", settings.route_prefix),
            api_routes(settings),
        )),
        main: main_routes(settings),
    }
}

fn main_routes(settings: &Settings) -> Vec<Route> {
    let under_prefix = |path: &str| format!("{}{path}", settings.route_prefix);
    let exact = |path: &str| Pattern::Exact(under_prefix(path));
    let group = || Pattern::Group(under_prefix("/metrics/job"));
    let assets = Pattern::Under(under_prefix("/static/"));
    let telemetry_path = Pattern::Exact(settings.telemetry_path.clone());
    let unprefixed_quit = Pattern::Exact("/-/quit".to_owned());
    let replace = Endpoint::Push(PushMode::Replace);
    let merge = Endpoint::Push(PushMode::Merge);
    vec![
        Route::new(Method::PUT, group(), replace),
        Route::new(Method::POST, group(), merge),
        Route::new(Method::DELETE, group(), Endpoint::Delete),
        Route::new(Method::GET, telemetry_path, Endpoint::Scrape),
        Route::new(Method::GET, exact("/-/healthy"), Endpoint::Healthy),
        Route::new(Method::GET, exact("/-/ready"), Endpoint::Ready),
        Route::new(Method::GET, exact("/"), Endpoint::StatusPage),
        Route::new(Method::GET, exact("/status"), Endpoint::StatusPage),
        Route::new(Method::GET, assets, Endpoint::Static),
        Route::new(Method::PUT, exact("/-/quit"), Endpoint::Quit),
        Route::new(Method::POST, exact("/-/quit"), Endpoint::Quit),
        Route::new(Method::GET, unprefixed_quit, Endpoint::QuitByGet),
    ]
}

fn api_routes(settings: &Settings) -> Vec<Route> {
    let under_root = |path: &str| format!("{}/api/v1/{path}", settings.route_prefix);
    let exact = |path: &str| Pattern::Exact(under_root(path));
    let all = Pattern::Under(under_root(""));
    let mut routes = vec![
        Route::new(Method::GET, exact("status"), Endpoint::ApiStatus),
        Route::new(Method::GET, exact("metrics"), Endpoint::ApiMetrics),
        Route::new(Method::OPTIONS, all, Endpoint::ApiOptions),
    ];
    if settings.admin_api == AdminApi::Enabled {
        routes.extend([
            Route::new(Method::PUT, exact("admin/wipe"), Endpoint::Wipe),
            Route::new(Method::GET, exact("admin/export"), Endpoint::Export),
            Route::new(Method::PUT, exact("admin/import"), Endpoint::Import),
        ]);
    }
    routes
}

fn probe_routes(settings: &Settings) -> RouteTable {
    let exact = |path: &str| Pattern::Exact(format!("{}{path}", settings.route_prefix));
    let telemetry_path = Pattern::Exact(settings.telemetry_path.clone());
    RouteTable {
        api: None,
        main: vec![
            Route::new(Method::GET, exact("/-/healthy"), Endpoint::Healthy),
            Route::new(Method::GET, exact("/-/ready"), Endpoint::Ready),
            Route::new(Method::GET, telemetry_path, Endpoint::OwnMetrics),
        ],
    }
}

fn service<B: Backend>(settings: Settings, routes: RouteTable, backend: Arc<B>) -> axum::Router {
    let state = AppState {
        routes: Arc::new(routes),
        bodies: Arc::new(Bodies::new(settings.body_limits)),
        settings: Arc::new(settings),
        backend,
    };
    axum::Router::new().fallback(state)
}

/// Every request comes through here. Not a function, for which axum would take requests apart and put them together.
impl<B: Backend> Handler<(), ()> for AppState<B> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, (): ()) -> Self::Future {
        let target = request.uri();
        let routed = self
            .routes
            .route(request.method(), target.path(), target.query());
        let (head, body) = request.into_parts();
        // In boxes, since each async function that they pass has room for them.
        let (head, body) = (Box::new(head), Box::new(self.bodies.open(body)));
        Box::pin(async move { answer(&self, routed, (head, body)).await })
    }
}

async fn answer<B: Backend>(
    state: &AppState<B>,
    routed: Routed,
    (head, mut body): (Box<Parts>, Box<OpenBody>),
) -> Response {
    if routed.by == Router::Main
        && let Err(error) = body.decode(&head.headers).await
    {
        return Error::from(error).into_response();
    }
    match routed.outcome {
        Outcome::Endpoint(endpoint, rest) => {
            let method = method_label(&head.method);
            let answer = handle(state, endpoint, &rest, (head, body)).await;
            let response = answer.unwrap_or_else(Error::into_response);
            if let Some(handler) = endpoint.counted_as() {
                let code = response.status().as_u16();
                state.backend.count_request(handler, method, code);
            }
            response
        }
        Outcome::Redirect { status, location } => answer::redirect(&head.method, status, &location),
        Outcome::MethodNotAllowed { allow } => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            with_allow(answer::refusal(status, "Method Not Allowed"), &allow)
        }
        Outcome::Options { allow } => with_allow(answer::empty(StatusCode::OK), &allow),
        Outcome::NotFound => answer::not_found(),
        Outcome::Malformed => answer::word(StatusCode::BAD_REQUEST, "400 Bad Request"),
    }
}

async fn handle<B: Backend>(
    state: &AppState<B>,
    endpoint: Endpoint,
    rest: &[u8],
    (head, body): (Box<Parts>, Box<OpenBody>),
) -> Result<Response, Error> {
    match endpoint {
        Endpoint::Push(mode) => push::push(state, mode, rest, (head, body)).await,
        Endpoint::Delete => push::delete(state, rest).await,
        Endpoint::Scrape => state.backend.scrape(&head.headers, ScrapeScope::All).await,
        Endpoint::OwnMetrics => {
            state
                .backend
                .scrape(&head.headers, ScrapeScope::OwnMetrics)
                .await
        }
        Endpoint::StatusPage => status_page::page(state, head.uri.query()).await,
        Endpoint::Static => {
            let started = state.settings.started;
            Ok(static_assets::asset(rest, &head.headers, started))
        }
        Endpoint::Healthy => Ok(lifecycle::healthy(state)),
        Endpoint::Ready => Ok(lifecycle::ready(state)),
        Endpoint::Quit => Ok(lifecycle::quit(&state.settings.lifecycle)),
        Endpoint::QuitByGet => Ok(lifecycle::quit_by_get()),
        Endpoint::ApiOptions => Ok(api_v1::options()),
        Endpoint::ApiStatus => Ok(api_v1::status(&state.settings)),
        Endpoint::ApiMetrics => api_v1::metrics(state).await,
        Endpoint::Wipe => api_v1::wipe(state).await,
        Endpoint::Export => state.backend.export(head.uri.query()).await,
        Endpoint::Import => {
            let request = Request::from_parts(*head, body.into_body());
            state.backend.import(request).await
        }
    }
}

fn with_allow(mut response: Response, allow: &str) -> Response {
    if let Ok(allow) = HeaderValue::from_str(allow)
        && !allow.is_empty()
    {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// The method as a label value; only methods that have routes count.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::PUT => "put",
        Method::POST => "post",
        Method::DELETE => "delete",
        Method::OPTIONS => "options",
        _ => "unknown",
    }
}

impl<B> Clone for AppState<B> {
    fn clone(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            routes: Arc::clone(&self.routes),
            bodies: Arc::clone(&self.bodies),
            backend: Arc::clone(&self.backend),
        }
    }
}

impl<B> fmt::Debug for AppState<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
