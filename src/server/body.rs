//! Request and response bodies as the server hands them on and takes them back.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::activity::{Activity, Serving};
use super::batch::Batch;

/// The error of a request body that made no progress for
/// [`Limits::body_stall`](super::Limits::body_stall). To be answered with 408.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "no byte of the request body was received for {} s, which is the limit (--limit.body-timeout)",
    .0.as_secs_f64()
)]
pub struct BodyStalled(Duration);

impl BodyStalled {
    /// Finds it in `error` or among its sources, however deep the error was wrapped on its way.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(stalled) = error.downcast_ref().and_then(within) {
                return Some(stalled);
            }
            next = error.source();
        }
        None
    }
}

/// The error is wrapped so that those who don't know it see what kind it is.
fn within(error: &io::Error) -> Option<&BodyStalled> {
    error.get_ref()?.downcast_ref()
}

/// A request body that must make progress, and that returns to the connection if it is left unread.
#[derive(Debug)]
pub(super) struct RequestBody {
    /// Absent once the body was read to its end or has failed.
    incoming: Option<Incoming>,
    activity: Arc<Activity>,
    stall: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// The timer runs: nothing has arrived since the body was last asked for.
    is_waiting: bool,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, activity: Arc<Activity>, stall: Duration) -> Self {
        let incoming = Some(incoming).filter(|body| !body.is_end_stream());
        Self {
            incoming,
            activity,
            stall,
            timer: None,
            is_waiting: false,
        }
    }

    /// Ready when the body has been waited for too long. Time that the handler takes does not count.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = match &mut self.timer {
            Some(timer) => timer,
            none => none.insert(Box::pin(tokio::time::sleep(self.stall))),
        };
        if !self.is_waiting {
            self.is_waiting = true;
            timer.as_mut().reset(Instant::now() + self.stall);
        }
        timer.as_mut().poll(cx)
    }

    fn end(&mut self) {
        self.incoming = None;
        self.activity.body_ended();
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.activity.body_wanted();
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else {
            ready!(self.poll_stalled(cx));
            self.incoming = None;
            self.activity.body_abandoned();
            let stalled = io::Error::new(io::ErrorKind::TimedOut, BodyStalled(self.stall));
            return Poll::Ready(Some(Err(Box::new(stalled))));
        };
        self.is_waiting = false;
        let is_end = self.incoming.as_ref().is_none_or(Incoming::is_end_stream);
        if is_end || !matches!(frame, Some(Ok(_))) {
            self.end();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take() {
            self.activity.body_left(incoming);
        }
    }
}

/// A response body; its request is in flight for as long as it lives.
#[derive(Debug)]
pub(super) struct ResponseBody {
    body: Body,
    /// What came behind a batch and is none of its data.
    held: Option<Result<Frame<Bytes>, axum::Error>>,
    is_ended: bool,
    _serving: Serving,
}

impl ResponseBody {
    pub(super) fn new(body: Body, serving: Serving) -> Self {
        Self {
            body,
            held: None,
            is_ended: false,
            _serving: serving,
        }
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.held.is_some() || self.is_ended {
            return Poll::Ready(self.held.take());
        }
        let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.is_ended = next.is_none();
        Poll::Ready(next)
    }
}

impl HttpBody for ResponseBody {
    type Data = Batch;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Batch>, axum::Error>>> {
        let mut batch = Batch::default();
        while !batch.is_full() {
            match self.poll_next(cx) {
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    let data = frame.into_data().unwrap_or_default();
                    batch.push(data);
                }
                Poll::Ready(Some(other)) if batch.is_empty() => {
                    let other = other.map(|frame| frame.map_data(|_| Batch::default()));
                    return Poll::Ready(Some(other));
                }
                Poll::Ready(other) => {
                    self.held = other;
                    break;
                }
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
            if self.is_end_stream() {
                break;
            }
        }
        let data = (!batch.is_empty()).then(|| Ok(Frame::data(batch)));
        Poll::Ready(data)
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && (self.is_ended || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
