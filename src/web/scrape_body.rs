//! The answer to a scrape: many buffers that are sent as they are, their length known beforehand.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::exposition::negotiation::{Compression, ScrapeFormat};
use crate::store::{Run, Scraped};

/// So much is sent at least before other requests have a turn.
const TURN_BYTES: u64 = 512 << 10;

/// How many other requests were answered so far.
pub(super) type Answered = Arc<AtomicU64>;

/// The answer that carries what was scraped, and stands back for other requests now and then.
pub(super) fn response(
    scraped: Scraped,
    format: ScrapeFormat,
    compression: Compression,
    others: Answered,
) -> Response {
    let mut response = Response::new(Body::new(Buffers::new(scraped.runs, others)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    if compression == Compression::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// A body of buffers.
struct Buffers {
    runs: std::vec::IntoIter<Run>,
    run: Run,
    /// How many buffers of the run have been sent.
    sent: usize,
    bytes_left: u64,
    turn: Turn,
}

/// Since when others had no turn.
///
/// Where the client reads as fast as this writes, a large scrape would be sent in one go, and all connections that are with the
/// same worker would wait for it: the others have enough to do with their own. But nobody stands back where nobody waits,
/// for an idle worker would take the scrape over, which takes longer than the turn.
struct Turn {
    bytes: u64,
    others: Answered,
    /// How many they were when it began.
    before: u64,
}

impl Turn {
    fn begin(others: Answered) -> Self {
        Self {
            bytes: 0,
            before: others.load(Ordering::Relaxed),
            others,
        }
    }

    /// Whether others are to have a turn now, after which the next begins.
    fn is_over(&mut self) -> bool {
        if self.bytes < TURN_BYTES {
            return false;
        }
        self.bytes = 0;
        let now = self.others.load(Ordering::Relaxed);
        std::mem::replace(&mut self.before, now) != now
    }
}

impl Buffers {
    fn new(runs: Vec<Run>, others: Answered) -> Self {
        let buffers = runs.iter().flat_map(|run| run.iter());
        Self {
            bytes_left: buffers.map(|buffer| buffer.len() as u64).sum(),
            runs: runs.into_iter(),
            run: Run::default(),
            sent: 0,
            turn: Turn::begin(others),
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        while self.sent == self.run.len() {
            self.run = self.runs.next()?;
            self.sent = 0;
        }
        self.sent += 1;
        Some(self.run[self.sent - 1].clone())
    }
}

impl http_body::Body for Buffers {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.turn.is_over() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let buffer = self.next();
        let length = buffer.as_ref().map_or(0, |buffer| buffer.len() as u64);
        self.bytes_left -= length;
        self.turn.bytes += length;
        Poll::Ready(buffer.map(|buffer| Ok(Frame::data(buffer))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes_left)
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;

    /// How often a body of eight buffers stands back, if so many others are answered between two of them.
    fn pauses(buffer_bytes: usize, answered: u64) -> usize {
        let others = Answered::default();
        let buffer = Bytes::from(vec![b'x'; buffer_bytes]);
        let runs = vec![
            Run::from(vec![buffer.clone(); 5]),
            Run::from(vec![buffer; 3]),
        ];
        let mut body = Buffers::new(runs, Arc::clone(&others));
        let mut context = Context::from_waker(std::task::Waker::noop());
        let (mut pauses, mut bytes) = (0, 0);
        while !body.is_end_stream() {
            match Pin::new(&mut body).poll_frame(&mut context) {
                Poll::Ready(frame) => {
                    let data = frame.unwrap().unwrap().into_data().unwrap();
                    bytes += data.len();
                    others.fetch_add(answered, Ordering::Relaxed);
                }
                Poll::Pending => pauses += 1,
            }
        }
        assert_eq!(bytes, 8 * buffer_bytes);
        pauses
    }

    #[test]
    fn a_large_scrape_stands_back_where_others_are_answered() {
        let half_a_turn = usize::try_from(TURN_BYTES / 2).unwrap();
        assert_eq!(pauses(half_a_turn, 1), 3);
        assert_eq!(pauses(half_a_turn, 0), 0);
        assert_eq!(pauses(1024, 1), 0);
    }
}
