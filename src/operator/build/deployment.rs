//! The Deployment: the workload of a gateway that keeps everything in memory.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{metadata, pod_template};
use crate::operator::api::WorkloadKind;
use crate::operator::validate::ValidatedPushGateway;

/// The Deployment. Whatever the API server would default is written out, so that it has nothing to add.
pub(super) fn build(gateway: &ValidatedPushGateway) -> Deployment {
    let kind = WorkloadKind::Deployment;
    Deployment {
        metadata: metadata::of_child(gateway, gateway.name()),
        spec: DeploymentSpec {
            replicas: Some(gateway.replicas()),
            selector: LabelSelector {
                match_labels: Some(gateway.selector_labels(kind)),
                ..LabelSelector::default()
            },
            template: pod_template::build(gateway, kind),
            // Two gateways at once would split the pushes between them.
            strategy: Some(DeploymentStrategy {
                type_: Some("Recreate".to_owned()),
                ..DeploymentStrategy::default()
            }),
            min_ready_seconds: Some(0),
            progress_deadline_seconds: Some(600),
            revision_history_limit: Some(10),
            ..DeploymentSpec::default()
        },
        ..Deployment::default()
    }
}
