//! What users set reaches the children, and what can't be obeyed is told, and holds up nobody else.

use std::path::Path;

use k8s_openapi::api::events::v1::Event;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use pushgateway::operator::api::PushGateway;
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};

use crate::cluster::{Cluster, User};
use crate::gateways::World;
use crate::operators::Operator;

fn container(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]["containers"][0]
}

fn has_argument(workload: &Value, wanted: &str) -> bool {
    let arguments = container(workload)["args"].as_array();
    arguments.unwrap().iter().any(|argument| argument == wanted)
}

#[tokio::test]
async fn while_paused_nothing_is_changed() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.apply("a", json!({"paused": true})).await;
    world.until("a", "Ready", "False", "Paused").await;

    let services = world.api(Kind::Service);
    let drift = json!({"metadata": {"annotations": {"drift": "1"}}, "spec": {"sessionAffinity": "ClientIP"}});
    let user = PatchParams::default();
    services
        .patch("a", &user, &Patch::Merge(drift))
        .await
        .unwrap();
    // What the operator says of this generation, it says after it has seen the drift.
    world
        .apply("a", json!({"paused": true, "logLevel": "Debug"}))
        .await;
    world.until("a", "Ready", "False", "Paused").await;
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert_eq!(service["spec"]["sessionAffinity"], "ClientIP");
    let set = world.until_child(Kind::StatefulSet, "a", |_| true).await;
    assert!(has_argument(&set, "--log.level=info"), "{set:#}");

    world.apply("a", json!({"logLevel": "Debug"})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert_eq!(service["spec"]["sessionAffinity"], "None");
    let set = world.until_child(Kind::StatefulSet, "a", |_| true).await;
    assert!(has_argument(&set, "--log.level=debug"), "{set:#}");
}

#[tokio::test]
async fn a_paused_gateway_announces_no_switch() {
    let Some(world) = World::shared().await else {
        return;
    };
    world
        .apply("a", json!({"persistence": {"enabled": false}}))
        .await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.apply("a", json!({"paused": true})).await;
    world.until("a", "Ready", "False", "Paused").await;
    world.until_event("a", "Paused").await;
    let events = world.others::<Event>();
    let events = events.list(&ListParams::default()).await.unwrap().items;
    let mut reasons = events.iter().filter_map(|event| event.reason.as_deref());
    assert!(!reasons.any(|reason| reason == "PushesNotCarriedOver"));
}

#[tokio::test]
async fn changed_fields_reach_the_pods() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world
        .apply(
            "a",
            json!({
                "image": "example.org/pushgateway:7",
                "logLevel": "Warn",
                "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "64Mi"}},
                "podLabels": {"team": "a"},
            }),
        )
        .await;
    let object = world.until("a", "Ready", "True", "AllReplicasReady").await;
    assert_eq!(object["status"]["image"], "example.org/pushgateway:7");
    assert_eq!(object["status"]["version"], "7");
    assert_eq!(object["status"]["updatedReplicas"], 1);
    let set = world.until_child(Kind::StatefulSet, "a", |_| true).await;
    assert_eq!(container(&set)["image"], "example.org/pushgateway:7");
    assert_eq!(
        container(&set)["resources"]["limits"],
        json!({"memory": "64Mi"})
    );
    assert!(has_argument(&set, "--log.level=warn"), "{set:#}");
    let pod = world.others::<k8s_openapi::api::core::v1::Pod>();
    let pod = pod.get("a-0").await.unwrap();
    assert_eq!(pod.labels()["team"], "a");

    world.apply("a", json!({})).await;
    world
        .until_child(Kind::StatefulSet, "a", |set| {
            container(set)["image"] != "example.org/pushgateway:7"
                && container(set)["resources"]["limits"].is_null()
                && set["spec"]["template"]["metadata"]["labels"]["team"].is_null()
        })
        .await;
}

#[tokio::test]
async fn the_service_changes_type_and_port_and_back() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world
        .apply("a", json!({"service": {"type": "NodePort", "port": 80}}))
        .await;
    let url = format!("http://a.{}.svc:80", world.namespace);
    world
        .until_object(&url, "a", |object| object["status"]["url"] == url)
        .await;
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert_eq!(service["spec"]["type"], "NodePort");
    let ports = service["spec"]["ports"].as_array().unwrap();
    assert_eq!(ports.len(), 1, "{ports:?}");
    assert_eq!(ports[0]["port"], 80);
    assert!(ports[0]["nodePort"].is_number());
    let push = world.until_child(Kind::ConfigMap, "a-push", |_| true).await;
    assert_eq!(push["data"]["PUSHGATEWAY_URL"], url);

    world.apply("a", json!({})).await;
    world
        .until_child(Kind::Service, "a", |service| {
            let port = &service["spec"]["ports"][0];
            service["spec"]["type"] == "ClusterIP"
                && port["port"] == 9091
                && port["nodePort"].is_null()
                && service["spec"]["ports"].as_array().map(Vec::len) == Some(1)
        })
        .await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
}

#[tokio::test]
async fn a_prefix_reaches_url_probes_and_monitor() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let web = json!({
        "externalURL": "https://example.org/from-outside",
        "routePrefix": "/push",
        "telemetryPath": "/scrape",
    });
    world.apply("a", json!({"web": web})).await;
    let object = world.until("a", "Ready", "True", "AllReplicasReady").await;
    let url = format!("http://a.{}.svc:9091/push", world.namespace);
    assert_eq!(object["status"]["url"], url);
    let set = world.until_child(Kind::StatefulSet, "a", |_| true).await;
    for (probe, path) in [
        ("livenessProbe", "/push/-/healthy"),
        ("readinessProbe", "/push/-/ready"),
        ("startupProbe", "/push/-/ready"),
    ] {
        assert_eq!(container(&set)[probe]["httpGet"]["path"], path);
    }
    let monitor = world.until_child(Kind::ServiceMonitor, "a", |_| true).await;
    assert_eq!(monitor["spec"]["endpoints"][0]["path"], "/push/scrape");

    // Without a prefix of its own it is the path of the URL.
    let web = json!({"externalURL": "https://example.org/from-outside"});
    world.apply("a", json!({"web": web})).await;
    let url = format!("http://a.{}.svc:9091/from-outside", world.namespace);
    world
        .until_object(&url, "a", |object| object["status"]["url"] == url)
        .await;
}

#[tokio::test]
async fn tls_and_a_password_reach_the_monitor_but_not_the_probes() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let web = json!({"tls": {"secretName": "tls"}, "basicAuth": {"secretName": "auth"}});
    world.apply("a", json!({"web": web})).await;
    let object = world.until("a", "Ready", "True", "AllReplicasReady").await;
    let host = format!("a.{}.svc", world.namespace);
    assert_eq!(object["status"]["url"], format!("https://{host}:9091"));
    let monitor = world.until_child(Kind::ServiceMonitor, "a", |_| true).await;
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(endpoint["scheme"], "https");
    assert_eq!(endpoint["tlsConfig"]["serverName"], host);
    assert_eq!(endpoint["tlsConfig"]["ca"]["secret"]["name"], "tls");
    assert_eq!(
        endpoint["basicAuth"],
        json!({
            "username": {"name": "auth", "key": "username"},
            "password": {"name": "auth", "key": "password"},
        })
    );
    let set = world.until_child(Kind::StatefulSet, "a", |_| true).await;
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        assert_eq!(container(&set)[probe]["httpGet"]["scheme"], "HTTP");
    }
    world
        .until_child(Kind::ConfigMap, "a-web-config", |_| true)
        .await;

    world.apply("a", json!({})).await;
    world.until_gone(Kind::ConfigMap, "a-web-config").await;
    world
        .until_child(Kind::ServiceMonitor, "a", |monitor| {
            let endpoint = &monitor["spec"]["endpoints"][0];
            endpoint["scheme"] == "http"
                && endpoint["tlsConfig"].is_null()
                && endpoint["basicAuth"].is_null()
        })
        .await;
}

#[tokio::test]
async fn unknown_fields_of_the_pod_template_are_told() {
    let Some(world) = World::shared().await else {
        return;
    };
    let template = json!({"spec": {"hostname": "known", "fromTheFuture": true}});
    world.apply("a", json!({"podTemplate": template})).await;
    let object = world
        .until("a", "Degraded", "True", "UnknownPodTemplateFields")
        .await;
    let conditions = object["status"]["conditions"].to_string();
    assert!(conditions.contains("fromTheFuture"), "{conditions}");
    // The rest is obeyed.
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let set = world.until_child(Kind::StatefulSet, "a", |_| true).await;
    assert_eq!(set["spec"]["template"]["spec"]["hostname"], "known");
    world.apply("a", json!({})).await;
    world.until("a", "Degraded", "False", "AsExpected").await;
}

/// The definition as it might have been once, when it checked nothing.
fn lax_definition() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/pushgateways.yaml");
    let yaml = std::fs::read_to_string(file).unwrap();
    let mut definition: Value = serde_yaml::from_str(&yaml).unwrap();
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    *schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    definition
}

#[tokio::test]
async fn objects_that_can_not_be_read_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let lax = folder.path().join("pushgateways.yaml");
    std::fs::write(&lax, lax_definition().to_string()).unwrap();
    let Some(cluster) = Cluster::start(&[lax]).await else {
        return;
    };
    let namespace = cluster.namespace().await;
    let client = cluster.client(User::Admin).await;
    let resource = ApiResource::erase::<PushGateway>(&());
    let raw = Api::<DynamicObject>::namespaced_with(client.clone(), &namespace, &resource);
    for (name, spec) in [
        ("number", json!({"terminationGracePeriodSeconds": "x"})),
        ("word", json!({"logLevel": "Loud"})),
        ("rule", json!({"replicas": 5})),
    ] {
        let object = json!({
            "apiVersion": "pushgateway.io/v1alpha1",
            "kind": "PushGateway",
            "metadata": {"name": name},
            "spec": spec,
        });
        let object = serde_json::from_value(object).unwrap();
        raw.create(&PostParams::default(), &object).await.unwrap();
    }
    let crd = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/pushgateways.yaml");
    cluster.install_crds(&crd).await;
    let operator = Operator::start(&cluster, User::Admin, "unreadable", &[]).await;
    let mut world = World::of(&cluster, &operator, cluster.namespace().await).await;
    world.apply("valid", json!({})).await;
    world
        .until("valid", "Ready", "True", "AllReplicasReady")
        .await;

    world.namespace = namespace;
    for (name, complaint) in [
        ("number", "spec.terminationGracePeriodSeconds: "),
        ("word", "spec.logLevel: "),
        ("rule", "spec.replicas: 5 is not"),
    ] {
        let status = world
            .until_some("InvalidSpec", async || {
                let object = raw.get(name).await.unwrap();
                let conditions = object.data["status"]["conditions"].as_array();
                let ready = conditions
                    .into_iter()
                    .flatten()
                    .find(|condition| condition["type"] == "Ready");
                match ready {
                    Some(ready) if ready["reason"] == "InvalidSpec" => Ok(ready.clone()),
                    _ => Err(object.data["status"].clone()),
                }
            })
            .await;
        assert_eq!(status["status"], "False");
        let message = status["message"].as_str().unwrap();
        assert!(message.contains(complaint), "{message}");
        let event = world.until_event(name, "InvalidSpec").await;
        assert_eq!(event.type_.as_deref(), Some("Warning"));
    }

    // Once it is mended it is obeyed.
    let mended = json!({"spec": {"terminationGracePeriodSeconds": 30}});
    let user = PatchParams::default();
    raw.patch("number", &user, &Patch::Merge(mended))
        .await
        .unwrap();
    world
        .until_child(Kind::StatefulSet, "number", |_| true)
        .await;
}
