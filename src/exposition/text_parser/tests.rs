use proptest::prelude::*;

use super::*;
use crate::exposition::text_encoder::append_family;
use crate::exposition::{Escaping, TooLarge, arbitrary};
use crate::model::{Bucket, Histogram, Label, Metric, MetricType, Metrics, Summary, Value};

use NameScheme::{Legacy, Utf8};

mod assembly;
mod comments;
mod series;

const LIMITS: ParseLimits = ParseLimits {
    max_memory: 1 << 20,
};

/// The body parses to these lines when encoded again; or to the error, less what all errors begin with.
#[track_caller]
fn check(scheme: NameScheme, body: impl AsRef<[u8]>, outcome: &str) {
    let found = match parse(body.as_ref(), scheme, LIMITS) {
        Ok(families) => {
            let mut text = Vec::new();
            for family in &families {
                append_family(&mut text, family, Escaping::AllowUtf8);
            }
            String::from_utf8(text).unwrap()
        }
        Err(error) => {
            let error = error.to_string();
            let text = error.strip_prefix("text format parsing error in ");
            text.unwrap_or(&error).to_owned()
        }
    };
    assert_eq!(
        found,
        outcome,
        "{:?}",
        String::from_utf8_lossy(body.as_ref())
    );
}

fn metrics(body: &str) -> Vec<(Vec<Label<'_>>, Metric<'_>)> {
    let families = parse(body.as_bytes(), Utf8, LIMITS).unwrap();
    let metrics = families.last().unwrap().metrics.iter();
    metrics
        .map(|(labels, metric)| (labels.to_vec(), metric.clone()))
        .collect()
}

#[test]
fn takes_empty_bodies_blank_lines_and_comments() {
    for body in [
        "",
        "\n",
        " \t",
        "\t\n \n",
        "#\n",
        "# EOF\n",
        "#x\n",
        "# HELP\n",
        "# TYPE \n",
        "# HELP m\n",
        "# HELP m \n",
        "# HELP \"\"\n",
        "# UNIT m s\n",
        "# HELP m foo\n",
        "# TYPE m gauge\n",
    ] {
        check(Legacy, body, "");
    }
    check(Legacy, b"# \xff\nm 1\n", "# TYPE m untyped\nm 1\n");
    check(Legacy, "\t\n \nm 1\n\n", "# TYPE m untyped\nm 1\n");
}

#[test]
fn wants_a_line_end_at_the_end() {
    let error = "line 1: unexpected end of input stream";
    for body in [
        "m",
        "m ",
        "m 1",
        "m 1 1",
        "m{",
        "m{a",
        "m{a=",
        "m{a=\"",
        "m{a=\"b\"",
        "m{a=\"b\"}",
        "{\"m",
        "#",
        "# EOF",
        "# HELP m",
        "# HELP m x",
        "# HELP m x\\",
        "# TYPE m gauge",
        "m{a=\"\\",
    ] {
        check(Legacy, body, error);
    }
    check(Legacy, "m 1\n\nm", "line 3: unexpected end of input stream");
}

#[test]
fn names_the_line_in_full() {
    let error = parse(b"\n\nm 1,5\n", Legacy, LIMITS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "text format parsing error in line 3: expected float as value, got \"1,5\""
    );
}

#[test]
fn takes_blanks_where_they_may_be_and_none_where_they_need_not() {
    let text = "# TYPE m untyped\nm{a=\"b\"} 1\n";
    for body in [
        "m{a=\"b\"} 1\n",
        "m{a=\"b\"}1\n",
        " m {a=\"b\"} 1\n",
        "m\t{ a\t= \"b\" , } \t 1\n",
        "m{a=\"b\"}\t1\n",
    ] {
        check(Legacy, body, text);
    }
    for body in ["m 1\n", "m\t1\n", "m  \t 1\n", "m{} 1\n", "m{ } 1\n"] {
        check(Legacy, body, "# TYPE m untyped\nm 1\n");
    }
    check(Legacy, "m-5\n", "# TYPE m untyped\nm -5\n");
}

#[test]
fn reads_numbers_as_go_does() {
    for (sent, printed) in [
        ("1", "1"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e6", "1e+06"),
        ("1E+5", "100000"),
        ("+.5e-3", "0.0005"),
        ("-0", "0"),
        ("inf", "+Inf"),
        ("-INF", "-Inf"),
        ("infinity", "+Inf"),
        ("nan", "NaN"),
        ("NaN", "NaN"),
        ("1e-400", "0"),
        ("4.9e-324", "5e-324"),
        ("12345678901234567890", "1.2345678901234567e+19"),
        ("9007199254740993", "9.007199254740992e+15"),
        ("123456789", "1.23456789e+08"),
        ("0123456789", "1.23456789e+08"),
        ("000000000000001", "1"),
    ] {
        check(
            Legacy,
            format!("m {sent}\n"),
            &format!("# TYPE m untyped\nm {printed}\n"),
        );
    }
    for sent in [
        "", "x", "0x10", "0x1p3", "0X1P2", "0b1", "1_0", "1e", ".", "+", "+nan", "-nan", "1,5",
        "1e400", "-1e309", "1\r", "\u{661}", "inf1", "infinit",
    ] {
        let error = format!(
            "line 1: expected float as value, got {}",
            crate::exposition::quoting::Quoted(sent.as_bytes())
        );
        check(Legacy, format!("m {sent}\n"), &error);
    }
    check(
        Legacy,
        b"m \xff\n",
        "line 1: expected float as value, got \"\\xff\"",
    );
}

#[test]
fn reads_timestamps() {
    assert_eq!(metrics("m 1 1000\n")[0].1.timestamp_ms, Some(1000));
    assert_eq!(metrics("m 1 \t -5\n")[0].1.timestamp_ms, Some(-5));
    assert_eq!(
        metrics("# TYPE m summary\nm_sum 1 0\n")[0].1.timestamp_ms,
        Some(0)
    );
    assert_eq!(metrics("m 1\n")[0].1.timestamp_ms, None);
    check(
        Legacy,
        "m 1 x\n",
        "line 1: expected integer as timestamp, got \"x\"",
    );
    check(
        Legacy,
        "m 1 \n",
        "line 1: expected integer as timestamp, got \"\"",
    );
    check(
        Legacy,
        "m 1 # {}\n",
        "line 1: expected integer as timestamp, got \"#\"",
    );
    check(
        Legacy,
        "m 1 5 6\n",
        "line 1: spurious string after timestamp: \" 6\"",
    );
    check(
        Legacy,
        "m 1 5 \\\n",
        "line 1: spurious string after timestamp: \" \"",
    );
}

#[test]
fn bounds_the_memory() {
    let check = |body: &str, sizes: &[usize]| {
        let max_memory = sizes.iter().sum();
        assert!(
            parse(body.as_bytes(), Utf8, ParseLimits { max_memory }).is_ok(),
            "{body}"
        );
        let limit = max_memory - 1;
        let error = parse(body.as_bytes(), Utf8, ParseLimits { max_memory: limit }).unwrap_err();
        assert_eq!(error, ParseError::TooLarge(TooLarge { limit }), "{body}");
    };
    let family = 2 * size_of::<families::Family<'_>>();
    let (metric, label) = (Metrics::METRIC_BYTES, size_of::<Label<'_>>());
    let (bucket, histogram) = (size_of::<Bucket<'_>>(), size_of::<Histogram<'_>>());
    let summary = size_of::<Summary>();
    check("# HELP m x\n# HELP n x\n", &[family, family]);
    check("m 1\nm 1\n", &[family, metric, metric]);
    check("m{a=\"b\",c=\"d\"} 1\n", &[family, metric, label, label]);
    let body = "# TYPE m summary\nm{a=\"b\",quantile=\"1\"} 1\nm{a=\"b\",quantile=\"2\"} 1\nm_sum{a=\"b\"} 1\n";
    check(body, &[family, metric, summary, label, bucket, bucket]);
    let body = "# TYPE m histogram\nm_bucket{le=\"1\"} 1\nm_count 1\n";
    check(body, &[family, metric, histogram, bucket]);
}

#[test]
fn names_the_limit_on_memory() {
    let error = parse(b"m 1\n", Utf8, ParseLimits { max_memory: 100 }).unwrap_err();
    let text = "the metrics in the push would take more than 100 bytes of memory; split it into several pushes";
    assert_eq!(error.to_string(), text);
}

proptest! {
    #[test]
    fn parses_what_was_encoded(family in arbitrary::text_family()) {
        let mut text = Vec::new();
        append_family(&mut text, &family, Escaping::AllowUtf8);
        let parsed = parse(&text, Utf8, ParseLimits::NONE).unwrap();
        prop_assert_eq!(format!("{:?}", parsed), format!("{:?}", [family]));
    }

    #[test]
    fn survives_any_bytes(body in arbitrary::damaged_text()) {
        for scheme in [Legacy, Utf8] {
            let _ = parse(&body, scheme, LIMITS);
        }
    }
}
