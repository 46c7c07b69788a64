//! The PodDisruptionBudget, only if asked for: with one replica it can keep nodes from being drained.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::metadata;
use crate::operator::validate::ValidatedPushGateway;

pub(super) fn build(gateway: &ValidatedPushGateway) -> Option<PodDisruptionBudget> {
    let budget = gateway.pod_disruption_budget()?;
    Some(PodDisruptionBudget {
        metadata: metadata::of_child(gateway, gateway.name()),
        spec: Some(PodDisruptionBudgetSpec {
            min_available: budget.min_available.clone(),
            max_unavailable: budget.max_unavailable.clone(),
            selector: Some(LabelSelector {
                match_labels: Some(gateway.instance_labels()),
                ..LabelSelector::default()
            }),
            // A pod that does not work anyway is no reason to keep a node.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
        }),
        ..PodDisruptionBudget::default()
    })
}
