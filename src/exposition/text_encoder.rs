//! Metric families to text format 0.0.4: layout, numbers, escapes.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr2, memchr3};

use super::{Escaping, NameKind, escape_name};
use crate::model::{Histogram, Label, MetricFamily, MetricType, Summary, Value};

mod number;
#[cfg(test)]
mod tests;

pub use number::append_float;

/// Bytes of a text in which a search byte by byte is faster than one that has to be set up.
const SHORT: usize = 16;

/// Appends the HELP line, if there is a help, and the TYPE line of a family.
pub fn append_header(
    out: &mut Vec<u8>,
    name: &str,
    help: Option<&str>,
    metric_type: MetricType,
    escaping: Escaping,
) {
    let name = escape_name(name, escaping, NameKind::Metric);
    let is_bare = NameKind::Metric.is_legacy(&name);
    if let Some(help) = help {
        out.extend_from_slice(b"# HELP ");
        append_name_as(out, &name, is_bare);
        out.push(b' ');
        append_help(out, help);
        out.push(b'\n');
    }
    out.extend_from_slice(b"# TYPE ");
    append_name_as(out, &name, is_bare);
    out.push(b' ');
    out.extend_from_slice(metric_type.text_name().as_bytes());
    out.push(b'\n');
}

/// Appends all lines of one metric; whether none of its names had to be quoted. The labels come as they are to be
/// printed: sorted, without doubles.
///
/// The last line never has a label `quantile` or `le` of its own.
pub fn append_metric<'l>(
    out: &mut Vec<u8>,
    name: &str,
    labels: impl IntoIterator<Item: Into<LabelText<'l>>>,
    value: &Value<'_>,
    escaping: Escaping,
) -> bool {
    let name = escape_name(name, escaping, NameKind::Metric);
    let is_bare = NameKind::Metric.is_legacy(&name);
    let mut lines = Lines {
        out,
        is_bare,
        are_all_bare: is_bare,
        name,
        labels: Labels::ToWrite(labels.into_iter()),
        escaping,
    };
    match value {
        Value::Counter(counter) => lines.append("", None, counter.value),
        Value::Gauge(value) | Value::Untyped(value) => lines.append("", None, *value),
        Value::Summary(summary) => lines.append_summary(summary),
        Value::Histogram(histogram) => lines.append_histogram(histogram),
    }
    lines.are_all_bare
}

/// Appends a family with the labels that its metrics have, in the order in which they have them. A metric without
/// a value has no line.
pub fn append_family(out: &mut Vec<u8>, family: &MetricFamily<'_>, escaping: Escaping) {
    let help = family.help.as_deref();
    append_header(out, &family.name, help, family.metric_type, escaping);
    for (labels, metric) in family.metrics.iter() {
        if let Some(value) = &metric.value {
            append_metric(out, &family.name, labels, value, escaping);
        }
    }
}

/// A label of a metric that is to be written.
#[derive(Clone, Copy, Debug)]
pub enum LabelText<'l> {
    /// By name and value.
    Pair(&'l str, &'l str),
    /// As it was written before.
    Written(&'l WrittenLabel),
}

/// A label that many metrics have, written once for all.
#[derive(Clone, Debug)]
pub struct WrittenLabel {
    /// With the comma behind it.
    text: Vec<u8>,
    is_bare: bool,
}

impl WrittenLabel {
    /// Writes a label under this escaping.
    pub fn new(name: &str, value: &str, escaping: Escaping) -> Self {
        let mut text = Vec::with_capacity(name.len() + value.len() + 4);
        let is_bare = append_label(&mut text, name, value, escaping);
        Self { text, is_bare }
    }
}

impl<'l> From<(&'l str, &'l str)> for LabelText<'l> {
    fn from((name, value): (&'l str, &'l str)) -> Self {
        Self::Pair(name, value)
    }
}

impl<'l> From<&'l Label<'_>> for LabelText<'l> {
    fn from(label: &'l Label<'_>) -> Self {
        Self::Pair(&label.name, &label.value)
    }
}

/// The lines of one metric, which have the same labels.
struct Lines<'o, 'n, L> {
    out: &'o mut Vec<u8>,
    name: Cow<'n, str>,
    /// Whether the name goes before the braces, without quotes, rather than between them.
    is_bare: bool,
    /// Whether no other name so far has needed quotes either.
    are_all_bare: bool,
    labels: Labels<L>,
    escaping: Escaping,
}

/// The labels between the braces.
enum Labels<L> {
    ToWrite(L),
    /// They can be copied from this part of the output.
    Written(Range<usize>),
}

impl<'l, L: Iterator<Item: Into<LabelText<'l>>>> Lines<'_, '_, L> {
    fn append_summary(&mut self, summary: &Summary) {
        for &(quantile, value) in &summary.quantiles {
            self.append("", Some(("quantile", quantile)), value);
        }
        self.append("_sum", None, summary.sum);
        self.append("_count", None, float_or_integer(0.0, summary.count));
    }

    fn append_histogram(&mut self, histogram: &Histogram<'_>) {
        let count = float_or_integer(histogram.count_float, histogram.count);
        let mut has_infinity = false;
        for bucket in &histogram.buckets {
            let count = float_or_integer(bucket.cumulative_count_float, bucket.cumulative_count);
            self.append("_bucket", Some(("le", bucket.upper_bound)), count);
            has_infinity |= bucket.upper_bound == f64::INFINITY;
        }
        if !has_infinity {
            self.append("_bucket", Some(("le", f64::INFINITY)), count);
        }
        self.append("_sum", None, histogram.sum);
        self.append("_count", None, count);
    }

    /// Appends a line. `own` is the label that it has beside the labels of the metric.
    fn append(&mut self, suffix: &str, own: Option<(&str, f64)>, value: f64) {
        if self.is_bare {
            self.out.extend_from_slice(self.name.as_bytes());
            self.out.extend_from_slice(suffix.as_bytes());
            self.out.push(b'{');
        } else {
            self.out.extend_from_slice(b"{\"");
            append_escaped(self.out, &self.name);
            self.out.extend_from_slice(suffix.as_bytes());
            self.out.extend_from_slice(b"\",");
        }
        self.append_labels();
        if let Some((name, position)) = own {
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            append_float(self.out, position);
            self.out.extend_from_slice(b"\",");
        }
        // Everything between the braces ends in a comma; if there is nothing, there are no braces.
        if self.out.pop() == Some(b',') {
            self.out.push(b'}');
        }
        self.out.push(b' ');
        append_float(self.out, value);
        self.out.push(b'\n');
    }

    fn append_labels(&mut self) {
        let labels = match &mut self.labels {
            Labels::Written(range) => {
                let range = range.clone();
                if range.start < range.end {
                    self.out.extend_from_within(range);
                    self.out.push(b',');
                }
                return;
            }
            Labels::ToWrite(labels) => labels,
        };
        let start = self.out.len();
        for label in labels {
            self.are_all_bare &= match label.into() {
                LabelText::Pair(name, value) => append_label(self.out, name, value, self.escaping),
                LabelText::Written(label) => {
                    self.out.extend_from_slice(&label.text);
                    label.is_bare
                }
            };
        }
        // Without the last comma, which may become a brace.
        self.labels = Labels::Written(start..start.max(self.out.len() - 1));
    }
}

/// Appends a label with a comma behind it; whether its name needs no quotes.
fn append_label(out: &mut Vec<u8>, name: &str, value: &str, escaping: Escaping) -> bool {
    let name = escape_name(name, escaping, NameKind::Label);
    let is_bare = append_name(out, &name, NameKind::Label);
    out.extend_from_slice(b"=\"");
    append_escaped(out, value);
    out.extend_from_slice(b"\",");
    is_bare
}

/// Appends a name; whether it needs no quotes.
fn append_name(out: &mut Vec<u8>, name: &str, kind: NameKind) -> bool {
    let is_bare = kind.is_legacy(name);
    append_name_as(out, name, is_bare);
    is_bare
}

fn append_name_as(out: &mut Vec<u8>, name: &str, is_bare: bool) {
    if is_bare {
        out.extend_from_slice(name.as_bytes());
    } else {
        out.push(b'"');
        append_escaped(out, name);
        out.push(b'"');
    }
}

/// Appends what stands between quotes.
fn append_escaped(out: &mut Vec<u8>, text: &str) {
    append_with_escapes(out, text, |rest| {
        if rest.len() <= SHORT {
            let is_special = |byte: &u8| matches!(byte, b'\\' | b'\n' | b'"');
            return rest.iter().position(is_special);
        }
        memchr3(b'\\', b'\n', b'"', rest)
    });
}

/// Appends a help, in which quotes are not escaped.
fn append_help(out: &mut Vec<u8>, help: &str) {
    append_with_escapes(out, help, |rest| memchr2(b'\\', b'\n', rest));
}

fn append_with_escapes(out: &mut Vec<u8>, text: &str, find: impl Fn(&[u8]) -> Option<usize>) {
    let mut rest = text.as_bytes();
    while let Some(at) = find(rest) {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\\');
        out.push(if rest[at] == b'\n' { b'n' } else { rest[at] });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// A count that may be given in two ways.
#[expect(
    clippy::cast_precision_loss,
    reason = "the text format prints counts as doubles"
)]
fn float_or_integer(float: f64, integer: u64) -> f64 {
    if float == 0.0 { integer as f64 } else { float }
}
