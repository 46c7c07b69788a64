//! A connection's bytes on their way through, as far as its time bounds care.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::activity::Activity;

/// A socket that notes in [`Activity`] when it moves bytes, and that keeps a half-closed connection open
/// for a while if a request is being answered.
#[derive(Debug)]
pub(super) struct TimedIo<S> {
    socket: S,
    activity: Arc<Activity>,
    half_closed: Duration,
    /// Runs from the end of input until it is passed on.
    grace: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedIo<S> {
    /// Wraps `socket`; `half_closed` is the bound of the same name in [`Limits`](super::Limits).
    pub(super) fn new(socket: S, activity: Arc<Activity>, half_closed: Duration) -> Self {
        Self {
            socket,
            activity,
            half_closed,
            grace: None,
        }
    }

    /// The socket itself.
    pub(super) fn into_inner(self) -> S {
        self.socket
    }

    /// Passes on the end of input, late if there is still an answer to give.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(grace) = &mut self.grace {
            if self.activity.is_serving() {
                ready!(grace.as_mut().poll(cx));
            }
        } else if self.activity.half_close() {
            let grace = Box::pin(tokio::time::sleep(self.half_closed));
            ready!(self.grace.insert(grace).as_mut().poll(cx));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.grace.is_some() {
            return self.poll_end(cx);
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        if buf.filled().len() == before {
            return self.poll_end(cx);
        }
        self.activity.received();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.activity.written(&progress);
        progress
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.activity.written(&progress);
        progress
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.socket).poll_flush(cx);
        self.activity.written(&progress);
        progress
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.activity.written(&progress);
        progress
    }
}
