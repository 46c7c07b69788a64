//! Bytes to changes, with metadata and keys that occur often kept once.

use std::sync::Arc;

use super::{DELETE, FIRST_OPTIONAL_KIND, GROUP, MERGE, PUSH, REFUSED, REPLACE, RecordError, WIPE};
use crate::model::{GroupingKey, MetricType, Timestamp};
use crate::store::metadata::KnownMetadata;
use crate::store::{Change, PushGauge, PushMode, StoredFamily};

/// Places for metadata and for keys that may come again, a power of two.
const MAX_PLACES: usize = 1 << 15;
/// Few records are smaller.
const SMALL_RECORD: u64 = 64;
/// A family takes at least this many bytes: one each for its size, name, type, time, help and metrics.
const MIN_FAMILY: usize = 6;

/// Decodes one record after the other; equal metadata and keys of different records mostly share their memory.
///
/// Each key has one place by its checksum, kept there with it, where the next of that place replaces it, as
/// [`KnownMetadata`] does it.
#[derive(Debug)]
pub struct Decoder {
    metadata: KnownMetadata,
    keys: Box<[Place]>,
}

/// The key that came here last, and its checksum.
#[derive(Debug)]
struct Place(Option<(u32, Arc<GroupingKey>)>);

impl Decoder {
    /// A decoder for so many bytes of records.
    pub fn for_bytes(length: u64) -> Self {
        let records = usize::try_from(length / SMALL_RECORD).unwrap_or(usize::MAX);
        let places = records.clamp(1, MAX_PLACES).next_power_of_two();
        Self {
            metadata: KnownMetadata::with_places(places),
            keys: std::iter::repeat_with(|| Place(None))
                .take(places)
                .collect(),
        }
    }

    /// The change that these bytes encode.
    pub fn decode(&mut self, payload: &[u8]) -> Result<Change, RecordError> {
        let mut fields = Fields(payload);
        let kind = fields.byte()?;
        Ok(match kind {
            PUSH => {
                let key = self.key(&mut fields)?;
                let mode = push_mode(fields.byte()?)?;
                let at = fields.timestamp()?;
                let families = self.families(&mut fields, at)?;
                Change::Push {
                    key,
                    mode,
                    at,
                    families,
                }
            }
            REFUSED => Change::Refused {
                key: self.key(&mut fields)?,
                at: fields.timestamp()?,
            },
            DELETE => Change::Delete {
                key: self.key(&mut fields)?,
            },
            WIPE => Change::Wipe,
            GROUP => {
                let key = self.key(&mut fields)?;
                let pushed = fields.gauge()?;
                let failed = fields.gauge()?;
                let families = self.families(&mut fields, pushed.stored_at)?;
                Change::Group {
                    key,
                    pushed,
                    failed,
                    families,
                }
            }
            FIRST_OPTIONAL_KIND.. => return Err(RecordError::OptionalKind(kind)),
            _ => return Err(RecordError::UnknownKind(kind)),
        })
    }

    fn key(&mut self, fields: &mut Fields<'_>) -> Result<Arc<GroupingKey>, RecordError> {
        let encoded = fields.bytes()?;
        let checksum = crc32fast::hash(encoded);
        let at = checksum as usize & (self.keys.len() - 1);
        let place = &mut self.keys[at].0;
        if let Some((same, key)) = place
            && *same == checksum
            && is_key(key, Fields(encoded))
        {
            return Ok(Arc::clone(key));
        }
        let mut fields = Fields(encoded);
        let mut labels = Vec::new();
        for _ in 0..fields.varint()? {
            labels.push((fields.text()?, fields.text()?));
        }
        let key = Arc::new(GroupingKey::new(labels)?);
        *place = Some((checksum, Arc::clone(&key)));
        Ok(key)
    }

    fn families(
        &self,
        fields: &mut Fields<'_>,
        base: Timestamp,
    ) -> Result<Vec<Arc<StoredFamily>>, RecordError> {
        let count = fields.length()?;
        // The count may lie, the bytes that are there do not.
        let mut families =
            Vec::<Arc<StoredFamily>>::with_capacity(count.min(fields.0.len() / MIN_FAMILY));
        for _ in 0..count {
            let family = self.family(fields.bytes()?, base)?;
            let name = &family.metadata.name;
            if families
                .last()
                .is_some_and(|last| last.metadata.name >= *name)
            {
                let name = name.to_string();
                return Err(RecordError::Order { name });
            }
            families.push(Arc::new(family));
        }
        Ok(families)
    }

    fn family(&self, encoded: &[u8], base: Timestamp) -> Result<StoredFamily, RecordError> {
        let mut fields = Fields(encoded);
        let name = fields.text()?;
        let number = fields.byte()?;
        let metric_type =
            MetricType::from_proto_number(number.into()).ok_or(RecordError::Number {
                what: "metric type",
                value: number,
            })?;
        let age = unzigzag(fields.varint()?);
        let help = match fields.length()?.checked_sub(1) {
            None => None,
            Some(length) => Some(text(fields.take(length)?)?),
        };
        Ok(StoredFamily {
            metadata: self.metadata.share(name, help, metric_type),
            pushed_at: Timestamp::from_nanos(base.as_nanos().wrapping_add(age)),
            packed: fields.bytes()?.into(),
        })
    }
}

/// Whether these are the labels of the key.
fn is_key(key: &GroupingKey, mut fields: Fields<'_>) -> bool {
    let mut labels = key.labels();
    fields.length() == Ok(labels.len())
        && labels.all(|(name, value)| {
            fields.bytes() == Ok(name.as_bytes()) && fields.bytes() == Ok(value.as_bytes())
        })
}

fn push_mode(number: u8) -> Result<PushMode, RecordError> {
    match number {
        REPLACE => Ok(PushMode::Replace),
        MERGE => Ok(PushMode::Merge),
        value => Err(RecordError::Number {
            what: "push mode",
            value,
        }),
    }
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn text(bytes: &[u8]) -> Result<&str, RecordError> {
    std::str::from_utf8(bytes).map_err(|_| RecordError::Text)
}

/// What is left of a record.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(RecordError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RecordError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, RecordError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, RecordError> {
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok(u64::from(*byte));
        }
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RecordError::Truncated)
    }

    fn length(&mut self) -> Result<usize, RecordError> {
        usize::try_from(self.varint()?).map_err(|_| RecordError::Truncated)
    }

    fn bytes(&mut self) -> Result<&'a [u8], RecordError> {
        let length = self.length()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str, RecordError> {
        text(self.bytes()?)
    }

    fn timestamp(&mut self) -> Result<Timestamp, RecordError> {
        Ok(Timestamp::from_nanos(i64::from_le_bytes(self.array()?)))
    }

    fn gauge(&mut self) -> Result<PushGauge, RecordError> {
        Ok(PushGauge {
            value: f64::from_bits(u64::from_le_bytes(self.array()?)),
            stored_at: self.timestamp()?,
        })
    }
}
