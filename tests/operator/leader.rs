//! Two operators and one lease: one works, the other is ready to.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use pushgateway::operator::kind::Kind;
use serde_json::json;

use crate::cluster::{Cluster, User};
use crate::gateways::{World, definition, until};
use crate::operators::Operator;

const LEASE: &str = "pushgateway-operator";
const LEADS: &str = "leader_election_master_status{name=\"pushgateway-operator\"}";

/// A cluster in which the audit log tells two operators apart: one is the admin, the other the user
/// [`User::Operator`], who may do everything here.
async fn cluster_of_two() -> Option<Cluster> {
    let cluster = Cluster::start(&[definition()]).await?;
    cluster.kubectl(&[
        "create",
        "clusterrolebinding",
        "operator",
        "--clusterrole=cluster-admin",
        "--user=operator",
    ]);
    Some(cluster)
}

async fn until_leads(operator: &Operator) {
    until(
        "the lease",
        || operator.log(),
        async || match operator.metric(LEADS).await {
            Some(1.0) => Ok(()),
            other => Err(other),
        },
    )
    .await;
}

/// Where in the audit log an operator wrote anything but its lease and what the test itself writes.
fn work_of(cluster: &Cluster, user: User) -> Vec<usize> {
    let written = [
        "configmaps",
        "services",
        "statefulsets",
        "pushgateways/status",
        "events",
    ];
    let events = cluster.audit_events();
    let all = events.iter().enumerate();
    all.filter(|(_, event)| {
        event.user() == user.name() && written.contains(&event.resource().as_str())
    })
    .map(|(position, _)| position)
    .collect()
}

async fn lease(leases: &Api<Lease>) -> LeaseSpec {
    leases.get(LEASE).await.unwrap().spec.unwrap()
}

fn seconds_between(earlier: Option<MicroTime>, later: Option<MicroTime>) -> f64 {
    later
        .unwrap()
        .0
        .duration_since(earlier.unwrap().0)
        .as_secs_f64()
}

#[tokio::test]
async fn sigterm_hands_over_in_the_middle_of_work() {
    let Some(cluster) = cluster_of_two().await else {
        return;
    };
    let first = Operator::start(&cluster, User::Operator, "first", &[]).await;
    until_leads(&first).await;
    // It is ready although it has to wait, so that a rollout does not wait for it.
    let second = Operator::start(&cluster, User::Admin, "second", &[]).await;
    assert_eq!(second.metric(LEADS).await, Some(0.0));

    let world = World::with(&cluster, &second).await;
    let names: Vec<String> = (0..20).map(|number| format!("a{number}")).collect();
    for name in &names {
        world.apply(name, json!({})).await;
    }
    world
        .until_child(Kind::StatefulSet, &names[0], |_| true)
        .await;
    assert!(work_of(&cluster, User::Admin).is_empty());
    let end = first.terminate().await;
    assert!(end.starts_with("exit status: 0"), "{end}");
    assert!(end.contains("gave the lease back"), "{end}");

    for name in &names {
        world.until(name, "Ready", "True", "AllReplicasReady").await;
    }
    let (of_first, of_second) = (
        work_of(&cluster, User::Operator),
        work_of(&cluster, User::Admin),
    );
    assert!(of_first.last().unwrap() < of_second.first().unwrap());
    let leases = Api::<Lease>::default_namespaced(world.client.clone());
    let spec = lease(&leases).await;
    assert_eq!(spec.holder_identity.as_deref(), Some("second"));
    assert_eq!(spec.lease_transitions, Some(2));
}

#[tokio::test]
async fn a_killed_leader_is_followed_when_its_lease_ends() {
    let Some(cluster) = cluster_of_two().await else {
        return;
    };
    let first = Operator::start(&cluster, User::Operator, "first", &[]).await;
    until_leads(&first).await;
    let second = Operator::start(&cluster, User::Admin, "second", &[]).await;
    let world = World::with(&cluster, &second).await;
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let leases = Api::<Lease>::default_namespaced(world.client.clone());
    drop(first);
    let left = lease(&leases).await;
    assert_eq!(left.holder_identity.as_deref(), Some("first"));
    assert!(work_of(&cluster, User::Admin).is_empty());
    world.delete_child(Kind::Service, "a").await;

    until_leads(&second).await;
    world.until_child(Kind::Service, "a", |_| true).await;
    let taken = lease(&leases).await;
    assert_eq!(taken.holder_identity.as_deref(), Some("second"));
    let waited = seconds_between(left.renew_time, taken.acquire_time);
    let duration = left.lease_duration_seconds.unwrap();
    assert!(waited > f64::from(duration), "{waited} s of {duration} s");
}

#[tokio::test]
async fn a_holder_whose_clock_is_slow_keeps_its_lease_while_it_renews_it() {
    let Some(cluster) = Cluster::start(&[definition()]).await else {
        return;
    };
    let leases = Api::<Lease>::default_namespaced(cluster.client(User::Admin).await);
    let an_hour = SignedDuration::from_hours(1);
    let lease = held_by_other(Timestamp::now() - an_hour);
    let mut lease = leases.create(&PostParams::default(), &lease).await.unwrap();
    let operator = Operator::start(&cluster, User::Admin, "shared", &[]).await;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    // Longer than the lease's duration.
    for _ in 0..20 {
        second.tick().await;
        let renewed = MicroTime(Timestamp::now() - an_hour);
        lease.spec.as_mut().unwrap().renew_time = Some(renewed);
        // It has the version of before: had somebody else taken it, this would be a conflict.
        let replaced = leases.replace(LEASE, &PostParams::default(), &lease).await;
        lease = replaced.unwrap();
    }
    assert_eq!(operator.metric(LEADS).await, Some(0.0));
    until_leads(&operator).await;
}

#[tokio::test]
async fn a_dead_holder_whose_clock_was_fast_is_not_waited_for_longer() {
    let Some(cluster) = Cluster::start(&[definition()]).await else {
        return;
    };
    let leases = Api::<Lease>::default_namespaced(cluster.client(User::Admin).await);
    let lease = held_by_other(Timestamp::now() + SignedDuration::from_hours(1));
    let lease = leases.create(&PostParams::default(), &lease).await.unwrap();
    let operator = Operator::start(&cluster, User::Admin, "shared", &[]).await;
    until_leads(&operator).await;
    let taken = leases.get(LEASE).await.unwrap().spec.unwrap();
    let made = lease.metadata.creation_timestamp.unwrap().0;
    let waited = taken.acquire_time.unwrap().0.duration_since(made);
    assert!(waited > SignedDuration::from_secs(15), "{waited}");
}

fn held_by_other(renewed: Timestamp) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(LEASE.to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some("elsewhere".to_owned()),
            lease_duration_seconds: Some(15),
            acquire_time: Some(MicroTime(renewed)),
            renew_time: Some(MicroTime(renewed)),
            lease_transitions: Some(1),
            ..LeaseSpec::default()
        }),
    }
}
