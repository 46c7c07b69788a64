//! From `kubectl apply` to `kubectl delete`.

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use kube::Api;
use pushgateway::operator::kind::Kind;
use serde_json::json;

use crate::gateways::World;

#[tokio::test]
async fn an_applied_gateway_runs_persists_and_is_scraped() {
    let Some(world) = World::shared().await else {
        return;
    };
    world
        .apply("batch", json!({"persistence": {"size": "2Gi"}}))
        .await;
    let object = world
        .until("batch", "Ready", "True", "AllReplicasReady")
        .await;
    let status = &object["status"];
    let url = format!("http://batch.{}.svc:9091", world.namespace);
    assert_eq!(status["url"], url);
    assert_eq!(status["readyReplicas"], 1);
    assert_eq!(
        status["workload"],
        json!({"kind": "StatefulSet", "name": "batch"})
    );

    let object = world.until("batch", "StorageReady", "True", "Bound").await;
    assert_eq!(
        object["status"]["storage"],
        json!({"claim": "storage-volume-batch-0", "capacity": "2Gi", "requested": "2Gi"})
    );
    let monitor = world
        .until_child(Kind::ServiceMonitor, "batch", |_| true)
        .await;
    assert_eq!(monitor["spec"]["endpoints"][0]["honorLabels"], true);
    let config = Api::<ConfigMap>::namespaced(world.client.clone(), &world.namespace);
    let config = config.get("batch-push").await.unwrap();
    assert_eq!(config.data.unwrap()["PUSHGATEWAY_URL"], url);
}

#[tokio::test]
async fn without_persistence_it_is_a_deployment() {
    let Some(world) = World::shared().await else {
        return;
    };
    world
        .apply("a", json!({"persistence": {"enabled": false}}))
        .await;
    let object = world.until("a", "Ready", "True", "AllReplicasReady").await;
    assert_eq!(object["status"]["workload"]["kind"], "Deployment");
    world.until("a", "StorageReady", "False", "Disabled").await;
    world.until_gone(Kind::StatefulSet, "a").await;
}

#[tokio::test]
async fn a_gateway_scales_to_zero_and_back() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let resource = format!("--namespace={}", world.namespace);
    world
        .cluster
        .kubectl(&["scale", &resource, "pgw/a", "--replicas=0"]);
    world.until("a", "Ready", "True", "ScaledToZero").await;
    world.until("a", "Available", "False", "ScaledToZero").await;
    world
        .cluster
        .kubectl(&["scale", &resource, "pgw/a", "--replicas=1"]);
    world.until("a", "Ready", "True", "AllReplicasReady").await;
}

#[tokio::test]
async fn a_deleted_gateway_leaves_only_its_claim() {
    let Some(world) = World::shared().await else {
        return;
    };
    let all = json!({
        "podDisruptionBudget": {"maxUnavailable": 1},
        "networkPolicy": {"enabled": true},
        "ingress": {"hosts": ["push.example.org"]},
        "httpRoute": {"parentRefs": [{"name": "gateway"}]},
    });
    world.apply("a", all).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let children = [
        (Kind::ConfigMap, "a-push"),
        (Kind::Service, "a"),
        (Kind::Service, "a-headless"),
        (Kind::StatefulSet, "a"),
        (Kind::PodDisruptionBudget, "a"),
        (Kind::NetworkPolicy, "a"),
        (Kind::Ingress, "a"),
        (Kind::HttpRoute, "a"),
        (Kind::ServiceMonitor, "a"),
    ];
    for (kind, name) in children {
        world.until_child(kind, name, |_| true).await;
    }
    world.delete("a").await;
    for (kind, name) in children {
        world.until_gone(kind, name).await;
    }
    let claims = Api::<PersistentVolumeClaim>::namespaced(world.client.clone(), &world.namespace);
    let claim = claims.get("storage-volume-a-0").await.unwrap();
    assert!(claim.metadata.deletion_timestamp.is_none());
}
