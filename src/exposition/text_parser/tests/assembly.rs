//! Families made of lines: what belongs together, and in which order.

use super::*;

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
        let Some(Value::Summary(summary)) = metrics(&body).remove(0).1.value else {
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
    let sums = metrics.iter().map(|(_, metric)| match &metric.value {
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
        let Some(Value::Histogram(histogram)) = metrics(&body).remove(0).1.value else {
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
