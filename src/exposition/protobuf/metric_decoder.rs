//! The metrics of a family from protobuf, histograms aside.

use std::borrow::Cow;

use super::label_decoder::{REMEMBERED, RecentLabel};
use super::wire::{BYTES, FIXED64, Key, Reader, VARINT, WireError, low_32_bits};
use super::{DecodeError, Unexposable};
use crate::exposition::limits::Budget;
use crate::exposition::{ParseLimits, TooLarge};
use crate::model::{
    Counter, Exemplar, Histogram, Metric, MetricType, Metrics, ProtoTimestamp, Summary, Value,
};

/// Decodes the metrics of one family after the other.
pub(super) struct MetricDecoder<'a> {
    pub(super) family: &'a [u8],
    metric_type: Option<MetricType>,
    pub(super) budget: Budget,
    /// By place.
    pub(super) recent_labels: [RecentLabel<'a>; REMEMBERED],
    /// The first thing found because of which the family cannot be exposed.
    pub(super) flaw: Option<Unexposable>,
}

impl<'a> MetricDecoder<'a> {
    pub(super) fn new(limits: ParseLimits) -> Self {
        Self {
            family: b"",
            metric_type: None,
            budget: Budget::new(limits),
            recent_labels: Default::default(),
            flaw: None,
        }
    }

    /// The metrics that follow are of the family of this name; of this type, if it has one.
    pub(super) fn begin_family(&mut self, name: &'a [u8], metric_type: Option<MetricType>) {
        self.family = name;
        self.metric_type = metric_type;
        self.flaw = None;
    }

    /// Decodes a metric behind the others.
    pub(super) fn metric(
        &mut self,
        message: &'a [u8],
        metrics: &mut Metrics<'a>,
    ) -> Result<(), Stop> {
        let (labels, metric) = metrics.append(|| Metric {
            value: None,
            timestamp_ms: None,
            unknown_fields: Cow::Borrowed(&[]),
        });
        let before = labels.len();
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            let rest = reader.rest();
            match reader.key()? {
                Key(1, BYTES) => self.label(reader.bytes()?, labels.len() - before, labels)?,
                Key(number @ (2..=5 | 7), BYTES) => {
                    self.value(number, reader.bytes()?, &mut metric.value)?;
                }
                Key(6, VARINT) => metric.timestamp_ms = Some(reader.varint()?.cast_signed()),
                key => {
                    reader.skip(key)?;
                    let field = &rest[..rest.len() - reader.rest().len()];
                    append_unknown(&mut metric.unknown_fields, field);
                }
            }
        }
        Ok(())
    }

    /// Decodes a field that is one of the values. The one that is of the family's type counts, else the first one.
    fn value(
        &mut self,
        number: u64,
        message: &'a [u8],
        value: &mut Option<Value<'a>>,
    ) -> Result<(), Stop> {
        if value.is_none() {
            return self.merge_value(message, value.insert(empty_value(number)));
        }
        let before = value.take_if(|value| field_number(value) == number);
        let mut decoded = before.unwrap_or_else(|| empty_value(number));
        self.merge_value(message, &mut decoded)?;
        if value.is_none() || self.metric_type.is_some_and(|of| decoded.is_of(of)) {
            *value = Some(decoded);
        }
        Ok(())
    }

    fn merge_value(&mut self, message: &'a [u8], value: &mut Value<'a>) -> Result<(), Stop> {
        match value {
            Value::Gauge(value) | Value::Untyped(value) => double(message, value)?,
            Value::Counter(counter) => self.counter(message, counter)?,
            Value::Summary(summary) => {
                self.budget.take::<Summary>(1)?;
                self.summary(message, summary)?;
            }
            Value::Histogram(histogram) => {
                self.budget.take::<Histogram<'_>>(1)?;
                self.histogram(message, histogram)?;
            }
        }
        Ok(())
    }

    fn counter(&mut self, message: &'a [u8], counter: &mut Counter<'a>) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.key()? {
                Key(1, FIXED64) => counter.value = reader.double()?,
                Key(2, BYTES) => {
                    let message = reader.bytes()?;
                    self.exemplar(message, counter.exemplar.get_or_insert_default())?;
                }
                Key(3, BYTES) => timestamp(reader.bytes()?, &mut counter.created)?,
                key => reader.skip(key)?,
            }
        }
        Ok(())
    }

    fn summary(&mut self, message: &'a [u8], summary: &mut Summary) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.key()? {
                Key(1, VARINT) => summary.count = reader.varint()?,
                Key(2, FIXED64) => summary.sum = reader.double()?,
                Key(3, BYTES) => {
                    let message = reader.bytes()?;
                    self.budget.take::<(f64, f64)>(1)?;
                    summary.quantiles.push(quantile(message)?);
                }
                Key(4, BYTES) => timestamp(reader.bytes()?, &mut summary.created)?,
                key => reader.skip(key)?,
            }
        }
        Ok(())
    }

    pub(super) fn exemplar(
        &mut self,
        message: &'a [u8],
        exemplar: &mut Exemplar<'a>,
    ) -> Result<(), Stop> {
        self.budget.take::<Exemplar<'_>>(1)?;
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.key()? {
                Key(1, BYTES) => {
                    let place = exemplar.labels.len();
                    self.label(reader.bytes()?, place, &mut exemplar.labels)?;
                }
                Key(2, FIXED64) => exemplar.value = reader.double()?,
                Key(3, BYTES) => timestamp(reader.bytes()?, &mut exemplar.timestamp)?,
                key => reader.skip(key)?,
            }
        }
        Ok(())
    }
}

fn field_number(value: &Value<'_>) -> u64 {
    match value {
        Value::Gauge(_) => 2,
        Value::Counter(_) => 3,
        Value::Summary(_) => 4,
        Value::Untyped(_) => 5,
        Value::Histogram(_) => 7,
    }
}

fn empty_value(field_number: u64) -> Value<'static> {
    match field_number {
        2 => Value::Gauge(0.0),
        3 => Value::Counter(Counter::default()),
        4 => Value::Summary(Box::default()),
        5 => Value::Untyped(0.0),
        _ => Value::Histogram(Box::default()),
    }
}

fn double(message: &[u8], value: &mut f64) -> Result<(), WireError> {
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        match reader.key()? {
            Key(1, FIXED64) => *value = reader.double()?,
            key => reader.skip(key)?,
        }
    }
    Ok(())
}

fn quantile(message: &[u8]) -> Result<(f64, f64), WireError> {
    let mut quantile = (0.0, 0.0);
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        match reader.key()? {
            Key(1, FIXED64) => quantile.0 = reader.double()?,
            Key(2, FIXED64) => quantile.1 = reader.double()?,
            key => reader.skip(key)?,
        }
    }
    Ok(quantile)
}

pub(super) fn timestamp(
    message: &[u8],
    timestamp: &mut Option<ProtoTimestamp>,
) -> Result<(), WireError> {
    let timestamp = timestamp.get_or_insert_default();
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        match reader.key()? {
            Key(1, VARINT) => timestamp.seconds = reader.varint()?.cast_signed(),
            Key(2, VARINT) => timestamp.nanos = low_32_bits(reader.varint()?).cast_signed(),
            key => reader.skip(key)?,
        }
    }
    Ok(())
}

fn append_unknown<'a>(unknown_fields: &mut Cow<'a, [u8]>, field: &'a [u8]) {
    if unknown_fields.is_empty() {
        *unknown_fields = Cow::Borrowed(field);
    } else {
        unknown_fields.to_mut().extend_from_slice(field);
    }
}

/// What ends the decoding of a family. Small, as it is in the way of every result.
pub(super) enum Stop {
    Malformed,
    TooLarge(TooLarge),
}

impl From<WireError> for Stop {
    fn from(_: WireError) -> Self {
        Self::Malformed
    }
}

impl From<TooLarge> for Stop {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}

impl From<Stop> for DecodeError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Malformed => Self::Malformed,
            Stop::TooLarge(error) => Self::TooLarge(error),
        }
    }
}
