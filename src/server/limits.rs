//! The bounds of a server, each with a default that ordinary clients never meet.

use std::time::Duration;

/// Bounds on what clients may make the server hold, do and wait for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request head, the request line included. More is answered with 431.
    ///
    /// At least 8 KiB are always allowed, which is the smallest buffer that hyper takes.
    pub head_bytes: usize,
    /// How long a request head may take to arrive, and a TLS handshake to finish.
    pub head_time: Duration,
    /// How long a connection may stay open between two requests.
    pub idle_time: Duration,
    /// How long a request body may arrive without progress before it ends in a
    /// [`BodyStalled`](super::BodyStalled).
    pub body_stall: Duration,
    /// How long a client may take no byte of a response before its connection is closed.
    pub write_stall: Duration,
    /// Connections open at a time. Further ones are answered with 503, or closed where TLS would
    /// make that answer dear.
    pub connections: usize,
    /// How long a request goes on being answered after its client has closed its sending half.
    ///
    /// On the wire a client that has gone looks just the same, so this is also how long its handler
    /// lives on. Zero cuts off `printf 'GET …' | nc -N`, which does close its half.
    pub half_closed: Duration,
    /// Bytes of a body that nobody wants which are read and thrown away before the connection closes.
    ///
    /// Many clients send the whole body before they look at the answer; closing on them earlier
    /// shows them a broken pipe in its place.
    pub discard_bytes: u64,
    /// How long such a body is thrown away.
    pub discard_time: Duration,
    /// How long requests in flight are waited for once the server was told to stop.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 1 << 20,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_mins(2),
            body_stall: Duration::from_mins(1),
            write_stall: Duration::from_mins(1),
            connections: 10_000,
            half_closed: Duration::from_secs(5),
            discard_bytes: 64 << 20,
            discard_time: Duration::from_secs(10),
            drain_time: Duration::from_secs(20),
        }
    }
}
