//! Whether a Prometheus scrapes the gateway, judged from what the Prometheus Operator reports or from its selectors.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::{Selector, SelectorExt};
use serde_json::Value;

use super::api::conditions::Reason;
use super::api::{Monitoring, MonitoringStatus, PrometheusBinding};
use super::kind::Kind;
use super::observe::Prometheuses;
use super::validate::ValidatedPushGateway;

/// The most Prometheus objects that the status names, as in its schema.
const MOST_BOUND: usize = 64;

/// What is to be said of monitoring.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    /// The condition's status; `None` is Unknown.
    pub is_ready: Option<bool>,
    /// The condition's reason.
    pub reason: Reason,
    /// The condition's message.
    pub message: String,
    /// For the status.
    pub status: Option<MonitoringStatus>,
}

/// Judges it.
pub(super) fn judge(
    validated: &ValidatedPushGateway,
    served: &BTreeSet<Kind>,
    monitor: Option<&DynamicObject>,
    prometheuses: &Prometheuses,
) -> Verdict {
    if validated.monitoring().enabled == Monitoring::Disabled {
        return Verdict::without(
            Some(false),
            Reason::Disabled,
            "spec.serviceMonitor.enabled is Disabled",
        );
    }
    if !served.contains(&Kind::ServiceMonitor) {
        let message = "the cluster serves no ServiceMonitors; install the Prometheus Operator, and the ServiceMonitor follows by itself";
        return Verdict::without(Some(false), Reason::CRDNotInstalled, message);
    }
    let Some(monitor) = monitor else {
        return Verdict::without(
            Some(false),
            Reason::ReconcileFailed,
            "the ServiceMonitor could not be made",
        );
    };
    let status = |mut bound_to: Vec<_>| {
        bound_to.truncate(MOST_BOUND);
        MonitoringStatus {
            name: monitor.name_any(),
            bound_to,
        }
    };
    let bound = bindings(monitor);
    match prometheuses {
        Prometheuses::Unseen if bound.is_empty() => Verdict {
            is_ready: None,
            reason: Reason::Applied,
            message: "the ServiceMonitor is there; which Prometheus selects it can't be seen"
                .to_owned(),
            status: Some(status(bound)),
        },
        Prometheuses::Unseen => Verdict::selected(status(bound)),
        Prometheuses::Seen {
            all,
            namespace_labels,
        } => {
            let target = Target {
                name: monitor.name_any(),
                labels: monitor.labels(),
                namespace: validated.namespace(),
                namespace_labels: namespace_labels.as_ref(),
            };
            among(all, &target, bound, status)
        }
    }
}

/// Labels that a Prometheus wants to see on a ServiceMonitor, from its selector.
pub(super) fn wanted_labels(prometheus: &DynamicObject) -> BTreeMap<String, String> {
    let selector = &prometheus.data["spec"]["serviceMonitorSelector"];
    let selector: LabelSelector = serde_json::from_value(selector.clone()).unwrap_or_default();
    let mut labels = selector.match_labels.unwrap_or_default();
    for expression in selector.match_expressions.unwrap_or_default() {
        let first = expression.values.unwrap_or_default().into_iter().next();
        match (expression.operator.as_str(), first) {
            ("In", Some(value)) => labels.insert(expression.key, value),
            ("Exists", _) => labels.insert(expression.key, "true".to_owned()),
            _ => None,
        };
    }
    labels
}

/// The Prometheus that a `prometheusRef` names, if it can be seen.
pub(super) fn referenced<'a>(
    validated: &ValidatedPushGateway,
    prometheuses: &'a Prometheuses,
) -> Option<&'a DynamicObject> {
    let reference = validated.monitoring().prometheus_ref.as_ref()?;
    let namespace = reference
        .namespace
        .as_deref()
        .unwrap_or_else(|| validated.namespace());
    let Prometheuses::Seen { all, .. } = prometheuses else {
        return None;
    };
    all.iter().find(|prometheus| {
        prometheus.name_any() == reference.name
            && prometheus.namespace().as_deref() == Some(namespace)
    })
}

/// A ServiceMonitor as selectors see it.
struct Target<'a> {
    name: String,
    labels: &'a BTreeMap<String, String>,
    namespace: &'a str,
    namespace_labels: Option<&'a BTreeMap<String, String>>,
}

fn among(
    all: &[DynamicObject],
    target: &Target<'_>,
    bound: Vec<PrometheusBinding>,
    status: impl FnOnce(Vec<PrometheusBinding>) -> MonitoringStatus,
) -> Verdict {
    let selecting: Vec<&DynamicObject> = all
        .iter()
        .filter(|prometheus| selects(prometheus, target))
        .collect();
    let mut names: BTreeSet<PrometheusBinding> = bound.into_iter().collect();
    names.extend(selecting.iter().map(|prometheus| binding(prometheus)));
    if names.is_empty() {
        return Verdict {
            is_ready: Some(false),
            reason: Reason::NotSelected,
            message: how_to_be_selected(all, target),
            status: Some(status(Vec::new())),
        };
    }
    let overriding = selecting
        .into_iter()
        .find_map(|prometheus| overrides(prometheus, target));
    let status = status(names.into_iter().collect());
    match overriding {
        Some(message) => Verdict {
            is_ready: Some(false),
            reason: Reason::HonorLabelsOverridden,
            message,
            status: Some(status),
        },
        None => Verdict::selected(status),
    }
}

/// Who has taken the ServiceMonitor up, as the Prometheus Operator reports it (`status.bindings`).
fn bindings(monitor: &DynamicObject) -> Vec<PrometheusBinding> {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let is_accepted = |binding: &&Value| {
        let conditions = binding["conditions"].as_array();
        conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Accepted" && condition["status"] == "True")
    };
    let bindings = monitor.data["status"]["bindings"].as_array();
    let accepted = bindings.into_iter().flatten().filter(is_accepted);
    let mut bound: Vec<_> = accepted
        .map(|binding| PrometheusBinding {
            resource: text(binding, "resource"),
            namespace: text(binding, "namespace"),
            name: text(binding, "name"),
        })
        .collect();
    bound.sort();
    bound
}

fn binding(prometheus: &DynamicObject) -> PrometheusBinding {
    let kind = prometheus.types.as_ref().map(|types| types.kind.as_str());
    PrometheusBinding {
        resource: match kind {
            Some("PrometheusAgent") => "prometheusagents".to_owned(),
            _ => "prometheuses".to_owned(),
        },
        namespace: prometheus.namespace().unwrap_or_default(),
        name: prometheus.name_any(),
    }
}

/// Whether a Prometheus selects the target, by its selectors for ServiceMonitors and their namespaces.
fn selects(prometheus: &DynamicObject, target: &Target<'_>) -> bool {
    let spec = &prometheus.data["spec"];
    matches(&spec["serviceMonitorSelector"], target.labels) && sees(prometheus, target)
}

/// Whether a Prometheus looks into the target's namespace.
fn sees(prometheus: &DynamicObject, target: &Target<'_>) -> bool {
    let selector = &prometheus.data["spec"]["serviceMonitorNamespaceSelector"];
    if selector.is_null() {
        return prometheus.namespace().as_deref() == Some(target.namespace);
    }
    let own = BTreeMap::from([(
        "kubernetes.io/metadata.name".to_owned(),
        target.namespace.to_owned(),
    )]);
    matches(selector, target.namespace_labels.unwrap_or(&own))
}

/// Whether a label selector is there and matches; an empty one matches everything.
fn matches(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    if selector.is_null() {
        return false;
    }
    let selector: Option<LabelSelector> = serde_json::from_value(selector.clone()).ok();
    let selector = selector.and_then(|selector| Selector::try_from(selector).ok());
    selector.is_some_and(|selector| selector.matches(labels))
}

/// What a Prometheus does to pushed labels in spite of `honorLabels: true`, if anything.
fn overrides(prometheus: &DynamicObject, target: &Target<'_>) -> Option<String> {
    let spec = &prometheus.data["spec"];
    let who = format!(
        "Prometheus {}/{}",
        prometheus.namespace().unwrap_or_default(),
        prometheus.name_any()
    );
    if spec["overrideHonorLabels"] == true {
        return Some(format!(
            "{who} has overrideHonorLabels: true, so that the pushed labels job and instance become exported_job and exported_instance; set it to false there"
        ));
    }
    let label = spec["enforcedNamespaceLabel"]
        .as_str()
        .filter(|label| !label.is_empty() && !is_excluded(spec, target))?;
    Some(format!(
        "{who} has enforcedNamespaceLabel: {label}, which replaces a pushed label {label} by the namespace and leaves the others; to keep it, name the ServiceMonitor in excludedFromEnforcement there"
    ))
}

/// Whether a Prometheus exempts the target from the namespace label that it enforces.
fn is_excluded(spec: &Value, target: &Target<'_>) -> bool {
    let exemptions = spec["excludedFromEnforcement"].as_array();
    exemptions.into_iter().flatten().any(|exemption| {
        let name = exemption["name"].as_str().unwrap_or_default();
        exemption["resource"] == "servicemonitors"
            && exemption["namespace"] == target.namespace
            && (name.is_empty() || name == target.name)
    })
}

fn how_to_be_selected(all: &[DynamicObject], target: &Target<'_>) -> String {
    let name = |prometheus: &DynamicObject| {
        let namespace = prometheus.namespace().unwrap_or_default();
        format!("{namespace}/{}", prometheus.name_any())
    };
    let seeing: Vec<&DynamicObject> = all
        .iter()
        .filter(|prometheus| sees(prometheus, target))
        .collect();
    let helpful = seeing.iter().find_map(|prometheus| {
        let labels = wanted_labels(prometheus);
        let would_match = matches(&prometheus.data["spec"]["serviceMonitorSelector"], &labels);
        (would_match && !labels.is_empty()).then_some((name(prometheus), labels))
    });
    match (helpful, seeing.first()) {
        (Some((prometheus, labels)), _) => {
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            format!(
                "no Prometheus selects the ServiceMonitor; {prometheus} would with the labels {{{}}}: set them in spec.serviceMonitor.labels",
                labels.join(", ")
            )
        }
        (None, Some(seeing)) => format!(
            "no Prometheus selects the ServiceMonitor; {} looks into the namespace, but its serviceMonitorSelector excludes it",
            name(seeing)
        ),
        (None, None) if all.is_empty() => {
            "there is no Prometheus in sight that could select the ServiceMonitor".to_owned()
        }
        (None, None) => format!(
            "no Prometheus looks for ServiceMonitors in the namespace {}; widen its serviceMonitorNamespaceSelector",
            target.namespace
        ),
    }
}

impl Verdict {
    fn without(is_ready: Option<bool>, reason: Reason, message: &str) -> Self {
        Self {
            is_ready,
            reason,
            message: message.to_owned(),
            status: None,
        }
    }

    fn selected(status: MonitoringStatus) -> Self {
        let name = |binding: &PrometheusBinding| format!("{}/{}", binding.namespace, binding.name);
        let names: Vec<_> = status.bound_to.iter().map(name).collect();
        Self {
            is_ready: Some(true),
            reason: Reason::Selected,
            message: format!("selected by {}", names.join(", ")),
            status: Some(status),
        }
    }
}

#[cfg(test)]
mod tests;
