//! The claim of the persistence file: it grows, it is kept, and what can't be is told.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::{Api, ResourceExt};
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};

use crate::gateways::World;

const CLAIM: &str = "storage-volume-a-0";

/// Makes a storage class; gives its name.
async fn storage_class(world: &World<'_>, can_grow: bool) -> String {
    let class = json!({
        "metadata": {"generateName": "test-"},
        "provisioner": "example.org/by-hand",
        "allowVolumeExpansion": can_grow,
    });
    let class: StorageClass = serde_json::from_value(class).unwrap();
    let classes = Api::all(world.client.clone());
    let made = classes.create(&PostParams::default(), &class).await;
    made.unwrap().name_any()
}

async fn create_claim(world: &World<'_>, name: &str) -> PersistentVolumeClaim {
    let claim = json!({
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "resources": {"requests": {"storage": "5Gi"}},
        },
    });
    let claim = serde_json::from_value(claim).unwrap();
    let claims = world.others();
    claims.create(&PostParams::default(), &claim).await.unwrap()
}

fn requested(claim: &PersistentVolumeClaim) -> Value {
    serde_json::to_value(claim).unwrap()["spec"]["resources"]["requests"]["storage"].clone()
}

fn template_size(set: &Value) -> &Value {
    &set["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
}

async fn stateful_set(world: &World<'_>) -> DynamicObject {
    world.api(Kind::StatefulSet).get("a").await.unwrap()
}

#[tokio::test]
async fn a_volume_grows_under_a_running_pod() {
    let Some(world) = World::shared().await else {
        return;
    };
    let class = storage_class(&world, true).await;
    let persistence = |size| json!({"persistence": {"size": size, "storageClassName": class}});
    world.apply("a", persistence("1Gi")).await;
    world.until("a", "StorageReady", "True", "Bound").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let (pods, claims) = (
        world.others::<Pod>(),
        world.others::<PersistentVolumeClaim>(),
    );
    let pod = pods.get("a-0").await.unwrap();
    let set = stateful_set(&world).await;

    world.apply("a", persistence("2Gi")).await;
    let grown = |object: &Value| {
        let storage = &object["status"]["storage"];
        storage["capacity"] == "2Gi" && storage["requested"] == "2Gi"
    };
    world.until_object("2Gi", "a", grown).await;
    world.until("a", "StorageReady", "True", "Bound").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    assert_eq!(requested(&claims.get(CLAIM).await.unwrap()), "2Gi");
    let new_set = stateful_set(&world).await;
    assert_ne!(new_set.uid(), set.uid());
    assert_eq!(
        template_size(&serde_json::to_value(&new_set).unwrap()),
        "2Gi"
    );
    let same_pod = pods.get("a-0").await.unwrap();
    assert_eq!(same_pod.uid(), pod.uid());
    assert_eq!(
        Some(&same_pod.owner_references()[0].uid),
        new_set.uid().as_ref()
    );
    world.until_event("a", "Replaced").await;
}

#[tokio::test]
async fn a_volume_that_can_not_grow_is_told() {
    let Some(world) = World::shared().await else {
        return;
    };
    let class = storage_class(&world, false).await;
    let persistence = |size| json!({"persistence": {"size": size, "storageClassName": class}});
    world.apply("a", persistence("1Gi")).await;
    world.until("a", "StorageReady", "True", "Bound").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let set = stateful_set(&world).await;

    world.apply("a", persistence("2Gi")).await;
    world
        .until("a", "Degraded", "True", "StorageClassNotExpandable")
        .await;
    world
        .until("a", "StorageReady", "False", "ResizeNotSupported")
        .await;
    // It serves all the same.
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let event = world.until_event("a", "StorageClassNotExpandable").await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    let same_set = stateful_set(&world).await;
    assert_eq!(same_set.uid(), set.uid());
    assert_eq!(same_set.metadata.generation, set.metadata.generation);
    assert_eq!(
        template_size(&serde_json::to_value(&same_set).unwrap()),
        "1Gi"
    );
}

#[tokio::test]
async fn a_size_that_changes_before_there_is_a_volume_is_no_fault() {
    let Some(world) = World::shared().await else {
        return;
    };
    let class = storage_class(&world, true).await;
    // It stays unbound: no volume has this name.
    let claim = json!({
        "metadata": {
            "name": CLAIM,
            "labels": {
                "app.kubernetes.io/managed-by": "pushgateway-operator",
                "app.kubernetes.io/instance": "a",
            },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class,
            "volumeName": format!("later-{}", world.namespace),
            "resources": {"requests": {"storage": "1Gi"}},
        },
    });
    let claims = world.others::<PersistentVolumeClaim>();
    let claim = serde_json::from_value(claim).unwrap();
    claims.create(&PostParams::default(), &claim).await.unwrap();
    let persistence = |size| json!({"persistence": {"size": size, "storageClassName": class}});
    world.apply("a", persistence("1Gi")).await;
    world.until("a", "StorageReady", "False", "Pending").await;
    world.apply("a", persistence("2Gi")).await;
    world.until("a", "Degraded", "False", "AsExpected").await;
    world.until("a", "StorageReady", "False", "Pending").await;
}

#[tokio::test]
async fn another_storage_class_than_the_volume_has_is_told() {
    let Some(world) = World::shared().await else {
        return;
    };
    let (first, second) = (
        storage_class(&world, true).await,
        storage_class(&world, true).await,
    );
    world
        .apply("a", json!({"persistence": {"storageClassName": first}}))
        .await;
    world.until("a", "StorageReady", "True", "Bound").await;
    world
        .apply("a", json!({"persistence": {"enabled": false}}))
        .await;
    world.until_gone(Kind::StatefulSet, "a").await;
    world
        .apply("a", json!({"persistence": {"storageClassName": second}}))
        .await;
    let object = world
        .until("a", "Degraded", "True", "StorageClassDiffers")
        .await;
    let conditions = object["status"]["conditions"].to_string();
    assert!(conditions.contains(&first), "{conditions}");
    // What was pushed before is served.
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.until("a", "StorageReady", "True", "Bound").await;
}

#[tokio::test]
async fn a_claim_of_others_is_used_and_kept() {
    let Some(world) = World::shared().await else {
        return;
    };
    let claim = create_claim(&world, "theirs").await;
    world
        .apply("a", json!({"persistence": {"existingClaim": "theirs"}}))
        .await;
    let object = world.until("a", "StorageReady", "True", "Bound").await;
    assert_eq!(
        object["status"]["storage"],
        json!({"claim": "theirs", "capacity": "5Gi", "requested": "5Gi"})
    );
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let set = serde_json::to_value(stateful_set(&world).await).unwrap();
    assert!(set["spec"]["volumeClaimTemplates"].is_null());
    let volumes = set["spec"]["template"]["spec"]["volumes"].to_string();
    assert!(volumes.contains(r#""claimName":"theirs""#), "{volumes}");

    world.delete("a").await;
    world.until_gone(Kind::StatefulSet, "a").await;
    let claims = world.others::<PersistentVolumeClaim>();
    let kept = claims.get("theirs").await.unwrap();
    assert_eq!(kept.uid(), claim.uid());
    assert!(kept.metadata.deletion_timestamp.is_none());
    let all = claims.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn a_claim_goes_with_its_gateway_if_that_is_asked_for() {
    let Some(world) = World::shared().await else {
        return;
    };
    let spec = json!({"persistence": {"retentionPolicy": {"whenDeleted": "Delete"}}});
    world.apply("a", spec).await;
    world.until("a", "StorageReady", "True", "Bound").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.delete("a").await;
    let claims = world.others::<PersistentVolumeClaim>();
    world
        .until_some("no claim", async || {
            match claims.get_opt(CLAIM).await.unwrap() {
                None => Ok(()),
                Some(claim) => Err(claim.metadata),
            }
        })
        .await;
}

#[tokio::test]
async fn a_claim_outlives_its_stateful_set_while_its_gateway_lives() {
    let Some(world) = World::shared().await else {
        return;
    };
    let persistence = |enabled| json!({"persistence": {"enabled": enabled, "retentionPolicy": {"whenDeleted": "Delete"}}});
    world.apply("a", persistence(true)).await;
    world.until("a", "StorageReady", "True", "Bound").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let claims = world.others::<PersistentVolumeClaim>();
    let claim = claims.get(CLAIM).await.unwrap();
    world.apply("a", persistence(false)).await;
    world.until_gone(Kind::StatefulSet, "a").await;
    let kept = claims.get(CLAIM).await.unwrap();
    // With one, it would soon be deleted.
    assert!(kept.owner_references().is_empty(), "{:?}", kept.metadata);
    world.apply("a", persistence(true)).await;
    world.until_gone(Kind::Deployment, "a").await;
    world.until("a", "StorageReady", "True", "Bound").await;
    let kept = claims.get(CLAIM).await.unwrap();
    assert_eq!(kept.uid(), claim.uid());
    assert!(kept.metadata.deletion_timestamp.is_none());
}
