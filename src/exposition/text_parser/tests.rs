use proptest::prelude::*;

use super::*;
use crate::exposition::text_encoder::append_family;
use crate::exposition::{Escaping, TooLarge, arbitrary};
use crate::model::{Bucket, Histogram, Label, Metric, MetricType, Value};

use NameScheme::{Legacy, Utf8};

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

fn metrics(body: &str) -> Vec<Metric<'_>> {
    let mut families = parse(body.as_bytes(), Utf8, LIMITS).unwrap();
    families.pop().unwrap().metrics
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
    assert_eq!(metrics("m 1 1000\n")[0].timestamp_ms, Some(1000));
    assert_eq!(metrics("m 1 \t -5\n")[0].timestamp_ms, Some(-5));
    assert_eq!(
        metrics("# TYPE m summary\nm_sum 1 0\n")[0].timestamp_ms,
        Some(0)
    );
    assert_eq!(metrics("m 1\n")[0].timestamp_ms, None);
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
fn reads_metric_names() {
    check(
        Legacy,
        "m:x 1\n_m 1\n",
        "# TYPE m:x untyped\nm:x 1\n# TYPE _m untyped\n_m 1\n",
    );
    check(Legacy, "\"m\" 1\n", "# TYPE m untyped\nm 1\n");
    check(
        Utf8,
        "m 1\nm:x 2\nm 3\nm\"x\" 4\n\"m\" 5\nm{} 6\n",
        "# TYPE m untyped\nm 1\nm 3\nm 5\nm 6\n# TYPE m:x untyped\nm:x 2\n# TYPE mx untyped\nmx 4\n",
    );
    check(
        Utf8,
        "\"m x\" 1\nm x 1\n",
        "line 2: expected float as value, got \"x\"",
    );
    check(Utf8, "\"1\" 1\n1 1\n", "line 2: invalid metric name");
    check(Legacy, "m 1\nm", "line 2: unexpected end of input stream");
    check(Legacy, "1 1\n", "line 1: invalid metric name");
    check(Legacy, "\"\" 1\n", "line 1: invalid metric name");
    check(Legacy, "\u{feff}m 1\n", "line 1: invalid metric name");
    check(
        Legacy,
        "m.x 1\n",
        "line 1: expected float as value, got \".x\"",
    );
    check(Legacy, "\"m.x\" 1\n", "line 1: invalid metric name \"m.x\"");
    check(
        Legacy,
        "ab\"c d\"e 1\n",
        "line 1: invalid metric name \"abc d\"",
    );
    check(
        Legacy,
        "\"m 1\n",
        "line 1: metric name \"m 1\" contains unescaped new-line",
    );
    check(
        Legacy,
        "\"\\x\" 1\n",
        "line 1: invalid escape sequence '\\x'",
    );
    check(
        Utf8,
        "ab\"c d\" 1\n",
        "# TYPE \"abc d\" untyped\n{\"abc d\"} 1\n",
    );
    check(
        Utf8,
        b"\"\xff\" 1\n",
        "line 1: invalid metric name \"\\xff\"",
    );
    check(
        Utf8,
        "\"a\0b\" 1\n",
        "line 1: invalid metric name \"a\\x00b\"",
    );
    check(
        Utf8,
        "\"a\\\"b\\\\c\\nd\" 1\n",
        "# TYPE \"a\\\"b\\\\c\\nd\" untyped\n{\"a\\\"b\\\\c\\nd\"} 1\n",
    );
}

#[test]
fn reads_labels() {
    let check = |labels: &str, outcome: &str| check(Legacy, format!("m{{{labels}}} 1\n"), outcome);
    check("b=\"\",a=\"ü\",", "# TYPE m untyped\nm{b=\"\",a=\"ü\"} 1\n");
    check("\"a\"=\"b\"", "# TYPE m untyped\nm{a=\"b\"} 1\n");
    check(
        "le=\"x\",quantile=\"y\",__x=\"z\"",
        "# TYPE m untyped\nm{le=\"x\",quantile=\"y\",__x=\"z\"} 1\n",
    );
    check(
        "a=\"\\n\\\\\\\"\"",
        "# TYPE m untyped\nm{a=\"\\n\\\\\\\"\"} 1\n",
    );
    check(",", "line 1: invalid label name for metric \"m\"");
    check("a=\"b\",,", "line 1: invalid label name for metric \"m\"");
    check("1a=\"b\"", "line 1: invalid label name for metric \"m\"");
    check("\"\"=\"b\"", "line 1: invalid label name for metric \"m\"");
    check("a", "line 1: expected '=' after label name, found '}'");
    check(
        "a.b=\"b\"",
        "line 1: expected '=' after label name, found '.'",
    );
    check(
        "a:b=\"b\"",
        "line 1: expected '=' after label name, found ':'",
    );
    check(
        "\"a\"x=\"b\"",
        "line 1: expected '=' after label name, found 'x'",
    );
    check(
        "a=b",
        "line 1: expected '\"' at start of label value, found 'b'",
    );
    check(
        "a='b'",
        "line 1: expected '\"' at start of label value, found '\\''",
    );
    check("a=\"b\"c", "line 1: unexpected end of label value \"b\"");
    check(
        "__name__=\"x\"",
        "line 1: label name \"__name__\" is reserved",
    );
    check("\"a.b\"=\"b\"", "line 1: invalid label name \"a.b\"");
    check(
        "a=\"x\",a=\"y\"",
        "line 1: duplicate label names for metric \"m\"",
    );
    check(
        "a=\"x\",\"a\"=y",
        "line 1: duplicate label names for metric \"m\"",
    );
    check("a=\"\\x\"", "line 1: invalid escape sequence '\\x'");
    check("a=\"x\\\n\"", "line 1: invalid escape sequence '\\\n'");
    check(
        "a=\"x\\ny\nz\"",
        "line 1: label value \"x\\ny\" contains unescaped new-line",
    );
    check(
        "\"m\n\"=\"\"",
        "line 1: label name \"m\" contains unescaped new-line",
    );
}

#[test]
fn label_names_and_values_are_utf8_without_nul_in_names() {
    check(
        Utf8,
        "m{\"a b\"=\"c\"} 1\n",
        "# TYPE m untyped\nm{\"a b\"=\"c\"} 1\n",
    );
    check(
        Utf8,
        "m{\"a:b\"=\"c\"} 1\n",
        "# TYPE m untyped\nm{\"a:b\"=\"c\"} 1\n",
    );
    check(
        Utf8,
        b"m{\"\xff\"=\"1\"} 1\n",
        "line 1: invalid label name \"\\xff\"",
    );
    check(
        Utf8,
        "m{\"a\0\"=\"1\"} 1\n",
        "line 1: invalid label name \"a\\x00\"",
    );
    check(
        Legacy,
        b"m{a=\"\xff\"} 1\n",
        "line 1: invalid label value \"\\xff\"",
    );
    check(
        Legacy,
        b"m{a=\"\\n\xff\"} 1\n",
        "line 1: invalid label value \"\\n\\xff\"",
    );
    check(
        Legacy,
        "m{a=\"\0\"} 1\n",
        "# TYPE m untyped\nm{a=\"\0\"} 1\n",
    );
}

#[test]
fn finds_a_duplicate_among_many_labels() {
    let many: Vec<_> = (0..40).map(|at| format!("l{at}=\"v\",")).collect();
    let many = many.concat();
    check(
        Legacy,
        format!("m{{{many}l3=\"v\"}} 1\n"),
        "line 1: duplicate label names for metric \"m\"",
    );
    check(
        Legacy,
        format!("m{{{many}l39=\"v\"}} 1\n"),
        "line 1: duplicate label names for metric \"m\"",
    );
    assert_eq!(
        metrics(&format!("m{{{many}}} 1\nm{{l3=\"v\"}} 1\n")).len(),
        2
    );
}

#[test]
fn borrows_what_has_no_escapes() {
    let metrics = metrics("m{a=\"b\",\"c.d\"=\"e\\n\",f=\"\"} 1\n");
    let is_borrowed = |label: &Label<'_>| {
        let is = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        (is(&label.name), is(&label.value))
    };
    let borrowed: Vec<_> = metrics[0].labels.iter().map(is_borrowed).collect();
    assert_eq!(borrowed, [(true, true), (true, false), (true, true)]);
}

#[test]
fn reads_metric_names_in_braces() {
    for body in [
        "{\"m\"} 1\n",
        "{\"m\",} 1\n",
        "{\"m\"}1\n",
        "{m} 1\n",
        "{ m , } 1\n",
    ] {
        check(Legacy, body, "# TYPE m untyped\nm 1\n");
    }
    check(
        Legacy,
        "{a=\"b\",\"m\"} 1\n",
        "# TYPE m untyped\nm{a=\"b\"} 1\n",
    );
    check(
        Utf8,
        "{\"a.b\",\"c.d\"=\"e\"} 1\n",
        "# TYPE \"a.b\" untyped\n{\"a.b\",\"c.d\"=\"e\"} 1\n",
    );
    check(
        Legacy,
        "{\"m.x\"} 1\n",
        "line 1: invalid metric name \"m.x\"",
    );
    check(
        Legacy,
        "{\"\"} 1\n",
        "line 1: invalid label name for metric \"\"",
    );
    check(
        Legacy,
        "{\"a\" \"b\"} 1\n",
        "line 1: unexpected end of metric name '\"'",
    );
    check(
        Legacy,
        "{\"m\"\n",
        "line 1: unexpected end of metric name '\\n'",
    );
    check(
        Legacy,
        "{a.b} 1\n",
        "line 1: unexpected end of metric name '.'",
    );
    check(
        Legacy,
        "{a,b} 1\n",
        "line 1: multiple metric names for metric \"a\"",
    );
    check(
        Legacy,
        "{\"__name__\"=\"x\"} 1\n",
        "line 1: label name \"__name__\" is reserved",
    );
    check(
        Utf8,
        "{\"m\n\"} 1\n",
        "line 1: label name \"m\" contains unescaped new-line",
    );
}

#[test]
fn refuses_braces_without_a_metric_name_whatever_line_came_before() {
    for before in ["", "m 1\n", "# TYPE m gauge\n"] {
        for body in ["{} 1\n", "{a=\"b\"} 1\n", "{a=\"b\",}\n"] {
            let line = 1 + before.lines().count();
            let error = format!("line {line}: invalid metric name");
            check(Legacy, format!("{before}{body}"), &error);
        }
    }
}

#[test]
fn a_bucket_position_may_stand_before_the_name_in_braces() {
    let header = "# TYPE h histogram\n";
    let text =
        "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n";
    for body in [
        "{h_bucket,le=\"1\"} 2\n",
        "{le=\"1\",h_bucket} 2\n",
        "{le=\"3\",h_bucket,le=\"1\"} 2\n",
    ] {
        check(Legacy, format!("{header}{body}"), text);
        check(
            Legacy,
            format!("{header}x 1\n{body}"),
            &format!("{text}# TYPE x untyped\nx 1\n"),
        );
    }
    let error = "line 2: expected float as value for 'le' label, got \"x\"";
    check(Legacy, format!("{header}{{le=\"x\",h_bucket}} 2\n"), error);
}

#[test]
fn reads_help() {
    let check = |line: &str, outcome: &str| check(Legacy, format!("{line}\nm 1\n"), outcome);
    let help = |help: &str| format!("# HELP m {help}\n# TYPE m untyped\nm 1\n");
    check("# HELP m foo", &help("foo"));
    check("#HELP m foo", &help("foo"));
    check("  #  HELP  \"m\"   lead  trail  ", &help("lead  trail  "));
    check("# HELP m foo\r", &help("foo\r"));
    check(r#"# HELP m a\\b\nc\"d "q""#, &help(r#"a\\b\nc"d "q""#));
    check(r"# HELP m \x", r"line 1: invalid escape sequence '\x'");
    check("# HELP m \\", "line 1: invalid escape sequence '\\\n'");
    check(
        "# HELP m a\n# HELP m b",
        "line 2: second HELP line for metric name \"m\"",
    );
    check("# HELP m-x foo", "line 1: invalid metric name in comment");
    check("# HELP 1m foo", "line 1: invalid metric name in comment");
    check("# HELP \"\" foo", "line 1: invalid metric name \"\"");
    check(
        "# HELP \"a",
        "line 1: metric name \"a\" contains unescaped new-line",
    );
}

#[test]
fn help_may_come_late_and_for_a_part() {
    check(
        Legacy,
        "m 1\n# HELP m late\n",
        "# HELP m late\n# TYPE m untyped\nm 1\n",
    );
    let body = "# TYPE m summary\n# HELP m_count x\nm_sum 1\n";
    check(
        Legacy,
        body,
        "# HELP m x\n# TYPE m summary\nm_sum 1\nm_count 0\n",
    );
}

#[test]
fn refuses_a_help_that_is_not_utf8() {
    check(
        Legacy,
        b"# HELP m caf\xe9\nm 1\n",
        "line 1: HELP of metric name \"m\" is not valid UTF-8",
    );
    check(
        Legacy,
        b"# HELP m \\n\xe9\nm 1\n",
        "line 1: HELP of metric name \"m\" is not valid UTF-8",
    );
}

#[test]
fn reads_types() {
    for name in ["counter", "gauge", "untyped", "GAUGE", "Counter"] {
        let text = format!("# TYPE m {}\nm 1\n", name.to_lowercase());
        check(Legacy, format!("# TYPE m {name}\nm 1\n"), &text);
    }
    check(Legacy, "# TYPE m  ga\\uge\nm 1\n", "# TYPE m gauge\nm 1\n");
    for name in ["unknown", "info", "gauge ", "gauge\r", "stateset"] {
        let quoted = format!("{name:?}");
        let error = format!("line 1: unknown metric type {quoted}");
        check(Legacy, format!("# TYPE m {name}\nm 1\n"), &error);
    }
    for name in ["gaugehistogram", "gauge_histogram"] {
        let body = format!("# TYPE m {name}\nm_sum 1\n");
        let families = parse(body.as_bytes(), Legacy, LIMITS).unwrap();
        assert_eq!(families[0].metric_type, MetricType::GaugeHistogram);
    }
    let error = "line 2: second TYPE line for metric name \"m\", or TYPE reported after samples";
    check(Legacy, "# TYPE m gauge\n# TYPE m gauge\n", error);
    check(Legacy, "m 1\n# TYPE m gauge\n", error);
    check(
        Legacy,
        "# TYPE a.b gauge\n",
        "line 1: invalid metric name in comment",
    );
}

#[test]
fn keeps_the_order_and_the_duplicates() {
    let body = "b{x=\"1\"} 1\na 1\nb{x=\"1\"} 2\nb 3\n";
    check(
        Legacy,
        body,
        "# TYPE b untyped\nb{x=\"1\"} 1\nb{x=\"1\"} 2\nb 3\n# TYPE a untyped\na 1\n",
    );
}

#[test]
fn assembles_summaries() {
    let check =
        |body: &str, outcome: &str| check(Legacy, format!("# TYPE m summary\n{body}"), outcome);
    let text = |lines: &str| format!("# TYPE m summary\n{lines}");
    check("m 1\n", &text("m_sum 0\nm_count 0\n"));
    check(
        "m{quantile=\"1e-3\"} NaN\nm_sum NaN\nm_count 3\n",
        &text("m{quantile=\"0.001\"} NaN\nm_sum NaN\nm_count 3\n"),
    );
    check("m{quantile=\"NaN\"} 1\n", &text("m_sum 0\nm_count 0\n"));
    check(
        "m{quantile=\"0.9\",a=\"1\"} 1\nm_sum{a=\"2\"} 2\nm{a=\"1\",quantile=\"0.5\"} 3\nm_count{a=\"1\"} 4\n",
        &text(concat!(
            "m{a=\"1\",quantile=\"0.9\"} 1\nm{a=\"1\",quantile=\"0.5\"} 3\nm_sum{a=\"1\"} 0\nm_count{a=\"1\"} 4\n",
            "m_sum{a=\"2\"} 2\nm_count{a=\"2\"} 0\n"
        )),
    );
    check(
        "m{quantile=\"x\"} 1\n",
        "line 2: expected float as value for 'quantile' label, got \"x\"",
    );
    check(
        "m_count_count 1\n",
        "# TYPE m_count_count untyped\nm_count_count 1\n",
    );
    check("m_bucket 1\n", "# TYPE m_bucket untyped\nm_bucket 1\n");
}

#[test]
fn converts_the_counts_of_summaries_as_on_amd64() {
    for (sent, count) in [
        ("4.7", 4),
        ("-0.5", 0),
        ("-4", 4_u64.wrapping_neg()),
        ("NaN", 1 << 63),
        ("+Inf", 1 << 63),
        ("-Inf", 1 << 63),
        ("1e300", 1 << 63),
        ("18446744073709551616", 1 << 63),
        ("18446744073709549568", u64::MAX - 2047),
        ("9223372036854775808", 1 << 63),
        ("-1e300", 1 << 63),
    ] {
        let body = format!("# TYPE m summary\nm_count {sent}\n");
        let Some(Value::Summary(summary)) = metrics(&body).remove(0).value else {
            panic!("{sent}: not a summary");
        };
        assert_eq!(summary.count, count, "{sent}");
    }
}

#[test]
fn assembles_histograms() {
    let check =
        |body: &str, outcome: &str| check(Legacy, format!("# TYPE m histogram\n{body}"), outcome);
    let text = |lines: &str| format!("# TYPE m histogram\n{lines}");
    check(
        "m_bucket{le=\"1\"} 2\nm_bucket{le=\"+Inf\"} 3\nm_sum 5\nm_count 3\n",
        &text("m_bucket{le=\"1\"} 2\nm_bucket{le=\"+Inf\"} 3\nm_sum 5\nm_count 3\n"),
    );
    check(
        "m 5\n",
        &text("m_bucket{le=\"+Inf\"} 0\nm_sum 0\nm_count 0\n"),
    );
    check(
        "m_bucket 1\n",
        &text("m_bucket{le=\"+Inf\"} 0\nm_sum 0\nm_count 0\n"),
    );
    check(
        "m{le=\"5\"} 3\nm_sum{le=\"5\"} 3\n",
        &text("m_bucket{le=\"5\"} 3\nm_bucket{le=\"+Inf\"} 0\nm_sum 3\nm_count 0\n"),
    );
    check(
        "m_bucket{le=\"1\",le=\"2\"} 1\n",
        &text("m_bucket{le=\"2\"} 1\nm_bucket{le=\"+Inf\"} 0\nm_sum 0\nm_count 0\n"),
    );
    check(
        "m_bucket{le=\"x\"} 1\n",
        "line 2: expected float as value for 'le' label, got \"x\"",
    );
    check(
        "m_bucket{le=\"1\"} -1\n",
        "line 2: negative bucket population for histogram \"m\"",
    );
    check("m_count -1\n", "line 2: negative count for histogram \"m\"");
}

#[test]
fn finds_the_metric_of_a_bucket_whatever_the_order_of_its_labels() {
    let body = concat!(
        "# TYPE m histogram\nm_bucket{a=\"1\",b=\"2\",le=\"1\"} 1\nm_bucket{a=\"2\",b=\"1\",le=\"1\"} 5\n",
        "m_bucket{le=\"2\",b=\"2\",a=\"1\"} 2\nm_count{b=\"1\",a=\"2\"} 5\nm_sum{a=\"1\",b=\"2\"} 3\nm_sum{a=\"1\"} 9\n",
    );
    let metrics = metrics(body);
    let sums = metrics.iter().map(|metric| match &metric.value {
        Some(Value::Histogram(histogram)) => {
            (histogram.buckets.len(), histogram.count, histogram.sum)
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(
        sums.collect::<Vec<_>>(),
        [(2, 0, 3.0), (1, 5, 0.0), (0, 0, 9.0)]
    );
}

#[test]
fn a_histogram_with_a_float_count_has_only_those() {
    let counts = |body: &str| {
        let body = format!("# TYPE m histogram\n{body}");
        let Some(Value::Histogram(histogram)) = metrics(&body).remove(0).value else {
            panic!("not a histogram");
        };
        let buckets = histogram.buckets.iter();
        let buckets =
            buckets.map(|bucket| (bucket.cumulative_count, bucket.cumulative_count_float));
        (
            histogram.count,
            histogram.count_float,
            buckets.collect::<Vec<_>>(),
        )
    };
    let le = |position: u8, count: &str| format!("m_bucket{{le=\"{position}\"}} {count}\n");
    assert_eq!(counts("m_count 3\n"), (3, 0.0, vec![]));
    assert_eq!(
        counts(&format!("{}m_count 2.5\n", le(1, "2"))),
        (0, 2.5, vec![(0, 2.0)])
    );
    assert_eq!(
        counts(&format!("{}{}m_count 9\n", le(1, "0"), le(2, "0.5"))),
        (0, 9.0, vec![(0, 0.0), (0, 0.5)])
    );
    assert_eq!(counts("m_count +Inf\n"), (0, f64::INFINITY, vec![]));
    let two_to_64 = 18_446_744_073_709_551_616.0;
    assert_eq!(
        counts("m_count 18446744073709551616\n"),
        (0, two_to_64, vec![])
    );
    assert!(counts("m_count NaN\n").1.is_nan());
}

#[test]
fn a_part_needs_its_type_line_first() {
    let body = "m_sum 1\n# TYPE m summary\nm{quantile=\"0.5\"} 1\nm_sum 2\nm_count 3\n";
    let text = concat!(
        "# TYPE m_sum untyped\nm_sum 1\nm_sum 2\n",
        "# TYPE m summary\nm{quantile=\"0.5\"} 1\nm_sum 0\nm_count 3\n"
    );
    check(Legacy, body, text);
    check(
        Legacy,
        "_count 1\n# TYPE m gauge\nm_count 1\n",
        "# TYPE _count untyped\n_count 1\n# TYPE m_count untyped\nm_count 1\n",
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
    let (metric, label) = (size_of::<Metric<'_>>(), size_of::<Label<'_>>());
    let (bucket, histogram) = (size_of::<Bucket<'_>>(), size_of::<Histogram<'_>>());
    check("# HELP m x\n# HELP n x\n", &[family, family]);
    check("m 1\nm 1\n", &[family, metric, metric]);
    check("m{a=\"b\",c=\"d\"} 1\n", &[family, metric, label, label]);
    let body = "# TYPE m summary\nm{a=\"b\",quantile=\"1\"} 1\nm{a=\"b\",quantile=\"2\"} 1\nm_sum{a=\"b\"} 1\n";
    check(body, &[family, metric, label, bucket, bucket]);
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
