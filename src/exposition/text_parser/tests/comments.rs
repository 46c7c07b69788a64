//! HELP and TYPE lines.

use super::*;

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
