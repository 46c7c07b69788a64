//! Objects that carry the name of a child but belong to somebody else are left alone, until they are given away or go.

use kube::ResourceExt;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use pushgateway::operator::ADOPT_ANNOTATION;
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};

use crate::gateways::World;

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "Helm"}},
        "spec": {
            "selector": {"app": "another"},
            "ports": [{"name": "http", "port": 9091, "targetPort": 80}],
        },
    })
}

fn stateful_set(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "serviceName": "another",
            "selector": {"matchLabels": {"app": "another"}},
            "template": {
                "metadata": {"labels": {"app": "another"}},
                "spec": {"containers": [{"name": "another", "image": "example.org/another:1"}]},
            },
        },
    })
}

fn config_map(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"PUSHGATEWAY_URL": "http://another"},
    })
}

async fn create(world: &World<'_>, kind: Kind, object: Value) -> DynamicObject {
    let object = serde_json::from_value(object).unwrap();
    let created = world
        .api(kind)
        .create(&PostParams::default(), &object)
        .await;
    created.unwrap()
}

/// All but what the object's own controller may write.
fn without_bookkeeping(object: &DynamicObject) -> (Value, Value) {
    let mut data = object.data.clone();
    data.as_object_mut().unwrap().remove("status");
    let mut metadata = serde_json::to_value(&object.metadata).unwrap();
    let fields = metadata.as_object_mut().unwrap();
    fields.remove("managedFields");
    fields.remove("resourceVersion");
    (data, metadata)
}

#[tokio::test]
async fn objects_of_others_are_left_alone_and_reported() {
    let Some(world) = World::shared().await else {
        return;
    };
    let foreign = [
        ("service", Kind::Service, service("service"), "Helm"),
        (
            "set",
            Kind::StatefulSet,
            stateful_set("set"),
            "somebody else",
        ),
        (
            "map",
            Kind::ConfigMap,
            config_map("map-push"),
            "somebody else",
        ),
    ];
    for (gateway, kind, object, owner) in foreign {
        let before = create(&world, kind, object).await;
        world.apply(gateway, json!({})).await;
        let object = world.until(gateway, "Ready", "False", "NameConflict").await;
        world
            .until(gateway, "Degraded", "True", "NameConflict")
            .await;
        let conditions = object["status"]["conditions"].as_array().unwrap();
        let message = conditions[0]["message"].as_str().unwrap();
        let name = before.name_any();
        let expected = format!("{} {name} belongs to {owner}: ", kind.name());
        assert!(message.starts_with(&expected), "{message}");
        assert!(message.contains(ADOPT_ANNOTATION), "{message}");
        let event = world.until_event(gateway, "NameConflict").await;
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        // The rest is made all the same.
        world
            .until_child(Kind::ServiceMonitor, gateway, |_| true)
            .await;

        let after = world.api(kind).get(&name).await.unwrap();
        assert_eq!(without_bookkeeping(&after), without_bookkeeping(&before));
    }
}

#[tokio::test]
async fn an_object_that_is_given_away_is_adopted() {
    let Some(world) = World::shared().await else {
        return;
    };
    let before = create(&world, Kind::Service, service("a")).await;
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "False", "NameConflict").await;

    let services = world.api(Kind::Service);
    let annotate = async |value: &str| {
        let annotation = json!({"metadata": {"annotations": {ADOPT_ANNOTATION: value}}});
        let user = PatchParams::default();
        services
            .patch("a", &user, &Patch::Merge(annotation))
            .await
            .unwrap()
    };
    annotate("a").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let adopted = services.get("a").await.unwrap();
    assert_eq!(adopted.uid(), before.uid());
    assert_eq!(adopted.owner_references()[0].name, "a");
    let spec = &adopted.data["spec"];
    assert_eq!(spec["clusterIP"], before.data["spec"]["clusterIP"]);
    assert_eq!(
        spec["selector"],
        json!({
            "app.kubernetes.io/name": "pushgateway",
            "app.kubernetes.io/instance": "a",
            "pushgateway.io/workload": "statefulset",
        })
    );
    assert_eq!(spec["ports"][0]["targetPort"], "http");
}

#[tokio::test]
async fn a_name_is_taken_as_soon_as_it_is_free() {
    let Some(world) = World::shared().await else {
        return;
    };
    let foreign = create(&world, Kind::StatefulSet, stateful_set("a")).await;
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "False", "NameConflict").await;
    let sets = world.api(Kind::StatefulSet);
    sets.delete("a", &DeleteParams::background()).await.unwrap();
    let object = world.until("a", "Ready", "True", "AllReplicasReady").await;
    assert_eq!(object["status"]["readyReplicas"], 1);
    assert_ne!(sets.get("a").await.unwrap().uid(), foreign.uid());
}

#[tokio::test]
async fn two_gateways_do_not_fight_for_a_name() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("x", json!({})).await;
    world.until("x", "Ready", "True", "AllReplicasReady").await;
    let headless = world.api(Kind::Service).get("x-headless").await.unwrap();

    world.apply("x-headless", json!({})).await;
    let object = world
        .until("x-headless", "Ready", "False", "NameConflict")
        .await;
    let message = object["status"]["conditions"][0]["message"].as_str();
    let message = message.unwrap();
    assert!(message.contains("PushGateway x:"), "{message}");
    let after = world.api(Kind::Service).get("x-headless").await.unwrap();
    assert_eq!(after.resource_version(), headless.resource_version());
    world.until("x", "Ready", "True", "AllReplicasReady").await;

    world.delete("x").await;
    world
        .until("x-headless", "Ready", "True", "AllReplicasReady")
        .await;
    let after = world.api(Kind::Service).get("x-headless").await.unwrap();
    assert_eq!(after.owner_references()[0].name, "x-headless");
}
