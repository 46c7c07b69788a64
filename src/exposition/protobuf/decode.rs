//! Protobuf to families and metrics.
//!
//! As protobuf wants it: fields may come in any order; of a field that may come only once the last one counts, or
//! if it is a message, all are merged; a field of a wrong wire type is unknown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::metric_decoder::{MetricDecoder, Stop};
use super::wire::{BYTES, Key, Reader, VARINT, WireError, low_32_bits};
use super::{DecodeError, Unexposable};
use crate::exposition::ParseLimits;
use crate::exposition::family_index::FamilyIndex;
use crate::exposition::in_place::append_made;
use crate::exposition::quoting::Quoted;
use crate::model::{MetricFamily, MetricType, Metrics};

/// Decodes a body of families, each with its length in front, in order of first appearance. Of several families
/// of one name the last one counts.
///
/// A body that is malformed anywhere is [`DecodeError::Malformed`], whatever else is wrong with it.
pub fn decode_families(
    body: &[u8],
    limits: ParseLimits,
) -> Result<Vec<MetricFamily<'_>>, DecodeError> {
    let mut decoder = MetricDecoder::new(limits);
    let mut families = Vec::new();
    let mut by_name = FamilyIndex::default();
    // By family, as one that comes again later may have none.
    let mut flaws = BTreeMap::new();
    let mut reader = Reader::new(body);
    while !reader.is_at_end() {
        let message = reader.bytes().map_err(|error| match error {
            WireError::Overflow => DecodeError::LengthOverflow,
            WireError::Truncated | WireError::BadField => DecodeError::UnexpectedEnd,
        })?;
        let header = FamilyHeader::decode(message).map_err(Stop::from)?;
        let at = by_name.get(header.name).unwrap_or(families.len());
        if at == families.len() {
            by_name.push(header.name);
            append_made(&mut families, empty_family);
        }
        flaws.remove(&at);
        if let Some(flaw) = decode_family(&header, &mut decoder, &mut families[at])? {
            flaws.insert(at, flaw);
        }
    }
    match flaws.pop_first() {
        None => Ok(families),
        Some((_, flaw)) => Err(DecodeError::Unexposable(flaw)),
    }
}

/// Decodes a family that stands alone, without its length in front.
pub fn decode_family_message(
    message: &[u8],
    limits: ParseLimits,
) -> Result<MetricFamily<'_>, DecodeError> {
    let header = FamilyHeader::decode(message).map_err(Stop::from)?;
    let mut family = empty_family();
    match decode_family(&header, &mut MetricDecoder::new(limits), &mut family)? {
        None => Ok(family),
        Some(flaw) => Err(DecodeError::Unexposable(flaw)),
    }
}

/// Decodes what several [`append_metric`](super::append_metric) have appended.
pub fn decode_metrics(packed: &[u8]) -> Result<Metrics<'_>, DecodeError> {
    let mut metrics = Metrics::default();
    decode_metrics_to(packed, &mut metrics)?;
    Ok(metrics)
}

/// The same, behind the metrics that are there. With an error it is open which of them came to be there.
pub(crate) fn decode_metrics_to<'a>(
    packed: &'a [u8],
    metrics: &mut Metrics<'a>,
) -> Result<(), DecodeError> {
    let mut decoder = MetricDecoder::new(ParseLimits::NONE);
    let mut reader = Reader::new(packed);
    while !reader.is_at_end() {
        let Key(4, BYTES) = reader.key().map_err(Stop::from)? else {
            return Err(DecodeError::Malformed);
        };
        let message = reader.bytes().map_err(Stop::from)?;
        decoder.metric(message, metrics)?;
    }
    match decoder.flaw {
        None => Ok(()),
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
    /// The fields from the first metric on.
    fields: Reader<'a>,
}

impl<'a> FamilyHeader<'a> {
    fn decode(family: &'a [u8]) -> Result<Self, WireError> {
        let mut header = Self::default();
        let mut reader = Reader::new(family);
        while !reader.is_at_end() {
            let fields = reader;
            match reader.key()? {
                Key(1, BYTES) => header.name = reader.bytes()?,
                Key(2, BYTES) => header.help = Some(reader.bytes()?),
                Key(3, VARINT) => header.type_number = low_32_bits(reader.varint()?),
                Key(4, BYTES) => {
                    reader.bytes()?;
                    if header.metrics == 0 {
                        header.fields = fields;
                    }
                    header.metrics += 1;
                }
                key => reader.skip(key)?,
            }
        }
        Ok(header)
    }

    /// Writes all that is not the metrics into the family.
    fn describe(&self, family: &mut MetricFamily<'a>) -> Result<(), Unexposable> {
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
        family.name = Cow::Borrowed(name);
        family.help = help.transpose()?.map(Cow::Borrowed);
        family.metric_type = metric_type.ok_or_else(|| Unexposable::UnknownType {
            family: Quoted(self.name).to_string(),
            number: self.type_number.cast_signed(),
        })?;
        Ok(())
    }
}

fn empty_family<'a>() -> MetricFamily<'a> {
    MetricFamily {
        name: Cow::Borrowed(""),
        help: None,
        metric_type: MetricType::Untyped,
        metrics: Metrics::default(),
    }
}

/// Decodes the rest of a family into its place; if it is well-formed, the result tells why it cannot be exposed.
fn decode_family<'a>(
    header: &FamilyHeader<'a>,
    decoder: &mut MetricDecoder<'a>,
    family: &mut MetricFamily<'a>,
) -> Result<Option<Unexposable>, Stop> {
    // Twice for the index by name.
    decoder.budget.take::<MetricFamily<'_>>(2)?;
    decoder.budget.take_metrics(header.metrics)?;
    let flaw = header.describe(family).err();
    let metric_type = flaw.is_none().then_some(family.metric_type);
    decoder.begin_family(header.name, metric_type);
    family.metrics = Metrics::with_capacity(header.metrics);
    let mut reader = header.fields;
    while !reader.is_at_end() {
        match reader.key()? {
            Key(4, BYTES) => decoder.metric(reader.bytes()?, &mut family.metrics)?,
            key => reader.skip(key)?,
        }
    }
    Ok(flaw.or_else(|| decoder.flaw.take()))
}

/// The name as text, if it may be exposed: Prometheus drops the whole target for a name that is not UTF-8 or
/// holds NUL.
pub(super) fn valid_name(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    (!name.as_bytes().contains(&0)).then_some(name)
}
