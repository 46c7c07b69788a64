//! The object's own name, from which those of its children are made.

use kube::api::ObjectMeta;

use super::Invalid;

/// Longest name that leaves room for what is added: pods are labelled with the name and a hash, in 63 characters.
const LONGEST_NAME: usize = 52;

/// What children need to know of the object.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) generation: i64,
}

pub(super) fn check(metadata: &ObjectMeta) -> Result<Metadata, Invalid> {
    let name = metadata.name.clone().unwrap_or_default();
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_dns_label = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_part)
        && !name.ends_with('-');
    if !is_dns_label || name.len() > LONGEST_NAME {
        return Err(Invalid::new(
            "metadata.name",
            format!(
                "{name:?} can't be the name of a Service and its pods; take at most {LONGEST_NAME} lower case letters, digits and '-', with a letter first and no '-' last"
            ),
        ));
    }
    let Some(namespace) = metadata.namespace.clone() else {
        let message = "is missing; a PushGateway and its children are in one namespace";
        return Err(Invalid::new("metadata.namespace", message));
    };
    Ok(Metadata {
        name,
        namespace,
        generation: metadata.generation.unwrap_or_default(),
    })
}
