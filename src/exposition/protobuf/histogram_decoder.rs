//! Histograms from protobuf, classic and native.

use super::metric_decoder::{MetricDecoder, Stop, timestamp};
use super::wire::{
    BYTES, FIXED64, Key, Reader, VARINT, WireError, from_zigzag, from_zigzag_32, low_32_bits,
};
use crate::exposition::in_place::append_made;
use crate::model::{Bucket, BucketSpan, Buckets, Exemplar, Histogram};

impl<'a> MetricDecoder<'a> {
    pub(super) fn histogram(
        &mut self,
        message: &'a [u8],
        histogram: &mut Histogram<'a>,
    ) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.key()? {
                Key(1, VARINT) => histogram.count = reader.varint()?,
                Key(2, FIXED64) => histogram.sum = reader.double()?,
                Key(3, BYTES) => {
                    let message = reader.bytes()?;
                    self.budget.take::<Bucket<'_>>(1)?;
                    let bucket = append_made(&mut histogram.buckets, Bucket::default);
                    self.bucket(message, bucket)?;
                }
                Key(4, FIXED64) => histogram.count_float = reader.double()?,
                Key(5, VARINT) => histogram.schema = Some(from_zigzag_32(reader.varint()?)),
                Key(6, FIXED64) => histogram.zero_threshold = Some(reader.double()?),
                Key(7, VARINT) => histogram.zero_count = Some(reader.varint()?),
                Key(8, FIXED64) => histogram.zero_count_float = Some(reader.double()?),
                key @ Key(9..=11, _) => {
                    self.native_buckets(9, key, &mut reader, &mut histogram.negative)?;
                }
                key @ Key(12..=14, _) => {
                    self.native_buckets(12, key, &mut reader, &mut histogram.positive)?;
                }
                Key(15, BYTES) => timestamp(reader.bytes()?, &mut histogram.created)?,
                Key(16, BYTES) => {
                    let message = reader.bytes()?;
                    let exemplar = histogram.exemplars.push_mut(Exemplar::default());
                    self.exemplar(message, exemplar)?;
                }
                key => reader.skip(key)?,
            }
        }
        Ok(())
    }

    fn bucket(&mut self, message: &'a [u8], bucket: &mut Bucket<'a>) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.key()? {
                Key(1, VARINT) => bucket.cumulative_count = reader.varint()?,
                Key(2, FIXED64) => bucket.upper_bound = reader.double()?,
                Key(3, BYTES) => {
                    let message = reader.bytes()?;
                    self.exemplar(message, bucket.exemplar.get_or_insert_default())?;
                }
                Key(4, FIXED64) => bucket.cumulative_count_float = reader.double()?,
                key => reader.skip(key)?,
            }
        }
        Ok(())
    }

    /// Decodes one of the three fields, the first of which has this number, of the native buckets on one side.
    fn native_buckets(
        &mut self,
        first: u64,
        key: Key,
        reader: &mut Reader<'a>,
        buckets: &mut Buckets,
    ) -> Result<(), Stop> {
        match Key(key.0 - first, key.1) {
            Key(0, BYTES) => {
                let message = reader.bytes()?;
                self.budget.take::<BucketSpan>(1)?;
                buckets.spans.push(span(message)?);
            }
            Key(1, VARINT) => {
                let delta = reader.varint()?;
                self.budget.take::<i64>(1)?;
                buckets.deltas.push(from_zigzag(delta));
            }
            Key(1, BYTES) => {
                let mut packed = Reader::new(reader.bytes()?);
                while !packed.is_at_end() {
                    self.budget.take::<i64>(1)?;
                    buckets.deltas.push(from_zigzag(packed.varint()?));
                }
            }
            Key(2, FIXED64) => {
                let count = reader.double()?;
                self.budget.take::<f64>(1)?;
                buckets.counts.push(count);
            }
            Key(2, BYTES) => {
                let mut packed = Reader::new(reader.bytes()?);
                while !packed.is_at_end() {
                    self.budget.take::<f64>(1)?;
                    buckets.counts.push(packed.double()?);
                }
            }
            _ => reader.skip(key)?,
        }
        Ok(())
    }
}

fn span(message: &[u8]) -> Result<BucketSpan, WireError> {
    let mut span = BucketSpan::default();
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        match reader.key()? {
            Key(1, VARINT) => span.offset = from_zigzag_32(reader.varint()?),
            Key(2, VARINT) => span.length = low_32_bits(reader.varint()?),
            key => reader.skip(key)?,
        }
    }
    Ok(span)
}
