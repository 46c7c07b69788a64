//! How far a workload has come, read from its status and its pods.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::DynamicObject;
use serde_json::Value;

/// Reasons of a waiting container that do not pass by themselves.
const STUCK: [&str; 7] = [
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
];

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Progress {
    /// Pods there are.
    pub replicas: i32,
    /// Pods that accept pushes.
    pub ready: i32,
    /// Pods made from the current template.
    pub updated: i32,
    /// Pods that are wanted.
    pub desired: i32,
    /// Whether its controller has seen the current spec.
    pub is_current: bool,
}

impl Progress {
    /// Of a Deployment or StatefulSet.
    pub(super) fn of(workload: &DynamicObject) -> Self {
        let count = |value: &Value| {
            let number = value.as_i64().unwrap_or_default();
            i32::try_from(number).unwrap_or(i32::MAX)
        };
        let status = &workload.data["status"];
        Self {
            replicas: count(&status["replicas"]),
            ready: count(&status["readyReplicas"]),
            updated: count(&status["updatedReplicas"]),
            desired: workload.data["spec"]["replicas"]
                .as_i64()
                .map_or(1, |_| count(&workload.data["spec"]["replicas"])),
            is_current: status["observedGeneration"].as_i64() == workload.metadata.generation,
        }
    }

    /// Whether everything is as the spec wants it.
    pub(super) fn is_done(self) -> bool {
        self.is_current
            && self.ready >= self.desired
            && self.updated >= self.desired
            && self.replicas == self.desired
    }
}

/// What keeps a pod from being ready.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Obstacle {
    /// In words.
    pub message: String,
    /// Whether it does not pass by itself.
    pub is_stuck: bool,
}

/// What keeps the first pod that is not ready from being so.
pub(super) fn obstacle(pods: &[Pod]) -> Option<Obstacle> {
    pods.iter().filter(|pod| !is_ready(pod)).find_map(|pod| {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let found = waiting(pod).or_else(|| unmet_condition(pod))?;
        Some(Obstacle {
            message: format!("pod {name}: {}", found.message),
            ..found
        })
    })
}

fn is_ready(pod: &Pod) -> bool {
    conditions(pod).any(|condition| condition.0 == "Ready" && condition.1 == "True")
}

/// Type, status and message of the pod's conditions.
fn conditions(pod: &Pod) -> impl Iterator<Item = (String, String, String)> + '_ {
    let status = pod.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().map(|condition| {
        let value = serde_json::to_value(condition).unwrap_or_default();
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        (text("type"), text("status"), text("message"))
    })
}

fn waiting(pod: &Pod) -> Option<Obstacle> {
    let status = pod.status.as_ref()?;
    let containers = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses);
    containers
        .flatten()
        .find_map(|container: &ContainerStatus| {
            let waiting = container.state.as_ref()?.waiting.as_ref()?;
            let reason = waiting.reason.clone()?;
            let last = container
                .last_state
                .as_ref()
                .and_then(|state| state.terminated.as_ref())
                .map(|ended| format!(" (exit status {})", ended.exit_code));
            let message = waiting.message.as_deref().unwrap_or("no message");
            Some(Obstacle {
                is_stuck: STUCK.contains(&reason.as_str()),
                message: format!(
                    "container {}: {reason}: {message}{}",
                    container.name,
                    last.unwrap_or_default()
                ),
            })
        })
}

fn unmet_condition(pod: &Pod) -> Option<Obstacle> {
    conditions(pod)
        .filter(|(_, status, message)| status == "False" && !message.is_empty())
        .map(|(_, _, message)| Obstacle {
            message,
            is_stuck: false,
        })
        .next()
}
