//! The families of a group, each a table that opens.

use super::labels::append_label;
use crate::model::{BucketCount, Counter, Histogram, Label, Metric, NameScheme, Summary, Value};
use crate::store::PushedFamily;
use crate::web::chunks::append;
use crate::web::html::Escaped;
use crate::web::{Settings, local_time, number};

/// How many metrics of a family are shown; the JSON API has them all.
const METRICS_PER_FAMILY: usize = 1000;

pub(super) fn append_families(
    out: &mut Vec<u8>,
    families: &[PushedFamily<'_>],
    settings: &Settings,
) {
    for pushed in families {
        append_family(out, pushed, settings);
    }
}

fn append_family(out: &mut Vec<u8>, pushed: &PushedFamily<'_>, settings: &Settings) {
    let family = &pushed.family;
    append(
        out,
        format_args!(
            "<details><summary><strong>{}</strong> ",
            Escaped(&family.name)
        ),
    );
    if let Some(help) = family.help.as_deref().filter(|help| !help.is_empty()) {
        append(
            out,
            format_args!("<span class=\"help\">{}</span> ", Escaped(help)),
        );
    }
    append(
        out,
        format_args!(
            "<span class=\"badge type\">{}</span> <span class=\"pushed\">last pushed: {}</span></summary>\n\
             <table><thead><tr><th scope=\"col\">Labels</th><th scope=\"col\">Value</th></tr></thead>\n",
            family.metric_type.proto_name(),
            local_time::rfc3339(pushed.pushed_at, &settings.zone)
        ),
    );
    for (labels, metric) in family.metrics.iter().take(METRICS_PER_FAMILY) {
        append_metric(out, labels, metric, settings.name_scheme);
    }
    out.extend_from_slice(b"</table>\n");
    let left_out = family.metrics.len().saturating_sub(METRICS_PER_FAMILY);
    if left_out > 0 {
        append(
            out,
            format_args!(
                "<p class=\"note\">{left_out} more metrics: \
                 see <a href=\"api/v1/metrics\">api/v1/metrics</a>.</p>\n"
            ),
        );
    }
    out.extend_from_slice(b"</details>\n");
}

fn append_metric(out: &mut Vec<u8>, labels: &[Label<'_>], metric: &Metric<'_>, scheme: NameScheme) {
    out.extend_from_slice(b"<tr><td>");
    for label in labels {
        append_label(out, &label.name, &label.value, scheme);
    }
    out.extend_from_slice(b"</td><td>");
    match &metric.value {
        Some(
            Value::Gauge(value) | Value::Untyped(value) | Value::Counter(Counter { value, .. }),
        ) => append(out, format_args!("{}", decimal(*value))),
        Some(Value::Summary(summary)) => append_summary(out, summary),
        Some(Value::Histogram(histogram)) => append_histogram(out, histogram),
        None => {}
    }
    out.extend_from_slice(b"</td></tr>\n");
}

fn append_summary(out: &mut Vec<u8>, summary: &Summary) {
    out.extend_from_slice(b"<table>");
    for &(quantile, value) in &summary.quantiles {
        append_row(
            out,
            &format!("Quantile {}", number(quantile)),
            &decimal(value),
        );
    }
    append_row(out, "Sample Count", &summary.count.to_string());
    append_row(out, "Sample Sum", &decimal(summary.sum));
    out.extend_from_slice(b"</table>");
}

fn append_histogram(out: &mut Vec<u8>, histogram: &Histogram<'_>) {
    out.extend_from_slice(b"<table>");
    if histogram.has_spans() {
        append_row(out, "Native Histogram representation", &native(histogram));
    } else {
        for bucket in &histogram.buckets {
            let bound = format!("Sample values ≤ {}", decimal(bucket.upper_bound));
            let count = if bucket.cumulative_count_float > 0.0 {
                decimal(bucket.cumulative_count_float)
            } else {
                bucket.cumulative_count.to_string()
            };
            append_row(out, &bound, &count);
        }
        let count = if histogram.count_float > 0.0 {
            decimal(histogram.count_float)
        } else {
            histogram.count.to_string()
        };
        append_row(out, "Total sample Count", &count);
        append_row(out, "Sample Sum", &decimal(histogram.sum));
    }
    out.extend_from_slice(b"</table>");
}

fn append_row(out: &mut Vec<u8>, name: &str, value: &str) {
    append(
        out,
        format_args!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>"),
    );
}

/// `{count:20, sum:99.23, [-4,-2.8):1, …}`, as Prometheus prints native histograms.
fn native(histogram: &Histogram<'_>) -> String {
    let count = |count| match count {
        BucketCount::Integer(count) => count.to_string(),
        BucketCount::Float(count) => number(count),
    };
    let mut text = format!(
        "{{count:{}, sum:{}",
        count(histogram.native_count()),
        number(histogram.sum)
    );
    for bucket in histogram.native_buckets() {
        let (open, close) = bucket.boundaries.brackets();
        let (lower, upper) = (number(bucket.lower), number(bucket.upper));
        let count = count(bucket.count);
        text.extend([format!(", {open}{lower},{upper}{close}:{count}")]);
    }
    text.push('}');
    text
}

/// With an exponent for large and small numbers.
fn number(float: f64) -> String {
    let mut text = Vec::new();
    number::append_float(&mut text, float);
    String::from_utf8_lossy(&text).into_owned()
}

/// Never with an exponent.
fn decimal(float: f64) -> String {
    if float.is_finite() {
        float.to_string()
    } else {
        number(float)
    }
}
