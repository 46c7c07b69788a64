//! Types and reasons of conditions, all in one place.

use std::fmt;

/// A type of condition.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Type {
    /// The summary: all that was asked for is there. Whether Prometheus scrapes it has no say here.
    Ready,
    /// The gateway accepts pushes.
    Available,
    /// A rollout or a resize is under way.
    Progressing,
    /// It works, but not as asked.
    Degraded,
    /// A Prometheus scrapes the gateway.
    MonitoringReady,
    /// The volume is there, in the size asked for.
    StorageReady,
}

impl Type {
    /// All of them, in the order of the status.
    pub const ALL: [Self; 6] = [
        Self::Ready,
        Self::Available,
        Self::Progressing,
        Self::Degraded,
        Self::MonitoringReady,
        Self::StorageReady,
    ];
}

/// Why a condition has its status.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// Nothing is known yet.
    Pending,
    /// All pods are ready.
    AllReplicasReady,
    /// Zero replicas were asked for.
    ScaledToZero,
    /// A pod is not ready.
    WorkloadNotReady,
    /// Pods are being replaced.
    RollingOut,
    /// The rollout has not got on for long.
    RolloutStuck,
    /// The workload is being replaced by one of the other kind.
    SwitchingWorkload,
    /// The API server refused something.
    ReconcileFailed,
    /// The spec can't be obeyed.
    InvalidSpec,
    /// The spec says `paused`.
    Paused,
    /// Nothing is wrong, or nothing is going on.
    AsExpected,
    /// An object of the name is not ours.
    NameConflict,
    /// The pod template has fields that are not known.
    UnknownPodTemplateFields,
    /// The claim has another storage class than the spec.
    StorageClassDiffers,
    /// The storage class does not let volumes grow.
    StorageClassNotExpandable,
    /// The volume is there.
    Bound,
    /// The volume is being made larger.
    Resizing,
    /// The volume can't be made larger.
    ResizeNotSupported,
    /// The spec asks for no volume, or no monitoring.
    Disabled,
    /// The ServiceMonitor is there, and a Prometheus selects it.
    Selected,
    /// The ServiceMonitor is there; who selects it can't be seen.
    Applied,
    /// The cluster serves no ServiceMonitors, or no HTTPRoutes.
    CRDNotInstalled,
    /// No Prometheus selects the ServiceMonitor.
    NotSelected,
    /// A Prometheus overrides `honorLabels`.
    HonorLabelsOverridden,
}

impl Reason {
    /// All of them.
    const ALL: [Self; 24] = [
        Self::Pending,
        Self::AllReplicasReady,
        Self::ScaledToZero,
        Self::WorkloadNotReady,
        Self::RollingOut,
        Self::RolloutStuck,
        Self::SwitchingWorkload,
        Self::ReconcileFailed,
        Self::InvalidSpec,
        Self::Paused,
        Self::AsExpected,
        Self::NameConflict,
        Self::UnknownPodTemplateFields,
        Self::StorageClassDiffers,
        Self::StorageClassNotExpandable,
        Self::Bound,
        Self::Resizing,
        Self::ResizeNotSupported,
        Self::Disabled,
        Self::Selected,
        Self::Applied,
        Self::CRDNotInstalled,
        Self::NotSelected,
        Self::HonorLabelsOverridden,
    ];

    /// The reason of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.to_string() == name)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names of the variants are the names in the API.
        fmt::Debug::fmt(self, formatter)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names of the variants are the names in the API.
        fmt::Debug::fmt(self, formatter)
    }
}
