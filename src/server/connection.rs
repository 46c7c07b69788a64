//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::debug;

use super::activity::{Activity, Protocol};
use super::body::ResponseBody;
use super::drive::{Ended, drive};
use super::request::Exchange;
use super::timed_io::TimedIo;
use super::tls::{self, Accepted, Tls};
use super::{Limits, linger, refuse};

/// The smallest buffer that hyper accepts.
const MIN_HEAD_BUFFER: usize = 8 << 10;

/// What all connections of a server share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) limits: Arc<Limits>,
    /// Becomes true when the server is to stop.
    pub(super) stop: watch::Receiver<bool>,
}

impl Shared {
    /// Serves everything that `socket` asks for.
    pub(super) async fn serve(self, socket: TcpStream, peer: SocketAddr) {
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%peer, %error, "could not turn off Nagle's algorithm on a connection");
        }
        let Some(tls) = self.tls.clone() else {
            return self.serve_http1(socket, peer).await;
        };
        let handshake = tls.accept(socket);
        let Ok(outcome) = tokio::time::timeout(self.limits.head_time, handshake).await else {
            debug!(%peer, "TLS handshake timed out");
            return;
        };
        match outcome {
            Ok(Accepted::Tls(stream)) if tls::is_http2(&stream) => {
                self.serve_http2(stream, peer).await;
            }
            Ok(Accepted::Tls(stream)) => self.serve_http1(stream, peer).await,
            Ok(Accepted::PlainHttp(socket)) => refuse::plain_http(socket, &self.limits).await,
            Err(error) => debug!(%peer, %error, "TLS handshake failed"),
        }
    }

    async fn serve_http1<S>(self, socket: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Activity::new(Protocol::Http1, Arc::clone(&self.limits));
        let io = TimedIo::new(socket, Arc::clone(&activity), self.limits.half_closed);
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None) // It would bound the idle time too.
            .max_header_size(self.limits.head_bytes)
            .max_buf_size(self.limits.head_bytes.max(MIN_HEAD_BUFFER))
            .serve_connection(TokioIo::new(io), self.service(&activity, peer));
        let stop = stopped(self.stop.clone());
        let ended = drive(Pin::new(&mut connection), &activity, stop).await;
        log_end(&ended, peer);
        let is_answered_early = match &ended {
            Ended::Done(Err(error)) => error.is_parse(),
            Ended::Done(Ok(())) => activity.has_abandoned_body(),
            Ended::TimedOut => false,
        };
        if is_answered_early {
            let socket = connection.into_parts().io.into_inner().into_inner();
            linger::discard(socket, &self.limits).await;
        }
    }

    async fn serve_http2<S>(self, socket: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Activity::new(Protocol::Http2, Arc::clone(&self.limits));
        let io = TimedIo::new(socket, Arc::clone(&activity), self.limits.half_closed);
        let head_bytes = u32::try_from(self.limits.head_bytes).unwrap_or(u32::MAX);
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(head_bytes)
            .serve_connection(TokioIo::new(io), self.service(&activity, peer));
        let stop = stopped(self.stop.clone());
        let ended = drive(pin!(connection), &activity, stop).await;
        log_end(&ended, peer);
    }

    fn service(
        &self,
        activity: &Arc<Activity>,
        peer: SocketAddr,
    ) -> impl HttpService<
        Incoming,
        ResBody = ResponseBody,
        Error = Infallible,
        Future: Send + 'static,
    > + Unpin
    + Send
    + use<> {
        let exchange = Exchange {
            activity: Arc::clone(activity),
            limits: Arc::clone(&self.limits),
            peer,
            router: self.router.clone(),
        };
        service_fn(move |request: Request<Incoming>| exchange.clone().answer(request))
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone can't say that it wants to stop, but surely does.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn log_end(ended: &Ended<hyper::Error>, peer: SocketAddr) {
    match ended {
        Ended::Done(Ok(())) => {}
        Ended::Done(Err(error)) => debug!(%peer, %error, "connection failed"),
        Ended::TimedOut => debug!(%peer, "connection timed out"),
    }
}
