//! Families and metrics to protobuf: fields in the order of their numbers, repeated numbers unpacked.

use super::wire::{
    append_bytes_field, append_double_field, append_message_field, append_varint,
    append_varint_field, to_zigzag,
};
use crate::model::{
    Bucket, BucketSpan, Buckets, Counter, Exemplar, Histogram, Metric, MetricFamily, MetricType,
    ProtoTimestamp, Summary, Value,
};

/// Appends a family, with its length in front.
pub fn append_family(out: &mut Vec<u8>, family: &MetricFamily<'_>) {
    let mut message = Vec::new();
    append_family_message(&mut message, family);
    append_varint(out, message.len() as u64);
    out.extend_from_slice(&message);
}

/// Appends a family that stands alone, without its length in front.
pub fn append_family_message(out: &mut Vec<u8>, family: &MetricFamily<'_>) {
    append_head(
        out,
        &family.name,
        family.help.as_deref(),
        family.metric_type,
    );
    for (labels, metric) in family.metrics.iter() {
        let labels = labels.iter().map(|label| (&*label.name, &*label.value));
        append_metric(out, labels, metric);
    }
}

/// Appends what goes before the metrics of a family, which are so many bytes of [`append_metric`].
pub fn append_family_header(
    out: &mut Vec<u8>,
    name: &str,
    help: Option<&str>,
    metric_type: MetricType,
    metrics_length: usize,
) {
    let mut head = Vec::with_capacity(name.len() + help.map_or(0, str::len) + 16);
    append_head(&mut head, name, help, metric_type);
    append_varint(out, (head.len() + metrics_length) as u64);
    out.extend_from_slice(&head);
}

fn append_head(out: &mut Vec<u8>, name: &str, help: Option<&str>, metric_type: MetricType) {
    append_bytes_field(out, 1, name.as_bytes());
    if let Some(help) = help {
        append_bytes_field(out, 2, help.as_bytes());
    }
    append_varint_field(out, 3, metric_type.proto_number().into());
}

/// Appends a metric as a field of its family, with these labels.
pub fn append_metric<'l>(
    out: &mut Vec<u8>,
    labels: impl IntoIterator<Item = (&'l str, &'l str)>,
    metric: &Metric<'_>,
) {
    append_message_field(out, 4, |out| {
        append_labels(out, labels);
        match &metric.value {
            Some(Value::Gauge(value)) => append_value(out, 2, *value),
            Some(Value::Counter(counter)) => append_counter(out, counter),
            Some(Value::Summary(summary)) => append_summary(out, summary),
            Some(Value::Untyped(value)) => append_value(out, 5, *value),
            Some(Value::Histogram(_)) | None => {}
        }
        if let Some(timestamp_ms) = metric.timestamp_ms {
            append_varint_field(out, 6, timestamp_ms.cast_unsigned());
        }
        if let Some(Value::Histogram(histogram)) = &metric.value {
            append_histogram(out, histogram);
        }
        out.extend_from_slice(&metric.unknown_fields);
    });
}

fn append_labels<'l>(out: &mut Vec<u8>, labels: impl IntoIterator<Item = (&'l str, &'l str)>) {
    for (name, value) in labels {
        append_message_field(out, 1, |out| {
            append_bytes_field(out, 1, name.as_bytes());
            append_bytes_field(out, 2, value.as_bytes());
        });
    }
}

fn append_value(out: &mut Vec<u8>, number: u32, value: f64) {
    append_message_field(out, number, |out| append_double_field(out, 1, value));
}

fn append_counter(out: &mut Vec<u8>, counter: &Counter<'_>) {
    let Counter {
        value,
        exemplar,
        created,
    } = counter;
    append_message_field(out, 3, |out| {
        append_double_field(out, 1, *value);
        append_exemplars(out, 2, exemplar.as_deref());
        append_timestamp(out, 3, *created);
    });
}

fn append_summary(out: &mut Vec<u8>, summary: &Summary) {
    let Summary {
        count,
        sum,
        quantiles,
        created,
    } = summary;
    append_message_field(out, 4, |out| {
        append_varint_field(out, 1, *count);
        append_double_field(out, 2, *sum);
        for &(quantile, value) in quantiles {
            append_message_field(out, 3, |out| {
                append_double_field(out, 1, quantile);
                append_double_field(out, 2, value);
            });
        }
        append_timestamp(out, 4, *created);
    });
}

fn append_histogram(out: &mut Vec<u8>, histogram: &Histogram<'_>) {
    let Histogram {
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
    } = histogram;
    append_message_field(out, 7, |out| {
        append_count(out, 1, *count, *count_float);
        append_double_field(out, 2, *sum);
        for bucket in buckets {
            append_bucket(out, bucket);
        }
        append_count_float(out, 4, *count_float);
        if let Some(schema) = *schema {
            append_varint_field(out, 5, to_zigzag(schema.into()));
        }
        if let Some(zero_threshold) = *zero_threshold {
            append_double_field(out, 6, zero_threshold);
        }
        if let Some(zero_count) = *zero_count {
            append_varint_field(out, 7, zero_count);
        }
        if let Some(zero_count_float) = *zero_count_float {
            append_double_field(out, 8, zero_count_float);
        }
        append_native_buckets(out, 9, negative);
        append_native_buckets(out, 12, positive);
        append_timestamp(out, 15, *created);
        append_exemplars(out, 16, exemplars);
    });
}

fn append_bucket(out: &mut Vec<u8>, bucket: &Bucket<'_>) {
    let Bucket {
        cumulative_count,
        cumulative_count_float,
        upper_bound,
        exemplar,
    } = bucket;
    append_message_field(out, 3, |out| {
        append_count(out, 1, *cumulative_count, *cumulative_count_float);
        append_double_field(out, 2, *upper_bound);
        append_exemplars(out, 3, exemplar.as_deref());
        append_count_float(out, 4, *cumulative_count_float);
    });
}

/// A count is given as an integer unless it is given as a float.
fn append_count(out: &mut Vec<u8>, number: u32, integer: u64, float: f64) {
    if integer != 0 || float == 0.0 {
        append_varint_field(out, number, integer);
    }
}

fn append_count_float(out: &mut Vec<u8>, number: u32, float: f64) {
    if float != 0.0 {
        append_double_field(out, number, float);
    }
}

/// The three fields of one side begin with this number.
fn append_native_buckets(out: &mut Vec<u8>, first_number: u32, buckets: &Buckets) {
    let Buckets {
        spans,
        deltas,
        counts,
    } = buckets;
    for &BucketSpan { offset, length } in spans {
        append_message_field(out, first_number, |out| {
            append_varint_field(out, 1, to_zigzag(offset.into()));
            append_varint_field(out, 2, length.into());
        });
    }
    for &delta in deltas {
        append_varint_field(out, first_number + 1, to_zigzag(delta));
    }
    for &count in counts {
        append_double_field(out, first_number + 2, count);
    }
}

fn append_exemplars<'e>(
    out: &mut Vec<u8>,
    number: u32,
    exemplars: impl IntoIterator<Item = &'e Exemplar<'e>>,
) {
    for exemplar in exemplars {
        let Exemplar {
            labels,
            value,
            timestamp,
        } = exemplar;
        append_message_field(out, number, |out| {
            append_labels(
                out,
                labels.iter().map(|label| (&*label.name, &*label.value)),
            );
            append_double_field(out, 2, *value);
            append_timestamp(out, 3, *timestamp);
        });
    }
}

fn append_timestamp(out: &mut Vec<u8>, number: u32, timestamp: Option<ProtoTimestamp>) {
    let Some(ProtoTimestamp { seconds, nanos }) = timestamp else {
        return;
    };
    append_message_field(out, number, |out| {
        append_varint_field(out, 1, seconds.cast_unsigned());
        append_varint_field(out, 2, i64::from(nanos).cast_unsigned());
    });
}
