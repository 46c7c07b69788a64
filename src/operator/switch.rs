//! The switch between a Deployment and a StatefulSet, when persistence is turned on or off.

use kube::runtime::events::{Event, EventType};

use super::api::WorkloadKind;
use super::apply::{Change, Outcome};
use super::events;
use super::kind::Kind;
use super::observe::Observed;
use super::storage;
use super::validate::ValidatedPushGateway;
use super::workload::Progress;

/// The way from a Deployment to a StatefulSet or back: the new one is made ready, then the Services turn to it, then
/// the old one goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Switch {
    /// The workload that the Services select.
    pub(super) serving: WorkloadKind,
    /// Whether the old workload is still needed.
    pub(super) is_under_way: bool,
}

impl Switch {
    pub(super) fn of(validated: &ValidatedPushGateway, observed: &Observed) -> Self {
        let new = validated.workload_kind();
        let old = match new {
            WorkloadKind::StatefulSet => WorkloadKind::Deployment,
            WorkloadKind::Deployment => WorkloadKind::StatefulSet,
        };
        let name = validated.name();
        let progress = observed.workload(new, name).map(Progress::of);
        let is_new_ready = progress.is_some_and(|progress| progress.ready >= 1);
        let is_under_way =
            observed.workload(old, name).is_some() && !is_new_ready && validated.replicas() > 0;
        Self {
            serving: if is_under_way { old } else { new },
            is_under_way,
        }
    }

    /// What users want to know when it begins, before they miss it.
    pub(super) fn news(
        self,
        name: &str,
        observed: &Observed,
        outcomes: &[Outcome],
    ) -> Option<Event> {
        let is_workload = |kind| matches!(kind, Kind::StatefulSet | Kind::Deployment);
        let is_new =
            |outcome: &Outcome| is_workload(outcome.kind) && outcome.change == Change::Created;
        if !self.is_under_way || !outcomes.iter().any(is_new) {
            return None;
        }
        let (reason, note) = match self.serving {
            WorkloadKind::Deployment => (
                "PushesNotCarriedOver",
                format!(
                    "the StatefulSet {name} does not know what was pushed to the Deployment, which has it in memory only; to carry it over next time, GET /api/v1/admin/export before and PUT /api/v1/admin/import after the switch"
                ),
            ),
            WorkloadKind::StatefulSet => {
                let set = observed.workload(self.serving, name);
                let claim = set.and_then(storage::claim_of)?;
                (
                    "PersistentVolumeClaimRetained",
                    format!(
                        "the claim {claim} is kept with what was pushed so far; the Deployment starts empty"
                    ),
                )
            }
        };
        Some(events::event(EventType::Warning, reason, note, "Switch"))
    }
}
