//! The StatefulSet: the workload of a gateway with a volume.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{
    RollingUpdateStatefulSetStrategy, StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy as RetentionPolicy, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::{map_unless_empty, metadata, pod_template, service};
use crate::operator::api::{PersistenceRetention, WorkloadKind};
use crate::operator::validate::{
    ClaimTemplate, MANAGED_BY, MANAGED_BY_LABEL, Mount, Storage, ValidatedPushGateway,
};

/// The StatefulSet. Whatever the API server would default is written out, so that it has nothing to add.
pub(super) fn build(gateway: &ValidatedPushGateway, storage: &Storage) -> StatefulSet {
    let kind = WorkloadKind::StatefulSet;
    let claim = storage.template();
    StatefulSet {
        metadata: metadata::of_child(gateway, gateway.name()),
        spec: StatefulSetSpec {
            replicas: Some(gateway.replicas()),
            service_name: Some(service::headless_name(gateway)),
            selector: LabelSelector {
                match_labels: Some(gateway.selector_labels(kind)),
                ..LabelSelector::default()
            },
            template: pod_template::build(gateway, kind),
            volume_claim_templates: claim
                .map(|claim| vec![claim_template(gateway, storage, claim)]),
            // A pod that can't start is replaced at once by its successor, for which OrderedReady would wait.
            pod_management_policy: Some("Parallel".to_owned()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateStatefulSetStrategy {
                    partition: Some(0),
                    ..RollingUpdateStatefulSetStrategy::default()
                }),
            }),
            persistent_volume_claim_retention_policy: Some(retention(claim)),
            min_ready_seconds: Some(0),
            revision_history_limit: Some(10),
            ..StatefulSetSpec::default()
        },
        ..StatefulSet::default()
    }
}

fn retention(claim: Option<&ClaimTemplate>) -> RetentionPolicy {
    let PersistenceRetention {
        when_deleted,
        when_scaled,
    } = claim.map(|claim| claim.retention).unwrap_or_default();
    RetentionPolicy {
        when_deleted: Some(format!("{when_deleted:?}")),
        when_scaled: Some(format!("{when_scaled:?}")),
    }
}

/// The claim template. It can't be changed later, so nothing that varies is in it: no version, no owner.
fn claim_template(
    gateway: &ValidatedPushGateway,
    storage: &Storage,
    claim: &ClaimTemplate,
) -> PersistentVolumeClaim {
    let mut labels = gateway.instance_labels();
    labels.insert(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned());
    labels.extend(claim.labels.clone());
    let requests = BTreeMap::from([("storage".to_owned(), Quantity(storage.size.clone()))]);
    let modes = claim.access_modes.iter().map(|mode| format!("{mode:?}"));
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(Mount::Storage.volume().to_owned()),
            labels: Some(labels),
            annotations: map_unless_empty(claim.annotations.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(modes.collect()),
            resources: Some(VolumeResourceRequirements {
                requests: Some(requests),
                ..VolumeResourceRequirements::default()
            }),
            storage_class_name: claim.storage_class.clone(),
            volume_attributes_class_name: claim.volume_attributes_class.clone(),
            volume_mode: Some("Filesystem".to_owned()),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}
