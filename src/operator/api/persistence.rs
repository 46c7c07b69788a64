//! The volume that holds the persistence file.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// The volume that holds the persistence file. With it the gateway is a StatefulSet, without a Deployment.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!self.enabled || !oldSelf.enabled || has(self.existingClaim) || has(oldSelf.existingClaim) || (has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName))").message("storageClassName can't be changed: a volume can't move to another class"),
    validation = Rule::new("!self.enabled || !oldSelf.enabled || has(self.existingClaim) || has(oldSelf.existingClaim) || self.accessModes == oldSelf.accessModes").message("accessModes can't be changed: those of a volume are fixed"),
    validation = Rule::new("!self.enabled || !oldSelf.enabled || has(self.existingClaim) || has(oldSelf.existingClaim) || !isQuantity(self.size) || !isQuantity(oldSelf.size) || quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0").message("size can only grow"),
    validation = Rule::new("!(has(self.existingClaim) && has(self.storageClassName))").message("existingClaim and storageClassName exclude each other: the claim has its class already"),
    validation = Rule::new("!has(self.existingClaim) || self.retentionPolicy.whenDeleted == 'Retain' && self.retentionPolicy.whenScaled == 'Retain'").message("retentionPolicy can't be Delete with existingClaim: the operator does not delete claims that others made")
)]
pub struct Persistence {
    /// Whether pushes outlive the pod. If not, the gateway is a Deployment that starts empty.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Size of the volume. It can grow where the storage class allows it, and can't shrink.
    #[serde(default = "two_gibibytes")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(
        validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))").message("size must be a quantity above zero, such as 2Gi")
    )]
    pub size: String,
    /// Storage class of the volume. By default that of the cluster. It can't be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub storage_class_name: Option<String>,
    /// Access modes of the volume. They can't be changed later.
    #[serde(default = "read_write_once")]
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub access_modes: Vec<AccessMode>,
    /// VolumeAttributesClass of the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub volume_attributes_class_name: Option<String>,
    /// A claim that exists already and is used instead of a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub existing_claim: Option<String>,
    /// Further labels of the claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels_of_selected")]
    pub labels: BTreeMap<String, String>,
    /// Further annotations of the claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::annotations")]
    pub annotations: BTreeMap<String, String>,
    /// Name of the persistence file in the volume. A file of the Go Pushgateway is taken over.
    #[serde(default = "file_name")]
    #[schemars(
        length(min = 1, max = 128),
        regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")
    )]
    pub file: String,
    /// 0s answers a push once it is on disk. A longer interval answers at once and writes later, so that a crash
    /// loses what came since.
    #[serde(default = "zero_seconds")]
    #[schemars(
        length(min = 1, max = 32),
        regex(pattern = r"^(0|([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$")
    )]
    pub interval: String,
    /// What becomes of the claim later.
    #[serde(default)]
    pub retention_policy: PersistenceRetention,
}

/// What becomes of the claim when it is no longer needed.
#[derive(JsonSchema, Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistenceRetention {
    /// When the PushGateway is deleted.
    #[serde(default)]
    pub when_deleted: Retention,
    /// When it is scaled to zero.
    #[serde(default)]
    pub when_scaled: Retention,
}

/// Whether a claim is kept.
#[derive(JsonSchema, Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Retention {
    /// The claim stays, with all that was pushed.
    #[default]
    Retain,
    /// The claim is deleted.
    Delete,
}

/// How a volume may be mounted.
#[derive(JsonSchema, Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum AccessMode {
    /// By one node, for reading and writing.
    ReadWriteOnce,
    /// By one pod, for reading and writing.
    ReadWriteOncePod,
    /// By many nodes, for reading and writing.
    ReadWriteMany,
}

impl Default for Persistence {
    fn default() -> Self {
        Self {
            enabled: yes(),
            size: two_gibibytes(),
            storage_class_name: None,
            access_modes: read_write_once(),
            volume_attributes_class_name: None,
            existing_claim: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            file: file_name(),
            interval: zero_seconds(),
            retention_policy: PersistenceRetention::default(),
        }
    }
}

fn yes() -> bool {
    true
}

fn two_gibibytes() -> String {
    "2Gi".to_owned()
}

fn read_write_once() -> Vec<AccessMode> {
    vec![AccessMode::ReadWriteOnce]
}

fn file_name() -> String {
    "pushgateway.data".to_owned()
}

fn zero_seconds() -> String {
    "0s".to_owned()
}
