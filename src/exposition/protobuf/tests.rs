use proptest::prelude::*;

use super::*;
use crate::exposition::{ParseLimits, arbitrary};
use crate::model::{
    Bucket, BucketSpan, Exemplar, Histogram, Label, Metric, MetricFamily, MetricType, Metrics,
    Summary, Value,
};

const LIMITS: ParseLimits = ParseLimits {
    max_memory: 1 << 20,
};

/// The body decodes to these families, or to this error.
#[track_caller]
fn check(body: &[u8], outcome: &str) {
    let found = match decode_families(body, LIMITS) {
        Ok(families) => families.iter().map(shown).collect(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, outcome, "{:?}", body.escape_ascii().to_string());
}

/// Name, help, type and metrics on one line.
fn shown(family: &MetricFamily<'_>) -> String {
    let metrics = family.metrics.iter().map(|(labels, metric)| {
        let labels = labels
            .iter()
            .map(|label| format!("{}={},", label.name, label.value));
        format!("{{{}}} {:?};", labels.collect::<String>(), metric.value)
    });
    let metrics: String = metrics.collect();
    let MetricFamily {
        name,
        help,
        metric_type,
        ..
    } = family;
    format!("{name} {help:?} {metric_type:?} {metrics}")
}

/// A message or string with its length in front.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut sized = Vec::new();
    wire::append_varint(&mut sized, bytes.len() as u64);
    sized.extend_from_slice(bytes);
    sized
}

/// A field that is a message or string.
fn field(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [vec![tag], sized(&parts.concat())].concat()
}

/// A family of name `m` with its length in front.
fn family(parts: &[&[u8]]) -> Vec<u8> {
    sized(&[&field(0x0a, &[b"m"]), &parts.concat()[..]].concat())
}

const GAUGE: &[u8] = b"\x18\x01";
const HISTOGRAM: &[u8] = b"\x18\x04";
const ONE: &[u8] = b"\0\0\0\0\0\0\xf0\x3f";

/// A metric of these labels and the gauge value 1.
fn gauge(labels: &[&[u8]]) -> Vec<u8> {
    let value = field(0x12, &[&[0x09], ONE]);
    field(0x22, &[&labels.concat(), &value])
}

fn label(name: &[u8], value: &[u8]) -> Vec<u8> {
    field(0x0a, &[&field(0x0a, &[name]), &field(0x12, &[value])])
}

/// The only metric of a family of this type.
fn only_metric(metric_type: &[u8], metric: &[u8]) -> Metric<'static> {
    let body = family(&[metric_type, &field(0x22, &[metric])]);
    let mut families = decode_families(body.leak(), LIMITS).unwrap();
    families[0].metrics.metric_mut(0).clone()
}

#[test]
fn takes_families_with_their_length_in_front() {
    check(b"", "");
    let family = family(&[GAUGE, &gauge(&[&label(b"z", b"1"), &label(b"a.b", b"")])]);
    let text = "m None Gauge {z=1,a.b=,} Some(Gauge(1.0));";
    check(&family, text);
    let named_n = sized(&[&field(0x0a, &[b"n"]), GAUGE].concat());
    check(&[family, named_n].concat(), &format!("{text}n None Gauge "));
}

#[test]
fn takes_fields_in_any_order_and_knows_defaults() {
    check(
        &family(&[&gauge(&[]), GAUGE]),
        "m None Gauge {} Some(Gauge(1.0));",
    );
    check(
        &family(&[&field(0x22, &[b"\x12\0"]), GAUGE]),
        "m None Gauge {} Some(Gauge(0.0));",
    );
    check(
        &family(&[&field(0x22, &[&field(0x0a, &[])])]),
        "m None Counter {=,} None;",
    );
    check(&family(&[&field(0x12, &[])]), "m Some(\"\") Counter ");
}

#[test]
fn the_last_family_of_a_name_counts() {
    let first = family(&[&field(0x12, &[b"help"]), GAUGE, &gauge(&[]), &gauge(&[])]);
    let other = sized(&field(0x0a, &[b"n"]));
    let last = family(&[GAUGE, &gauge(&[&label(b"a", b"b")])]);
    let text = "m None Gauge {a=b,} Some(Gauge(1.0));n None Counter ";
    check(&[first, other.clone(), last.clone()].concat(), text);
    let unexposable = family(&[b"\x18\x07"]);
    check(&[&*unexposable, &other, &last].concat(), text);
    let error = "metric family \"m\" has an unknown type: 7";
    let nameless = sized(b"");
    check(&[last, nameless.clone(), unexposable].concat(), error);
    check(&[other, nameless].concat(), "metric family has no name");
}

#[test]
fn metrics_need_not_have_the_labels_of_those_before() {
    let (a, b) = (label(b"a", b"1"), label(b"b", b"2"));
    let metrics = [gauge(&[&a, &b]), gauge(&[&b]), gauge(&[]), gauge(&[&b, &a])];
    let shown = ["{a=1,b=2,}", "{b=2,}", "{}", "{b=2,a=1,}"];
    let shown = shown.map(|labels| format!("{labels} Some(Gauge(1.0));"));
    let body = family(&[GAUGE, &metrics.concat()]);
    check(&body, &format!("m None Gauge {}", shown.concat()));
    check(
        &family(&[GAUGE, &metrics.concat(), &gauge(&[&a, &label(b"b\0", b"")])]),
        "collected metric \"m\" { label:{name:\"b\\x00\"}} has a label with an invalid name: \"b\\x00\"",
    );
}

#[test]
fn refuses_what_ends_too_early() {
    check(b"\x05ab", "unexpected EOF");
    check(b"\x80", "unexpected EOF");
    check(b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "unexpected EOF");
    check(
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "unexpected EOF",
    );
    let overflow = "proto: variable length integer overflow";
    check(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", overflow);
    check(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", overflow);
}

#[test]
fn refuses_malformed_messages() {
    for message in [
        &b"\xff\xff\xff"[..],
        b"\x0a",
        b"\x0a\x05m",
        b"\x18",
        b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        b"\0\0",
        b"\x04",
        b"\x06",
        b"\x07",
        b"\x43",
        b"\x43\x4c",
        b"\x43\x44\x44",
        b"\x41\0",
        b"\x45\0",
        b"\x22\x02\x12\x05",
        b"\x22\x04\x0a\x02\x0a\x05",
        b"\xf8\xff\xff\xff\xff\x01\0",
    ] {
        check(
            &sized(message),
            "proto: cannot parse invalid wire-format data",
        );
    }
    let nested = [b"\x43".repeat(20_000), b"\x44".repeat(20_000)].concat();
    check(
        &sized(&nested),
        "proto: cannot parse invalid wire-format data",
    );
}

#[test]
fn malformed_comes_before_unexposable() {
    let body = [family(&[b"\x18\x07"]), vec![1, 0xff]].concat();
    check(&body, "proto: cannot parse invalid wire-format data");
}

#[test]
fn tells_what_could_not_be_exposed() {
    let check = |body: &[u8], reason: &str| {
        let error = decode_families(body, LIMITS).unwrap_err();
        assert!(matches!(error, DecodeError::Unexposable(_)), "{error:?}");
        check(body, reason);
    };
    check(b"\0", "metric family has no name");
    check(&sized(b"\x0a\0"), "metric family has no name");
    check(
        &sized(b"\x0a\x02m\xff"),
        r#"metric family has an invalid name: "m\xff""#,
    );
    check(
        &sized(b"\x0a\x02m\0"),
        r#"metric family has an invalid name: "m\x00""#,
    );
    check(
        &family(&[b"\x12\x01\xff"]),
        r#"metric family "m" has a help that is not utf8: "\xff""#,
    );
    check(
        &family(&[b"\x18\x06"]),
        r#"metric family "m" has an unknown type: 6"#,
    );
    check(
        &family(&[b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]),
        r#"metric family "m" has an unknown type: -1"#,
    );
    check(
        &family(&[&gauge(&[&label(b"\xff", b"1")])]),
        r#"collected metric "m" { label:{name:"\xff"}} has a label with an invalid name: "\xff""#,
    );
    check(
        &family(&[&gauge(&[&label(b"a\0", b"1")])]),
        r#"collected metric "m" { label:{name:"a\x00"}} has a label with an invalid name: "a\x00""#,
    );
    check(
        &family(&[&gauge(&[&label(b"a", b"\xff"), &label(b"\xff", b"1")])]),
        r#"collected metric "m" { label:{name:"a"  value:"\xff"}} has a label named "a" whose value is not utf8: "\xff""#,
    );
}

#[test]
fn keeps_the_value_of_the_type_else_the_first() {
    let gauge = field(0x12, &[&[0x09], ONE]);
    let untyped = field(0x2a, &[&[0x09], ONE]);
    let summary = field(0x22, &[b"\x08\x05"]);
    let both = |metric_type, parts: &[&[u8]]| only_metric(metric_type, &parts.concat()).value;
    assert_eq!(both(GAUGE, &[&untyped, &gauge]), Some(Value::Gauge(1.0)));
    assert_eq!(both(GAUGE, &[&gauge, &untyped]), Some(Value::Gauge(1.0)));
    assert_eq!(
        both(GAUGE, &[&untyped, &summary]),
        Some(Value::Untyped(1.0))
    );
    assert_eq!(
        both(HISTOGRAM, &[&gauge, &untyped]),
        Some(Value::Gauge(1.0))
    );
    assert_eq!(both(GAUGE, &[]), None);
}

#[test]
fn merges_what_comes_twice() {
    let histogram = |bytes: &[u8]| field(0x3a, &[bytes]);
    let twice = [
        histogram(b"\x08\x05\x1a\x02\x08\x01"),
        histogram(b"\x11\0\0\0\0\0\0\xf0\x3f\x1a\0"),
    ];
    let Some(Value::Histogram(histogram)) = only_metric(HISTOGRAM, &twice.concat()).value else {
        panic!("not a histogram");
    };
    assert_eq!(
        (histogram.count, histogram.sum, histogram.buckets.len()),
        (5, 1.0, 2)
    );
    let label = field(0x0a, &[b"\x0a\x01a\x0a\x01b\x12\x01c"]);
    check(
        &family(&[GAUGE, &field(0x22, &[&label])]),
        "m None Gauge {b=c,} None;",
    );
}

#[test]
fn takes_repeated_numbers_packed_and_unpacked() {
    let histogram = [
        &b"\x50\x01\x52\x02\x03\x04\x50\x02"[..],
        b"\x59",
        ONE,
        b"\x5a\x10",
        ONE,
        ONE,
        b"\x68\x01",
    ];
    let metric = field(0x3a, &[&histogram.concat()]);
    let Some(Value::Histogram(histogram)) = only_metric(HISTOGRAM, &metric).value else {
        panic!("not a histogram");
    };
    assert_eq!(histogram.negative.deltas, [-1, -2, 2, 1]);
    assert_eq!(histogram.negative.counts, [1.0, 1.0, 1.0]);
    assert_eq!(histogram.positive.deltas, [-1]);
    for packed in [&b"\x52\x01\x80"[..], b"\x5a\x07\0\0\0\0\0\0\0"] {
        let metric = field(0x22, &[&field(0x3a, &[packed])]);
        check(
            &family(&[&metric]),
            "proto: cannot parse invalid wire-format data",
        );
    }
}

#[test]
fn keeps_unknown_fields_of_metrics() {
    let parts = [
        &b"\x40\x05"[..],
        &field(0x12, &[&[0x09], ONE]),
        b"\x30\x07",
        b"\x43\x4b\x4c\x44",
        b"\x10\x01",
    ];
    let metric = only_metric(GAUGE, &parts.concat());
    assert_eq!(&*metric.unknown_fields, b"\x40\x05\x43\x4b\x4c\x44\x10\x01");
    assert_eq!(
        (metric.value, metric.timestamp_ms),
        (Some(Value::Gauge(1.0)), Some(7))
    );
}

#[test]
fn labels_that_come_again_are_what_they_are_alone() {
    let many: Vec<_> = (b'a'..=b'z').map(|name| label(&[name], b"v")).collect();
    let many: Vec<_> = many.iter().map(|label| &label[..]).collect();
    let pool = [
        gauge(&[]),
        gauge(&[b"\x0a\0"]),
        gauge(&[&label(b"a", b"v")]),
        gauge(&[&label(b"a", b"w")]),
        gauge(&[&label(b"b", b"v"), &label(b"a", b"v")]),
        gauge(&many),
    ];
    let alone = |metric| {
        let metrics = decode_metrics(metric).unwrap();
        let (labels, metric) = metrics.get(0).unwrap();
        (labels.to_vec(), metric.clone())
    };
    for first in &pool {
        for second in &pool {
            for third in &pool {
                let together = [&first[..], second, third].concat();
                let expected = Metrics::from_iter([first, second, third].map(|one| alone(one)));
                assert_eq!(decode_metrics(&together), Ok(expected));
            }
        }
    }
    check(
        &family(&[
            GAUGE,
            &gauge(&[&label(b"a", b"v")]),
            &gauge(&[&label(b"a", b"\xff")]),
            &gauge(&[&label(b"a", b"v")]),
        ]),
        r#"collected metric "m" { label:{name:"a"  value:"\xff"}} has a label named "a" whose value is not utf8: "\xff""#,
    );
}

#[test]
fn drops_the_unit() {
    check(&family(&[b"\x2a\x01\xff", GAUGE]), "m None Gauge ");
}

#[test]
fn borrows_from_the_body() {
    let body = family(&[GAUGE, &gauge(&[&label(b"a", b"b")])]);
    let families = decode_families(&body, LIMITS).unwrap();
    let (labels, _) = families[0].metrics.get(0).unwrap();
    let Label { name, value } = &labels[0];
    for text in [&families[0].name, name, value] {
        assert!(matches!(text, std::borrow::Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn bounds_the_memory() {
    let check = |metrics: &[u8], sizes: &[usize]| {
        let body = family(&[metrics]);
        let max_memory = 2 * size_of::<MetricFamily<'_>>() + sizes.iter().sum::<usize>();
        assert!(decode_families(&body, ParseLimits { max_memory }).is_ok());
        let limit = max_memory - 1;
        let error = decode_families(&body, ParseLimits { max_memory: limit }).unwrap_err();
        assert_eq!(error, DecodeError::TooLarge(TooLarge { limit }));
    };
    let (metric, label) = (Metrics::METRIC_BYTES, size_of::<Label<'_>>());
    let (bucket, exemplar) = (size_of::<Bucket<'_>>(), size_of::<Exemplar<'_>>());
    check(b"", &[]);
    check(b"\x22\0\x22\0", &[metric, metric]);
    check(b"\x22\x04\x0a\0\x0a\0", &[metric, label, label]);
    check(
        b"\x22\x06\x22\x04\x1a\0\x1a\0",
        &[metric, size_of::<Summary>(), 4 * size_of::<f64>()],
    );
    let check = |parts: &[u8], sizes: &[usize]| {
        let histogram = metric + size_of::<Histogram<'_>>();
        check(
            &field(0x22, &[&field(0x3a, &[parts])]),
            &[&[histogram], sizes].concat(),
        );
    };
    check(b"\x1a\0\x1a\x02\x1a\0", &[bucket, bucket, exemplar]);
    check(
        b"\x4a\0\x52\x03\x01\x01\x01\x50\x01",
        &[size_of::<BucketSpan>(), 4 * size_of::<i64>()],
    );
    check(&[b"\x5a\x10", ONE, ONE].concat(), &[2 * size_of::<f64>()]);
    check(b"\x82\x01\x02\x0a\0", &[exemplar, label]);
}

#[test]
fn encodes_fields_in_order() {
    let metric = Metric {
        value: Some(Value::Gauge(1.0)),
        timestamp_ms: Some(-1),
        unknown_fields: (&b"\x40\x05"[..]).into(),
    };
    let mut metrics = Vec::new();
    append_metric(&mut metrics, [("a", "b"), ("c", "")], &metric);
    let parts = [
        &label(b"a", b"b"),
        &label(b"c", b""),
        &field(0x12, &[&[0x09], ONE])[..],
        b"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x40\x05",
    ];
    assert_eq!(metrics, field(0x22, &parts));

    let mut family = Vec::new();
    append_family_header(&mut family, "m", Some(""), MetricType::Gauge, metrics.len());
    let header = b"\x0a\x01m\x12\0\x18\x01";
    family.extend_from_slice(&metrics);
    assert_eq!(family, sized(&[&header[..], &metrics].concat()));
}

#[test]
fn only_metrics_are_taken_for_metrics() {
    assert_eq!(
        decode_metrics(b"\x22\0\x18\x01"),
        Err(DecodeError::Malformed)
    );
    assert_eq!(decode_metrics(b"\x22\x05"), Err(DecodeError::Malformed));
    assert_eq!(decode_metrics(b""), Ok(Metrics::default()));
}

proptest! {
    #[test]
    fn decodes_what_was_encoded(family in arbitrary::protobuf_family()) {
        let mut bytes = Vec::new();
        append_family(&mut bytes, &family);
        let decoded = decode_families(&bytes, ParseLimits::NONE).unwrap();
        prop_assert_eq!(format!("{:?}", decoded), format!("{:?}", [&family]));

        let mut packed = Vec::new();
        for (labels, metric) in family.metrics.iter() {
            let labels = labels.iter().map(|label| (&*label.name, &*label.value));
            append_metric(&mut packed, labels, metric);
        }
        let metrics = decode_metrics(&packed).unwrap();
        prop_assert_eq!(format!("{metrics:?}"), format!("{:?}", family.metrics));
    }

    #[test]
    fn survives_damage(body in arbitrary::damaged_protobuf()) {
        if let Ok(families) = decode_families(&body, LIMITS) {
            for family in families {
                append_family(&mut Vec::new(), &family);
            }
        }
    }

    #[test]
    fn survives_any_bytes(body in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = decode_families(&body, LIMITS);
        let _ = decode_metrics(&body);
    }
}
