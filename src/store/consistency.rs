//! Why a push may be refused: what is wrong with it alone, and with it beside what other groups pushed.

use std::sync::Arc;

use thiserror::Error;

use super::Limits;
use crate::model::{GroupingKey, Label, Metric, MetricFamily, MetricType};

/// Whether a push is checked against what is in the store: `--push.disable-consistency-check`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Check {
    /// A push that does not fit is refused.
    #[default]
    Checked,
    /// A push is taken as it is; of families that clash, a scrape shows the one pushed last.
    Unchecked,
}

/// Why the store declined a push. The store is as it was but for the group's failure gauge, see
/// [`Refusal::is_recorded`].
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Refusal {
    /// A metric came with a timestamp.
    #[error("pushed metrics must not have timestamps")]
    Timestamps,
    /// What was pushed can't be exposed, whatever else is in the store.
    #[error("{0}")]
    Invalid(String),
    /// What was pushed does not go with what the gateway exposes of its own.
    #[error("{0}")]
    ClashesWithOwn(String),
    /// What was pushed does not go with what another group pushed.
    #[error("{what}, which group {other} has; push under another name, or delete that group")]
    ClashesWithGroup {
        /// Metric or family, and what is wrong with it.
        what: String,
        /// The group that was there first.
        other: Arc<GroupingKey>,
    },
    /// The group's metrics would have the very labels of another group's.
    #[error(
        "group {key} would be exposed with the same labels as group {twin}, which exists; delete that one first"
    )]
    Twin {
        /// The group pushed to.
        key: Arc<GroupingKey>,
        /// The group that differs from it in an empty `instance` only.
        twin: Arc<GroupingKey>,
    },
    /// The push is larger than a single push may be.
    #[error("{what} has {value}, more than the limit of {limit} ({flag})")]
    TooLarge {
        /// Which part of the push.
        what: String,
        /// How large it is, with its unit.
        value: String,
        /// The limit.
        limit: usize,
        /// The flag that sets the limit.
        flag: &'static str,
    },
    /// The store holds as much as it may.
    #[error("the gateway would hold {value} {what}, more than the limit of {limit} ({flag})")]
    StoreFull {
        /// What there would be too many of.
        what: &'static str,
        /// How many there would be.
        value: usize,
        /// The limit.
        limit: usize,
        /// The flag that sets the limit.
        flag: &'static str,
    },
}

impl Refusal {
    /// Whether the group's failure gauge tells of the refusal.
    ///
    /// Not where the group itself can't be exposed, and not where there is no room for it.
    pub fn is_recorded(&self) -> bool {
        !matches!(self, Self::Twin { .. } | Self::StoreFull { .. })
    }

    /// A short name of the reason, for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Timestamps => "timestamps",
            Self::Invalid(_) => "invalid",
            Self::ClashesWithOwn(_) | Self::ClashesWithGroup { .. } | Self::Twin { .. } => {
                "inconsistent"
            }
            Self::TooLarge { .. } | Self::StoreFull { .. } => "limit",
        }
    }
}

/// A family that the gateway exposes of its own and clients may only add to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnFamily {
    /// The metric name.
    pub name: &'static str,
    /// Its type; a pushed family of that name must have it too.
    pub metric_type: MetricType,
    /// Its help.
    pub help: &'static str,
    /// What becomes of another help.
    pub help_rule: HelpRule,
}

/// What becomes of a pushed help that differs from the gateway's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HelpRule {
    /// The gateway's own is shown in its place.
    Replaced,
    /// The push is refused.
    Refused,
}

/// Refuses a family that could not be exposed even if it were alone. Its metrics are not looked at.
pub(super) fn check_family(family: &MetricFamily<'_>, limits: &Limits) -> Result<(), Refusal> {
    let name = &*family.name;
    if name.is_empty() {
        return Err(Refusal::Invalid("a metric family has no name".into()));
    }
    if name.contains('\0') {
        return Err(Refusal::Invalid(format!(
            "metric name {name:?} holds a NUL byte"
        )));
    }
    within(
        || "the metric name".into(),
        "bytes",
        name.len(),
        limits.label_name_bytes,
        "--limit.label-name-bytes",
    )?;
    let help = family.help.as_deref().unwrap_or_default().len();
    within(
        || format!("the help of {name:?}"),
        "bytes",
        help,
        limits.help_bytes,
        "--limit.help-bytes",
    )
}

/// What is wrong with a series that is there twice.
pub(super) fn collected_before(series: &str) -> String {
    format!("collected metric {series} was collected before with the same name and label values")
}

/// Refuses a metric that could not be exposed even if it were alone. `labels` are all that it would be exposed
/// with, sorted by name.
pub(super) fn check_metric(
    family: &MetricFamily<'_>,
    metric: &Metric<'_>,
    labels: &[Label<'_>],
    limits: &Limits,
) -> Result<(), Refusal> {
    let name = &*family.name;
    let shown = || describe(name, labels);
    if !metric
        .value
        .as_ref()
        .is_some_and(|value| value.is_of(family.metric_type))
    {
        let what = family.metric_type.proto_name();
        return Err(Refusal::Invalid(format!(
            "collected metric {} is not a {what}",
            shown()
        )));
    }
    if let Some(crate::model::Value::Histogram(histogram)) = &metric.value
        && let Err(reason) = histogram.validate_native()
    {
        return Err(Refusal::Invalid(format!(
            "collected metric {}: {reason}",
            shown()
        )));
    }
    check_labels(family, labels, limits)
}

fn check_labels(
    family: &MetricFamily<'_>,
    labels: &[Label<'_>],
    limits: &Limits,
) -> Result<(), Refusal> {
    let name = &*family.name;
    let invalid = |why: String| {
        Err(Refusal::Invalid(format!(
            "collected metric {} {why}",
            describe(name, labels)
        )))
    };
    within(
        || format!("a metric of {name:?}"),
        "labels",
        labels.len(),
        limits.labels_per_series,
        "--limit.labels-per-series",
    )?;
    for (at, label) in labels.iter().enumerate() {
        let label_name = &*label.name;
        if label_name.is_empty() {
            return invalid("has a label without a name".into());
        }
        if at > 0 && labels[at - 1].name == label.name {
            return invalid(format!(
                "has two or more labels with the same name: {label_name}"
            ));
        }
        // Byte by byte: a search that has to be set up is slower in what most names are.
        if label_name.starts_with("__") || label_name.bytes().any(|byte| byte == 0) {
            return invalid(format!("has a label with an invalid name: {label_name:?}"));
        }
        if let Some(doubled) = doubled_label(family.metric_type)
            && label_name == doubled
        {
            return invalid(format!("must not have an explicit {doubled:?} label"));
        }
        let size = label.name.len();
        let what = || format!("the name of a label of {name:?}");
        within(
            what,
            "bytes",
            size,
            limits.label_name_bytes,
            "--limit.label-name-bytes",
        )?;
        let size = label.value.len();
        let what = || format!("label {label_name:?} of {name:?}");
        within(
            what,
            "bytes",
            size,
            limits.label_value_bytes,
            "--limit.label-value-bytes",
        )?;
    }
    Ok(())
}

fn within(
    what: impl FnOnce() -> String,
    unit: &str,
    value: usize,
    limit: usize,
    flag: &'static str,
) -> Result<(), Refusal> {
    if value <= limit {
        return Ok(());
    }
    Err(Refusal::TooLarge {
        what: what(),
        value: format!("{value} {unit}"),
        limit,
        flag,
    })
}

/// The label that a metric of this type is exposed with beside its own.
fn doubled_label(metric_type: MetricType) -> Option<&'static str> {
    match metric_type {
        MetricType::Summary => Some("quantile"),
        MetricType::Histogram | MetricType::GaugeHistogram => Some("le"),
        MetricType::Counter | MetricType::Gauge | MetricType::Untyped => None,
    }
}

/// A metric as a person would write it: `m{a="b"}`.
pub(super) fn describe(name: &str, labels: &[Label<'_>]) -> String {
    use std::fmt::Write;
    let mut text = format!("{name}{{");
    for (at, label) in labels.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(text, "{comma}{}={:?}", label.name, label.value);
    }
    text.push('}');
    text
}

/// Whether families of these types, of the same name, can be exposed as one.
pub(super) fn types_go_together(one: MetricType, other: MetricType) -> bool {
    let is_histogram = |t| matches!(t, MetricType::Histogram | MetricType::GaugeHistogram);
    one == other || (is_histogram(one) && is_histogram(other))
}

/// The suffixes under which a family of this type exposes lines beside its own name.
pub(super) fn suffixes(metric_type: MetricType) -> &'static [&'static str] {
    match metric_type {
        MetricType::Summary => &["_count", "_sum"],
        MetricType::Histogram => &["_count", "_sum", "_bucket"],
        MetricType::Counter
        | MetricType::Gauge
        | MetricType::Untyped
        | MetricType::GaugeHistogram => &[],
    }
}

/// The name without a suffix that summaries and histograms expose lines under, and that suffix.
pub(super) fn without_suffix(name: &str) -> Option<(&str, &'static str)> {
    ["_count", "_sum", "_bucket"]
        .into_iter()
        .find_map(|suffix| Some((name.strip_suffix(suffix)?, suffix)))
}
