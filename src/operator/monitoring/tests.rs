use serde_json::json;

use super::*;
use crate::operator::api::PushGateway;
use crate::operator::validate::{Defaults, validate};

fn validated(service_monitor: &Value) -> ValidatedPushGateway {
    let object: PushGateway = serde_json::from_value(json!({
        "apiVersion": "pushgateway.io/v1alpha1",
        "kind": "PushGateway",
        "metadata": {"name": "a", "namespace": "jobs", "uid": "1"},
        "spec": {"serviceMonitor": service_monitor},
    }))
    .unwrap();
    validate(&object, &Defaults::default()).unwrap()
}

fn prometheus(spec: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "main", "namespace": "monitoring"},
        "spec": spec,
    }))
    .unwrap()
}

fn monitor(bindings: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "a", "namespace": "jobs", "labels": {"release": "stack"}},
        "status": {"bindings": bindings},
    }))
    .unwrap()
}

fn seen(prometheuses: Vec<DynamicObject>) -> Prometheuses {
    Prometheuses::Seen {
        all: prometheuses,
        namespace_labels: Some(BTreeMap::from([("team".to_owned(), "batch".to_owned())])),
    }
}

/// Judges with ServiceMonitors served and one there.
fn judged(prometheuses: &Prometheuses) -> Verdict {
    let served = BTreeSet::from([Kind::ServiceMonitor]);
    let monitor = monitor(&json!([]));
    judge(
        &validated(&json!({})),
        &served,
        Some(&monitor),
        prometheuses,
    )
}

#[test]
fn a_prometheus_selects_by_labels_and_namespaces() {
    let everything = json!({});
    for (selector, namespaces, is_selected) in [
        (&everything, &everything, true),
        (
            &json!({"matchLabels": {"release": "stack"}}),
            &everything,
            true,
        ),
        (
            &json!({"matchLabels": {"release": "other"}}),
            &everything,
            false,
        ),
        (&json!(null), &everything, false),
        (
            &everything,
            &json!({"matchLabels": {"team": "batch"}}),
            true,
        ),
        (&everything, &json!({"matchLabels": {"team": "web"}}), false),
        // No selector of namespaces means its own.
        (&everything, &json!(null), false),
        (
            &json!({"matchExpressions": [{"key": "release", "operator": "In", "values": ["stack"]}]}),
            &everything,
            true,
        ),
    ] {
        let spec = json!({
            "serviceMonitorSelector": selector,
            "serviceMonitorNamespaceSelector": namespaces,
        });
        let verdict = judged(&seen(vec![prometheus(&spec)]));
        assert_eq!(verdict.is_ready, Some(is_selected), "{spec}");
        let reason = if is_selected {
            Reason::Selected
        } else {
            Reason::NotSelected
        };
        assert_eq!(verdict.reason, reason, "{spec}");
    }
}

#[test]
fn the_labels_that_would_help_are_named() {
    let spec = json!({
        "serviceMonitorSelector": {"matchLabels": {"release": "other"}},
        "serviceMonitorNamespaceSelector": {},
    });
    let message = judged(&seen(vec![prometheus(&spec)])).message;
    assert!(message.contains("{release: other}"), "{message}");
    assert!(message.contains("spec.serviceMonitor.labels"), "{message}");
}

#[test]
fn what_defeats_honor_labels_is_told() {
    for (field, value) in [
        ("overrideHonorLabels", json!(true)),
        ("enforcedNamespaceLabel", json!("namespace")),
    ] {
        let mut spec = json!({
            "serviceMonitorSelector": {},
            "serviceMonitorNamespaceSelector": {},
        });
        spec[field] = value;
        let verdict = judged(&seen(vec![prometheus(&spec)]));
        assert_eq!(verdict.reason, Reason::HonorLabelsOverridden);
        assert!(verdict.message.contains(field), "{}", verdict.message);
        assert!(
            verdict.message.contains("monitoring/main"),
            "{}",
            verdict.message
        );
    }
}

#[test]
fn what_cannot_be_seen_is_unknown_unless_bindings_tell() {
    let verdict = judged(&Prometheuses::Unseen);
    assert_eq!((verdict.is_ready, verdict.reason), (None, Reason::Applied));

    let served = BTreeSet::from([Kind::ServiceMonitor]);
    let binding = |status: &str| {
        json!([{
            "group": "monitoring.coreos.com", "resource": "prometheuses",
            "name": "main", "namespace": "monitoring",
            "conditions": [{"type": "Accepted", "status": status}],
        }])
    };
    let judged = |status: &str| {
        let monitor = monitor(&binding(status));
        judge(
            &validated(&json!({})),
            &served,
            Some(&monitor),
            &Prometheuses::Unseen,
        )
    };
    let accepted = judged("True");
    assert_eq!(accepted.is_ready, Some(true));
    assert_eq!(accepted.message, "selected by monitoring/main");
    assert_eq!(judged("False").is_ready, None);
}

#[test]
fn absent_and_disabled_are_told_apart() {
    let none = BTreeSet::new();
    let reason = |spec: Value| judge(&validated(&spec), &none, None, &Prometheuses::Unseen).reason;
    assert_eq!(reason(json!({})), Reason::CRDNotInstalled);
    assert_eq!(reason(json!({"enabled": "Disabled"})), Reason::Disabled);
}
