//! What `kubectl describe` shows: one event for each thing done and for each condition that turned.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder};
use tracing::warn;

use super::api::PushGatewayStatus;
use super::api::conditions::{Reason, Type};
use super::apply::{Change, Outcome};

/// Publishes events. One that is lost is no reason to fail.
pub(super) async fn publish(recorder: &Recorder, events: Vec<Event>, about: &ObjectReference) {
    for event in events {
        if let Err(error) = recorder.publish(&event, about).await {
            warn!(%error, reason = event.reason, "could not publish an event");
        }
    }
}

/// Events of what was done to children, one for all that the same was done to: the API joins events of one reason
/// and shows only the first.
pub(super) fn of_outcomes(outcomes: &[Outcome]) -> Vec<Event> {
    let told = [
        (Change::Created, "Created", "created"),
        (Change::Changed, "Updated", "updated"),
        (
            Change::Replaced,
            "Replaced",
            "replaced, with its pods kept,",
        ),
        (Change::Deleted, "Deleted", "deleted"),
    ];
    let of_change = |(change, reason, done)| {
        let objects: Vec<String> = outcomes
            .iter()
            .filter(|outcome| outcome.change == change)
            .map(|outcome| format!("{} {}", outcome.kind.name(), outcome.name))
            .collect();
        let note = format!("{done} {}", objects.join(", "));
        (!objects.is_empty()).then(|| event(EventType::Normal, reason, note, "Apply"))
    };
    told.into_iter().filter_map(of_change).collect()
}

/// Events of conditions that have another status or reason than before.
pub(super) fn of_transitions(before: &PushGatewayStatus, after: &PushGatewayStatus) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for condition in &after.conditions {
        let known = before
            .conditions
            .iter()
            .find(|known| known.type_ == condition.type_);
        let is_known = known.is_some_and(|known| {
            known.status == condition.status && known.reason == condition.reason
        });
        let is_told = events.iter().any(|event| event.reason == condition.reason);
        if is_known || is_told || !is_worth_telling(&condition.reason) {
            continue;
        }
        // A cluster without the Prometheus Operator is nothing to warn of.
        let is_fine = condition.reason == Reason::CRDNotInstalled.to_string();
        let kind = if is_bad(&condition.type_, &condition.status) && !is_fine {
            EventType::Warning
        } else {
            EventType::Normal
        };
        let note = condition.message.clone();
        events.push(event(kind, &condition.reason, note, &condition.type_));
    }
    events
}

/// An event.
pub(super) fn event(type_: EventType, reason: &str, note: String, action: &str) -> Event {
    /// The longest note that the API takes.
    const NOTE: usize = 1024;
    let mut note = note;
    note.truncate(note.floor_char_boundary(NOTE));
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: action.to_owned(),
        secondary: None,
    }
}

fn is_worth_telling(reason: &str) -> bool {
    let quiet = [
        Reason::Pending,
        Reason::AsExpected,
        Reason::Disabled,
        Reason::RollingOut,
        Reason::WorkloadNotReady,
        Reason::Applied,
    ];
    !quiet.iter().any(|quiet| quiet.to_string() == reason)
}

fn is_bad(type_: &str, status: &str) -> bool {
    let bad_when_true = type_ == Type::Degraded.to_string();
    let neutral = type_ == Type::Progressing.to_string();
    !neutral && (status == "True") == bad_when_true && status != "Unknown"
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::super::kind::Kind;
    use super::*;

    fn status(conditions: &[(Type, &str, Reason)]) -> PushGatewayStatus {
        let condition = |(type_, status, reason): &(Type, &str, Reason)| Condition {
            type_: type_.to_string(),
            status: (*status).to_owned(),
            reason: reason.to_string(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        };
        PushGatewayStatus {
            conditions: conditions.iter().map(condition).collect(),
            ..PushGatewayStatus::default()
        }
    }

    #[test]
    fn what_was_done_is_told_together() {
        let outcome = |name: &str, change| Outcome {
            kind: Kind::Service,
            name: name.to_owned(),
            change,
        };
        let events = of_outcomes(&[
            outcome("a", Change::Created),
            outcome("b", Change::Created),
            outcome("c", Change::Skipped),
            outcome("d", Change::Deleted),
        ]);
        let notes: Vec<_> = events
            .iter()
            .filter_map(|event| event.note.as_deref())
            .collect();
        assert_eq!(notes, ["created Service a, Service b", "deleted Service d"]);
    }

    #[test]
    fn only_what_turned_is_told_and_once() {
        let before = status(&[(Type::Ready, "True", Reason::AllReplicasReady)]);
        let after = status(&[
            (Type::Ready, "False", Reason::NameConflict),
            (Type::Degraded, "True", Reason::NameConflict),
        ]);
        let events = of_transitions(&before, &after);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].reason, "NameConflict");
        assert_eq!(events[0].type_, EventType::Warning);
        assert!(of_transitions(&after, &after).is_empty());
    }
}
