//! What is changed behind the operator's back is put right, and what is no longer asked for goes.

use futures::future::join_all;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};

use crate::gateways::World;

/// A child of a gateway of its own, so that nothing but what is done to it has the operator look.
struct Child {
    kind: Kind,
    suffix: &'static str,
    /// What has the gateway have it, beside what all have.
    spec: Value,
    /// A field that somebody might change.
    field: &'static str,
    value: Value,
}

/// What somebody does to a child.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Edit,
    RemoveLabels,
    ChangeLabel,
    RemoveOwner,
    RemoveAnnotation,
    Delete,
}

fn children() -> Vec<Child> {
    let child = |kind, suffix, spec, field, value| Child {
        kind,
        suffix,
        spec,
        field,
        value,
    };
    let annotations = json!({"example.org/kept": "yes"});
    let instance = "/spec/selector/app.kubernetes.io~1instance";
    let image = "/spec/template/spec/containers/0/image";
    let persistent = json!({"persistence": {"enabled": true}});
    let other = json!("other.example.org");
    vec![
        child(
            Kind::ConfigMap,
            "-push",
            json!({}),
            "/data/PUSHGATEWAY_URL",
            json!("http://elsewhere"),
        ),
        child(
            Kind::ConfigMap,
            "-web-config",
            json!({"web": {"tls": {"secretName": "tls"}}}),
            "/data/web-config.yaml",
            json!("{}"),
        ),
        child(
            Kind::Service,
            "",
            json!({"service": {"annotations": annotations}}),
            instance,
            json!("other"),
        ),
        child(
            Kind::Service,
            "-headless",
            persistent.clone(),
            instance,
            json!("other"),
        ),
        child(Kind::StatefulSet, "", persistent, image, other.clone()),
        child(Kind::Deployment, "", json!({}), image, other.clone()),
        child(
            Kind::PodDisruptionBudget,
            "",
            json!({"podDisruptionBudget": {"maxUnavailable": 1}}),
            "/spec/maxUnavailable",
            json!(0),
        ),
        child(
            Kind::NetworkPolicy,
            "",
            json!({"networkPolicy": {"enabled": true}}),
            "/spec/ingress/0/ports/0/port",
            json!(1),
        ),
        child(
            Kind::Ingress,
            "",
            json!({"ingress": {"hosts": ["push.example.org"], "annotations": annotations}}),
            "/spec/rules/0/host",
            other.clone(),
        ),
        child(
            Kind::HttpRoute,
            "",
            json!({"httpRoute": {
                "parentRefs": [{"name": "gateway"}],
                "hostnames": ["push.example.org"],
                "annotations": annotations,
            }}),
            "/spec/hostnames/0",
            other,
        ),
        child(
            Kind::ServiceMonitor,
            "",
            json!({"serviceMonitor": {"annotations": annotations}}),
            "/spec/endpoints/0/honorLabels",
            json!(false),
        ),
    ]
}

impl Child {
    /// As little as there can be, without pods, whose changes would have the operator look.
    fn gateway(&self) -> Value {
        let mut spec = json!({
            "replicas": 0,
            "persistence": {"enabled": false},
            "serviceMonitor": {"enabled": "Disabled"},
        });
        let own = self.spec.as_object().unwrap().clone();
        spec.as_object_mut().unwrap().extend(own);
        spec
    }

    /// The JSON patch by which somebody does it; `None` where there is nothing to do it to.
    fn patch(&self, deed: Deed) -> Option<Value> {
        let annotations = self.spec.as_object()?.values().next();
        let has_annotation = annotations.is_some_and(|field| field.get("annotations").is_some());
        let instance = "/metadata/labels/app.kubernetes.io~1instance";
        let annotation = "/metadata/annotations/example.org~1kept";
        Some(match deed {
            Deed::Edit => json!([{"op": "replace", "path": self.field, "value": self.value}]),
            Deed::RemoveLabels => json!([{"op": "remove", "path": "/metadata/labels"}]),
            Deed::ChangeLabel => json!([{"op": "replace", "path": instance, "value": "other"}]),
            Deed::RemoveOwner => json!([{"op": "remove", "path": "/metadata/ownerReferences"}]),
            Deed::RemoveAnnotation if has_annotation => {
                json!([{"op": "remove", "path": annotation}])
            }
            Deed::RemoveAnnotation | Deed::Delete => return None,
        })
    }
}

/// What the operator answers for, without what the API server and its controllers add.
fn essence(object: &Value) -> Value {
    let mut essence = object.clone();
    let fields = essence.as_object_mut().unwrap();
    fields.remove("status");
    let metadata = fields.remove("metadata").unwrap();
    let mut annotations = metadata["annotations"].clone();
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove("deployment.kubernetes.io/revision");
    }
    // None, or none left, is the same.
    if annotations == json!({}) {
        annotations = Value::Null;
    }
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut)
        && spec.get("clusterIP") != Some(&json!("None"))
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    json!({
        "labels": metadata["labels"],
        "annotations": annotations,
        "ownerReferences": metadata["ownerReferences"],
        "rest": essence,
    })
}

/// A spec with all children that can be pruned.
fn everything() -> Value {
    json!({
        "replicas": 0,
        "web": {"tls": {"secretName": "tls"}},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "networkPolicy": {"enabled": true},
        "ingress": {"hosts": ["push.example.org"]},
        "httpRoute": {"parentRefs": [{"name": "gateway"}]},
    })
}

/// Does it to a child, and waits until that is as before.
async fn undo(world: &World<'_>, child: &Child, name: &str, deed: Deed) {
    let api = world.api(child.kind);
    let before = world.until_child(child.kind, name, |_| true).await;
    if let Some(patch) = child.patch(deed) {
        let patch = Patch::Json::<()>(serde_json::from_value(patch).unwrap());
        let user = PatchParams::default();
        let changed = api.patch(name, &user, &patch).await.unwrap();
        let changed = serde_json::to_value(changed).unwrap();
        assert_ne!(essence(&changed), essence(&before), "{deed:?} {name}");
    } else if deed == Deed::Delete {
        let deleted = api.delete(name, &DeleteParams::background()).await;
        deleted.unwrap();
    }
    let uid = |object: &Value| object["metadata"]["uid"].clone();
    let is_healed = |now: &Value| {
        let is_same = uid(now) == uid(&before);
        is_same != (deed == Deed::Delete) && essence(now) == essence(&before)
    };
    world.until_child(child.kind, name, is_healed).await;
}

#[tokio::test]
async fn whatever_is_done_to_a_child_is_undone() {
    let Some(world) = World::shared().await else {
        return;
    };
    let children = children();
    let named = || {
        let named = children.iter().enumerate();
        named.map(|(at, child)| (format!("gateway-{at}"), child))
    };
    join_all(named().map(async |(gateway, child)| {
        world.apply(&gateway, child.gateway()).await;
        world.until(&gateway, "Ready", "True", "ScaledToZero").await;
    }))
    .await;
    for deed in [
        Deed::Edit,
        Deed::RemoveLabels,
        Deed::ChangeLabel,
        Deed::RemoveOwner,
        Deed::RemoveAnnotation,
        Deed::Delete,
    ] {
        join_all(named().map(async |(gateway, child)| {
            let name = format!("{gateway}{}", child.suffix);
            undo(&world, child, &name, deed).await;
        }))
        .await;
    }
}

#[tokio::test]
async fn a_rollout_restart_survives() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let pods = world.others::<Pod>();
    let first = pods.get("a-0").await.unwrap().uid();
    let namespace = format!("--namespace={}", world.namespace);
    world
        .cluster
        .kubectl(&["rollout", "restart", &namespace, "statefulset/a"]);
    world
        .until_some("another pod", async || {
            let pod = pods.get_opt("a-0").await.unwrap();
            match pod.and_then(|pod| pod.uid()) {
                uid if uid.is_some() && uid != first => Ok(()),
                uid => Err(uid),
            }
        })
        .await;
    world.apply("a", json!({"logLevel": "Debug"})).await;
    let set = world
        .until_child(Kind::StatefulSet, "a", |set| {
            let container = &set["spec"]["template"]["spec"]["containers"][0];
            container["args"].to_string().contains("--log.level=debug")
        })
        .await;
    let annotations = &set["spec"]["template"]["metadata"]["annotations"];
    assert!(annotations["kubectl.kubernetes.io/restartedAt"].is_string());
}

#[tokio::test]
async fn what_is_no_longer_asked_for_goes() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("a", everything()).await;
    world.until("a", "Ready", "True", "ScaledToZero").await;
    let unasked = [
        (Kind::ConfigMap, "a-web-config"),
        (Kind::PodDisruptionBudget, "a"),
        (Kind::NetworkPolicy, "a"),
        (Kind::Ingress, "a"),
        (Kind::HttpRoute, "a"),
        (Kind::ServiceMonitor, "a"),
    ];
    for (kind, name) in unasked {
        world.until_child(kind, name, |_| true).await;
    }
    world
        .apply("a", json!({"serviceMonitor": {"enabled": "Disabled"}}))
        .await;
    for (kind, name) in unasked {
        world.until_gone(kind, name).await;
    }
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    for (kind, name) in [
        (Kind::ConfigMap, "a-push"),
        (Kind::Service, "a"),
        (Kind::Service, "a-headless"),
        (Kind::StatefulSet, "a"),
    ] {
        world.until_child(kind, name, |_| true).await;
    }
}

#[tokio::test]
async fn nothing_goes_that_is_not_ours() {
    let Some(world) = World::shared().await else {
        return;
    };
    let gateway = world.apply("a", everything()).await;
    world.until("a", "Ready", "True", "ScaledToZero").await;
    let maps = world.others::<ConfigMap>();
    let ours = maps.get("a-web-config").await.unwrap();
    let like_ours = |name: &str, owners: Value| {
        let map = json!({
            "metadata": {"name": name, "labels": ours.labels(), "ownerReferences": owners},
        });
        serde_json::from_value::<ConfigMap>(map).unwrap()
    };
    let owner = |uid: &str, controller: bool| {
        json!([{
            "apiVersion": "pushgateway.io/v1alpha1",
            "kind": "PushGateway",
            "name": "a",
            "uid": uid,
            "controller": controller,
        }])
    };
    let other = world.apply("b", json!({"replicas": 0})).await;
    let foreign = [
        like_ours("of-nobody", Value::Null),
        like_ours("of-another", {
            let mut owners = owner(&other.uid().unwrap(), true);
            owners[0]["name"] = json!("b");
            owners
        }),
        like_ours("of-more", owner(&gateway.uid().unwrap(), false)),
    ];
    for map in &foreign {
        maps.create(&PostParams::default(), map).await.unwrap();
    }
    world.apply("a", json!({"replicas": 0})).await;
    world.until_gone(Kind::ConfigMap, "a-web-config").await;
    world.until("a", "Ready", "True", "ScaledToZero").await;
    for map in &foreign {
        let kept = maps.get(&map.name_any()).await.unwrap();
        assert!(kept.metadata.deletion_timestamp.is_none());
    }
}
