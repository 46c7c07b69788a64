use std::future::pending;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::routing::{any, get, post};
use bytes::Bytes;
use http::header::TRAILER;
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use http_body_util::channel::Channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;

mod bodies;
mod heads;

/// Long enough for anything that does happen, short enough for a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// A bound that a test means to hit. Tests that must *not* hit it run on a clock that stands still while
/// anything can go on.
const SHORT: Duration = Duration::from_millis(50);

/// A server that runs until it is dropped or stopped.
struct Running {
    address: SocketAddr,
    connections: Connections,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(router: Router, limits: Limits) -> Self {
        let listener = listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Connections::default();
        let options = Options {
            limits,
            connections: connections.clone(),
            ..Options::default()
        };
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { stopped.await.unwrap_or(()) };
        let task = tokio::spawn(run(vec![listener], router, options, stopped));
        Self {
            address,
            connections,
            stop: Some(stop),
            task,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` on a connection of its own and reads until the server closes.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut socket = self.connect().await;
        socket.write_all(request).await.unwrap();
        read_to_end(&mut socket).await
    }

    /// Waits until no connection is open.
    async fn emptied(&self) {
        within(async {
            while self.connections.open() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn ended(self) {
        within(self.task).await.unwrap();
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("should have happened by now")
}

async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut received = Vec::new();
    within(socket.read_to_end(&mut received)).await.unwrap();
    String::from_utf8(received).unwrap()
}

/// Reads one response that has a `content-length`.
async fn read_response(socket: &mut TcpStream) -> String {
    let mut received = Vec::new();
    loop {
        received.push(within(socket.read_u8()).await.unwrap());
        let Some(head) = received.strip_suffix(b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(head.to_vec()).unwrap();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length = length.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        within(socket.read_exact(&mut body)).await.unwrap();
        return format!("{head}\r\n\r\n{}", String::from_utf8(body).unwrap());
    }
}

fn hello() -> Router {
    Router::new().route("/", any(async || "hello"))
}

/// Answers `/refuse` without a look at the body, `/read` with its length or 408.
fn pushes() -> Router {
    Router::new()
        .route("/refuse", post(async || StatusCode::PAYLOAD_TOO_LARGE))
        .route(
            "/read",
            post(
                async |body: axum::body::Body| match to_bytes(body, usize::MAX).await {
                    Ok(body) => (StatusCode::OK, body.len().to_string()),
                    Err(error) if BodyStalled::find(&error).is_some() => {
                        (StatusCode::REQUEST_TIMEOUT, error.to_string())
                    }
                    Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
                },
            ),
        )
}

/// Two ends of a handler that never answers: that it was called, and that it was dropped.
fn waiting() -> (Router, mpsc::UnboundedReceiver<&'static str>) {
    struct Dropped(mpsc::UnboundedSender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (events, seen) = mpsc::unbounded_channel();
    let handler = async move |body: bytes::Bytes| {
        events.send("called").unwrap();
        let _dropped = Dropped(events);
        drop(body);
        pending::<()>().await;
    };
    (Router::new().route("/", any(handler)), seen)
}

/// Answers when told to.
fn on_demand() -> (Router, mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let (calls, called) = mpsc::unbounded_channel();
    let handler = async move || {
        let (answer, told) = oneshot::channel();
        calls.send(answer).unwrap();
        told.await.unwrap();
        "at last"
    };
    (Router::new().route("/", get(handler)), called)
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const GET_AND_CLOSE: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

fn check_start(response: &str, start: &str) {
    assert!(response.starts_with(start), "{response:?}");
}

#[tokio::test]
async fn a_request_is_answered_with_a_date() {
    let server = Running::start(hello(), Limits::default()).await;
    let response = server.exchange(GET_AND_CLOSE).await;
    check_start(&response, "HTTP/1.1 200 OK\r\n");
    assert!(response.contains("\r\ndate: "), "{response:?}");
    assert!(response.ends_with("\r\n\r\nhello"), "{response:?}");
}

#[tokio::test]
async fn http_1_0_is_spoken() {
    let server = Running::start(hello(), Limits::default()).await;
    let response = server.exchange(b"GET / HTTP/1.0\r\n\r\n").await;
    check_start(&response, "HTTP/1.0 200 OK\r\n");
}

#[tokio::test]
async fn handlers_know_their_client() {
    let handler = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string();
    let router = Router::new().route("/", get(handler));
    let server = Running::start(router, Limits::default()).await;
    let mut socket = server.connect().await;
    let own = socket.local_addr().unwrap().to_string();
    socket.write_all(GET_AND_CLOSE).await.unwrap();
    assert!(read_to_end(&mut socket).await.ends_with(&own));
}

#[tokio::test]
async fn many_short_frames_and_trailers_arrive_in_order() {
    let handler = async || {
        let (mut sender, body) = Channel::<Bytes>::new(300);
        for at in 0..200 {
            let frame = Frame::data(format!("<{at}>").into());
            sender.try_send(frame).unwrap();
        }
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "19900".parse().unwrap())]);
        sender.try_send(Frame::trailers(trailers)).unwrap();
        ([(TRAILER, "x-sum")], Body::new(body))
    };
    let router = Router::new().route("/", get(handler));
    let server = Running::start(router, Limits::default()).await;
    let request = b"GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: close\r\n\r\n";
    let answer = server.exchange(request).await;
    let numbers = answer.split('<').skip(1).map(|rest| rest.split('>').next());
    let expected: Vec<_> = (0..200).map(|at: u32| at.to_string()).collect();
    assert!(
        numbers.eq(expected.iter().map(|number| Some(&**number))),
        "{answer}"
    );
    assert!(
        answer.ends_with("\r\n0\r\nx-sum: 19900\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn all_listeners_are_served() {
    let listeners = vec![
        listen("127.0.0.1:0").await.unwrap(),
        listen("127.0.0.1:0").await.unwrap(),
    ];
    let addresses: Vec<_> = listeners.iter().map(|l| l.local_addr().unwrap()).collect();
    let task = tokio::spawn(run(listeners, hello(), Options::default(), pending()));
    for address in addresses {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(GET_AND_CLOSE).await.unwrap();
        check_start(&read_to_end(&mut socket).await, "HTTP/1.1 200");
    }
    task.abort();
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Running::start(pushes(), Limits::default()).await;
    let request =
        b"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\naPOST /read HTTP/1.1\r\n\
        Host: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab";
    let response = server.exchange(request).await;
    assert_eq!(response.matches("HTTP/1.1 200 OK").count(), 2);
    assert!(response.ends_with("\r\n\r\n2"), "{response:?}");
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_client_goes() {
    let limits = Limits {
        half_closed: SHORT,
        ..Limits::default()
    };
    let (router, mut seen) = waiting();
    let server = Running::start(router, limits).await;
    for request in [
        GET,
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let mut socket = server.connect().await;
        socket.write_all(request).await.unwrap();
        assert_eq!(within(seen.recv()).await, Some("called"));
        drop(socket);
        assert_eq!(within(seen.recv()).await, Some("dropped"));
    }
}

#[tokio::test]
async fn a_client_that_only_stops_sending_gets_its_answer() {
    let (router, mut called) = on_demand();
    let server = Running::start(router, Limits::default()).await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    socket.shutdown().await.unwrap();
    let answer = within(called.recv()).await.unwrap();
    answer.send(()).unwrap();
    // The server has not waited for its patience to end: the connection closes with the answer.
    assert!(read_to_end(&mut socket).await.ends_with("at last"));
}

#[tokio::test]
async fn a_request_and_the_end_of_input_may_come_at_once() {
    let server = Running::start(hello(), Limits::default()).await;
    for _ in 0..20 {
        let mut socket = server.connect().await;
        socket.write_all(GET).await.unwrap();
        socket.shutdown().await.unwrap();
        assert!(read_to_end(&mut socket).await.ends_with("hello"));
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_503() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let server = Running::start(hello(), limits).await;
    let mut first = server.connect().await;
    first.write_all(GET).await.unwrap();
    read_response(&mut first).await;

    let refusal = server.exchange(GET).await;
    check_start(&refusal, "HTTP/1.1 503 ");
    assert!(refusal.contains("Retry-After: 1\r\n"), "{refusal:?}");
    assert!(refusal.ends_with("\r\n\r\ntoo many connections\n"));
    assert_eq!(
        (server.connections.open(), server.connections.refused()),
        (1, 1)
    );

    drop(first);
    server.emptied().await;
    check_start(&server.exchange(GET_AND_CLOSE).await, "HTTP/1.1 200");
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_the_port() {
    let mut server = Running::start(hello(), Limits::default()).await;
    let mut used = server.connect().await;
    used.write_all(GET).await.unwrap();
    read_response(&mut used).await;
    let mut silent = server.connect().await;
    server.stop();
    assert_eq!(read_to_end(&mut used).await, "");
    // Whether it was still accepted or not, there is nothing to come.
    let mut rest = Vec::new();
    let _ = within(silent.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
    let address = server.address;
    server.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn stopping_finishes_requests_in_flight() {
    let (router, mut called) = on_demand();
    let mut server = Running::start(router, Limits::default()).await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    let answer = within(called.recv()).await.unwrap();
    server.stop();
    answer.send(()).unwrap();
    let response = read_to_end(&mut socket).await;
    assert!(response.ends_with("at last"), "{response:?}");
    server.ended().await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let limits = Limits {
        drain_time: SHORT,
        ..Limits::default()
    };
    let (router, mut seen) = waiting();
    let mut server = Running::start(router, limits).await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    assert_eq!(within(seen.recv()).await, Some("called"));
    server.stop();
    server.ended().await;
    assert_eq!(within(seen.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn a_handler_that_panics_takes_nobody_along() {
    let router = hello().route("/panic", get(async || -> &str { panic!("on purpose") }));
    let server = Running::start(router, Limits::default()).await;
    let request = b"GET /panic HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(server.exchange(request).await, "");
    check_start(&server.exchange(GET_AND_CLOSE).await, "HTTP/1.1 200");
    server.emptied().await;
}
