//! The metadata that all children have in common.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::map_unless_empty;
use crate::operator::validate::ValidatedPushGateway;

/// Metadata of a child, with the labels of all children and an owner reference.
pub(super) fn of_child(gateway: &ValidatedPushGateway, name: impl Into<String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        namespace: Some(gateway.namespace().to_owned()),
        labels: Some(gateway.labels()),
        owner_references: Some(vec![gateway.owner_reference().clone()]),
        ..ObjectMeta::default()
    }
}

/// The same with what users add; validation has kept them off labels that something is selected by.
pub(super) fn with(
    mut metadata: ObjectMeta,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> ObjectMeta {
    let all = metadata.labels.get_or_insert_default();
    all.extend(labels.clone());
    metadata.annotations = map_unless_empty(annotations.clone());
    metadata
}
