//! The answer to a scrape: many buffers that are sent as they are, their length known beforehand.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::exposition::negotiation::{Compression, ScrapeFormat};
use crate::store::{Run, Scraped};

/// The answer that carries what was scraped.
pub(super) fn response(
    scraped: Scraped,
    format: ScrapeFormat,
    compression: Compression,
) -> Response {
    let mut response = Response::new(Body::new(Buffers::new(scraped.runs)));
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
}

impl Buffers {
    fn new(runs: Vec<Run>) -> Self {
        let buffers = runs.iter().flat_map(|run| run.iter());
        Self {
            bytes_left: buffers.map(|buffer| buffer.len() as u64).sum(),
            runs: runs.into_iter(),
            run: Run::default(),
            sent: 0,
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
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let buffer = self.next();
        self.bytes_left -= buffer.as_ref().map_or(0, |buffer| buffer.len() as u64);
        Poll::Ready(buffer.map(|buffer| Ok(Frame::data(buffer))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes_left)
    }
}
