//! The labels of children, and those that users may not set themselves.

use std::collections::BTreeMap;

use super::{Invalid, WorkloadKind};

/// What the application is.
pub const NAME_LABEL: &str = "app.kubernetes.io/name";
/// Which one it is.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Who keeps it.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Which release it is.
pub const VERSION_LABEL: &str = "app.kubernetes.io/version";
/// Which kind of workload a pod belongs to; so a Service can tell them apart during a switch.
pub const WORKLOAD_LABEL: &str = "pushgateway.io/workload";
/// What the ServiceMonitor selects by; only the ordinary Service has it, so that there is one target.
pub const SCRAPE_LABEL: &str = "pushgateway.io/scrape";

/// Value of [`NAME_LABEL`].
pub const NAME: &str = "pushgateway";
/// Value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "pushgateway-operator";
/// What the name of the headless Service ends with.
pub const HEADLESS_SUFFIX: &str = "-headless";

/// Labels that something is selected by.
const RESERVED: [&str; 5] = [
    NAME_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY_LABEL,
    WORKLOAD_LABEL,
    SCRAPE_LABEL,
];

pub(super) fn instance(name: &str) -> BTreeMap<String, String> {
    map([(NAME_LABEL, NAME), (INSTANCE_LABEL, name)])
}

pub(super) fn selector(name: &str, kind: WorkloadKind) -> BTreeMap<String, String> {
    let workload = match kind {
        WorkloadKind::StatefulSet => "statefulset",
        WorkloadKind::Deployment => "deployment",
    };
    let mut labels = instance(name);
    labels.extend(map([(WORKLOAD_LABEL, workload)]));
    labels
}

pub(super) fn of_children(name: &str, version: Option<&str>) -> BTreeMap<String, String> {
    let mut labels = instance(name);
    labels.extend(map([(MANAGED_BY_LABEL, MANAGED_BY)]));
    if let Some(version) = version.filter(|version| is_value(version)) {
        labels.extend(map([(VERSION_LABEL, version)]));
    }
    labels
}

fn map<const N: usize>(labels: [(&str, &str); N]) -> BTreeMap<String, String> {
    let owned = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    BTreeMap::from(owned)
}

/// Whether a text can be the value of a label; a tag of an image can be longer, and end with a dot.
fn is_value(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Refuses labels of pods, claims and Services by which they are selected.
pub(super) fn check_unreserved(
    field: &str,
    labels: &BTreeMap<String, String>,
) -> Result<(), Invalid> {
    check(field, labels, &RESERVED)
}

/// Refuses the label by which the operator finds its children.
pub(super) fn check_managed_by(
    field: &str,
    labels: &BTreeMap<String, String>,
) -> Result<(), Invalid> {
    check(field, labels, &[MANAGED_BY_LABEL])
}

fn check(field: &str, labels: &BTreeMap<String, String>, reserved: &[&str]) -> Result<(), Invalid> {
    match labels.iter().find(|(key, _)| reserved.contains(&&***key)) {
        Some((key, value)) => Err(Invalid::new(
            format!("{field}[{key}]"),
            format!(
                "{value:?} would hide the object from the operator, which sets this label itself; remove it"
            ),
        )),
        None => Ok(()),
    }
}
