//! Why a body could not be received.

use std::error::Error as _;
use std::io;

use thiserror::Error;

/// Why a body could not be received.
#[derive(Debug, Error)]
pub enum BodyError {
    /// It is too large as sent.
    #[error("request body is larger than {limit} bytes (--limit.body-bytes)")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// It is too large once inflated.
    #[error("request body inflates to more than {limit} bytes (--limit.inflated-body-bytes)")]
    InflatedTooLarge {
        /// The limit.
        limit: usize,
    },
    /// Together with others it is too large.
    #[error(
        "request bodies in flight exceed {limit} bytes (--limit.bodies-in-flight-bytes); try again later"
    )]
    TooManyInFlight {
        /// The limit.
        limit: usize,
    },
    /// It did not arrive in time.
    #[error("{0}")]
    Stalled(String),
    /// It ended before its time.
    #[error("unexpected EOF")]
    BrokenOff,
    /// It is not what its `Content-Encoding` says.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}

/// Why a body cannot be inflated, in the words of Go's readers.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum EncodingError {
    /// There is nothing where a gzip header should be.
    #[error("EOF")]
    GzipEmpty,
    /// The compressed data is truncated.
    #[error("unexpected EOF")]
    Truncated,
    /// This is no gzip.
    #[error("gzip: invalid header")]
    GzipHeader,
    /// The data is not what was compressed.
    #[error("gzip: invalid checksum")]
    GzipChecksum,
    /// The deflate stream within gzip is broken.
    #[error("flate: corrupt input before offset {offset}")]
    Deflate {
        /// Near which byte of the stream.
        offset: u64,
    },
    /// This is no framed snappy, or it is broken.
    #[error("snappy: corrupt input")]
    SnappyCorrupt,
    /// Snappy of a later version.
    #[error("snappy: unsupported input")]
    SnappyUnsupported,
}

impl BodyError {
    /// The server reports a body without progress as an IO error that timed out, somewhere in the chain of causes.
    pub(super) fn of(error: &axum::Error) -> Self {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>()
                && error.kind() == io::ErrorKind::TimedOut
            {
                return Self::Stalled(error.to_string());
            }
            cause = error.source();
        }
        Self::BrokenOff
    }
}
