//! Random families and bodies for property tests.

use std::borrow::Cow;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::protobuf;
use crate::model::{
    Bucket, BucketSpan, Buckets, Counter, Exemplar, Histogram, Label, Metric, MetricFamily,
    MetricType, ProtoTimestamp, Summary, Value,
};

type Family = MetricFamily<'static>;
type Labels = Vec<Label<'static>>;

const TYPES: [MetricType; 6] = [
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Summary,
    MetricType::Untyped,
    MetricType::Histogram,
    MetricType::GaugeHistogram,
];

/// Fields of a metric that exist only elsewhere: of each wire type, and of a wrong one.
const UNKNOWN_FIELDS: &[&[u8]] = &[
    b"",
    b"\x40\x05",
    b"\x4a\x02ab\x49\x01\x02\x03\x04\x05\x06\x07\x08",
    b"\x4d\x01\x02\x03\x04",
    b"\x43\x4b\x4c\x44",
    b"\x10\x01",
];

/// Pieces of text that matter to the parser.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "\"",
    "\\",
    "\n",
    " ",
    "=",
    ",",
    "#",
    "m",
    "m_sum",
    "m_count",
    "m_bucket",
    "le=\"1\"",
    "quantile=\"0.5\"",
    "# TYPE m histogram\n",
    "# TYPE m summary\n",
    "# HELP m ",
    "a=\"b\"",
    "1",
    "-1",
    "NaN",
    "1e400",
    "ü",
    "\0",
];

/// A family of what text can carry, with metrics of different labels.
pub(super) fn text_family() -> impl Strategy<Value = Family> {
    let help = option::of("(?s)[^ \t].{0,12}");
    // Text calls a gauge histogram a histogram.
    let families = (name(), help, select(&TYPES[..5]));
    families.prop_flat_map(|(name, help, metric_type)| {
        let metrics = btree_map(text_labels(), text_value(metric_type), 1..5);
        metrics.prop_map(move |metrics| MetricFamily {
            name: Cow::Owned(name.clone()),
            help: help.clone().map(Cow::Owned),
            metric_type,
            metrics: metrics
                .into_iter()
                .map(|(labels, value)| (to_labels(labels), value.into()))
                .collect(),
        })
    })
}

/// A family of what protobuf can carry.
pub(super) fn protobuf_family() -> impl Strategy<Value = Family> {
    let families = (name(), option::of(any::<String>()), select(&TYPES[..]));
    families.prop_flat_map(|(name, help, metric_type)| {
        vec(protobuf_metric(metric_type), 0..4).prop_map(move |metrics| MetricFamily {
            name: Cow::Owned(name.clone()),
            help: help.clone().map(Cow::Owned),
            metric_type,
            metrics: metrics.into_iter().collect(),
        })
    })
}

/// Bytes that go some way with the text parser.
pub(super) fn damaged_text() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        9 => select(TOKENS).prop_map(|token| token.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..3),
    ];
    vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

/// Bytes that go some way with the protobuf decoder.
pub(super) fn damaged_protobuf() -> impl Strategy<Value = Vec<u8>> {
    let damages = vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4);
    (protobuf_family(), damages, any::<proptest::sample::Index>()).prop_map(
        |(family, damages, end)| {
            let mut bytes = Vec::new();
            protobuf::append_family(&mut bytes, &family);
            for (at, byte) in damages {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(1 + end.index(2 * bytes.len()));
            bytes
        },
    )
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_:][a-z0-9_:]{0,8}", "\\PC{1,6}"]
}

/// Label names and values; names that text would understand otherwise are not among them.
fn text_labels() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof!["[a-z_][a-z0-9_]{0,4}", "\\PC{1,6}"];
    let name = name.prop_filter("reserved", |name| {
        !matches!(&**name, "le" | "quantile" | "__name__")
    });
    btree_map(name, any::<String>(), 0..4).prop_map(|labels| labels.into_iter().collect())
}

fn text_value(metric_type: MetricType) -> BoxedStrategy<Value<'static>> {
    match metric_type {
        MetricType::Counter => double().prop_map(counter).boxed(),
        MetricType::Gauge => double().prop_map(Value::Gauge).boxed(),
        MetricType::Untyped => double().prop_map(Value::Untyped).boxed(),
        MetricType::Summary => (exact_count(), double(), vec((position(), double()), 0..4))
            .prop_map(|(count, sum, quantiles)| {
                Value::Summary(Box::new(Summary {
                    count,
                    sum,
                    quantiles,
                    created: None,
                }))
            })
            .boxed(),
        MetricType::Histogram | MetricType::GaugeHistogram => text_histogram().boxed(),
    }
}

/// A classic histogram with a last bucket up to infinity, of integers or of floats.
fn text_histogram() -> impl Strategy<Value = Value<'static>> {
    let buckets = vec((position(), exact_count()), 0..4);
    let histograms = (buckets, exact_count(), double(), any::<bool>());
    histograms.prop_map(|(mut buckets, count, sum, is_float)| {
        buckets.push((f64::INFINITY, count));
        let to_float = |count| f64::from(u32::try_from(count).unwrap()) + 0.5;
        let buckets = buckets.into_iter().map(|(upper_bound, count)| Bucket {
            cumulative_count: if is_float { 0 } else { count },
            cumulative_count_float: if is_float { to_float(count) } else { 0.0 },
            upper_bound,
            exemplar: None,
        });
        Value::Histogram(Box::new(Histogram {
            count: if is_float { 0 } else { count },
            count_float: if is_float { to_float(count) } else { 0.0 },
            sum,
            buckets: buckets.collect(),
            ..Histogram::default()
        }))
    })
}

fn protobuf_metric(metric_type: MetricType) -> impl Strategy<Value = (Labels, Metric<'static>)> {
    let unknown_fields = select(UNKNOWN_FIELDS);
    let value = option::weighted(0.9, protobuf_value(metric_type));
    (labels(), value, any::<Option<i64>>(), unknown_fields).prop_map(
        |(labels, value, timestamp_ms, unknown_fields)| {
            let metric = Metric {
                value,
                timestamp_ms,
                unknown_fields: Cow::Borrowed(unknown_fields),
            };
            (labels, metric)
        },
    )
}

fn protobuf_value(metric_type: MetricType) -> BoxedStrategy<Value<'static>> {
    match metric_type {
        MetricType::Counter => (double(), optional_exemplar(), timestamp())
            .prop_map(|(value, exemplar, created)| {
                Value::Counter(Counter {
                    value,
                    exemplar,
                    created,
                })
            })
            .boxed(),
        MetricType::Gauge => double().prop_map(Value::Gauge).boxed(),
        MetricType::Untyped => double().prop_map(Value::Untyped).boxed(),
        MetricType::Summary => (
            any::<u64>(),
            double(),
            vec((double(), double()), 0..3),
            timestamp(),
        )
            .prop_map(|(count, sum, quantiles, created)| {
                Value::Summary(Box::new(Summary {
                    count,
                    sum,
                    quantiles,
                    created,
                }))
            })
            .boxed(),
        MetricType::Histogram | MetricType::GaugeHistogram => protobuf_histogram().boxed(),
    }
}

fn protobuf_histogram() -> impl Strategy<Value = Value<'static>> {
    let counts = (any::<u64>(), double(), double());
    let classic = vec(bucket(), 0..3);
    let zero = (
        option::of(any::<i32>()),
        option::of(double()),
        option::of(any::<u64>()),
        option::of(double()),
    );
    let native = (zero, native_buckets(), native_buckets());
    let rest = (timestamp(), vec(exemplar(), 0..3));
    (counts, classic, native, rest).prop_map(
        |((count, count_float, sum), buckets, (zero, negative, positive), (created, exemplars))| {
            let (schema, zero_threshold, zero_count, zero_count_float) = zero;
            Value::Histogram(Box::new(Histogram {
                count,
                count_float,
                sum,
                buckets,
                schema,
                zero_threshold,
                zero_count,
                zero_count_float,
                negative,
                positive,
                created,
                exemplars,
            }))
        },
    )
}

fn bucket() -> impl Strategy<Value = Bucket<'static>> {
    (any::<u64>(), double(), double(), optional_exemplar()).prop_map(
        |(cumulative_count, cumulative_count_float, upper_bound, exemplar)| Bucket {
            cumulative_count,
            cumulative_count_float,
            upper_bound,
            exemplar,
        },
    )
}

fn native_buckets() -> impl Strategy<Value = Buckets> {
    let span = (any::<i32>(), any::<u32>());
    let span = span.prop_map(|(offset, length)| BucketSpan { offset, length });
    (
        vec(span, 0..3),
        vec(any::<i64>(), 0..3),
        vec(double(), 0..3),
    )
        .prop_map(|(spans, deltas, counts)| Buckets {
            spans,
            deltas,
            counts,
        })
}

fn exemplar() -> impl Strategy<Value = Exemplar<'static>> {
    (labels(), double(), timestamp()).prop_map(|(labels, value, timestamp)| Exemplar {
        labels,
        value,
        timestamp,
    })
}

fn optional_exemplar() -> impl Strategy<Value = Option<Box<Exemplar<'static>>>> {
    option::of(exemplar().prop_map(Box::new))
}

fn timestamp() -> impl Strategy<Value = Option<ProtoTimestamp>> {
    let timestamp = (any::<i64>(), any::<i32>());
    option::of(timestamp.prop_map(|(seconds, nanos)| ProtoTimestamp { seconds, nanos }))
}

fn labels() -> impl Strategy<Value = Labels> {
    vec(("[^\0]{0,4}", any::<String>()), 0..4).prop_map(to_labels)
}

fn to_labels(labels: Vec<(String, String)>) -> Labels {
    let labels = labels.into_iter();
    labels
        .map(|(name, value)| Label::new(name, value))
        .collect()
}

fn counter(value: f64) -> Value<'static> {
    Value::Counter(Counter {
        value,
        ..Counter::default()
    })
}

/// Any double but negative zero, which text does not tell from zero.
fn double() -> impl Strategy<Value = f64> {
    let double = prop_oneof![
        proptest::num::f64::ANY,
        (-1_000_000..1_000_000_i32).prop_map(f64::from),
        (-1_000_000..1_000_000_i32).prop_map(|number| f64::from(number) / 1000.0),
    ];
    double.prop_map(|double| double + 0.0)
}

/// A bound or a quantile.
fn position() -> impl Strategy<Value = f64> {
    let finite = double().prop_filter("is the default or no position", |double| double.is_finite());
    finite.boxed()
}

/// A count that survives being a double with a fraction.
fn exact_count() -> impl Strategy<Value = u64> {
    0..1_u64 << 32
}
