//! Accepts connections, bounds them in time and number, drains them; knows no route.
//!
//! `axum::serve` gives a client all the time it likes to send a request head, and would shake hands over
//! TLS one client after the other. Here each connection has a task of its own from the first byte on, and
//! nothing that a client does is waited for without a bound ([`Limits`]).

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, warn};

mod activity;
mod batch;
mod body;
mod connection;
mod count;
mod drive;
mod limits;
mod linger;
mod listen;
mod refuse;
mod request;
mod timed_io;
pub mod tls;
mod unread;

pub use body::BodyStalled;
pub use count::Connections;
pub use limits::Limits;
pub use listen::{ListenError, from_systemd, listen};

use connection::Shared;

/// Connections beyond the limit that are told so at a time; further ones are just closed.
const REFUSED_AT_A_TIME: usize = 64;
/// Pause after the system could not give us a connection, for want of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a server is run.
#[derive(Debug, Default)]
pub struct Options {
    /// Speak TLS, and nothing else.
    pub tls: Option<Arc<tls::Tls>>,
    /// What clients may make the server hold and wait for.
    pub limits: Limits,
    /// Where connections are counted.
    pub connections: Connections,
}

/// Serves `router` on all of `listeners` until `stop` is done, then finishes the requests in flight.
///
/// Handlers find the client's address as [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo). Their
/// futures are dropped when the client goes away. A request body that stalls ends in [`BodyStalled`].
pub async fn run(
    listeners: Vec<TcpListener>,
    router: Router,
    options: Options,
    stop: impl Future<Output = ()>,
) {
    let (stop_all, is_stopping) = watch::channel(false);
    let mut server = Server {
        shared: Shared {
            router,
            tls: options.tls,
            limits: Arc::new(options.limits),
            stop: is_stopping,
        },
        connections: options.connections,
        served: JoinSet::new(),
        refused: JoinSet::new(),
    };
    server.accept_until(stop, listeners).await;
    stop_all.send_replace(true);
    server.drain().await;
}

struct Server {
    shared: Shared,
    connections: Connections,
    served: JoinSet<()>,
    refused: JoinSet<()>,
}

impl Server {
    async fn accept_until(&mut self, stop: impl Future<Output = ()>, listeners: Vec<TcpListener>) {
        let mut stop = pin!(stop);
        let mut turn = 0;
        loop {
            tokio::select! {
                () = &mut stop => return,
                (socket, peer) = accept(&listeners, turn) => self.admit(socket, peer),
                Some(ended) = self.served.join_next() => log_panic(ended),
                Some(ended) = self.refused.join_next() => log_panic(ended),
            }
            turn += 1;
        }
    }

    fn admit(&mut self, socket: TcpStream, peer: SocketAddr) {
        let limits = Arc::clone(&self.shared.limits);
        if let Some(open) = self.connections.open_below(limits.connections) {
            let shared = self.shared.clone();
            self.served.spawn(async move {
                shared.serve(socket, peer).await;
                drop(open);
            });
        } else if self.shared.tls.is_none() && self.refused.len() < REFUSED_AT_A_TIME {
            self.refused
                .spawn(async move { refuse::too_many(socket, &limits).await });
        }
    }

    /// Waits for what is still being answered, but not for ever.
    async fn drain(mut self) {
        let all = async {
            while let Some(ended) = self.served.join_next().await {
                log_panic(ended);
            }
        };
        let limit = self.shared.limits.drain_time;
        if tokio::time::timeout(limit, all).await.is_err() {
            let connections = self.served.len();
            warn!(
                connections,
                "requests in flight took too long to finish, cutting them off"
            );
            self.served.shutdown().await;
        }
    }
}

/// Waits for the next connection on any of `listeners`, asking a different one first each `turn`.
async fn accept(listeners: &[TcpListener], turn: usize) -> (TcpStream, SocketAddr) {
    loop {
        let accepted = poll_fn(|cx| {
            let (later, first) = listeners.split_at(turn % listeners.len().max(1));
            first
                .iter()
                .chain(later)
                .find_map(|listener| match listener.poll_accept(cx) {
                    Poll::Ready(accepted) => Some(Poll::Ready(accepted)),
                    Poll::Pending => None,
                })
                .unwrap_or(Poll::Pending)
        });
        match accepted.await {
            Ok(accepted) => return accepted,
            Err(error) if is_about_one_client(&error) => {}
            Err(error) => {
                error!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the connection was gone before it was accepted, which is nothing to slow down for.
fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "the task of a connection has failed");
    }
}

#[cfg(test)]
mod tests;
