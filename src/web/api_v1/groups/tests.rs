//! One group as JSON, every type of metric in it.

use std::sync::Arc;

use super::*;
use crate::model::{Bucket, BucketSpan, Buckets, Metric};
use crate::web::tests::{FakeGroup, pushed};

type LabelledMetric = (Vec<Label<'static>>, Metric<'static>);

fn metric(labels: &[(&'static str, &'static str)], value: Value<'static>) -> LabelledMetric {
    let label = |&(name, value)| Label::new(name, value);
    (labels.iter().map(label).collect(), value.into())
}

fn family(
    name: &'static str,
    metric_type: MetricType,
    metrics: Vec<LabelledMetric>,
) -> MetricFamily<'static> {
    MetricFamily {
        name: name.into(),
        help: None,
        metric_type,
        metrics: metrics.into_iter().collect(),
    }
}

/// What the family becomes, but for its time stamp.
fn check_family(family: MetricFamily<'static>, expected: &str) {
    let mut out = Vec::new();
    append_family(&mut out, &pushed(family), &TimeZone::UTC);
    let found = String::from_utf8(out).unwrap();
    let start = r#"{"time_stamp":"2020-03-09T19:24:08.025744841Z","#;
    assert_eq!(found.strip_prefix(start).unwrap(), expected);
}

/// What the value becomes in a family of that type, but for what surrounds it.
fn check_value(metric_type: MetricType, value: Value<'static>, expected: &str) {
    let family = family("m", metric_type, vec![metric(&[("job", "j")], value)]);
    let type_name = metric_type.proto_name();
    check_family(
        family,
        &format!(r#""type":"{type_name}","metrics":[{expected}]}}"#),
    );
}

fn check_histogram(histogram: Histogram<'static>, expected: &str) {
    let value = Value::Histogram(Box::new(histogram));
    check_value(MetricType::Histogram, value, expected);
}

fn native_side(deltas: &[i64], counts: &[f64]) -> Buckets {
    let span = BucketSpan {
        offset: 0,
        length: 2,
    };
    Buckets {
        spans: vec![span, span],
        deltas: deltas.to_vec(),
        counts: counts.to_vec(),
    }
}

#[test]
fn simple_values_are_strings() {
    let value = |text: &str| format!(r#"{{"labels":{{"job":"j"}},"value":"{text}"}}"#);
    let counter = Counter {
        value: 12_345_678.0,
        ..Counter::default()
    };
    check_value(
        MetricType::Counter,
        Value::Counter(counter),
        &value("1.2345678e+07"),
    );
    check_value(MetricType::Gauge, Value::Gauge(1e6), &value("1e+06"));
    check_value(MetricType::Gauge, Value::Gauge(-0.0), &value("-0"));
    let infinite = Value::Untyped(f64::NEG_INFINITY);
    check_value(MetricType::Untyped, infinite, &value("-Inf"));
    let histogram = Value::Histogram(Box::default());
    check_value(MetricType::GaugeHistogram, histogram, &value("0"));
}

#[test]
fn help_is_left_out_when_empty_and_metrics_never() {
    let check = |help: Option<&'static str>, expected| {
        let family = MetricFamily {
            help: help.map(Into::into),
            ..family("m", MetricType::Gauge, Vec::new())
        };
        check_family(family, expected);
    };
    check(None, r#""type":"GAUGE","metrics":[]}"#);
    check(Some(""), r#""type":"GAUGE","metrics":[]}"#);
    check(
        Some("a <&>"),
        r#""type":"GAUGE","help":"a \u003c\u0026\u003e","metrics":[]}"#,
    );
}

#[test]
fn metrics_stay_in_pushed_order_and_labels_are_sorted() {
    let metrics = vec![
        metric(&[("job", "j"), ("b", "2"), ("a", "1")], Value::Gauge(2.0)),
        metric(&[("job", "j")], Value::Gauge(1.0)),
    ];
    check_family(
        family("m", MetricType::Gauge, metrics),
        concat!(
            r#""type":"GAUGE","metrics":[{"labels":{"a":"1","b":"2","job":"j"},"value":"2"},"#,
            r#"{"labels":{"job":"j"},"value":"1"}]}"#
        ),
    );
}

#[test]
fn summaries_have_quantiles() {
    let summary = Summary {
        count: 12_345_678,
        sum: 3e-7,
        quantiles: vec![(0.99, f64::NAN), (0.5, 1.5)],
        created: None,
    };
    check_value(
        MetricType::Summary,
        Value::Summary(Box::new(summary)),
        r#"{"count":"12345678","labels":{"job":"j"},"quantiles":{"0.5":"1.5","0.99":"NaN"},"sum":"3e-07"}"#,
    );
    check_value(
        MetricType::Summary,
        Value::Summary(Box::default()),
        r#"{"count":"0","labels":{"job":"j"},"quantiles":{},"sum":"0"}"#,
    );
}

#[test]
fn classic_buckets_are_an_object() {
    let bucket = |upper_bound, cumulative_count, cumulative_count_float| Bucket {
        upper_bound,
        cumulative_count,
        cumulative_count_float,
        exemplar: None,
    };
    check_histogram(
        Histogram {
            count: 3,
            sum: 100.0,
            buckets: vec![
                bucket(0.1, 1, 0.0),
                bucket(1e8, 7, 0.0),
                bucket(1e8, 2, 0.0),
                bucket(f64::INFINITY, 0, 3.5),
            ],
            ..Histogram::default()
        },
        r#"{"buckets":{"+Inf":"3.5","0.1":"1","1e+08":"2"},"count":"3","labels":{"job":"j"},"sum":"100"}"#,
    );
}

#[test]
fn native_buckets_are_an_array() {
    let side = || native_side(&[0, 2, -2, 0], &[]);
    check_histogram(
        Histogram {
            count: 20,
            sum: 99.23,
            schema: Some(1),
            zero_threshold: Some(0.001),
            zero_count: Some(2),
            negative: side(),
            positive: side(),
            ..Histogram::default()
        },
        concat!(
            r#"{"buckets":[[1,"-1.414213562373095","-1","2"],[3,"-0.001","0.001","2"],"#,
            r#"[0,"1","1.414213562373095","2"]],"count":"20","labels":{"job":"j"},"sum":"99.23"}"#
        ),
    );
    let side = || native_side(&[], &[2.0, 2.0, -2.0, 0.0]);
    check_histogram(
        Histogram {
            count_float: 20.0,
            sum: 99.23,
            schema: Some(1),
            negative: side(),
            positive: side(),
            ..Histogram::default()
        },
        concat!(
            r#"{"buckets":[[1,"-2","-1.414213562373095","-2"],[1,"-1.414213562373095","-1","2"],"#,
            r#"[1,"-1","-0.7071067811865475","2"],[0,"0.7071067811865475","1","2"],"#,
            r#"[0,"1","1.414213562373095","2"],[0,"1.414213562373095","2","-2"]],"#,
            r#""count":"20","labels":{"job":"j"},"sum":"99.23"}"#
        ),
    );
}

#[test]
fn a_group_has_its_labels_and_families_sorted_by_name() {
    let gauge = |name| pushed(family(name, MetricType::Gauge, Vec::new()));
    let check = |families: Vec<_>, expected: &str| {
        let labels = [("job", "Björn"), ("instance", "inst'a\"n\\ce1")];
        let mut group = FakeGroup::new(&labels, families);
        group.last_push_successful = false;
        let mut out = Vec::new();
        append_group(&mut out, &Arc::new(group), &TimeZone::UTC);
        let found = String::from_utf8(out).unwrap();
        let family =
            r#"{"time_stamp":"2020-03-09T19:24:08.025744841Z","type":"GAUGE","metrics":[]}"#;
        assert_eq!(found.replace(family, "F"), expected);
    };
    check(
        vec![gauge("a"), gauge("z")],
        r#"{"a":F,"labels":{"instance":"inst'a\"n\\ce1","job":"Björn"},"last_push_successful":false,"z":F}"#,
    );
    check(
        vec![gauge("labels"), gauge("last_push_successful")],
        r#"{"labels":F,"last_push_successful":F}"#,
    );
}
