//! The volume of the persistence file.

use std::collections::BTreeMap;

use super::super::quantity;
use super::api::{AccessMode, Persistence, PersistenceRetention, Retention};
use super::{Invalid, Mount, labels, limits};

/// The volume of the persistence file.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// Name of the claim, whoever makes it.
    pub claim_name: String,
    /// Where the claim comes from.
    pub source: ClaimSource,
    /// Size that is asked for, as a quantity. An existing claim may have another one.
    pub size: String,
    /// Name of the persistence file in the volume.
    pub file: String,
    /// Value of `--persistence.interval`.
    pub interval: String,
}

/// Where a claim comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimSource {
    /// The StatefulSet makes it.
    Template(ClaimTemplate),
    /// It is there already.
    Existing,
}

/// What a StatefulSet makes a claim from.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimTemplate {
    /// Its storage class; none for that of the cluster.
    pub storage_class: Option<String>,
    /// Its access modes.
    pub access_modes: Vec<AccessMode>,
    /// Its VolumeAttributesClass.
    pub volume_attributes_class: Option<String>,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Further annotations.
    pub annotations: BTreeMap<String, String>,
    /// What becomes of it later.
    pub retention: PersistenceRetention,
}

impl Storage {
    /// Name of the claim.
    pub fn claim_name(&self) -> &str {
        &self.claim_name
    }

    /// The storage class that is asked for; none for an existing claim or that of the cluster.
    pub fn storage_class(&self) -> Option<&str> {
        self.template()?.storage_class.as_deref()
    }

    /// The claim template, unless the claim is there already.
    pub fn template(&self) -> Option<&ClaimTemplate> {
        match &self.source {
            ClaimSource::Template(template) => Some(template),
            ClaimSource::Existing => None,
        }
    }
}

pub(super) fn check(persistence: Persistence, name: &str) -> Result<Option<Storage>, Invalid> {
    if !persistence.enabled {
        return Ok(None);
    }
    check_values(&persistence)?;
    let Persistence {
        enabled: _,
        size,
        storage_class_name,
        access_modes,
        volume_attributes_class_name,
        existing_claim,
        labels,
        annotations,
        file,
        interval,
        retention_policy,
    } = persistence;
    let (claim_name, source) = match existing_claim {
        Some(claim) => (claim, ClaimSource::Existing),
        None => (
            // The StatefulSet controller names claims so; there is only pod 0.
            format!("{}-{name}-0", Mount::Storage.volume()),
            ClaimSource::Template(ClaimTemplate {
                storage_class: storage_class_name,
                access_modes,
                volume_attributes_class: volume_attributes_class_name,
                labels,
                annotations,
                retention: retention_policy,
            }),
        ),
    };
    Ok(Some(Storage {
        claim_name,
        source,
        size,
        file,
        interval,
    }))
}

fn check_values(persistence: &Persistence) -> Result<(), Invalid> {
    let refuse = |field: &str, message: String| {
        Err(Invalid::new(format!("spec.persistence.{field}"), message))
    };
    labels::check_unreserved("spec.persistence.labels", &persistence.labels)?;
    if !quantity::is_larger(&persistence.size, "0") {
        let size = &persistence.size;
        return refuse(
            "size",
            format!("{size:?} is no size of a volume; write a quantity above zero such as 2Gi"),
        );
    }
    if !is_file_name(&persistence.file) {
        let file = &persistence.file;
        return refuse(
            "file",
            format!(
                "{file:?} is no file name; write one without slashes, such as pushgateway.data"
            ),
        );
    }
    if limits::milliseconds(&persistence.interval).is_none() {
        let interval = &persistence.interval;
        return refuse(
            "interval",
            format!("{interval:?} is no duration; write one such as 0s or 5m"),
        );
    }
    if persistence.access_modes.is_empty() {
        return refuse(
            "accessModes",
            "is empty; write one such as ReadWriteOnce".to_owned(),
        );
    }
    let Some(claim) = &persistence.existing_claim else {
        return Ok(());
    };
    if persistence.storage_class_name.is_some() {
        return refuse(
            "existingClaim",
            format!("{claim:?} has its storage class already; remove storageClassName"),
        );
    }
    let PersistenceRetention {
        when_deleted,
        when_scaled,
    } = persistence.retention_policy;
    if when_deleted == Retention::Delete || when_scaled == Retention::Delete {
        return refuse(
            "existingClaim",
            format!(
                "{claim:?} was made by others and is never deleted; set retentionPolicy to Retain"
            ),
        );
    }
    Ok(())
}

fn is_file_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.starts_with(['.', '-']) && !text.is_empty() && text.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_in_the_volume() {
        assert!(is_file_name("pushgateway.data"));
        for text in ["", ".", "..", "a/b", "-a", "ä", "a b"] {
            assert!(!is_file_name(text), "{text:?} is none");
        }
    }
}
