//! From a Deployment to a StatefulSet and back: the old one serves until the new one does.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};

use crate::gateways::World;

/// A condition that a pod waits for before it is ready, and that only a test makes true.
const GATE: &str = "example.org/open";

/// A spec whose pods are not ready before [`open_gate`].
fn gated(is_persistent: bool) -> Value {
    json!({
        "persistence": {"enabled": is_persistent},
        "podTemplate": {"spec": {"readinessGates": [{"conditionType": GATE}]}},
    })
}

/// Waits for the pod of a workload, and makes it ready.
async fn open_gate(world: &World<'_>, workload: &str) {
    let pods = world.others::<Pod>();
    let of_workload = ListParams::default().labels(&format!("pushgateway.io/workload={workload}"));
    let pod = world
        .until_some("a pod", async || {
            let mut found = pods.list(&of_workload).await.unwrap().items;
            found.pop().ok_or("none")
        })
        .await;
    let open = json!({"status": {"conditions": [{"type": GATE, "status": "True"}]}});
    let user = PatchParams::default();
    pods.patch_status(&pod.name_any(), &user, &Patch::Strategic(open))
        .await
        .unwrap();
}

/// Which workload's pods the Service selects.
fn selects(service: &Value, workload: &str) -> bool {
    service["spec"]["selector"]["pushgateway.io/workload"] == workload
}

#[tokio::test]
async fn a_deployment_serves_until_the_stateful_set_does() {
    let Some(world) = World::shared().await else {
        return;
    };
    world
        .apply("a", json!({"persistence": {"enabled": false}}))
        .await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let deployment = world.until_child(Kind::Deployment, "a", |_| true).await;

    world.apply("a", gated(true)).await;
    world
        .until("a", "Ready", "False", "SwitchingWorkload")
        .await;
    world.until_child(Kind::StatefulSet, "a", |_| true).await;
    world.until("a", "Available", "True", "AsExpected").await;
    let event = world.until_event("a", "PushesNotCarriedOver").await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    let still = world.until_child(Kind::Deployment, "a", |_| true).await;
    assert_eq!(still["metadata"]["uid"], deployment["metadata"]["uid"]);
    assert_eq!(
        still["metadata"]["generation"],
        deployment["metadata"]["generation"]
    );
    assert!(still["metadata"]["deletionTimestamp"].is_null());
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert!(selects(&service, "deployment"), "{service:#}");

    open_gate(&world, "statefulset").await;
    world.until_gone(Kind::Deployment, "a").await;
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert!(selects(&service, "statefulset"), "{service:#}");
    let object = world.until("a", "Ready", "True", "AllReplicasReady").await;
    assert_eq!(object["status"]["workload"]["kind"], "StatefulSet");
}

#[tokio::test]
async fn a_stateful_set_serves_until_the_deployment_does() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.until("a", "StorageReady", "True", "Bound").await;
    let claims = world.others::<PersistentVolumeClaim>();
    let claim = claims.get("storage-volume-a-0").await.unwrap();
    let set = world.until_child(Kind::StatefulSet, "a", |_| true).await;

    world.apply("a", gated(false)).await;
    world
        .until("a", "Ready", "False", "SwitchingWorkload")
        .await;
    world.until_child(Kind::Deployment, "a", |_| true).await;
    let event = world
        .until_event("a", "PersistentVolumeClaimRetained")
        .await;
    let note = event.note.unwrap();
    assert!(note.contains("storage-volume-a-0"), "{note}");
    let still = world.until_child(Kind::StatefulSet, "a", |_| true).await;
    assert_eq!(still["metadata"]["uid"], set["metadata"]["uid"]);
    assert!(still["metadata"]["deletionTimestamp"].is_null());
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert!(selects(&service, "statefulset"), "{service:#}");
    // The pod of the old one goes by its name.
    world
        .until_child(Kind::Service, "a-headless", |_| true)
        .await;

    open_gate(&world, "deployment").await;
    world.until_gone(Kind::StatefulSet, "a").await;
    world.until_gone(Kind::Service, "a-headless").await;
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert!(selects(&service, "deployment"), "{service:#}");
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let kept = claims.get("storage-volume-a-0").await.unwrap();
    assert_eq!(kept.uid(), claim.uid());
    assert!(kept.metadata.deletion_timestamp.is_none());
}

#[tokio::test]
async fn a_switch_that_is_taken_back_leaves_the_old_one() {
    let Some(world) = World::shared().await else {
        return;
    };
    let in_memory = json!({"persistence": {"enabled": false}});
    world.apply("a", in_memory.clone()).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let deployment = world.api(Kind::Deployment).get("a").await.unwrap();
    world.apply("a", gated(true)).await;
    world.until_child(Kind::StatefulSet, "a", |_| true).await;
    world.apply("a", in_memory).await;
    world.until_gone(Kind::StatefulSet, "a").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let still = world.api(Kind::Deployment).get("a").await.unwrap();
    assert_eq!(still.uid(), deployment.uid());
    let service = world.until_child(Kind::Service, "a", |_| true).await;
    assert!(selects(&service, "deployment"), "{service:#}");
}

#[tokio::test]
async fn without_replicas_there_is_nothing_to_wait_for() {
    let Some(world) = World::shared().await else {
        return;
    };
    let spec = |enabled| json!({"replicas": 0, "persistence": {"enabled": enabled}});
    world.apply("a", spec(false)).await;
    world.until("a", "Ready", "True", "ScaledToZero").await;
    world.apply("a", spec(true)).await;
    world.until_gone(Kind::Deployment, "a").await;
    world.until("a", "Ready", "True", "ScaledToZero").await;
}
