//! Request bodies under limits: received, inflated, and counted against what all requests may hold together.
//!
//! A body that is not wanted is dropped as it is: the server sees to it that the client can still read its answer.

use std::fmt;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::task;

use self::budget::{Budget, Reservation};
pub use self::error::{BodyError, EncodingError};

mod budget;
mod error;
mod gzip;
mod snappy;

/// Compressed bodies up to this size are inflated on the spot; larger ones would hold up other requests.
const INFLATE_ON_THE_SPOT_BYTES: usize = 16 << 10;

/// How large bodies may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// One body as sent: `--limit.body-bytes`.
    pub bytes: usize,
    /// One body inflated: `--limit.inflated-body-bytes`.
    pub inflated_bytes: usize,
    /// All bodies in memory, as sent and inflated: `--limit.bodies-in-flight-bytes`.
    pub in_flight_bytes: usize,
}

/// Receives the bodies of all requests.
#[derive(Debug)]
pub(super) struct Bodies {
    limits: BodyLimits,
    budget: Budget,
}

/// A body that is yet to be received.
#[derive(Debug)]
pub(super) struct OpenBody {
    encoding: ContentEncoding,
    received: Gathered,
    inflated: Gathered,
    rest: Body,
}

/// A whole body, inflated. Counts against the limit on all bodies until it is dropped.
pub struct ReceivedBody {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

/// What `Content-Encoding` says; unknown ones are taken for none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ContentEncoding {
    Identity,
    Gzip,
    Snappy,
}

/// Bytes that grow under a limit of their own and the one that all bodies share.
#[derive(Debug)]
struct Gathered {
    bytes: Vec<u8>,
    limit: usize,
    over_limit: fn(usize) -> BodyError,
    reservation: Reservation,
}

impl Bodies {
    pub(super) fn new(limits: BodyLimits) -> Self {
        let budget = Budget::new(limits.in_flight_bytes);
        Self { limits, budget }
    }

    /// Takes a body as it is.
    pub(super) fn open(&self, body: Body) -> OpenBody {
        OpenBody {
            encoding: ContentEncoding::Identity,
            received: Gathered {
                bytes: Vec::new(),
                limit: self.limits.bytes,
                over_limit: |limit| BodyError::TooLarge { limit },
                reservation: self.budget.reserve_nothing(),
            },
            inflated: Gathered {
                bytes: Vec::new(),
                limit: self.limits.inflated_bytes,
                over_limit: |limit| BodyError::InflatedTooLarge { limit },
                reservation: self.budget.reserve_nothing(),
            },
            rest: body,
        }
    }
}

impl OpenBody {
    /// Looks at the encoding. Gzip must begin with a valid header, whatever will become of the request.
    pub(super) async fn decode(&mut self, headers: &HeaderMap) -> Result<(), BodyError> {
        self.encoding = ContentEncoding::of(headers);
        if self.encoding == ContentEncoding::Gzip {
            self.receive_gzip_header().await?;
        }
        Ok(())
    }

    async fn receive_gzip_header(&mut self) -> Result<(), BodyError> {
        while gzip::header_len(&self.received.bytes)?.is_none() {
            let Some(chunk) = next_chunk(&mut self.rest).await? else {
                return Err(gzip::header_broken_off(&self.received.bytes).into());
            };
            self.received.append(&chunk)?;
        }
        Ok(())
    }

    /// The body as it is, if nothing of it was received yet; without the limits.
    pub(super) fn into_body(self) -> Body {
        self.rest
    }

    /// Receives and inflates all of it.
    pub(super) async fn receive(mut self: Box<Self>) -> Result<ReceivedBody, BodyError> {
        self.received.expect_more(announced_bytes(&self.rest))?;
        while let Some(chunk) = next_chunk(&mut self.rest).await? {
            self.received.append(&chunk)?;
        }
        let Self {
            encoding,
            received,
            inflated,
            rest: _,
        } = *self;
        let inflate = match encoding {
            ContentEncoding::Identity => return Ok(received.into()),
            ContentEncoding::Gzip => gzip::inflate,
            ContentEncoding::Snappy => snappy::inflate,
        };
        let is_small = received.bytes.len() <= INFLATE_ON_THE_SPOT_BYTES;
        let inflate = move || inflate(&received.bytes, inflated);
        if is_small {
            return Ok(inflate()?.into());
        }
        match task::spawn_blocking(inflate).await {
            Ok(inflated) => Ok(inflated?.into()),
            // Only when the runtime shuts down.
            Err(_) => Err(BodyError::BrokenOff),
        }
    }
}

impl ReceivedBody {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for ReceivedBody {
    /// Bodies are never logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceivedBody({} bytes)", self.bytes.len())
    }
}

impl From<Gathered> for ReceivedBody {
    fn from(gathered: Gathered) -> Self {
        Self {
            bytes: gathered.bytes,
            _reservation: gathered.reservation,
        }
    }
}

impl ContentEncoding {
    /// The header counts as a whole, so a list of encodings is an unknown one.
    fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(header::CONTENT_ENCODING);
        let value = value.map_or(&b""[..], |value| value.as_bytes());
        if value.eq_ignore_ascii_case(b"gzip") {
            Self::Gzip
        } else if value.eq_ignore_ascii_case(b"snappy") {
            Self::Snappy
        } else {
            Self::Identity
        }
    }
}

impl Gathered {
    fn append(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        self.expect_more(chunk.len())?;
        self.reservation.grow(chunk.len())?;
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// Fails if so many more bytes would be too many.
    fn expect_more(&self, bytes: usize) -> Result<(), BodyError> {
        if bytes > self.limit.saturating_sub(self.bytes.len()) {
            return Err((self.over_limit)(self.limit));
        }
        Ok(())
    }
}

/// The next chunk of a body, if there is one.
async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::of(&error))?;
        if let Ok(chunk) = frame.into_data() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

/// How many bytes of a body are still to come at least.
fn announced_bytes(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
