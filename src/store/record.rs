//! Changes to bytes and back: the payload of a log record.
//!
//! `docs/persistence-format.md` describes the encoding byte by byte. Later versions may append fields to a record,
//! a grouping key or a family; what follows the known fields is therefore skipped.

use std::sync::Arc;

use thiserror::Error;

use super::{Change, Metadata, PushGauge, PushMode, StoredFamily};
use crate::model::{GroupingKey, GroupingKeyError, Timestamp};

mod decoder;

pub use decoder::Decoder;

const PUSH: u8 = 1;
const REFUSED: u8 = 2;
const DELETE: u8 = 3;
const WIPE: u8 = 4;
const GROUP: u8 = 5;
/// Records of this kind and above may be skipped by who does not know them.
const FIRST_OPTIONAL_KIND: u8 = 0x80;

const REPLACE: u8 = 0;
const MERGE: u8 = 1;

/// Why bytes are no change.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RecordError {
    /// They end too early, or a length in them is too great.
    #[error("the record ends too early")]
    Truncated,
    /// A name, help or label is not UTF-8.
    #[error("the record holds text that is not UTF-8")]
    Text,
    /// The labels identify no group.
    #[error("the record's grouping key is invalid: {0}")]
    Key(#[from] GroupingKeyError),
    /// A number stands for no push mode or metric type.
    #[error("the record's {what} is {value}, which means nothing")]
    Number {
        /// The field.
        what: &'static str,
        /// Its value.
        value: u8,
    },
    /// Families must come in the order of their names, no name twice.
    #[error("the record's families are out of order at {name:?}")]
    Order {
        /// The family that comes too late or again.
        name: String,
    },
    /// A later version wrote it, and it must not be skipped.
    #[error("records of kind {0} are not known to this version")]
    UnknownKind(u8),
    /// A later version wrote it, and it may be skipped.
    #[error("optional records of kind {0} are not known to this version")]
    OptionalKind(u8),
}

/// Appends a change's encoding.
pub fn encode(change: &Change, out: &mut Vec<u8>) {
    match change {
        Change::Push {
            key,
            mode,
            at,
            families,
        } => {
            out.push(PUSH);
            put_key(key, out);
            out.push(match mode {
                PushMode::Replace => REPLACE,
                PushMode::Merge => MERGE,
            });
            put_timestamp(*at, out);
            put_families(families, *at, out);
        }
        Change::Refused { key, at } => {
            out.push(REFUSED);
            put_key(key, out);
            put_timestamp(*at, out);
        }
        Change::Delete { key } => {
            out.push(DELETE);
            put_key(key, out);
        }
        Change::Wipe => out.push(WIPE),
        Change::Group {
            key,
            pushed,
            failed,
            families,
        } => {
            out.push(GROUP);
            put_key(key, out);
            put_gauge(*pushed, out);
            put_gauge(*failed, out);
            put_families(families, pushed.stored_at, out);
        }
    }
}

/// The change that these bytes encode. Many in a row are decoded faster, and with shared names, by a [`Decoder`].
pub fn decode(payload: &[u8]) -> Result<Change, RecordError> {
    Decoder::for_bytes(0).decode(payload)
}

fn put_key(key: &GroupingKey, out: &mut Vec<u8>) {
    let size = |(name, value): (&str, &str)| bytes_len(name) + bytes_len(value);
    let labels = key.labels();
    put_varint(
        (varint_len(labels.len()) + labels.clone().map(size).sum::<usize>()) as u64,
        out,
    );
    put_varint(labels.len() as u64, out);
    for (name, value) in labels {
        put_bytes(name.as_bytes(), out);
        put_bytes(value.as_bytes(), out);
    }
}

fn put_gauge(gauge: PushGauge, out: &mut Vec<u8>) {
    out.extend_from_slice(&gauge.value.to_bits().to_le_bytes());
    put_timestamp(gauge.stored_at, out);
}

/// Times of families are mostly that of the record: `base`.
fn put_families(families: &[Arc<StoredFamily>], base: Timestamp, out: &mut Vec<u8>) {
    put_varint(families.len() as u64, out);
    for family in families {
        let StoredFamily {
            metadata,
            pushed_at,
            packed,
        } = &**family;
        let Metadata {
            name,
            help,
            metric_type,
        } = &**metadata;
        let age = zigzag(pushed_at.as_nanos().wrapping_sub(base.as_nanos()));
        let help_len = help.as_ref().map_or(0, |help| help.len() + 1);
        let size = bytes_len(name)
            + 1
            + varint_len_u64(age)
            + varint_len(help_len)
            + help_len.saturating_sub(1)
            + varint_len(packed.len())
            + packed.len();
        put_varint(size as u64, out);
        put_bytes(name.as_bytes(), out);
        out.push(metric_type.proto_number());
        put_varint(age, out);
        // Nothing and an empty help are told apart: 0 means absent, all else is the length plus one.
        put_varint(help_len as u64, out);
        out.extend_from_slice(help.as_deref().unwrap_or_default().as_bytes());
        put_bytes(packed, out);
    }
}

fn put_timestamp(at: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&at.as_nanos().to_le_bytes());
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Seven bits a byte, the lowest first; all bytes but the last have the top bit set.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low seven bits are meant"
)]
fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small numbers of either sign become small numbers.
fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

fn bytes_len(text: &str) -> usize {
    varint_len(text.len()) + text.len()
}

fn varint_len(value: usize) -> usize {
    varint_len_u64(value as u64)
}

fn varint_len_u64(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

#[cfg(test)]
mod tests;
