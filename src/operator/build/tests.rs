//! What depends on more than a spec; whole objects are compared in `tests/operator/golden.rs`.

use serde_json::{Value, json};

use super::*;
use crate::operator::api::PushGateway;
use crate::operator::validate::{Defaults, validate};

fn gateway(spec: Value) -> ValidatedPushGateway {
    let mut object = json!({
        "apiVersion": "pushgateway.io/v1alpha1",
        "kind": "PushGateway",
        "metadata": {"name": "a", "namespace": "ns", "uid": "u"},
    });
    object["spec"] = spec;
    let object: PushGateway = serde_json::from_value(object).unwrap();
    validate(&object, &Defaults::default()).unwrap()
}

fn everything() -> ValidatedPushGateway {
    gateway(json!({
        "web": {"tls": {"secretName": "s"}},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "networkPolicy": {"enabled": true},
        "ingress": {},
        "httpRoute": {"parentRefs": [{"name": "g"}]},
    }))
}

fn objects(gateway: &ValidatedPushGateway, surroundings: &Surroundings) -> Vec<Child> {
    build(gateway, surroundings).into_objects()
}

fn find(objects: &[Child], kind: Kind) -> Option<&Value> {
    let found = objects.iter().find(|child| child.kind == kind);
    found.map(|child| &child.object)
}

#[test]
fn all_kinds_are_built_in_the_order_of_applying() {
    let stateful = everything();
    let objects = objects(&stateful, &Surroundings::complete(&stateful));
    let mut kinds: Vec<Kind> = objects.iter().map(|child| child.kind).collect();
    kinds.dedup();
    let mut expected = Kind::ALL.to_vec();
    expected.retain(|kind| *kind != Kind::Deployment);
    assert_eq!(kinds, expected);
}

#[test]
fn children_are_complete_and_owned() {
    for spec in [json!({"persistence": {"enabled": false}}), json!({})] {
        let gateway = gateway(spec);
        for child in objects(&gateway, &Surroundings::complete(&gateway)) {
            let resource = child.kind.api_resource();
            let Child { kind, name, object } = child;
            assert_eq!(object["apiVersion"], resource.api_version, "{kind:?}");
            assert_eq!(object["kind"], kind.name());
            assert_eq!(object["metadata"]["name"], name, "{kind:?}");
            assert_eq!(object["metadata"]["namespace"], "ns", "{kind:?}");
            let owners = json!([gateway.owner_reference()]);
            assert_eq!(object["metadata"]["ownerReferences"], owners, "{kind:?}");
            let manager = &object["metadata"]["labels"]["app.kubernetes.io/managed-by"];
            assert_eq!(manager, "pushgateway-operator", "{kind:?}");
        }
    }
}

#[test]
fn optional_kinds_are_built_only_where_they_are_served() {
    let gateway = everything();
    let surroundings = Surroundings {
        served: BTreeSet::new(),
        ..Surroundings::complete(&gateway)
    };
    let objects = objects(&gateway, &surroundings);
    assert!(objects.iter().all(|child| !child.kind.is_optional()));
}

#[test]
fn monitoring_can_be_disabled() {
    let gateway = gateway(json!({"serviceMonitor": {"enabled": "Disabled"}}));
    let objects = objects(&gateway, &Surroundings::complete(&gateway));
    assert_eq!(find(&objects, Kind::ServiceMonitor), None);
}

#[test]
fn during_a_switch_only_the_ordinary_service_selects_the_old_workload() {
    let gateway = gateway(json!({}));
    let surroundings = Surroundings {
        service_selects: WorkloadKind::Deployment,
        ..Surroundings::complete(&gateway)
    };
    let objects = objects(&gateway, &surroundings);
    let services = objects.iter().filter(|child| child.kind == Kind::Service);
    let selected: Vec<_> = services
        .map(|child| &child.object["spec"]["selector"]["pushgateway.io/workload"])
        .collect();
    assert_eq!(selected, ["deployment", "statefulset"]);
}

#[test]
fn labels_of_monitors_are_the_users_then_those_selected_by_then_ours() {
    let gateway = gateway(json!({"serviceMonitor": {"labels": {"release": "mine"}}}));
    let labels = [
        ("release", "derived"),
        ("team", "derived"),
        ("app.kubernetes.io/instance", "derived"),
        ("app.kubernetes.io/managed-by", "derived"),
    ];
    let owned = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let surroundings = Surroundings {
        monitor_labels: owned.into(),
        ..Surroundings::complete(&gateway)
    };
    let objects = objects(&gateway, &surroundings);
    let labels = &find(&objects, Kind::ServiceMonitor).unwrap()["metadata"]["labels"];
    assert_eq!(labels["release"], "mine");
    assert_eq!(labels["team"], "derived");
    assert_eq!(labels["app.kubernetes.io/instance"], "derived");
    assert_eq!(
        labels["app.kubernetes.io/managed-by"],
        "pushgateway-operator"
    );
}

#[test]
fn prometheus_authenticates_as_the_spec_says() {
    let endpoint = |monitor: Value| {
        let gateway = gateway(json!({
            "web": {"basicAuth": {"secretName": "user"}},
            "serviceMonitor": monitor,
        }));
        let objects = objects(&gateway, &Surroundings::complete(&gateway));
        find(&objects, Kind::ServiceMonitor).unwrap()["spec"]["endpoints"][0].clone()
    };
    let user = json!({
        "username": {"name": "user", "key": "username"},
        "password": {"name": "user", "key": "password"},
    });
    assert_eq!(endpoint(json!({}))["basicAuth"], user);
    let other = json!({"username": {"name": "other", "key": "u"}});
    assert_eq!(endpoint(json!({"basicAuth": other}))["basicAuth"], other);
    let bearer = endpoint(json!({"authorization": {"type": "Bearer"}}));
    assert_eq!(bearer["authorization"]["type"], "Bearer");
    assert_eq!(bearer["basicAuth"], Value::Null);
}

#[test]
fn further_flags_come_last() {
    let gateway = gateway(json!({"extraArgs": [{"name": "x.y", "value": "a=b"}, {"name": "z"}]}));
    let arguments = arguments::build(&gateway);
    assert_eq!(arguments[arguments.len() - 2..], ["--x.y=a=b", "--z"]);
}

#[test]
fn the_pod_template_is_laid_over_ours() {
    let gateway = gateway(json!({"podTemplate": {"spec": {
        "containers": [{"name": "pushgateway", "env": [{"name": "A", "value": "1"}], "tty": true}],
        "dnsPolicy": "Default",
    }}}));
    let objects = objects(&gateway, &Surroundings::complete(&gateway));
    let spec = &find(&objects, Kind::StatefulSet).unwrap()["spec"]["template"]["spec"];
    let containers = spec["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!(containers[0]["tty"], true);
    assert_eq!(containers[0]["env"], json!([{"name": "A", "value": "1"}]));
    assert_eq!(containers[0]["image"], gateway.image());
    assert_eq!(spec["dnsPolicy"], "Default");
}

#[test]
fn a_long_tag_is_no_label() {
    let gateway = gateway(json!({"version": "v".repeat(64)}));
    let objects = objects(&gateway, &Surroundings::complete(&gateway));
    let labels = &find(&objects, Kind::ConfigMap).unwrap()["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/version"], Value::Null);
}
