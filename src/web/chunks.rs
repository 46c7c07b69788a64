//! Answers that are written piece by piece, so that a large store never becomes a large buffer.

use std::fmt;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use tokio::task::{self, JoinError, JoinHandle};

use super::error::Error;

/// A source stops writing a chunk once it has so many bytes.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Writes an answer in chunks.
pub(super) trait ChunkSource: Send + 'static {
    /// Appends the next chunk.
    fn append_chunk(&mut self, out: &mut Vec<u8>) -> Progress;
}

/// Whether a source has more to write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// It has.
    More,
    /// That was all.
    Done,
}

/// The body that a source writes. Answers that fit into one chunk know their length.
///
/// Chunks are written on threads that may block: they cost computing time, and none is held while a client is slow
/// to read.
pub(super) async fn body<S: ChunkSource>(source: S) -> Result<Body, Error> {
    let first = next_chunk(source).await;
    let (source, chunk, progress) =
        first.map_err(|error| Error::Internal(format!("could not write the answer: {error}")))?;
    Ok(match progress {
        Progress::Done => chunk.into(),
        Progress::More => Body::new(Chunks {
            ready: Some(chunk.into()),
            writing: Some(next_chunk(source)),
        }),
    })
}

/// Appends formatted text.
pub(super) fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(text);
}

fn next_chunk<S: ChunkSource>(mut source: S) -> JoinHandle<(S, Vec<u8>, Progress)> {
    task::spawn_blocking(move || {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        let progress = source.append_chunk(&mut chunk);
        (source, chunk, progress)
    })
}

struct Chunks<S> {
    ready: Option<Bytes>,
    writing: Option<JoinHandle<(S, Vec<u8>, Progress)>>,
}

impl<S> fmt::Debug for Chunks<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").finish_non_exhaustive()
    }
}

impl<S: ChunkSource> HttpBody for Chunks<S> {
    type Data = Bytes;
    /// A source panicked, or the runtime shuts down: the answer breaks off.
    type Error = JoinError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, JoinError>>> {
        let this = self.get_mut();
        if let Some(chunk) = this.ready.take() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        let Some(writing) = &mut this.writing else {
            return Poll::Ready(None);
        };
        let written = ready!(Pin::new(writing).poll(context));
        this.writing = None;
        let (source, chunk, progress) = match written {
            Ok(written) => written,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        if progress == Progress::More {
            this.writing = Some(next_chunk(source));
        }
        Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
    }
}
