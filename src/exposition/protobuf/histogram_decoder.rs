//! Histograms from protobuf, classic and native.

use super::metric_decoder::{MetricDecoder, Stop, timestamp};
use super::wire::FieldValue::{Bytes, Fixed64, Varint};
use super::wire::{FieldValue, Reader, WireError, from_zigzag, from_zigzag_32, low_32_bits};
use crate::model::{Bucket, BucketSpan, Buckets, Exemplar, Histogram};

impl<'a> MetricDecoder<'a, '_> {
    pub(super) fn histogram(
        &mut self,
        message: &'a [u8],
        histogram: &mut Histogram<'a>,
    ) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            let (number, value) = reader.field()?;
            match (number, value) {
                (1, Varint(count)) => histogram.count = count,
                (2, Fixed64(bits)) => histogram.sum = f64::from_bits(bits),
                (3, Bytes(message)) => {
                    self.budget.take::<Bucket<'_>>(1)?;
                    self.bucket(message, histogram.buckets.push_mut(Bucket::default()))?;
                }
                (4, Fixed64(bits)) => histogram.count_float = f64::from_bits(bits),
                (5, Varint(schema)) => histogram.schema = Some(from_zigzag_32(schema)),
                (6, Fixed64(bits)) => histogram.zero_threshold = Some(f64::from_bits(bits)),
                (7, Varint(count)) => histogram.zero_count = Some(count),
                (8, Fixed64(bits)) => histogram.zero_count_float = Some(f64::from_bits(bits)),
                (9..=11, _) => self.native_buckets(number - 9, value, &mut histogram.negative)?,
                (12..=14, _) => self.native_buckets(number - 12, value, &mut histogram.positive)?,
                (15, Bytes(message)) => timestamp(message, &mut histogram.created)?,
                (16, Bytes(message)) => {
                    let exemplar = histogram.exemplars.push_mut(Exemplar::default());
                    self.exemplar(message, exemplar)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn bucket(&mut self, message: &'a [u8], bucket: &mut Bucket<'a>) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.field()? {
                (1, Varint(count)) => bucket.cumulative_count = count,
                (2, Fixed64(bits)) => bucket.upper_bound = f64::from_bits(bits),
                (3, Bytes(message)) => {
                    self.exemplar(message, bucket.exemplar.get_or_insert_default())?;
                }
                (4, Fixed64(bits)) => bucket.cumulative_count_float = f64::from_bits(bits),
                _ => {}
            }
        }
        Ok(())
    }

    /// Decodes one of the three fields, counted from zero, of the native buckets on one side.
    fn native_buckets(
        &mut self,
        field: u32,
        value: FieldValue<'_>,
        buckets: &mut Buckets,
    ) -> Result<(), Stop> {
        match (field, value) {
            (0, Bytes(message)) => {
                self.budget.take::<BucketSpan>(1)?;
                buckets.spans.push(span(message)?);
            }
            (1, Varint(delta)) => {
                self.budget.take::<i64>(1)?;
                buckets.deltas.push(from_zigzag(delta));
            }
            (1, Bytes(packed)) => {
                let mut reader = Reader::new(packed);
                while !reader.is_at_end() {
                    self.budget.take::<i64>(1)?;
                    buckets.deltas.push(from_zigzag(reader.varint()?));
                }
            }
            (2, Fixed64(bits)) => {
                self.budget.take::<f64>(1)?;
                buckets.counts.push(f64::from_bits(bits));
            }
            (2, Bytes(packed)) => {
                let mut reader = Reader::new(packed);
                while !reader.is_at_end() {
                    self.budget.take::<f64>(1)?;
                    buckets.counts.push(f64::from_le_bytes(*reader.array()?));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn span(message: &[u8]) -> Result<BucketSpan, WireError> {
    let mut span = BucketSpan::default();
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        match reader.field()? {
            (1, Varint(offset)) => span.offset = from_zigzag_32(offset),
            (2, Varint(length)) => span.length = low_32_bits(length),
            _ => {}
        }
    }
    Ok(span)
}
