//! Protobuf to families and metrics.
//!
//! As protobuf wants it: fields may come in any order; of a field that may come only once the last one counts, or
//! if it is a message, all are merged; a field of a wrong wire type is unknown.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::metric_decoder::{MetricDecoder, Stop};
use super::wire::FieldValue::{Bytes, Varint};
use super::wire::{Reader, WireError, low_32_bits};
use super::{DecodeError, Unexposable};
use crate::exposition::ParseLimits;
use crate::exposition::limits::Budget;
use crate::exposition::quoting::Quoted;
use crate::model::{Metric, MetricFamily, MetricType};

/// Decodes a body of families, each with its length in front, in order of first appearance. Of several families
/// of one name the last one counts.
///
/// A body that is malformed anywhere is [`DecodeError::Malformed`], whatever else is wrong with it.
pub fn decode_families(
    body: &[u8],
    limits: ParseLimits,
) -> Result<Vec<MetricFamily<'_>>, DecodeError> {
    let mut budget = Budget::new(limits);
    let mut families = Vec::new();
    let mut by_name = HashMap::new();
    let mut reader = Reader::new(body);
    while !reader.is_at_end() {
        let message = reader.bytes().map_err(|error| match error {
            WireError::Overflow => DecodeError::LengthOverflow,
            WireError::Truncated | WireError::BadField => DecodeError::UnexpectedEnd,
        })?;
        let header = FamilyHeader::decode(message).map_err(Stop::from)?;
        let family = decode_family(message, &header, &mut budget)?;
        match by_name.entry(header.name) {
            Entry::Occupied(at) => families[*at.get()] = family,
            Entry::Vacant(free) => {
                free.insert(families.len());
                families.push(family);
            }
        }
    }
    let families: Result<_, _> = families.into_iter().collect();
    families.map_err(DecodeError::Unexposable)
}

/// Decodes a family that stands alone, without its length in front.
pub fn decode_family_message(
    message: &[u8],
    limits: ParseLimits,
) -> Result<MetricFamily<'_>, DecodeError> {
    let header = FamilyHeader::decode(message).map_err(Stop::from)?;
    let family = decode_family(message, &header, &mut Budget::new(limits))?;
    family.map_err(DecodeError::Unexposable)
}

/// Decodes what several [`append_metric`](super::append_metric) have appended.
pub fn decode_metrics(packed: &[u8]) -> Result<Vec<Metric<'_>>, DecodeError> {
    let mut budget = Budget::new(ParseLimits::NONE);
    let mut decoder = MetricDecoder::new(b"", None, &mut budget);
    let mut metrics = Vec::new();
    let mut reader = Reader::new(packed);
    while !reader.is_at_end() {
        let (4, Bytes(message)) = reader.field().map_err(Stop::from)? else {
            return Err(DecodeError::Malformed);
        };
        metrics.push(decoder.metric(message)?);
    }
    match decoder.flaw {
        None => Ok(metrics),
        Some(flaw) => Err(DecodeError::Unexposable(flaw)),
    }
}

/// What a family is, the metrics aside.
#[derive(Default)]
struct FamilyHeader<'a> {
    name: &'a [u8],
    help: Option<&'a [u8]>,
    type_number: u32,
    metrics: usize,
}

impl<'a> FamilyHeader<'a> {
    fn decode(family: &'a [u8]) -> Result<Self, WireError> {
        let mut header = Self::default();
        let mut reader = Reader::new(family);
        while !reader.is_at_end() {
            match reader.field()? {
                (1, Bytes(name)) => header.name = name,
                (2, Bytes(help)) => header.help = Some(help),
                (3, Varint(number)) => header.type_number = low_32_bits(number),
                (4, Bytes(_)) => header.metrics += 1,
                _ => {}
            }
        }
        Ok(header)
    }

    /// The family, still without its metrics.
    fn to_family(&self) -> Result<MetricFamily<'a>, Unexposable> {
        if self.name.is_empty() {
            return Err(Unexposable::NoName);
        }
        let Some(name) = valid_name(self.name) else {
            return Err(Unexposable::InvalidName {
                name: Quoted(self.name).to_string(),
            });
        };
        let help = self.help.map(|help| {
            std::str::from_utf8(help).map_err(|_| Unexposable::InvalidHelp {
                family: Quoted(self.name).to_string(),
                help: Quoted(help).to_string(),
            })
        });
        let metric_type = MetricType::from_proto_number(self.type_number.into());
        Ok(MetricFamily {
            name: Cow::Borrowed(name),
            help: help.transpose()?.map(Cow::Borrowed),
            metric_type: metric_type.ok_or_else(|| Unexposable::UnknownType {
                family: Quoted(self.name).to_string(),
                number: self.type_number.cast_signed(),
            })?,
            metrics: Vec::new(),
        })
    }
}

/// Decodes a family; if it is well-formed, the second result tells whether it can be exposed.
fn decode_family<'a>(
    message: &'a [u8],
    header: &FamilyHeader<'a>,
    budget: &mut Budget,
) -> Result<Result<MetricFamily<'a>, Unexposable>, Stop> {
    // Twice for the index by name.
    budget.take::<MetricFamily<'_>>(2)?;
    budget.take::<Metric<'_>>(header.metrics)?;
    let family = header.to_family();
    let metric_type = family.as_ref().ok().map(|family| family.metric_type);
    let mut decoder = MetricDecoder::new(header.name, metric_type, budget);
    let mut metrics = Vec::with_capacity(header.metrics);
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        if let (4, Bytes(message)) = reader.field()? {
            metrics.push(decoder.metric(message)?);
        }
    }
    Ok(match (family, decoder.flaw) {
        (Ok(family), None) => Ok(MetricFamily { metrics, ..family }),
        (Err(flaw), _) | (Ok(_), Some(flaw)) => Err(flaw),
    })
}

/// The name as text, if it may be exposed: Prometheus drops the whole target for a name that is not UTF-8 or
/// holds NUL.
pub(super) fn valid_name(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    (!name.as_bytes().contains(&0)).then_some(name)
}
