//! One request, from hyper to the router and back.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::Limits;
use super::activity::{Activity, Protocol, Reuse};
use super::body::{RequestBody, ResponseBody};

/// What all requests of a connection share.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) activity: Arc<Activity>,
    pub(super) limits: Arc<Limits>,
    pub(super) peer: SocketAddr,
    pub(super) router: Router,
}

impl Exchange {
    /// Has the router answer `request`, unless it is no request at all.
    ///
    /// It is in flight from this call on, not from the first poll: until then hyper may already have
    /// looked for the end of input.
    pub(super) fn answer(
        self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> {
        let serving = self.activity.begin(&request);
        let malformed = malformation(&request);
        let mut request = request.map(|body| {
            let stall = self.limits.body_stall;
            Body::new(RequestBody::new(body, Arc::clone(&self.activity), stall))
        });
        request.extensions_mut().insert(ConnectInfo(self.peer));
        async move {
            let mut response = match malformed {
                Some(reason) => {
                    drop(request); // Hands back the body.
                    refusal(reason)
                }
                None => TowerToHyperService::new(self.router).call(request).await?,
            };
            if self.activity.protocol == Protocol::Http1
                && self.activity.settle_unread() == Reuse::Close
            {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok(response.map(|body| ResponseBody::new(body, serving)))
        }
    }
}

/// Says what keeps `request` from meaning anything: RFC 9112, sections 3.2 and 3.2.1.
///
/// The texts are those of Go's server.
fn malformation(request: &Request<Incoming>) -> Option<&'static str> {
    let hosts = request.headers().get_all(HOST).iter().count();
    let target = request.uri();
    let has_path = target.scheme().is_some() || !target.path().is_empty();
    match request.version() {
        Version::HTTP_11 if hosts == 0 => Some("400 Bad Request: missing required Host header"),
        Version::HTTP_11 if hosts > 1 => Some("400 Bad Request: too many Host headers"),
        _ if !has_path && request.method() != Method::CONNECT => Some("400 Bad Request"),
        _ if !is_well_escaped(target.path().as_bytes()) => Some("400 Bad Request"),
        _ => None,
    }
}

fn is_well_escaped(path: &[u8]) -> bool {
    memchr::memchr_iter(b'%', path).all(|at| {
        let digits = path.get(at + 1..at + 3).unwrap_or_default();
        digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
    })
}

fn refusal(reason: &'static str) -> Response {
    let mut response = Response::new(Body::from(reason));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
