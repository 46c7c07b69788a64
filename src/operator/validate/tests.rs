//! What is refused, and what is made of the rest; whole objects are compared in `tests/operator/golden.rs`.

use serde_json::{Value, json};

use super::*;

fn object(spec: Value) -> PushGateway {
    let mut object = json!({
        "apiVersion": "pushgateway.io/v1alpha1",
        "kind": "PushGateway",
        "metadata": {"name": "a", "namespace": "ns", "uid": "u", "generation": 3},
    });
    object["spec"] = spec;
    serde_json::from_value(object).unwrap()
}

fn validated(spec: Value) -> ValidatedPushGateway {
    validate(&object(spec), &Defaults::default()).unwrap()
}

#[track_caller]
fn check_refusal(spec: Value, refusal: &str) {
    let invalid = validate(&object(spec), &Defaults::default()).unwrap_err();
    let text = invalid.to_string();
    assert!(text.starts_with(refusal), "{text:?} is not {refusal:?}");
}

#[track_caller]
fn check_name(name: Option<&str>, refusal: &str) {
    let mut object = object(json!({}));
    object.metadata.name = name.map(str::to_owned);
    let invalid = validate(&object, &Defaults::default()).unwrap_err();
    assert!(invalid.to_string().starts_with(refusal), "{invalid}");
}

#[test]
fn an_empty_spec_is_a_gateway_with_a_volume() {
    let gateway = validated(json!({}));
    assert_eq!((gateway.name(), gateway.namespace()), ("a", "ns"));
    assert_eq!((gateway.uid(), gateway.generation()), ("u", 3));
    assert_eq!((gateway.replicas(), gateway.is_paused()), (1, false));
    assert_eq!(gateway.workload_kind(), WorkloadKind::StatefulSet);
    assert_eq!(gateway.image(), DEFAULT_IMAGE);
    assert_eq!(gateway.version(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(gateway.url(), "http://a.ns.svc:9091");
    let storage = gateway.storage().unwrap();
    assert_eq!(storage.claim_name(), "storage-volume-a-0");
    assert_eq!((&*storage.size, storage.storage_class()), ("2Gi", None));
    let owner = gateway.owner_reference();
    assert_eq!(
        (&*owner.kind, &*owner.name, &*owner.uid),
        ("PushGateway", "a", "u")
    );
    assert_eq!(
        (owner.controller, owner.block_owner_deletion),
        (Some(true), Some(true))
    );
}

#[test]
fn selectors_tell_workloads_apart() {
    let gateway = validated(json!({}));
    assert_eq!(
        gateway.selector_string(WorkloadKind::Deployment),
        "app.kubernetes.io/instance=a,app.kubernetes.io/name=pushgateway,pushgateway.io/workload=deployment"
    );
    let labels = gateway.selector_labels(WorkloadKind::StatefulSet);
    assert_eq!(labels[WORKLOAD_LABEL], "statefulset");
}

#[test]
fn an_existing_claim_is_used_as_it_is() {
    let gateway = validated(json!({"persistence": {"existingClaim": "old"}}));
    let storage = gateway.storage().unwrap();
    assert_eq!(storage.claim_name(), "old");
    assert_eq!(storage.template(), None);
}

#[test]
fn the_prefix_is_that_of_the_spec_or_else_of_the_external_url() {
    for (web, prefix) in [
        (json!({}), ""),
        (json!({"routePrefix": "/"}), ""),
        (json!({"routePrefix": "/push/"}), "/push"),
        (json!({"externalURL": "https://h.example"}), ""),
        (json!({"externalURL": "https://h:8443/a/b/?q#f"}), "/a/b"),
        (json!({"externalURL": "http://[::1]/a"}), "/a"),
        (
            json!({"externalURL": "http://h/a%20b", "routePrefix": "/c"}),
            "/c",
        ),
    ] {
        let gateway = validated(json!({"web": web}));
        assert_eq!(gateway.web().prefix, prefix, "of {web}");
        assert_eq!(gateway.url(), format!("http://a.ns.svc:9091{prefix}"));
    }
}

#[test]
fn tls_is_taken_from_the_spec_or_told_by_how_to_scrape() {
    let secret = json!({"configSecret": {"name": "s"}});
    for (spec, scheme) in [
        (json!({"web": {"tls": {"secretName": "s"}}}), "https"),
        (json!({"web": secret}), "http"),
        (
            json!({"web": secret, "serviceMonitor": {"tlsConfig": {}}}),
            "https",
        ),
        (json!({"serviceMonitor": {"tlsConfig": {}}}), "http"),
    ] {
        let gateway = validated(spec.clone());
        assert_eq!(
            gateway.url(),
            format!("{scheme}://a.ns.svc:9091"),
            "of {spec}"
        );
    }
}

#[test]
fn names_must_do_for_all_children() {
    check_name(None, "metadata.name: \"\" can't be");
    check_name(Some("1a"), "metadata.name: \"1a\" can't be");
    check_name(Some("a-"), "metadata.name: \"a-\" can't be");
    check_name(Some("a.b"), "metadata.name: \"a.b\" can't be");
    check_name(Some(&"a".repeat(53)), "metadata.name: ");
    let mut object = object(json!({}));
    object.metadata.name = Some("a".repeat(52));
    assert!(validate(&object, &Defaults::default()).is_ok());
    object.metadata.namespace = None;
    let invalid = validate(&object, &Defaults::default()).unwrap_err();
    assert_eq!(invalid.field, "metadata.namespace");
}

#[test]
fn what_the_schema_refuses_is_refused_again() {
    check_refusal(json!({"replicas": 2}), "spec.replicas: 2 is not possible");
    check_refusal(json!({"replicas": -1}), "spec.replicas: -1 is not possible");
    check_refusal(json!({"version": "a b"}), "spec.version: \"a b\" is no tag");
    check_refusal(json!({"image": "a b"}), "spec.image: \"a b\" is no image");
    check_refusal(
        json!({"extraArgs": [{"name": "x"}, {"name": "limit.groups"}]}),
        "spec.extraArgs[1].name: \"limit.groups\" is a flag that another field sets",
    );
    check_refusal(
        json!({"extraArgs": [{"name": "--x"}]}),
        "spec.extraArgs[0].name: \"--x\" is no name",
    );
    check_refusal(
        json!({"extraArgs": [{"name": "x"}, {"name": "x"}]}),
        "spec.extraArgs[1].name: \"x\" is there twice",
    );
    check_refusal(
        json!({"terminationGracePeriodSeconds": 10}),
        "spec.terminationGracePeriodSeconds: 10 is too short",
    );
    check_refusal(
        json!({"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}),
        "spec.podDisruptionBudget: needs either",
    );
    check_refusal(
        json!({"httpRoute": {"parentRefs": []}}),
        "spec.httpRoute.parentRefs: is empty",
    );
    check_refusal(
        json!({"push": {"limits": {"bodyBytes": "1MB"}}}),
        "spec.push.limits.bodyBytes: \"1MB\" is no limit; write a size",
    );
    check_refusal(
        json!({"push": {"limits": {"series": 0}}}),
        "spec.push.limits.series: \"0\" is no limit; write a number",
    );
    check_refusal(
        json!({"push": {"limits": {"idleTimeout": "0s"}}}),
        "spec.push.limits.idleTimeout: \"0s\" is no limit; write a duration",
    );
}

#[test]
fn a_volume_must_be_possible() {
    let check = |persistence, refusal: &str| {
        check_refusal(
            json!({"persistence": persistence}),
            &format!("spec.persistence.{refusal}"),
        );
    };
    check(json!({"size": "0"}), "size: \"0\" is no size");
    check(json!({"file": "../x"}), "file: \"../x\" is no file name");
    check(json!({"interval": "1"}), "interval: \"1\" is no duration");
    check(json!({"accessModes": []}), "accessModes: is empty");
    check(
        json!({"existingClaim": "c", "storageClassName": "s"}),
        "existingClaim: \"c\" has its storage class already",
    );
    check(
        json!({"existingClaim": "c", "retentionPolicy": {"whenScaled": "Delete"}}),
        "existingClaim: \"c\" was made by others",
    );
    let spec = json!({"persistence": {"enabled": false, "size": "0"}});
    assert_eq!(validated(spec).storage(), None);
}

#[test]
fn paths_must_mean_the_same_to_all() {
    let check = |web, refusal: &str| {
        check_refusal(json!({"web": web}), &format!("spec.web.{refusal}"));
    };
    check(
        json!({"routePrefix": "a"}),
        "routePrefix: path \"a\" can't be",
    );
    check(
        json!({"routePrefix": "/a//b"}),
        "routePrefix: path \"/a//b\" can't be",
    );
    check(
        json!({"routePrefix": "/a/../b"}),
        "routePrefix: path \"/a/../b\" can't be",
    );
    check(
        json!({"externalURL": "http://h/a%20b"}),
        "externalURL: path \"/a%20b\" can't be",
    );
    check(
        json!({"externalURL": "ftp://h/"}),
        "externalURL: \"ftp://h/\" is no http",
    );
    check(
        json!({"externalURL": "/push"}),
        "externalURL: \"/push\" is no http",
    );
    check(
        json!({"externalURL": "http://h:x/"}),
        "externalURL: \"http://h:x/\" has more",
    );
    check(
        json!({"externalURL": "http://[/"}),
        "externalURL: \"http://[/\" is no URL",
    );
    check(
        json!({"externalURL": "http://u:p@h/"}),
        "externalURL: \"http://u:p@h/\" has more",
    );
    check(
        json!({"externalURL": "http://h/#%"}),
        "externalURL: \"http://h/#%\" has characters",
    );
    check(
        json!({"telemetryPath": "/a/"}),
        "telemetryPath: \"/a/\" is no plain path",
    );
    check(
        json!({"telemetryPath": "/-/ready"}),
        "telemetryPath: \"/-/ready\" is where",
    );
    check(
        json!({"routePrefix": "/-", "telemetryPath": "/quit"}),
        "telemetryPath: \"/quit\" is where",
    );
    check(
        json!({"configSecret": {"name": "s"}, "tls": {"secretName": "t"}}),
        "configSecret: excludes",
    );
}

#[test]
fn services_and_monitors_must_be_possible() {
    check_refusal(
        json!({"service": {"clusterIP": "None", "port": 80}}),
        "spec.service.port: 80 has no effect",
    );
    check_refusal(
        json!({"service": {"clusterIP": "None", "type": "NodePort"}}),
        "spec.service.clusterIP: None needs type ClusterIP",
    );
    check_refusal(
        json!({"serviceMonitor": {"authorization": {}, "basicAuth": {}}}),
        "spec.serviceMonitor.authorization: is set beside basicAuth",
    );
}

#[test]
fn labels_that_something_is_selected_by_are_refused() {
    let name = json!({NAME_LABEL: "x"});
    let managed_by = json!({MANAGED_BY_LABEL: "x"});
    for (spec, place) in [
        (json!({"podLabels": name}), "spec.podLabels"),
        (json!({"service": {"labels": name}}), "spec.service.labels"),
        (
            json!({"persistence": {"labels": name}}),
            "spec.persistence.labels",
        ),
        (
            json!({"podTemplate": {"metadata": {"labels": name}}}),
            "spec.podTemplate.metadata.labels",
        ),
    ] {
        check_refusal(spec, &format!("{place}[{NAME_LABEL}]: \"x\" would hide"));
    }
    let route = json!({"parentRefs": [{"name": "g"}], "labels": managed_by});
    for (spec, place) in [
        (
            json!({"ingress": {"labels": managed_by}}),
            "spec.ingress.labels",
        ),
        (json!({"httpRoute": route}), "spec.httpRoute.labels"),
        (
            json!({"serviceMonitor": {"labels": managed_by}}),
            "spec.serviceMonitor.labels",
        ),
    ] {
        check_refusal(
            spec,
            &format!("{place}[{MANAGED_BY_LABEL}]: \"x\" would hide"),
        );
    }
}

#[test]
fn environment_variables_have_one_value() {
    check_refusal(json!({"env": [{"name": ""}]}), "spec.env[0].name: is empty");
    check_refusal(
        json!({"env": [{"name": "A"}, {"name": "B"}, {"name": "A"}]}),
        "spec.env[2].name: \"A\" is there twice",
    );
}

#[test]
fn unknown_fields_of_the_pod_template_are_told() {
    let gateway = validated(json!({"podTemplate": {
        "metadata": {"anotations": {}, "labels": {"a": "b"}},
        "spec": {
            "hostAlias": [1],
            "containers": [{"name": "x"}, {"name": "pushgateway", "argz": ["y"]}],
        },
    }}));
    let unknown = ["spec.containers[1].argz", "spec.hostAlias"];
    assert_eq!(gateway.unknown_pod_template_fields(), unknown);
    assert!(gateway.pod().overlay.is_some());
}

#[test]
fn the_pod_template_leaves_the_gateway_what_it_needs() {
    let check = |template, refusal: &str| {
        check_refusal(
            json!({"podTemplate": template}),
            &format!("spec.podTemplate{refusal}"),
        );
    };
    let gateway = |field: &str, value: Value| json!({"spec": {"containers": [{"name": "pushgateway", field: value}]}});
    check(
        json!({"spec": {"containers": {}}}),
        ": is no PodTemplateSpec",
    );
    check(
        json!({"spec": {"containers": [{"image": "x"}]}}),
        ".spec.containers[0].name: is missing",
    );
    check(
        gateway("livenessProbe", json!({"httpGet": {"path": "/x"}})),
        ".spec.containers[0].livenessProbe.httpGet.port: is missing",
    );
    check(
        gateway("args", json!(["--x"])),
        ".spec.containers[0].args: would replace",
    );
    check(
        gateway(
            "volumeMounts",
            json!([{"name": "x", "mountPath": "/data/"}]),
        ),
        ".spec.containers[0].volumeMounts[0].mountPath: \"/data\" is where",
    );
    check(
        json!({"spec": {"volumes": [{"name": "a"}, {"name": "storage-volume", "emptyDir": {}}]}}),
        ".spec.volumes[1].name: \"storage-volume\" is a volume that the operator makes",
    );
    check(
        json!({"spec": {"terminationGracePeriodSeconds": 1}}),
        ".spec.terminationGracePeriodSeconds: 1 would leave",
    );
}
