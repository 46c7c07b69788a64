//! What is as wanted is left alone: no write, however many there are.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use kube::ResourceExt;
use kube::api::ListParams;
use pushgateway::operator::kind::Kind;
use serde_json::json;

use crate::cluster::{Cluster, User};
use crate::gateways::{World, definition, until};
use crate::operators::Operator;

const GATEWAYS: usize = 200;
/// How long nothing may move.
const WATCHED: Duration = Duration::from_mins(2);
const RECONCILES: &str =
    "controller_runtime_reconcile_total{controller=\"pushgateway\",result=\"requeue_after\"}";

#[tokio::test]
async fn two_hundred_settled_gateways_are_left_alone() {
    let Some(cluster) = Cluster::start(&[definition()]).await else {
        return;
    };
    let everything = ["--clusterrole=cluster-admin", "--user=operator"];
    cluster.kubectl(&[
        "create",
        "clusterrolebinding",
        "operator",
        everything[0],
        everything[1],
    ]);
    let operator = Operator::start(&cluster, User::Operator, "first", &[]).await;
    let world = World::with(&cluster, &operator).await;
    let names: Vec<String> = (0..GATEWAYS).map(|number| format!("a{number}")).collect();
    join_all(names.iter().map(|name| world.apply(name, json!({})))).await;
    for name in &names {
        world.until(name, "Ready", "True", "AllReplicasReady").await;
        world.until(name, "StorageReady", "True", "Bound").await;
    }
    let before = settled(&world).await;
    assert_eq!(before.len(), GATEWAYS * 5, "each with its children");
    let written = writes(&cluster);
    // This is no wait for something to happen, but the time in which nothing may.
    tokio::time::sleep(WATCHED).await;
    assert_eq!(versions(&world).await, before);
    assert_eq!(writes(&cluster)[written.len()..], [""; 0]);
    eprintln!(
        "with {GATEWAYS} PushGateways the operator holds {}",
        resident(&operator)
    );

    // One that knows nothing of what was applied applies all of it again, which changes nothing.
    let namespace = world.namespace.clone();
    drop(world);
    operator.terminate().await;
    let operator = Operator::start(&cluster, User::Operator, "second", &[]).await;
    until(
        "a look at each",
        || operator.log(),
        async || match operator.metric(RECONCILES).await {
            Some(count) if count >= f64::from(u32::try_from(GATEWAYS).unwrap()) => Ok(()),
            other => Err(other),
        },
    )
    .await;
    let world = World::of(&cluster, &operator, namespace).await;
    assert_eq!(settled(&world).await, before);
}

/// The versions of all objects once they no longer move: other controllers may be behind.
async fn settled(world: &World<'_>) -> BTreeMap<String, String> {
    let mut before = versions(world).await;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = versions(world).await;
        if now == before {
            return now;
        }
        before = now;
    }
}

/// The resource versions of all PushGateways and their children.
async fn versions(world: &World<'_>) -> BTreeMap<String, String> {
    let all = ListParams::default();
    let mut versions = BTreeMap::new();
    for object in world.gateways().list(&all).await.unwrap() {
        versions.insert(
            format!("PushGateway {}", object.name_any()),
            object.resource_version().unwrap(),
        );
    }
    let children =
        ListParams::default().labels("app.kubernetes.io/managed-by=pushgateway-operator");
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_optional()) {
        for object in world.api(kind).list(&children).await.unwrap() {
            let name = format!("{} {}", kind.name(), object.name_any());
            versions.insert(name, object.resource_version().unwrap());
        }
    }
    versions
}

/// What the operator wrote so far, but for its lease.
fn writes(cluster: &Cluster) -> Vec<String> {
    let events = cluster.audit_events().into_iter();
    events
        .filter(|event| event.user() == User::Operator.name() && event.resource() != "leases")
        .map(|event| format!("{} {} {}", event.verb, event.resource(), event.name()))
        .collect()
}

/// Resident memory, as the kernel tells it.
fn resident(operator: &Operator) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", operator.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap().trim().to_owned()
}
