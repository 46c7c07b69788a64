//! A request body that nobody wants, read and thrown away for the sake of its client.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Instant;

/// What is left of a body.
#[derive(Debug)]
pub(super) struct Unread {
    body: Incoming,
    /// Bytes that may still be read of it.
    budget: u64,
    until: Instant,
}

/// How throwing a body away has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Discarded {
    /// Nothing is left of it.
    Wholly,
    /// There was more of it, or it took longer, than is worth while.
    InPart,
}

impl Unread {
    pub(super) fn new(body: Incoming, budget: u64, until: Instant) -> Self {
        Self {
            body,
            budget,
            until,
        }
    }

    /// Whether the body is known to fit into its budget.
    pub(super) fn is_small(&self) -> bool {
        let left = self.body.size_hint().upper();
        left.is_some_and(|left| left <= self.budget)
    }

    /// When it is given up on.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Throws away what has arrived. Does not wake anybody when the time is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Discarded> {
        loop {
            let frame = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                // The connection knows best what is to be done about an error.
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Discarded::Wholly),
                Poll::Pending if self.until <= Instant::now() => {
                    return Poll::Ready(Discarded::InPart);
                }
                Poll::Pending => return Poll::Pending,
            };
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            let Some(budget) = self.budget.checked_sub(bytes) else {
                return Poll::Ready(Discarded::InPart);
            };
            self.budget = budget;
        }
    }
}
