//! Connections that are answered without any HTTP being parsed.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Limits, linger};

/// What the newest release of Go says to those who speak HTTP to a TLS port.
const PLAIN_HTTP: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\n";

const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\nRetry-After: 1\r\n\
    Connection: close\r\n\r\ntoo many connections\n";

/// How long a connection too many may take up a place among those that are refused.
const TOO_MANY_TIME: Duration = Duration::from_secs(1);

/// Tells a client that this port speaks TLS.
pub(super) async fn plain_http(socket: TcpStream, limits: &Limits) {
    answer(socket, PLAIN_HTTP, limits).await;
}

/// Tells a client to come back later.
///
/// The request is waited for, since an answer before it confuses some clients, Go's among them.
pub(super) async fn too_many(mut socket: TcpStream, limits: &Limits) {
    let refuse = async {
        let mut start = [0; 1024];
        if socket.read(&mut start).await.is_ok_and(|bytes| bytes > 0) {
            answer(socket, TOO_MANY, limits).await;
        }
    };
    // Nothing depends on the answer being sent: the connection closes one way or the other.
    let _ = tokio::time::timeout(TOO_MANY_TIME, refuse).await;
}

async fn answer(mut socket: TcpStream, response: &[u8], limits: &Limits) {
    if socket.write_all(response).await.is_ok() && socket.shutdown().await.is_ok() {
        linger::discard(socket, limits).await;
    }
}
