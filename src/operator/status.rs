//! What is said of a PushGateway: computed from what was observed and applied, never from wishes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::DynamicObject;

use super::api::conditions::{Reason, Type};
use super::api::{PushGatewayStatus, StorageStatus, WorkloadKind, WorkloadStatus};
use super::apply::{Applied, Cause, Problem};
use super::kind::Kind;
use super::monitoring;
use super::observe::Observed;
use super::storage;
use super::validate::{Invalid, ValidatedPushGateway};
use super::workload::{Obstacle, Progress, obstacle};

/// The longest message of a condition.
const MESSAGE: usize = 2048;

/// All that a status is computed from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// What was asked for.
    pub validated: &'a ValidatedPushGateway,
    /// What was there before.
    pub observed: &'a Observed,
    /// What is there now.
    pub applied: &'a Applied,
    /// The optional kinds that are served.
    pub served: &'a BTreeSet<Kind>,
    /// Whether a workload of the other kind still serves.
    pub is_switching: bool,
    /// The status so far.
    pub previous: &'a PushGatewayStatus,
    /// For conditions that change.
    pub now: Timestamp,
}

/// Status, reason and message of a condition; `None` is Unknown.
type Finding = (Option<bool>, Reason, String);

/// Computes the status.
pub(super) fn compute(facts: &Facts<'_>) -> PushGatewayStatus {
    let validated = facts.validated;
    let progress = facts.workload().map(Progress::of).unwrap_or_default();
    let monitoring = facts.monitoring();
    let findings = [
        (Type::Ready, facts.ready(progress)),
        (Type::Available, facts.available(progress)),
        (Type::Progressing, facts.progressing(progress)),
        (Type::Degraded, facts.degraded()),
        (
            Type::MonitoringReady,
            (monitoring.is_ready, monitoring.reason, monitoring.message),
        ),
        (Type::StorageReady, facts.storage_ready()),
    ];
    PushGatewayStatus {
        observed_generation: Some(validated.generation()),
        replicas: progress.replicas,
        ready_replicas: progress.ready,
        updated_replicas: progress.updated,
        selector: Some(validated.selector_string(validated.workload_kind())),
        url: Some(validated.url()),
        image: Some(validated.image().to_owned()),
        version: validated.version().map(str::to_owned),
        workload: facts.workload().map(|_| WorkloadStatus {
            kind: validated.workload_kind(),
            name: validated.name().to_owned(),
        }),
        storage: facts.storage(),
        monitoring: monitoring.status,
        conditions: conditions(findings, facts.previous, validated.generation(), facts.now),
    }
}

/// The status of an object that can't be obeyed: what runs goes on running, and is reported as before.
pub(super) fn of_invalid(
    invalid: &Invalid,
    generation: i64,
    previous: &PushGatewayStatus,
    now: Timestamp,
) -> PushGatewayStatus {
    let message = format!("{invalid}; nothing is changed until this is mended");
    let findings = Type::ALL.map(|type_| {
        let known = known(previous, type_);
        let finding = match type_ {
            Type::Ready => (Some(false), Reason::InvalidSpec, message.clone()),
            Type::Degraded => (Some(true), Reason::InvalidSpec, message.clone()),
            _ => known.unwrap_or((None, Reason::InvalidSpec, String::new())),
        };
        (type_, finding)
    });
    PushGatewayStatus {
        observed_generation: Some(generation),
        conditions: conditions(findings, previous, generation, now),
        ..previous.clone()
    }
}

/// A condition as it stands, with its reason kept only if it is one of ours.
fn known(previous: &PushGatewayStatus, type_: Type) -> Option<Finding> {
    let condition = previous
        .conditions
        .iter()
        .find(|condition| condition.type_ == type_.to_string())?;
    let status = match condition.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    };
    let reason = Reason::named(&condition.reason)?;
    Some((status, reason, condition.message.clone()))
}

/// Conditions with the time of their last change kept where they did not change.
fn conditions(
    findings: [(Type, Finding); 6],
    previous: &PushGatewayStatus,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let condition = |(type_, (status, reason, mut message)): (Type, Finding)| {
        let type_ = type_.to_string();
        let status = match status {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let before = previous
            .conditions
            .iter()
            .find(|condition| condition.type_ == type_);
        let since = before.filter(|before| before.status == status);
        if message.len() > MESSAGE {
            message.truncate(message.floor_char_boundary(MESSAGE));
            message.push('…');
        }
        Condition {
            last_transition_time: since
                .map_or(Time(now), |before| before.last_transition_time.clone()),
            message,
            observed_generation: Some(generation),
            reason: reason.to_string(),
            status: status.to_owned(),
            type_,
        }
    };
    findings.into_iter().map(condition).collect()
}

impl Facts<'_> {
    /// The workload that is wanted, as it is now.
    fn workload(&self) -> Option<&DynamicObject> {
        self.workload_of(self.validated.workload_kind())
    }

    fn workload_of(&self, kind: WorkloadKind) -> Option<&DynamicObject> {
        let name = self.validated.name();
        let applied = self
            .applied
            .children
            .get(&(Kind::from(kind), name.to_owned()));
        applied.or_else(|| self.observed.workload(kind, name))
    }

    fn obstacle(&self) -> Option<Obstacle> {
        obstacle(&self.observed.pods)
    }

    fn monitoring(&self) -> monitoring::Verdict {
        let name = (Kind::ServiceMonitor, self.validated.name().to_owned());
        let monitor = self
            .applied
            .children
            .get(&name)
            .or_else(|| self.observed.children.get(&name));
        monitoring::judge(
            self.validated,
            self.served,
            monitor,
            &self.observed.prometheuses,
        )
    }

    fn ready(&self, progress: Progress) -> Finding {
        if self.validated.is_paused() {
            let message = "spec.paused is true: nothing is changed";
            return (Some(false), Reason::Paused, message.to_owned());
        }
        // Monitoring has no say in it, and a condition of its own.
        let worst = self.worst_problem();
        if let Some(problem) = worst.filter(|problem| problem.kind != Kind::ServiceMonitor) {
            return (Some(false), reason_of(problem), problem.to_string());
        }
        if self.is_switching {
            return (Some(false), Reason::SwitchingWorkload, self.switching());
        }
        if progress.is_done() && progress.desired == 0 {
            return (
                Some(true),
                Reason::ScaledToZero,
                "spec.replicas is 0".to_owned(),
            );
        }
        if progress.is_done() {
            return (
                Some(true),
                Reason::AllReplicasReady,
                "the gateway accepts pushes".to_owned(),
            );
        }
        (
            Some(false),
            Reason::WorkloadNotReady,
            self.not_ready(progress),
        )
    }

    fn available(&self, progress: Progress) -> Finding {
        let others = [WorkloadKind::StatefulSet, WorkloadKind::Deployment];
        let serves = others
            .iter()
            .filter_map(|kind| self.workload_of(*kind))
            .any(|workload| Progress::of(workload).ready > 0);
        if serves {
            (
                Some(true),
                Reason::AsExpected,
                format!("push to {}", self.validated.url()),
            )
        } else if progress.desired == 0 {
            (
                Some(false),
                Reason::ScaledToZero,
                "spec.replicas is 0".to_owned(),
            )
        } else {
            (
                Some(false),
                Reason::WorkloadNotReady,
                self.not_ready(progress),
            )
        }
    }

    fn progressing(&self, progress: Progress) -> Finding {
        if self.is_switching {
            (Some(true), Reason::SwitchingWorkload, self.switching())
        } else if progress.is_done() {
            (
                Some(false),
                Reason::AsExpected,
                "everything is rolled out".to_owned(),
            )
        } else if self.obstacle().is_some_and(|obstacle| obstacle.is_stuck) {
            (Some(true), Reason::RolloutStuck, self.not_ready(progress))
        } else {
            (Some(true), Reason::RollingOut, self.not_ready(progress))
        }
    }

    fn degraded(&self) -> Finding {
        if let Some(problem) = self.worst_problem() {
            return (Some(true), reason_of(problem), problem.to_string());
        }
        let claim = &self.applied.claim;
        if let Some(class) = &claim.other_class {
            let message = format!(
                "the claim has the storage class {class}, which can't be changed; set spec.persistence.storageClassName to it, or export, delete the claim, and import"
            );
            return (Some(true), Reason::StorageClassDiffers, message);
        }
        if let Some(reason) = &claim.not_expandable {
            let message = format!(
                "the volume can't grow: {reason}; set spec.persistence.size back, or use a storage class with allowVolumeExpansion"
            );
            return (Some(true), Reason::StorageClassNotExpandable, message);
        }
        if self.validated.http_route().is_some() && !self.served.contains(&Kind::HttpRoute) {
            let message = "spec.httpRoute asks for an HTTPRoute, but the cluster serves none; install the Gateway API, and it follows by itself";
            return (Some(true), Reason::CRDNotInstalled, message.to_owned());
        }
        let unknown = self.validated.unknown_pod_template_fields();
        if !unknown.is_empty() {
            let message = format!(
                "spec.podTemplate has fields that this operator does not know and leaves out: {}",
                unknown.join(", ")
            );
            return (Some(true), Reason::UnknownPodTemplateFields, message);
        }
        (
            Some(false),
            Reason::AsExpected,
            "everything is as asked".to_owned(),
        )
    }

    fn storage(&self) -> Option<StorageStatus> {
        let storage = self.validated.storage()?;
        let claim = self.observed.claim.as_ref();
        let capacity = claim.and_then(|claim| {
            let capacity = claim.status.as_ref()?.capacity.as_ref()?;
            capacity.get("storage").map(|quantity| quantity.0.clone())
        });
        let requested = claim
            .and_then(storage::requested)
            .map(|quantity| quantity.0.clone());
        Some(StorageStatus {
            claim: Some(storage.claim_name().to_owned()),
            capacity,
            requested,
        })
    }

    fn storage_ready(&self) -> Finding {
        let Some(storage) = self.validated.storage() else {
            return (
                Some(false),
                Reason::Disabled,
                "spec.persistence.enabled is false: what was pushed is gone with the pod"
                    .to_owned(),
            );
        };
        let Some(claim) = &self.observed.claim else {
            let message = format!("the claim {} is not there yet", storage.claim_name());
            return (Some(false), Reason::Pending, message);
        };
        if !storage::is_bound(claim) {
            let message = format!(
                "the claim {} waits for a volume: kubectl describe pvc {0} tells why",
                storage.claim_name()
            );
            return (Some(false), Reason::Pending, message);
        }
        if let Some(reason) = &self.applied.claim.not_expandable {
            return (Some(false), Reason::ResizeNotSupported, reason.clone());
        }
        let status = claim.status.as_ref();
        let capacity = status.and_then(|status| status.capacity.as_ref());
        let capacity = capacity.and_then(|capacity| capacity.get("storage"));
        if let (Some(requested), Some(capacity)) = (storage::requested(claim), capacity)
            && super::quantity::is_larger(&requested.0, &capacity.0)
        {
            let message = format!("the volume grows from {} to {}", capacity.0, requested.0);
            return (Some(false), Reason::Resizing, message);
        }
        (
            Some(true),
            Reason::Bound,
            format!("the claim {} is bound", storage.claim_name()),
        )
    }

    fn switching(&self) -> String {
        let kind = self.validated.workload_kind();
        format!("the {kind:?} takes over as soon as its pod is ready")
    }

    fn not_ready(&self, progress: Progress) -> String {
        match self.obstacle() {
            Some(obstacle) => obstacle.message,
            None => format!("{} of {} pods are ready", progress.ready, progress.desired),
        }
    }

    /// The problem of what is needed most; that of monitoring only if there is no other.
    fn worst_problem(&self) -> Option<&Problem> {
        let problems = &self.applied.problems;
        problems.iter().min_by_key(|problem| match problem.kind {
            Kind::StatefulSet | Kind::Deployment | Kind::Service | Kind::ConfigMap => 0,
            Kind::PodDisruptionBudget | Kind::NetworkPolicy | Kind::Ingress | Kind::HttpRoute => 1,
            Kind::ServiceMonitor => 2,
        })
    }
}

fn reason_of(problem: &Problem) -> Reason {
    match problem.cause {
        Cause::NameConflict { .. } => Reason::NameConflict,
        Cause::Refused { .. } => Reason::ReconcileFailed,
    }
}

#[cfg(test)]
mod tests;
