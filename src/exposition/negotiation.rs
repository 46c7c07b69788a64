//! Which wire form a request means: `Content-Type` of a push, `Accept` and `Accept-Encoding` of a scrape.
//!
//! Header values come as the bytes that were sent. What does not follow the grammar is no error: it means the
//! default.

use super::Escaping;
use accept::Clause;
use media_type::MediaType;

mod accept;
mod accept_encoding;
mod media_type;
#[cfg(test)]
mod tests;

const PROTOBUF: &str = "application/vnd.google.protobuf";
const METRIC_FAMILY: &str = "io.prometheus.client.MetricFamily";

/// The wire form of a pushed body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PushFormat {
    /// Text format 0.0.4.
    Text,
    /// Length-delimited protobuf.
    Protobuf,
}

/// The wire form of the answer to a scrape.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ScrapeFormat {
    /// Text or protobuf.
    pub encoding: ScrapeEncoding,
    /// What becomes of names that are not legacy names.
    pub escaping: Escaping,
}

/// Text or protobuf. Protobuf's own text forms are not offered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ScrapeEncoding {
    /// Text format 0.0.4.
    Text,
    /// Length-delimited protobuf.
    Protobuf,
}

/// How the answer to a scrape is compressed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Compression {
    /// Not at all.
    Identity,
    /// With gzip.
    Gzip,
}

impl PushFormat {
    /// The form of a body with this `Content-Type`: protobuf if it says so with both its parameters, else text.
    pub fn of_content_type(content_type: Option<&[u8]>) -> Self {
        let media_type = content_type.and_then(MediaType::parse);
        let is_protobuf = media_type.is_some_and(|media_type| {
            media_type.is(PROTOBUF)
                && media_type.parameter("encoding") == Some(b"delimited")
                && media_type.parameter("proto") == Some(METRIC_FAMILY.as_bytes())
        });
        if is_protobuf {
            Self::Protobuf
        } else {
            Self::Text
        }
    }
}

impl ScrapeFormat {
    /// What the value of the first `Accept` line asks for: the first form in the client's order of preference that
    /// we have, else text.
    ///
    /// The clause that names an escaping need not be the one that names the form: the last escaping on the way
    /// counts.
    pub fn negotiate(accept: Option<&[u8]>) -> Self {
        let mut format = Self {
            encoding: ScrapeEncoding::Text,
            escaping: Escaping::default(),
        };
        for clause in accept::by_preference(accept.unwrap_or_default()) {
            format.escaping = clause.escaping().unwrap_or(format.escaping);
            if let Some(encoding) = clause.encoding() {
                return Self { encoding, ..format };
            }
        }
        format
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(self) -> &'static str {
        macro_rules! with_escaping {
            ($media_type:literal) => {
                match self.escaping {
                    Escaping::Underscores => concat!($media_type, "; escaping=underscores"),
                    Escaping::Dots => concat!($media_type, "; escaping=dots"),
                    Escaping::Values => concat!($media_type, "; escaping=values"),
                    Escaping::AllowUtf8 => concat!($media_type, "; escaping=allow-utf-8"),
                }
            };
        }
        match self.encoding {
            ScrapeEncoding::Text => with_escaping!("text/plain; version=0.0.4; charset=utf-8"),
            ScrapeEncoding::Protobuf => with_escaping!(
                "application/vnd.google.protobuf; \
                 proto=io.prometheus.client.MetricFamily; encoding=delimited"
            ),
        }
    }
}

impl Clause<'_> {
    /// The form that the clause asks for, if we have it.
    fn encoding(&self) -> Option<ScrapeEncoding> {
        let version = self.parameter("version");
        if self.is("text", "plain") && matches!(version, None | Some(b"" | b"0.0.4")) {
            return Some(ScrapeEncoding::Text);
        }
        let is_protobuf = self.is("application", "vnd.google.protobuf")
            && self.parameter("proto") == Some(METRIC_FAMILY.as_bytes())
            && self.parameter("encoding") == Some(b"delimited");
        is_protobuf.then_some(ScrapeEncoding::Protobuf)
    }

    fn escaping(&self) -> Option<Escaping> {
        let asked = self.parameter("escaping")?;
        let mut known = Escaping::ALL.into_iter();
        known.find(|escaping| escaping.as_str().as_bytes() == asked)
    }
}

impl Compression {
    /// What the values of the `Accept-Encoding` lines ask for. The best quality wins, and of equals identity.
    pub fn negotiate<'h>(accept_encoding: impl IntoIterator<Item = &'h [u8]>) -> Self {
        let (mut identity, mut gzip) = (0.0, 0.0);
        for line in accept_encoding {
            for (coding, quality) in accept_encoding::codings(line) {
                match coding {
                    b"identity" | b"*" => identity = quality.max(identity),
                    b"gzip" => gzip = quality.max(gzip),
                    _ => {}
                }
            }
        }
        if gzip > identity {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}
