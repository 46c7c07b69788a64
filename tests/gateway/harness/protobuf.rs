//! `io.prometheus.client.MetricFamily` on the wire: written field by field, so that a test can send what no
//! library would, and read back into text that can be compared and read.

use std::fmt::Write as _;

use super::scrape::{PUSH_TIME, is_push_gauge};

/// What a push in this format calls its body, and a scrape asks for.
pub(crate) const CONTENT_TYPE: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

pub(crate) const COUNTER: u64 = 0;
pub(crate) const GAUGE: u64 = 1;
pub(crate) const SUMMARY: u64 = 2;
pub(crate) const UNTYPED: u64 = 3;
pub(crate) const HISTOGRAM: u64 = 4;
pub(crate) const GAUGE_HISTOGRAM: u64 = 5;

/// A message under construction: its fields so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn varint(mut self, field: u64, value: u64) -> Self {
        put_varint(&mut self.0, field << 3);
        put_varint(&mut self.0, value);
        self
    }

    /// A `sint32` or `sint64`.
    pub(crate) fn signed(self, field: u64, value: i64) -> Self {
        self.varint(field, ((value << 1) ^ (value >> 63)).cast_unsigned())
    }

    pub(crate) fn double(mut self, field: u64, value: f64) -> Self {
        put_varint(&mut self.0, field << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, field: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        put_varint(&mut self.0, field << 3 | 2);
        put_varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    /// A `LabelPair` as `Metric` and `Exemplar` have them in field 1.
    pub(crate) fn label(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.message(1, &Self::new().bytes(1, name).bytes(2, value))
    }

    /// The message after its length.
    pub(crate) fn delimited(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.0.len() as u64);
        bytes.extend_from_slice(&self.0);
        bytes
    }
}

/// A `MetricFamily`.
pub(crate) fn family(name: &str, metric_type: u64, metrics: &[Message]) -> Message {
    let head = Message::new().bytes(1, name).varint(3, metric_type);
    metrics
        .iter()
        .fold(head, |family, metric| family.message(4, metric))
}

/// A `Metric` with a gauge's value and no labels.
pub(crate) fn gauge(value: f64) -> Message {
    Message::new().message(2, &Message::new().double(1, value))
}

pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// A family as it was read: its name, and all of it as text with push times masked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadFamily {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Reads the delimited families of a scrape; an error says where it stopped.
pub(crate) fn read_families(mut bytes: &[u8]) -> Result<Vec<ReadFamily>, String> {
    let mut families = Vec::new();
    while !bytes.is_empty() {
        let family = take_block(&mut bytes)?;
        let name = String::from_utf8_lossy(first_bytes(family)?).into_owned();
        let mut text = String::new();
        write_message(family, METRIC_FAMILY, 0, &mut text)?;
        if is_push_gauge(&name) {
            text = mask_values(&text);
        }
        families.push(ReadFamily { name, text });
    }
    Ok(families)
}

/// The field numbers, names and kinds of a message.
type Schema = &'static [(u64, &'static str, Kind)];

#[derive(Clone, Copy)]
enum Kind {
    Unsigned,
    Signed,
    Zigzag,
    Double,
    Text,
    Message(Schema),
}

const METRIC_FAMILY: Schema = &[
    (1, "name", Kind::Text),
    (2, "help", Kind::Text),
    (3, "type", Kind::Unsigned),
    (4, "metric", Kind::Message(METRIC)),
    (5, "unit", Kind::Text),
];
const METRIC: Schema = &[
    (1, "label", Kind::Message(LABEL_PAIR)),
    (2, "gauge", Kind::Message(VALUE)),
    (3, "counter", Kind::Message(COUNTER_VALUE)),
    (4, "summary", Kind::Message(SUMMARY_VALUE)),
    (5, "untyped", Kind::Message(VALUE)),
    (6, "timestamp_ms", Kind::Signed),
    (7, "histogram", Kind::Message(HISTOGRAM_VALUE)),
];
const LABEL_PAIR: Schema = &[(1, "name", Kind::Text), (2, "value", Kind::Text)];
const VALUE: Schema = &[(1, "value", Kind::Double)];
const COUNTER_VALUE: Schema = &[
    (1, "value", Kind::Double),
    (2, "exemplar", Kind::Message(EXEMPLAR)),
    (3, "created_timestamp", Kind::Message(TIMESTAMP)),
];
const SUMMARY_VALUE: Schema = &[
    (1, "sample_count", Kind::Unsigned),
    (2, "sample_sum", Kind::Double),
    (3, "quantile", Kind::Message(QUANTILE)),
    (4, "created_timestamp", Kind::Message(TIMESTAMP)),
];
const QUANTILE: Schema = &[(1, "quantile", Kind::Double), (2, "value", Kind::Double)];
const HISTOGRAM_VALUE: Schema = &[
    (1, "sample_count", Kind::Unsigned),
    (2, "sample_sum", Kind::Double),
    (3, "bucket", Kind::Message(BUCKET)),
    (4, "sample_count_float", Kind::Double),
    (5, "schema", Kind::Zigzag),
    (6, "zero_threshold", Kind::Double),
    (7, "zero_count", Kind::Unsigned),
    (8, "zero_count_float", Kind::Double),
    (9, "negative_span", Kind::Message(SPAN)),
    (10, "negative_delta", Kind::Zigzag),
    (11, "negative_count", Kind::Double),
    (12, "positive_span", Kind::Message(SPAN)),
    (13, "positive_delta", Kind::Zigzag),
    (14, "positive_count", Kind::Double),
    (15, "created_timestamp", Kind::Message(TIMESTAMP)),
    (16, "exemplars", Kind::Message(EXEMPLAR)),
];
const BUCKET: Schema = &[
    (1, "cumulative_count", Kind::Unsigned),
    (2, "upper_bound", Kind::Double),
    (3, "exemplar", Kind::Message(EXEMPLAR)),
    (4, "cumulative_count_float", Kind::Double),
];
const SPAN: Schema = &[(1, "offset", Kind::Zigzag), (2, "length", Kind::Unsigned)];
const EXEMPLAR: Schema = &[
    (1, "label", Kind::Message(LABEL_PAIR)),
    (2, "value", Kind::Double),
    (3, "timestamp", Kind::Message(TIMESTAMP)),
];
const TIMESTAMP: Schema = &[(1, "seconds", Kind::Signed), (2, "nanos", Kind::Signed)];

fn write_message(
    mut bytes: &[u8],
    schema: Schema,
    depth: usize,
    text: &mut String,
) -> Result<(), String> {
    while !bytes.is_empty() {
        let tag = take_varint(&mut bytes)?;
        let field = tag >> 3;
        let known = schema.iter().find(|(number, ..)| *number == field);
        let indent = "  ".repeat(depth);
        let name = known.map_or_else(|| format!("#{field}"), |(_, name, _)| (*name).to_owned());
        let kind = known.map(|(.., kind)| *kind);
        write!(text, "{indent}{name}: ").unwrap();
        match (tag & 7, kind) {
            (0, _) => {
                let value = take_varint(&mut bytes)?;
                writeln!(text, "{}", number(value, kind)).unwrap();
            }
            (1, _) => {
                let value = take(&mut bytes, 8)?;
                let value = f64::from_le_bytes(value.try_into().expect("eight bytes were taken"));
                writeln!(text, "{value:?}").unwrap();
            }
            (2, Some(Kind::Message(schema))) => {
                let inside = take_block(&mut bytes)?;
                text.push_str("{\n");
                write_message(inside, schema, depth + 1, text)?;
                writeln!(text, "{indent}}}").unwrap();
            }
            (2, _) => {
                let value = take_block(&mut bytes)?;
                writeln!(text, "\"{}\"", value.escape_ascii()).unwrap();
            }
            (wire_type, _) => return Err(format!("wire type {wire_type} after:\n{text}")),
        }
    }
    Ok(())
}

fn number(value: u64, kind: Option<Kind>) -> String {
    match kind {
        Some(Kind::Zigzag) => ((value >> 1).cast_signed() ^ -(value & 1).cast_signed()).to_string(),
        Some(Kind::Signed) => value.cast_signed().to_string(),
        _ => value.to_string(),
    }
}

/// The first field of a message, which has to be bytes.
fn first_bytes(mut message: &[u8]) -> Result<&[u8], String> {
    let tag = take_varint(&mut message)?;
    if tag != 1 << 3 | 2 {
        return Err(format!(
            "a family begins with tag {tag} instead of its name"
        ));
    }
    take_block(&mut message)
}

fn take_block<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let length = take_varint(bytes)?;
    take(
        bytes,
        usize::try_from(length).map_err(|error| error.to_string())?,
    )
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let cut_off = || format!("{length} bytes wanted, {} left", bytes.len());
    let (taken, rest) = bytes.split_at_checked(length).ok_or_else(cut_off)?;
    *bytes = rest;
    Ok(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a varint of more than ten bytes".to_owned())
}

fn mask_values(text: &str) -> String {
    let mask = |line: &str| match line.split_once("value: ") {
        Some((indent, value)) if !value.starts_with('"') && value != "0.0" => {
            format!("{indent}value: {PUSH_TIME}\n")
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(mask).collect()
}

#[test]
fn what_is_written_is_read_back() {
    let metric = gauge(2.5).label("a", "\u{fc}");
    let bytes = family("m", GAUGE, &[metric.signed(6, 3)]).delimited();
    let families = read_families(&bytes).unwrap();
    let expected = "name: \"m\"\ntype: 1\nmetric: {\n  gauge: {\n    value: 2.5\n  }\n  label: {\n    \
                    name: \"a\"\n    value: \"\\xc3\\xbc\"\n  }\n  timestamp_ms: 6\n}\n";
    assert_eq!(families[0].text, expected);
}
