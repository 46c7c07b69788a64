use super::*;
use crate::model::{Bucket, Counter, Label, Metric, Metrics};

/// A family with one metric prints like this under this escaping.
#[track_caller]
fn check(escaping: Escaping, name: &str, labels: &[(&str, &str)], value: &Value<'_>, text: &str) {
    let mut out = b"before\n".to_vec();
    append_metric(&mut out, name, labels.iter().copied(), value, escaping);
    assert_eq!(String::from_utf8(out).unwrap(), format!("before\n{text}"));
}

fn header(help: Option<&str>, metric_type: MetricType, escaping: Escaping) -> String {
    let mut out = Vec::new();
    append_header(&mut out, "a.b", help, metric_type, escaping);
    String::from_utf8(out).unwrap()
}

fn float(value: f64) -> String {
    let mut out = Vec::new();
    append_float(&mut out, value);
    String::from_utf8(out).unwrap()
}

const BARE: Escaping = Escaping::Underscores;
const QUOTED: Escaping = Escaping::AllowUtf8;

fn summary() -> Value<'static> {
    Value::Summary(Box::new(Summary {
        count: 12_345_678,
        sum: 3e-7,
        quantiles: vec![(0.5, 1.5), (0.99, f64::NAN)],
        created: None,
    }))
}

fn histogram(bounds: &[f64]) -> Value<'static> {
    let buckets = bounds.iter().map(|&upper_bound| Bucket {
        cumulative_count: 2,
        upper_bound,
        ..Bucket::default()
    });
    Value::Histogram(Box::new(Histogram {
        count: 3,
        sum: 100.0,
        buckets: buckets.collect(),
        ..Histogram::default()
    }))
}

#[test]
fn prints_the_value_behind_the_labels() {
    let labels = [("instance", ""), ("job", "foo")];
    let text = "m{instance=\"\",job=\"foo\"} 1\n";
    check(BARE, "m", &labels, &Value::Gauge(1.0), text);
    check(BARE, "m", &labels, &Value::Untyped(1.0), text);
    let counter = Counter {
        value: 1.0,
        ..Counter::default()
    };
    check(BARE, "m", &labels, &Value::Counter(counter), text);
    check(BARE, "m", &[], &Value::Gauge(1.0), "m 1\n");
}

#[test]
fn escapes_label_values() {
    let labels = [("a", "x\\y\nz\"ü\r"), ("b", "\n")];
    check(
        BARE,
        "m",
        &labels,
        &Value::Gauge(1.0),
        "m{a=\"x\\\\y\\nz\\\"ü\r\",b=\"\\n\"} 1\n",
    );
}

#[test]
fn prints_summaries() {
    let text = concat!(
        "m{job=\"j\",quantile=\"0.5\"} 1.5\nm{job=\"j\",quantile=\"0.99\"} NaN\n",
        "m_sum{job=\"j\"} 3e-07\nm_count{job=\"j\"} 1.2345678e+07\n"
    );
    check(BARE, "m", &[("job", "j")], &summary(), text);
    check(
        BARE,
        "m",
        &[],
        &Value::Summary(Box::default()),
        "m_sum 0\nm_count 0\n",
    );
}

#[test]
fn prints_histograms_and_adds_the_last_bucket() {
    let text = concat!(
        "m_bucket{job=\"j\",le=\"0.1\"} 2\nm_bucket{job=\"j\",le=\"1e+08\"} 2\nm_bucket{job=\"j\",le=\"+Inf\"} 3\n",
        "m_sum{job=\"j\"} 100\nm_count{job=\"j\"} 3\n"
    );
    check(BARE, "m", &[("job", "j")], &histogram(&[0.1, 1e8]), text);
    let text = "m_bucket{le=\"+Inf\"} 2\nm_bucket{le=\"1\"} 2\nm_sum 100\nm_count 3\n";
    check(BARE, "m", &[], &histogram(&[f64::INFINITY, 1.0]), text);
    let text = "m_bucket{le=\"+Inf\"} 3\nm_sum 100\nm_count 3\n";
    check(BARE, "m", &[], &histogram(&[]), text);
}

#[test]
fn float_counts_come_before_integers() {
    let histogram = Histogram {
        count: 3,
        count_float: 2.5,
        buckets: vec![Bucket {
            cumulative_count: 3,
            cumulative_count_float: f64::NAN,
            upper_bound: 1.0,
            exemplar: None,
        }],
        ..Histogram::default()
    };
    let text = "m_bucket{le=\"1\"} NaN\nm_bucket{le=\"+Inf\"} 2.5\nm_sum 0\nm_count 2.5\n";
    check(BARE, "m", &[], &Value::Histogram(Box::new(histogram)), text);
}

#[test]
fn escapes_names_that_are_not_legacy_names() {
    let labels = [("c.d", "e"), ("f:g", "h")];
    let gauge = &Value::Gauge(1.0);
    check(
        Escaping::Underscores,
        "a.b",
        &labels,
        gauge,
        "a_b{c_d=\"e\",f_g=\"h\"} 1\n",
    );
    check(
        Escaping::Dots,
        "a.b",
        &labels,
        gauge,
        "a_dot_b{c_dot_d=\"e\",f__g=\"h\"} 1\n",
    );
    check(
        Escaping::Values,
        "a.b",
        &labels,
        gauge,
        "U__a_2e_b{U__c_2e_d=\"e\",U__f_3a_g=\"h\"} 1\n",
    );
}

#[test]
fn quotes_names_that_are_not_legacy_names() {
    check(QUOTED, "a.b", &[], &Value::Gauge(1.0), "{\"a.b\"} 1\n");
    let text = "{\"a.b\",\"c.d\"=\"e\",\"f:g\"=\"h\",i=\"j\"} 1\n";
    check(
        QUOTED,
        "a.b",
        &[("c.d", "e"), ("f:g", "h"), ("i", "j")],
        &Value::Gauge(1.0),
        text,
    );
    check(
        QUOTED,
        "a:b",
        &[("c", "d")],
        &Value::Gauge(1.0),
        "a:b{c=\"d\"} 1\n",
    );
    check(
        QUOTED,
        "a\"b\\c\nd",
        &[],
        &Value::Gauge(1.0),
        "{\"a\\\"b\\\\c\\nd\"} 1\n",
    );
    let text = concat!(
        "{\"h.x\",job=\"j\",quantile=\"0.5\"} 1.5\n{\"h.x\",job=\"j\",quantile=\"0.99\"} NaN\n",
        "{\"h.x_sum\",job=\"j\"} 3e-07\n{\"h.x_count\",job=\"j\"} 1.2345678e+07\n"
    );
    check(QUOTED, "h.x", &[("job", "j")], &summary(), text);
    let text = "{\"h.x_bucket\",le=\"+Inf\"} 3\n{\"h.x_sum\"} 100\n{\"h.x_count\"} 3\n";
    check(QUOTED, "h.x", &[], &histogram(&[]), text);
}

#[test]
fn prints_headers() {
    let gauge = MetricType::Gauge;
    assert_eq!(header(None, gauge, BARE), "# TYPE a_b gauge\n");
    assert_eq!(
        header(Some(""), gauge, BARE),
        "# HELP a_b \n# TYPE a_b gauge\n"
    );
    assert_eq!(
        header(Some("x"), gauge, QUOTED),
        "# HELP \"a.b\" x\n# TYPE \"a.b\" gauge\n"
    );
    assert_eq!(
        header(
            Some("a\\b\nc\"d"),
            MetricType::GaugeHistogram,
            Escaping::Values
        ),
        "# HELP U__a_2e_b a\\\\b\\nc\"d\n# TYPE U__a_2e_b histogram\n"
    );
}

#[test]
fn prints_families() {
    let metric = |value| {
        let metric = Metric {
            value,
            timestamp_ms: Some(1),
            unknown_fields: Cow::Borrowed(b"\x40\x05"),
        };
        ([Label::new("a", "b")], metric)
    };
    let family = MetricFamily {
        name: "m".into(),
        help: None,
        metric_type: MetricType::Gauge,
        metrics: Metrics::from_iter([metric(Some(Value::Gauge(1.0))), metric(None)]),
    };
    let mut out = Vec::new();
    append_family(&mut out, &family, BARE);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "# TYPE m gauge\nm{a=\"b\"} 1\n"
    );
}

#[test]
fn prints_numbers_as_go_does() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (100_000.0, "100000"),
        (999_999.0, "999999"),
        (-999_999.0, "-999999"),
        (1e6, "1e+06"),
        (-1e6, "-1e+06"),
        (0.0001, "0.0001"),
        (0.00012, "0.00012"),
        (0.000_01, "1e-05"),
        (-0.000_012, "-1.2e-05"),
        (1e-7, "1e-07"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (123_456.7, "123456.7"),
        (1_234_567.0, "1.234567e+06"),
        (16_777_217.0, "1.6777217e+07"),
        (9_007_199_254_740_993.0, "9.007199254740992e+15"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::NAN, "NaN"),
        (-f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e6 - 1e-10, "999999.9999999999"),
        (1_000_000.5, "1.0000005e+06"),
        (1e100, "1e+100"),
        (1.5e-100, "1.5e-100"),
        (0.000_099_999, "9.9999e-05"),
        (1e-4 - 1e-20, "9.999999999999999e-05"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        (1e15, "1e+15"),
        (1e16, "1e+16"),
        (1e17, "1e+17"),
        (2_f64.powi(-1022), "2.2250738585072014e-308"),
        (-0.5, "-0.5"),
        (10.0, "10"),
    ] {
        assert_eq!(float(value), text);
    }
}

#[test]
#[expect(
    clippy::excessive_precision,
    reason = "the exact values are what makes the ties"
)]
fn of_two_shortest_numbers_at_the_same_distance_the_even_one_is_printed_as_by_go() {
    for (value, text) in [
        (2.980_232_238_769_531_25e-8, "2.9802322387695312e-08"),
        (562_949_953_421_312.25, "5.629499534213122e+14"),
        (1_125_899_906_842_624.25, "1.1258999068426242e+15"),
        (233_115_890_514_796.125, "2.3311589051479612e+14"),
        (-1_047_326_353_620_666.25, "-1.0473263536206662e+15"),
        (163_559_682_789_802.625, "1.6355968278980262e+14"),
    ] {
        assert_eq!(float(value), text);
    }
}

proptest::proptest! {
    #[test]
    fn numbers_are_the_shortest_that_parse_again(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
        let text = float(value);
        proptest::prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        let shortest = format!("{value:e}");
        let digits = |text: &str| {
            let (mantissa, _) = text.split_once('e').unwrap_or((text, ""));
            let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
            digits.trim_matches('0').to_owned()
        };
        // Of two shortest ones at the same distance, Rust's own takes the odd one: only the length is its say.
        proptest::prop_assert_eq!(digits(&text).len(), digits(&shortest).len());
    }
}
