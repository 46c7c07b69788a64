use serde_json::{Value, json};

use super::*;
use crate::operator::api::PushGateway;
use crate::operator::apply::Outcome;
use crate::operator::validate::{Defaults, validate};

fn validated(spec: &serde_json::Value) -> ValidatedPushGateway {
    let object: PushGateway = serde_json::from_value(json!({
        "apiVersion": "pushgateway.io/v1alpha1",
        "kind": "PushGateway",
        "metadata": {"name": "a", "namespace": "ns", "uid": "1", "generation": 3},
        "spec": spec,
    }))
    .unwrap();
    validate(&object, &Defaults::default()).unwrap()
}

fn workload(status: &serde_json::Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "a", "generation": 1},
        "spec": {"replicas": 1},
        "status": status,
    }))
    .unwrap()
}

fn ready() -> serde_json::Value {
    json!({"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1})
}

/// The status with a StatefulSet of this status and these problems.
fn status(
    spec: &serde_json::Value,
    stateful_set: &serde_json::Value,
    problems: Vec<Problem>,
    previous: &PushGatewayStatus,
    second: i64,
) -> PushGatewayStatus {
    let mut applied = Applied {
        problems,
        outcomes: Vec::<Outcome>::new(),
        ..Applied::default()
    };
    let name = (Kind::StatefulSet, "a".to_owned());
    applied.children.insert(name, workload(stateful_set));
    compute(&Facts {
        validated: &validated(spec),
        observed: &Observed::default(),
        applied: &applied,
        served: &BTreeSet::new(),
        is_switching: false,
        previous,
        now: Timestamp::from_second(second).unwrap(),
    })
}

/// Status and reason of a condition.
fn condition(status: &PushGatewayStatus, type_: Type) -> (String, String) {
    let mut conditions = status.conditions.iter();
    let found = conditions.find(|condition| condition.type_ == type_.to_string());
    let found = found.unwrap();
    (found.status.clone(), found.reason.clone())
}

fn check(status: &PushGatewayStatus, type_: Type, value: &str, reason: Reason) {
    let expected = (value.to_owned(), reason.to_string());
    assert_eq!(condition(status, type_), expected, "{status:#?}");
}

#[test]
fn a_ready_workload_is_a_ready_gateway_even_without_prometheus() {
    let status = status(
        &json!({}),
        &ready(),
        Vec::new(),
        &PushGatewayStatus::default(),
        0,
    );
    check(&status, Type::Ready, "True", Reason::AllReplicasReady);
    check(&status, Type::Available, "True", Reason::AsExpected);
    check(&status, Type::Progressing, "False", Reason::AsExpected);
    check(&status, Type::Degraded, "False", Reason::AsExpected);
    check(
        &status,
        Type::MonitoringReady,
        "False",
        Reason::CRDNotInstalled,
    );
    assert_eq!(status.observed_generation, Some(3));
    assert_eq!(status.url.as_deref(), Some("http://a.ns.svc:9091"));
}

#[test]
fn a_status_of_an_older_generation_counts_for_nothing() {
    let mut old = ready();
    old["observedGeneration"] = 0.into();
    let status = status(
        &json!({}),
        &old,
        Vec::new(),
        &PushGatewayStatus::default(),
        0,
    );
    check(&status, Type::Ready, "False", Reason::WorkloadNotReady);
    check(&status, Type::Progressing, "True", Reason::RollingOut);
}

#[test]
fn problems_are_told_with_their_remedy() {
    let conflict = Problem {
        kind: Kind::Service,
        name: "a".to_owned(),
        cause: Cause::NameConflict {
            owner: "Helm".to_owned(),
        },
    };
    let before = PushGatewayStatus::default();
    let status = status(&json!({}), &ready(), vec![conflict], &before, 0);
    check(&status, Type::Ready, "False", Reason::NameConflict);
    check(&status, Type::Degraded, "True", Reason::NameConflict);
    let message = &status.conditions[0].message;
    assert!(message.contains("Service a belongs to Helm"), "{message}");
    assert!(message.contains("pushgateway.io/adopt"), "{message}");
}

#[test]
fn a_refused_service_monitor_leaves_the_gateway_ready() {
    let refused = |kind| Problem {
        kind,
        name: "a".to_owned(),
        cause: Cause::Refused {
            message: format!("{} is forbidden", kind.name()),
        },
    };
    let before = PushGatewayStatus::default();
    let monitor = vec![refused(Kind::ServiceMonitor)];
    let told = status(&json!({}), &ready(), monitor, &before, 0);
    check(&told, Type::Ready, "True", Reason::AllReplicasReady);
    check(&told, Type::Degraded, "True", Reason::ReconcileFailed);

    let both = vec![refused(Kind::ServiceMonitor), refused(Kind::Ingress)];
    let told = status(&json!({}), &ready(), both, &before, 0);
    check(&told, Type::Ready, "False", Reason::ReconcileFailed);
    let message = &told.conditions[0].message;
    assert!(message.contains("Ingress is forbidden"), "{message}");
}

#[test]
fn the_time_of_a_transition_moves_with_the_status_alone() {
    let none = PushGatewayStatus::default();
    let waiting = json!({"observedGeneration": 1, "replicas": 1});
    let first = status(&json!({}), &waiting, Vec::new(), &none, 1);
    let same = status(&json!({}), &waiting, Vec::new(), &first, 2);
    assert_eq!(first, same);
    let then = status(&json!({}), &ready(), Vec::new(), &same, 3);
    let since =
        |status: &PushGatewayStatus| status.conditions[0].last_transition_time.0.as_second();
    assert_eq!([since(&first), since(&same), since(&then)], [1, 1, 3]);
}

#[test]
fn paused_is_not_ready_but_available() {
    let none = PushGatewayStatus::default();
    let status = status(&json!({"paused": true}), &ready(), Vec::new(), &none, 0);
    check(&status, Type::Ready, "False", Reason::Paused);
    check(&status, Type::Available, "True", Reason::AsExpected);
}

#[test]
fn what_runs_is_still_told_of_an_invalid_object() {
    let none = PushGatewayStatus::default();
    let good = status(&json!({}), &ready(), Vec::new(), &none, 1);
    let now = Timestamp::from_second(2).unwrap();
    let bad = of_invalid(
        &Invalid::unreadable(&Value::Null, "no number"),
        4,
        &good,
        now,
    );
    check(&bad, Type::Ready, "False", Reason::InvalidSpec);
    check(&bad, Type::Degraded, "True", Reason::InvalidSpec);
    check(&bad, Type::Available, "True", Reason::AsExpected);
    assert_eq!((bad.ready_replicas, bad.observed_generation), (1, Some(4)));
    assert_eq!(
        of_invalid(
            &Invalid::unreadable(&Value::Null, "no number"),
            4,
            &bad,
            now
        ),
        bad
    );
}

#[test]
fn long_messages_are_cut_between_characters() {
    let none = PushGatewayStatus::default();
    let now = Timestamp::UNIX_EPOCH;
    let bad = of_invalid(
        &Invalid::unreadable(&Value::Null, &"ä".repeat(40_000)),
        1,
        &none,
        now,
    );
    assert!(bad.conditions[0].message.len() < 2100);
}
