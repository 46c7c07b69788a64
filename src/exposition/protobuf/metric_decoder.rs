//! The metrics of a family from protobuf, histograms aside.

use std::borrow::Cow;

use super::decode::valid_name;
use super::wire::FieldValue::{Bytes, Fixed64, Varint};
use super::wire::{Reader, WireError, low_32_bits};
use super::{DecodeError, Unexposable};
use crate::exposition::TooLarge;
use crate::exposition::limits::Budget;
use crate::exposition::quoting::Quoted;
use crate::model::{
    Counter, Exemplar, Histogram, Label, Metric, MetricType, ProtoTimestamp, Summary, Value,
};

/// Decodes the metrics of a family.
pub(super) struct MetricDecoder<'a, 'b> {
    family: &'a [u8],
    metric_type: Option<MetricType>,
    pub(super) budget: &'b mut Budget,
    /// The labels of the metric that is being decoded; the memory serves one metric after the other.
    labels: Vec<Label<'a>>,
    /// The first thing found because of which the family cannot be exposed.
    pub(super) flaw: Option<Unexposable>,
}

impl<'a, 'b> MetricDecoder<'a, 'b> {
    pub(super) fn new(
        family: &'a [u8],
        metric_type: Option<MetricType>,
        budget: &'b mut Budget,
    ) -> Self {
        Self {
            family,
            metric_type,
            budget,
            labels: Vec::new(),
            flaw: None,
        }
    }

    pub(super) fn metric(&mut self, message: &'a [u8]) -> Result<Metric<'a>, Stop> {
        let mut value = None;
        let mut timestamp_ms = None;
        let mut unknown_fields = Cow::Borrowed(&[][..]);
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            let before = reader.rest();
            match reader.field()? {
                (1, Bytes(message)) => {
                    let label = self.label(message)?;
                    self.labels.push(label);
                }
                (number @ (2..=5 | 7), Bytes(message)) => {
                    self.value(number, message, &mut value)?;
                }
                (6, Varint(number)) => timestamp_ms = Some(number.cast_signed()),
                _ => {
                    let field = &before[..before.len() - reader.rest().len()];
                    append_unknown(&mut unknown_fields, field);
                }
            }
        }
        Ok(Metric {
            labels: self.labels.drain(..).collect(),
            value,
            timestamp_ms,
            unknown_fields,
        })
    }

    /// Decodes a field that is one of the values. The one that is of the family's type counts, else the first one.
    fn value(
        &mut self,
        number: u32,
        message: &'a [u8],
        value: &mut Option<Value<'a>>,
    ) -> Result<(), Stop> {
        let before = value.take_if(|value| field_number(value) == number);
        let mut decoded = before.unwrap_or_else(|| empty_value(number));
        match &mut decoded {
            Value::Gauge(value) | Value::Untyped(value) => double(message, value)?,
            Value::Counter(counter) => self.counter(message, counter)?,
            Value::Summary(summary) => self.summary(message, summary)?,
            Value::Histogram(histogram) => {
                self.budget.take::<Histogram<'_>>(1)?;
                self.histogram(message, histogram)?;
            }
        }
        if value.is_none() || self.metric_type.is_some_and(|of| decoded.is_of(of)) {
            *value = Some(decoded);
        }
        Ok(())
    }

    fn counter(&mut self, message: &'a [u8], counter: &mut Counter<'a>) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.field()? {
                (1, Fixed64(bits)) => counter.value = f64::from_bits(bits),
                (2, Bytes(message)) => {
                    self.exemplar(message, counter.exemplar.get_or_insert_default())?;
                }
                (3, Bytes(message)) => timestamp(message, &mut counter.created)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn summary(&mut self, message: &'a [u8], summary: &mut Summary) -> Result<(), Stop> {
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.field()? {
                (1, Varint(count)) => summary.count = count,
                (2, Fixed64(bits)) => summary.sum = f64::from_bits(bits),
                (3, Bytes(message)) => {
                    self.budget.take::<(f64, f64)>(1)?;
                    summary.quantiles.push(quantile(message)?);
                }
                (4, Bytes(message)) => timestamp(message, &mut summary.created)?,
                _ => {}
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
            match reader.field()? {
                (1, Bytes(message)) => {
                    let label = self.label(message)?;
                    exemplar.labels.push(label);
                }
                (2, Fixed64(bits)) => exemplar.value = f64::from_bits(bits),
                (3, Bytes(message)) => timestamp(message, &mut exemplar.timestamp)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn label(&mut self, message: &'a [u8]) -> Result<Label<'a>, Stop> {
        self.budget.take::<Label<'_>>(1)?;
        let (mut name, mut value) = (&[][..], &[][..]);
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.field()? {
                (1, Bytes(bytes)) => name = bytes,
                (2, Bytes(bytes)) => value = bytes,
                _ => {}
            }
        }
        let Some(valid_name) = valid_name(name) else {
            return Ok(self.flawed_label(|family| Unexposable::InvalidLabelName {
                family,
                name: Quoted(name).to_string(),
            }));
        };
        let Ok(valid_value) = std::str::from_utf8(value) else {
            return Ok(self.flawed_label(|family| Unexposable::InvalidLabelValue {
                family,
                name: Quoted(name).to_string(),
                value: Quoted(value).to_string(),
            }));
        };
        Ok(Label::new(valid_name, valid_value))
    }

    /// Notes the flaw if it is the first one, and goes on with a label that nobody will see.
    #[cold]
    fn flawed_label(&mut self, flaw: impl FnOnce(String) -> Unexposable) -> Label<'a> {
        if self.flaw.is_none() {
            self.flaw = Some(flaw(Quoted(self.family).to_string()));
        }
        Label::new("", "")
    }
}

fn field_number(value: &Value<'_>) -> u32 {
    match value {
        Value::Gauge(_) => 2,
        Value::Counter(_) => 3,
        Value::Summary(_) => 4,
        Value::Untyped(_) => 5,
        Value::Histogram(_) => 7,
    }
}

fn empty_value(field_number: u32) -> Value<'static> {
    match field_number {
        2 => Value::Gauge(0.0),
        3 => Value::Counter(Counter::default()),
        4 => Value::Summary(Summary::default()),
        5 => Value::Untyped(0.0),
        _ => Value::Histogram(Box::default()),
    }
}

fn double(message: &[u8], value: &mut f64) -> Result<(), WireError> {
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        if let (1, Fixed64(bits)) = reader.field()? {
            *value = f64::from_bits(bits);
        }
    }
    Ok(())
}

fn quantile(message: &[u8]) -> Result<(f64, f64), WireError> {
    let mut quantile = (0.0, 0.0);
    let mut reader = Reader::new(message);
    while !reader.is_at_end() {
        match reader.field()? {
            (1, Fixed64(bits)) => quantile.0 = f64::from_bits(bits),
            (2, Fixed64(bits)) => quantile.1 = f64::from_bits(bits),
            _ => {}
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
        match reader.field()? {
            (1, Varint(seconds)) => timestamp.seconds = seconds.cast_signed(),
            (2, Varint(nanos)) => timestamp.nanos = low_32_bits(nanos).cast_signed(),
            _ => {}
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
