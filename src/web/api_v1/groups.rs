//! Groups and their families as JSON.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::json::{
    append_float, append_integer, append_key, append_object, append_string, append_strings,
};
use crate::model::{
    BucketCount, Counter, Histogram, Label, MetricFamily, MetricType, Summary, Value,
};
use crate::store::PushedFamily;
use crate::web::backend::PushedGroup;
use crate::web::chunks::append;
use crate::web::{local_time, number};

const LABELS: &str = "labels";
const LAST_PUSH_SUCCESSFUL: &str = "last_push_successful";

/// Appends a group as an object whose keys are its families' names and two of its own. A family that is called as
/// one of these takes its place.
pub(super) fn append_group(out: &mut Vec<u8>, group: &impl PushedGroup, zone: &TimeZone) {
    let families = group.families();
    let families = families
        .iter()
        .map(|pushed| (&*pushed.family.name, Some(pushed)));
    let own = [(LABELS, None), (LAST_PUSH_SUCCESSFUL, None)];
    let members: BTreeMap<&str, Option<&PushedFamily<'_>>> =
        own.into_iter().chain(families).collect();
    out.push(b'{');
    for (at, (name, family)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        append_key(out, name);
        match family {
            Some(family) => append_family(out, family, zone),
            None if name == LABELS => append_strings(out, group.grouping_key().labels()),
            None => append(out, format_args!("{}", group.last_push_successful())),
        }
    }
    out.push(b'}');
}

fn append_family(out: &mut Vec<u8>, pushed: &PushedFamily<'_>, zone: &TimeZone) {
    let MetricFamily {
        name: _,
        help,
        metric_type,
        metrics,
    } = &pushed.family;
    append(
        out,
        format_args!(
            r#"{{"time_stamp":"{}","type":"{}""#,
            local_time::rfc3339_nano(pushed.pushed_at, zone),
            metric_type.proto_name()
        ),
    );
    if let Some(help) = help.as_deref().filter(|help| !help.is_empty()) {
        out.extend_from_slice(br#","help":"#);
        append_string(out, help);
    }
    out.extend_from_slice(br#","metrics":["#);
    for (at, (labels, metric)) in metrics.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        append_metric(out, labels, metric.value.as_ref(), *metric_type);
    }
    out.extend_from_slice(b"]}");
}

/// The keys of the object are sorted, so the labels stand where they fall.
fn append_metric(
    out: &mut Vec<u8>,
    labels: &[Label<'_>],
    value: Option<&Value<'_>>,
    metric_type: MetricType,
) {
    match (metric_type, value) {
        (MetricType::Summary, Some(Value::Summary(summary))) => {
            append_summary(out, labels, summary);
        }
        (MetricType::Summary, _) => append_summary(out, labels, &Summary::default()),
        (MetricType::Histogram, Some(Value::Histogram(histogram))) => {
            append_histogram(out, labels, histogram);
        }
        (MetricType::Histogram, _) => append_histogram(out, labels, &Histogram::default()),
        (
            MetricType::Counter
            | MetricType::Gauge
            | MetricType::Untyped
            | MetricType::GaugeHistogram,
            value,
        ) => {
            append_labels(out, b"{", labels);
            out.extend_from_slice(br#","value":"#);
            append_float(out, simple_value(value));
        }
    }
    out.push(b'}');
}

/// Gauge histograms show as 0.
fn simple_value(value: Option<&Value<'_>>) -> f64 {
    match value {
        Some(
            Value::Gauge(value) | Value::Untyped(value) | Value::Counter(Counter { value, .. }),
        ) => *value,
        Some(Value::Summary(_) | Value::Histogram(_)) | None => 0.0,
    }
}

fn append_labels(out: &mut Vec<u8>, before: &[u8], labels: &[Label<'_>]) {
    out.extend_from_slice(before);
    append_key(out, LABELS);
    let labels = labels.iter();
    append_strings(out, labels.map(|label| (&*label.name, &*label.value)));
}

fn append_summary(out: &mut Vec<u8>, labels: &[Label<'_>], summary: &Summary) {
    out.extend_from_slice(br#"{"count":"#);
    append_integer(out, summary.count);
    append_labels(out, b",", labels);
    out.extend_from_slice(br#","quantiles":"#);
    let quantiles = summary.quantiles.iter();
    let quantiles = quantiles.map(|&(quantile, value)| (float_key(quantile), value));
    append_object(out, &quantiles.collect(), |out, &value| {
        append_float(out, value);
    });
    out.extend_from_slice(br#","sum":"#);
    append_float(out, summary.sum);
}

fn append_histogram(out: &mut Vec<u8>, labels: &[Label<'_>], histogram: &Histogram<'_>) {
    out.extend_from_slice(br#"{"buckets":"#);
    let count = if histogram.has_spans() {
        append_native_buckets(out, histogram);
        histogram.native_count()
    } else {
        append_classic_buckets(out, histogram);
        float_if_positive(histogram.count_float, histogram.count)
    };
    out.extend_from_slice(br#","count":"#);
    append_count(out, count);
    append_labels(out, b",", labels);
    out.extend_from_slice(br#","sum":"#);
    append_float(out, histogram.sum);
}

fn append_classic_buckets(out: &mut Vec<u8>, histogram: &Histogram<'_>) {
    let buckets = histogram.buckets.iter().map(|bucket| {
        let count = float_if_positive(bucket.cumulative_count_float, bucket.cumulative_count);
        (float_key(bucket.upper_bound), count)
    });
    append_object(out, &buckets.collect(), |out, &count| {
        append_count(out, count);
    });
}

fn append_native_buckets(out: &mut Vec<u8>, histogram: &Histogram<'_>) {
    out.push(b'[');
    for (at, bucket) in histogram.native_buckets().into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        append(out, format_args!("[{},", bucket.boundaries.number()));
        append_float(out, bucket.lower);
        out.push(b',');
        append_float(out, bucket.upper);
        out.push(b',');
        append_count(out, bucket.count);
        out.push(b']');
    }
    out.push(b']');
}

fn float_if_positive(float: f64, integer: u64) -> BucketCount {
    if float > 0.0 {
        BucketCount::Float(float)
    } else {
        BucketCount::Integer(integer)
    }
}

fn append_count(out: &mut Vec<u8>, count: BucketCount) {
    match count {
        BucketCount::Integer(count) => append_integer(out, count),
        BucketCount::Float(count) => append_float(out, count),
    }
}

fn float_key(float: f64) -> String {
    let mut key = Vec::new();
    number::append_float(&mut key, float);
    String::from_utf8_lossy(&key).into_owned()
}

#[cfg(test)]
mod tests;
