//! Kinds of others that a cluster may lack, gain and lose while the operator runs.

use std::path::PathBuf;

use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};

use crate::cluster::{Cluster, User};
use crate::gateways::{World, definition};
use crate::operators::Operator;
use crate::parts;

const MONITORS: &str = "monitoring.coreos.com_servicemonitors.yaml";
const ROUTES: &str = "gateway.networking.k8s.io_httproutes.yaml";
const ERRORS: &str = "controller_runtime_reconcile_errors_total{controller=\"pushgateway\"}";

/// The definitions of ServiceMonitors and of HTTPRoutes.
fn definitions() -> Option<(PathBuf, PathBuf)> {
    let monitoring = parts::find("prometheus-operator-crds")?;
    let gateway_api = parts::find("gateway-api-crds")?;
    Some((monitoring.join(MONITORS), gateway_api.join(ROUTES)))
}

async fn start(cluster: &Cluster) -> Operator {
    let flags = ["--discovery-interval=1s", "--log.level=debug"];
    Operator::start(cluster, User::Admin, "shared", &flags).await
}

async fn until_available(world: &World<'_>, kind: Kind, wanted: f64) {
    let line = format!(
        "pushgateway_operator_optional_api_available{{kind=\"{}\"}}",
        kind.name()
    );
    world
        .until_some(&line, async || match world.operator.metric(&line).await {
            Some(value) if (value - wanted).abs() < 0.5 => Ok(()),
            other => Err(other),
        })
        .await;
}

fn message<'a>(object: &'a Value, type_: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    let mut found = conditions
        .iter()
        .filter(|condition| condition["type"] == type_);
    found.next().unwrap()["message"].as_str().unwrap()
}

#[tokio::test]
async fn kinds_that_come_later_are_used_without_a_restart() {
    let Some((monitors, routes)) = definitions() else {
        return;
    };
    let Some(cluster) = Cluster::start(&[definition()]).await else {
        return;
    };
    let operator = start(&cluster).await;
    let world = World::with(&cluster, &operator).await;
    let spec = json!({"httpRoute": {"parentRefs": [{"name": "gateway"}]}});
    world.apply("a", spec).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world
        .until("a", "MonitoringReady", "False", "CRDNotInstalled")
        .await;
    let object = world
        .until("a", "Degraded", "True", "CRDNotInstalled")
        .await;
    let told = message(&object, "Degraded");
    assert!(told.contains("HTTPRoute"), "{told}");
    for kind in Kind::OPTIONAL {
        until_available(&world, kind, 0.0).await;
    }
    // Nobody watches what is not there: a watch that fails again and again would slow the others down.
    for _ in 0..10 {
        world.delete_child(Kind::Service, "a").await;
        world.until_child(Kind::Service, "a", |_| true).await;
    }
    assert!(
        !operator.log().contains("no watch of"),
        "{}",
        operator.log()
    );

    cluster.install_crds(&monitors).await;
    world.until_child(Kind::ServiceMonitor, "a", |_| true).await;
    world
        .until("a", "MonitoringReady", "False", "NotSelected")
        .await;
    until_available(&world, Kind::ServiceMonitor, 1.0).await;
    until_available(&world, Kind::HttpRoute, 0.0).await;
    cluster.install_crds(&routes).await;
    world.until_child(Kind::HttpRoute, "a", |_| true).await;
    world.until("a", "Degraded", "False", "AsExpected").await;
    // They are watched from now on.
    for kind in Kind::OPTIONAL {
        world.delete_child(kind, "a").await;
        world.until_child(kind, "a", |_| true).await;
    }
}

#[tokio::test]
async fn kinds_that_go_are_done_without() {
    let Some((monitors, routes)) = definitions() else {
        return;
    };
    let crds = [definition(), monitors.clone(), routes];
    let Some(cluster) = Cluster::start(&crds).await else {
        return;
    };
    let operator = start(&cluster).await;
    let world = World::with(&cluster, &operator).await;
    let spec = json!({"httpRoute": {"parentRefs": [{"name": "gateway"}]}});
    world.apply("a", spec).await;
    for kind in Kind::OPTIONAL {
        world.until_child(kind, "a", |_| true).await;
    }
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let gone = [
        "servicemonitors.monitoring.coreos.com",
        "httproutes.gateway.networking.k8s.io",
    ];
    for definition in gone {
        cluster.kubectl(&["delete", "crd", definition]);
    }
    world
        .until("a", "MonitoringReady", "False", "CRDNotInstalled")
        .await;
    world
        .until("a", "Degraded", "True", "CRDNotInstalled")
        .await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    for kind in Kind::OPTIONAL {
        until_available(&world, kind, 0.0).await;
    }
    // While the kinds went, an apply may have come too late; from now on nothing fails.
    let failures = operator.metric(ERRORS).await;
    assert!(failures.unwrap_or(0.0) <= 5.0, "{failures:?} errors");
    let looked = operator.log().len();
    for _ in 0..10 {
        world.delete_child(Kind::Service, "a").await;
        world.until_child(Kind::Service, "a", |_| true).await;
    }
    assert_eq!(operator.metric(ERRORS).await, failures);
    let since = &operator.log()[looked..];
    assert!(!since.contains("level=warn"), "{since}");

    cluster.install_crds(&monitors).await;
    world.until_child(Kind::ServiceMonitor, "a", |_| true).await;
}
