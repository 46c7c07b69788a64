//! The switch between a Deployment and a StatefulSet, when persistence is turned on or off.

use kube::ResourceExt;
use kube::runtime::events::{Event, EventType};

use super::api::{PushGateway, WorkloadKind};
use super::events;
use super::observe::Observed;
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
    /// Whether it begins with this reconcile.
    begins: bool,
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
            begins: is_under_way && progress.is_none(),
        }
    }

    /// What users want to know before they miss it.
    pub(super) fn news(self, object: &PushGateway) -> Option<Event> {
        if !self.begins {
            return None;
        }
        let name = object.name_any();
        Some(match self.serving {
            WorkloadKind::Deployment => events::event(
                EventType::Warning,
                "PushesNotCarriedOver",
                format!(
                    "the StatefulSet {name} starts empty: what was pushed to the Deployment was in memory only; to carry it over next time, GET /api/v1/admin/export before and PUT /api/v1/admin/import after the switch"
                ),
                "Switch",
            ),
            WorkloadKind::StatefulSet => events::event(
                EventType::Warning,
                "PersistentVolumeClaimRetained",
                format!(
                    "the claim storage-volume-{name}-0 is kept with what was pushed so far; the Deployment starts empty"
                ),
                "Switch",
            ),
        })
    }
}
