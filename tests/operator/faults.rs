//! What goes wrong around the operator: the API server goes away, others fight it, and what it asks for is refused.

use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, User};
use crate::gateways::{World, definition, until};
use crate::operators::Operator;

const FAILED_WATCHES: &str =
    "pushgateway_operator_watch_errors_total{kind=\"PushGateway or child\"}";
const LEADS: &str = "leader_election_master_status{name=\"pushgateway-operator\"}";
const ERRORS: &str = "controller_runtime_reconcile_errors_total{controller=\"pushgateway\"}";

/// A cluster in which the audit log tells the operator from the test.
async fn world() -> Option<World<'static>> {
    static SHARED: OnceCell<Option<(Cluster, Operator)>> = OnceCell::const_new();
    let start = async || {
        let cluster = Cluster::start(&[definition()]).await?;
        cluster.kubectl(&[
            "create",
            "clusterrolebinding",
            "operator",
            "--clusterrole=cluster-admin",
            "--user=operator",
        ]);
        let operator = Operator::start(&cluster, User::Operator, "shared", &[]).await;
        Some((cluster, operator))
    };
    let (cluster, operator) = SHARED.get_or_init(start).await.as_ref()?;
    Some(World::with(cluster, operator).await)
}

/// How often the operator asked for this in the namespace of the test: verb, resource and name, as in
/// `patch services a`.
fn asked(world: &World<'_>, what: &str) -> usize {
    let events = world.cluster.audit_events();
    events
        .iter()
        .filter(|event| {
            let asked = format!("{} {} {}", event.verb, event.resource(), event.name());
            event.user() == User::Operator.name()
                && event.namespace() == world.namespace
                && asked == what
        })
        .count()
}

async fn until_metric(operator: &Operator, line: &str, is_so: impl Fn(f64) -> bool) {
    until(
        line,
        || operator.log(),
        async || match operator.metric(line).await {
            Some(value) if is_so(value) => Ok(()),
            other => Err(other),
        },
    )
    .await;
}

#[tokio::test]
async fn an_absent_api_server_is_survived() {
    let Some(mut cluster) = Cluster::start(&[definition()]).await else {
        return;
    };
    let operator = Operator::start(&cluster, User::Admin, "shared", &[]).await;
    let namespace = cluster.namespace().await;
    {
        let world = World::of(&cluster, &operator, namespace.clone()).await;
        world.apply("a", json!({})).await;
        world.until("a", "Ready", "True", "AllReplicasReady").await;
    }
    cluster.stop_api_server();
    until_metric(&operator, FAILED_WATCHES, |count| count >= 1.0).await;
    // Without the API server the lease can't be kept, so that another instance might work by now.
    until_metric(&operator, LEADS, |leads| leads == 0.0).await;
    assert_eq!(operator.get("/healthz").await.unwrap().0, 200);
    cluster.start_api_server().await;

    let world = World::of(&cluster, &operator, namespace).await;
    world.delete_child(Kind::Service, "a").await;
    world.until_child(Kind::Service, "a", |_| true).await;
    world.apply("b", json!({})).await;
    world.until("b", "Ready", "True", "AllReplicasReady").await;
    assert_eq!(operator.metric(LEADS).await, Some(1.0));
}

#[tokio::test]
async fn who_fights_over_a_child_loses_and_costs_no_more_than_it_writes() {
    const EDITS: usize = 50;
    let Some(world) = world().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let port = |service: &Value| service["spec"]["ports"][0]["port"].clone();
    let wanted = world.until_child(Kind::Service, "a", |_| true).await;
    let before = asked(&world, "patch services a");
    for edit in 0..EDITS {
        let other = json!({"spec": {"ports": [{"name": "http", "port": 1000 + edit}]}});
        let merge = PatchParams::default();
        let edited = world
            .api(Kind::Service)
            .patch("a", &merge, &Patch::Merge(other))
            .await;
        edited.unwrap();
    }
    let healed = |service: &Value| service["spec"]["ports"] == wanted["spec"]["ports"];
    world.until_child(Kind::Service, "a", healed).await;
    let writes = asked(&world, "patch services a") - before;
    assert!((1..=EDITS).contains(&writes), "{writes} writes");
    assert_eq!(port(&wanted), 9091);
}

#[tokio::test]
async fn an_unwanted_child_goes_although_somebody_keeps_writing_it() {
    let Some(world) = world().await else {
        return;
    };
    world
        .apply("a", json!({"podDisruptionBudget": {"maxUnavailable": 1}}))
        .await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let budgets = world.api(Kind::PodDisruptionBudget);
    world
        .until_child(Kind::PodDisruptionBudget, "a", |_| true)
        .await;
    world.apply("a", json!({})).await;
    // Each edit gives it another version, and the operator deletes only the version that it has seen.
    let mut edits = 0;
    loop {
        let other = json!({"metadata": {"annotations": {"edit": edits.to_string()}}});
        let merge = PatchParams::default();
        match budgets.patch("a", &merge, &Patch::Merge(other)).await {
            Ok(_) if edits < 50 => edits += 1,
            Ok(_) => break,
            Err(kube::Error::Api(status)) if status.code == 404 => break,
            Err(error) => panic!("{error}"),
        }
    }
    world.until_gone(Kind::PodDisruptionBudget, "a").await;
    let deletes = asked(&world, "delete poddisruptionbudgets a");
    assert!((1..=edits + 1).contains(&deletes), "{deletes} deletes");
}

#[tokio::test]
async fn a_quota_is_told_in_the_words_of_the_api_server() {
    let Some(world) = world().await else {
        return;
    };
    let quota = json!({
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/statefulsets.apps": "0"}},
    });
    let quotas = Api::<ResourceQuota>::namespaced(world.client.clone(), &world.namespace);
    let quota = serde_json::from_value(quota).unwrap();
    quotas.create(&PostParams::default(), &quota).await.unwrap();
    world
        .until_some("the quota", async || {
            let quota = quotas.get("none").await.unwrap();
            let status = quota.status.and_then(|status| status.hard);
            status.ok_or("not yet looked at")
        })
        .await;
    world.apply("a", json!({})).await;
    let object = world.until("a", "Ready", "False", "ReconcileFailed").await;
    let message = condition(&object, "Ready")["message"].as_str().unwrap();
    assert!(message.contains("exceeded quota: none"), "{message}");
    // The rest is there, and one look at it is no reason for the next.
    world.until_child(Kind::Service, "a", |_| true).await;
    world
        .apply("b", json!({"persistence": {"enabled": false}}))
        .await;
    world.until("b", "Ready", "True", "AllReplicasReady").await;
    let refused = asked(&world, "patch statefulsets a");
    assert!(refused <= 10, "{refused} requests that are refused");

    quotas
        .delete("none", &DeleteParams::default())
        .await
        .unwrap();
    world.until("a", "Ready", "True", "AllReplicasReady").await;
}

#[tokio::test]
async fn a_refusing_policy_is_told_and_obeyed_once_it_allows() {
    let Some(world) = world().await else {
        return;
    };
    let name = format!("refuse-in-{}", world.namespace);
    let namespaces = json!({"matchLabels": {"kubernetes.io/metadata.name": world.namespace}});
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"], "resources": ["statefulsets"],
            }]},
            "validations": [{
                "expression": "object.spec.template.spec.containers.all(c, c.image.startsWith('registry.example/'))",
                "message": "images must come from registry.example",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": namespaces},
        },
    });
    for object in [policy, binding] {
        let file = world.cluster.file(&format!("{name}.yaml"));
        std::fs::write(&file, object.to_string()).unwrap();
        world
            .cluster
            .kubectl(&["create", "-f", file.to_str().unwrap()]);
    }
    until_refused(&world).await;
    world.apply("a", json!({})).await;
    let object = world.until("a", "Ready", "False", "ReconcileFailed").await;
    let message = condition(&object, "Ready")["message"].as_str().unwrap();
    let words = "images must come from registry.example";
    assert!(message.contains(words), "{message}");
    world
        .apply("a", json!({"image": "registry.example/pushgateway:1"}))
        .await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
}

/// Waits until the policy is in force: policies are looked at some time after they were written.
async fn until_refused(world: &World<'_>) {
    let probe = json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "probe"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "a", "image": "b"}]},
            },
        },
    });
    let workloads = world.api(Kind::StatefulSet);
    let probe = serde_json::from_value(probe).unwrap();
    let only_try = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    world
        .until_some("the policy", async || {
            match workloads.create(&only_try, &probe).await {
                Err(kube::Error::Api(status)) if status.is_invalid() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
}

#[tokio::test]
async fn a_namespace_goes_without_a_fight() {
    let Some(cluster) = Cluster::start(&[definition()]).await else {
        return;
    };
    let operator = Operator::start(&cluster, User::Admin, "shared", &[]).await;
    let world = World::with(&cluster, &operator).await;
    let names: Vec<String> = (0..10).map(|number| format!("a{number}")).collect();
    for name in &names {
        world.apply(name, json!({})).await;
    }
    for name in &names {
        world.until(name, "Ready", "True", "AllReplicasReady").await;
    }
    let failures = operator.metric(ERRORS).await;
    let namespaces = Api::<Namespace>::all(world.client.clone());
    let background = DeleteParams::background();
    namespaces
        .delete(&world.namespace, &background)
        .await
        .unwrap();
    world
        .until_some("no namespace", async || {
            match namespaces.get_opt(&world.namespace).await.unwrap() {
                None => Ok(()),
                Some(namespace) => Err(namespace.status),
            }
        })
        .await;
    assert_eq!(operator.metric(ERRORS).await, failures);
    assert!(!operator.log().contains("level=warn"), "{}", operator.log());
}

fn condition<'a>(object: &'a Value, type_: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == type_);
    found.unwrap()
}
