//! The answer to a scrape: many buffers that are sent as they are, their length known beforehand.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::exposition::negotiation::{Compression, ScrapeFormat};
use crate::store::Scraped;

/// The answer that carries what was scraped.
pub(super) fn response(
    scraped: Scraped,
    format: ScrapeFormat,
    compression: Compression,
) -> Response {
    let mut response = Response::new(Body::new(Parts::new(scraped.parts)));
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
struct Parts {
    parts: std::vec::IntoIter<Bytes>,
    bytes_left: u64,
}

impl Parts {
    fn new(parts: Vec<Bytes>) -> Self {
        let bytes_left = parts.iter().map(|part| part.len() as u64).sum();
        Self {
            parts: parts.into_iter(),
            bytes_left,
        }
    }
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.parts.next();
        self.bytes_left -= part.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes_left)
    }
}
