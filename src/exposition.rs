//! The wire forms of metric families, and which of them a request means.
//!
//! Bytes in, bytes out: no readers, no streams, no HTTP types. What is parsed borrows from the body where it
//! can, and no input makes the memory grow beyond its [`ParseLimits`].

#[cfg(test)]
mod arbitrary;
mod escaping;
mod family_index;
mod in_place;
mod limits;
pub mod negotiation;
pub mod protobuf;
pub mod quoting;
pub mod sample_line;
pub mod text_encoder;
pub mod text_parser;

pub use escaping::{Escaping, NameKind, escape_name};
pub use limits::{ParseLimits, TooLarge};
