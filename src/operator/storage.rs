//! The claim of the persistence file: lets it grow, and keeps the StatefulSet's claim template in step.
//!
//! A claim template can't be changed (Kubernetes: StatefulSet, "Volume Claim Templates"), so the StatefulSet is deleted without its pods
//! and applied again; the new one takes the pods over, which notice nothing.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::apply::{Applier, FIELD_MANAGER};
use super::build::Child;
use super::error::{Error, is_not_found};
use super::kind::Kind;
use super::observe::Observed;
use super::quantity;
use super::validate::Mount;

/// What became of the claim.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct ClaimOutcome {
    /// Whether the StatefulSet was deleted, without its pods, to be applied again.
    pub replaced: bool,
    /// Why the claim can't grow, in the words of the API server.
    pub not_expandable: Option<String>,
    /// The storage class that the claim has, where the spec says another.
    pub other_class: Option<String>,
}

/// Brings the claim and the StatefulSet's claim template in step with `child`, the StatefulSet that is wanted.
pub(super) async fn settle(
    applier: &Applier<'_>,
    child: &mut Child,
    live: &DynamicObject,
    observed: &Observed,
) -> Result<ClaimOutcome, Error> {
    let mut outcome = ClaimOutcome::default();
    let wanted = child.object["spec"]["volumeClaimTemplates"].clone();
    let template = &live.data["spec"]["volumeClaimTemplates"];
    if let Some(claim) = &observed.claim {
        outcome.other_class = other_class(claim, &wanted[0]);
        // One that is not bound can't grow yet; once it is, its watch has us look again.
        if outcome.other_class.is_none() && is_bound(claim) {
            outcome.not_expandable = grow(applier, claim, &wanted[0]).await?;
        }
    }
    if same_templates(&wanted, template) {
        return Ok(outcome);
    }
    if outcome.other_class.is_some() || outcome.not_expandable.is_some() {
        // A new template would not change the claim, so the old one stays.
        child.object["spec"]["volumeClaimTemplates"] = template.clone();
        return Ok(outcome);
    }
    delete_without_pods(applier, child, live).await?;
    outcome.replaced = true;
    Ok(outcome)
}

/// The class of the claim, if the template names another one.
fn other_class(claim: &PersistentVolumeClaim, template: &Value) -> Option<String> {
    let wanted = template["spec"]["storageClassName"].as_str()?;
    let class = claim.spec.as_ref()?.storage_class_name.as_deref()?;
    (class != wanted).then(|| class.to_owned())
}

/// Asks for a larger volume where the template is larger. Gives the reason where that can't be.
async fn grow(
    applier: &Applier<'_>,
    claim: &PersistentVolumeClaim,
    template: &Value,
) -> Result<Option<String>, Error> {
    let Some(wanted) = template["spec"]["resources"]["requests"]["storage"].as_str() else {
        return Ok(None);
    };
    let requested = requested(claim).map_or("0", |quantity| quantity.0.as_str());
    if !quantity::is_larger(wanted, requested) {
        return Ok(None);
    }
    let name = claim.metadata.name.clone().unwrap_or_default();
    let larger = json!({"spec": {"resources": {"requests": {"storage": wanted}}}});
    let api =
        Api::<PersistentVolumeClaim>::namespaced(applier.client.clone(), applier.owner.namespace());
    match api.patch(&name, &by_us(), &Patch::Merge(larger)).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if status.is_forbidden() || status.is_invalid() => {
            Ok(Some(status.message.clone()))
        }
        Err(source) => Err(Error::Resize {
            name,
            source: Box::new(source),
        }),
    }
}

/// Whether the claim has its volume.
pub(super) fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    let status = claim.status.as_ref();
    status.and_then(|status| status.phase.as_deref()) == Some("Bound")
}

/// The size that the claim asks for.
pub(super) fn requested(claim: &PersistentVolumeClaim) -> Option<&Quantity> {
    let resources = claim.spec.as_ref()?.resources.as_ref()?;
    resources.requests.as_ref()?.get("storage")
}

/// Name of the claim that a StatefulSet uses.
pub(super) fn claim_of(set: &DynamicObject) -> Option<String> {
    let spec = &set.data["spec"];
    if spec["volumeClaimTemplates"].is_array() {
        let (volume, name) = (Mount::Storage.volume(), set.name_any());
        return Some(format!("{volume}-{name}-0"));
    }
    let volumes = spec["template"]["spec"]["volumes"].as_array()?;
    let claim = |volume: &Value| {
        Some(
            volume["persistentVolumeClaim"]["claimName"]
                .as_str()?
                .to_owned(),
        )
    };
    let ours = |volume: &&Value| volume["name"] == Mount::Storage.volume();
    volumes.iter().find(ours).and_then(claim)
}

/// Takes care that a claim is not deleted with its StatefulSet, since its PushGateway stays. Tells whether that is
/// done; until then, the StatefulSet's status has us look again.
pub(super) async fn keep_claim(applier: &Applier<'_>, set: &DynamicObject) -> Result<bool, Error> {
    const POLICY: &str = "persistentVolumeClaimRetentionPolicy";
    if set.data["spec"][POLICY]["whenDeleted"] == "Delete" {
        let retain = json!({"spec": {POLICY: {"whenDeleted": "Retain"}}});
        let api = Kind::StatefulSet.api(applier.client, applier.owner.namespace());
        let patched = api
            .patch(&set.name_any(), &by_us(), &Patch::Merge(retain))
            .await;
        patched.map_err(|source| Error::Apply {
            kind: Kind::StatefulSet,
            name: set.name_any(),
            source: Box::new(source),
        })?;
        return Ok(false);
    }
    // Its controller may not have seen that yet, and makes it the owner of its claim again.
    let is_seen = set.data["status"]["observedGeneration"].as_i64() == set.metadata.generation;
    if is_seen && let Some(name) = claim_of(set) {
        disown(applier, &name, set).await?;
    }
    Ok(is_seen)
}

/// Removes the owner reference to a StatefulSet, which its controller leaves behind where there is no pod.
async fn disown(applier: &Applier<'_>, claim: &str, set: &DynamicObject) -> Result<(), Error> {
    let api =
        Api::<PersistentVolumeClaim>::namespaced(applier.client.clone(), applier.owner.namespace());
    let failed = |source| Error::Disown {
        name: claim.to_owned(),
        source: Box::new(source),
    };
    let Some(found) = api.get_opt(claim).await.map_err(failed)? else {
        return Ok(());
    };
    let owners = found.owner_references();
    let others: Vec<_> = owners
        .iter()
        .filter(|owner| Some(&owner.uid) != set.metadata.uid.as_ref())
        .collect();
    if others.len() < owners.len() {
        let metadata =
            json!({"ownerReferences": others, "resourceVersion": found.resource_version()});
        let patch = Patch::Merge(json!({"metadata": metadata}));
        api.patch(claim, &by_us(), &patch).await.map_err(failed)?;
    }
    Ok(())
}

fn by_us() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// Whether all that the wanted templates say is said by the live ones, which have defaults besides.
fn same_templates(wanted: &Value, live: &Value) -> bool {
    let (none, empty) = (Value::Null, Vec::new());
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| empty.clone());
    let (wanted, live) = (list(wanted), list(live));
    let metadata = |template: &Value| {
        let metadata = template.get("metadata").unwrap_or(&none);
        let part = |name: &str| metadata.get(name).cloned().unwrap_or_else(|| json!({}));
        (part("labels"), part("annotations"))
    };
    wanted.len() == live.len()
        && wanted
            .iter()
            .zip(&live)
            .all(|(wanted, live)| is_part_of(wanted, live) && metadata(wanted) == metadata(live))
}

/// Whether `part` is found in `whole`; quantities are compared as such.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().all(|(name, value)| {
            whole
                .get(name)
                .is_some_and(|other| is_part_of(value, other))
        }),
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .all(|(part, whole)| is_part_of(part, whole))
        }
        (Value::String(part), Value::String(whole)) => {
            part == whole || quantity::are_equal(part, whole)
        }
        (part, whole) => part == whole,
    }
}

async fn delete_without_pods(
    applier: &Applier<'_>,
    child: &Child,
    live: &DynamicObject,
) -> Result<(), Error> {
    let only_this = DeleteParams::orphan().preconditions(Preconditions {
        uid: live.metadata.uid.clone(),
        resource_version: None,
    });
    let api = Kind::StatefulSet.api(applier.client, applier.owner.namespace());
    let failed = |source| Error::Delete {
        kind: Kind::StatefulSet,
        name: child.name.clone(),
        source: Box::new(source),
    };
    match api.delete(&child.name, &only_this).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if is_not_found(&status) => return Ok(()),
        Err(source) => return Err(failed(source)),
    }
    let is_gone = kube::runtime::conditions::is_deleted(live.metadata.uid.as_deref().unwrap_or(""));
    let wait = kube::runtime::wait::await_condition(api, &child.name, is_gone);
    match tokio::time::timeout(GONE_WITHIN, wait).await {
        Ok(Ok(_)) => Ok(()),
        // The orphans are still being let go of; the next reconcile finds it gone.
        _ => Err(failed(kube::Error::Api(Box::new(
            kube::core::Status::failure("is still being deleted", "Conflict").with_code(409),
        )))),
    }
}

/// How long a StatefulSet may take to let go of its pods.
const GONE_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn template(size: &str) -> Value {
        json!([{
            "metadata": {"name": "storage-volume", "labels": {"a": "b"}},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
        }])
    }

    #[test]
    fn defaults_and_spelling_of_quantities_make_no_difference() {
        let mut live = template("1Gi");
        live[0]["status"] = json!({"phase": "Pending"});
        live[0]["spec"]["volumeMode"] = "Filesystem".into();
        assert!(same_templates(&template("1024Mi"), &live));
    }

    #[test]
    fn sizes_labels_and_number_make_a_difference() {
        let live = template("1Gi");
        assert!(!same_templates(&template("2Gi"), &live));
        let mut other = template("1Gi");
        other[0]["metadata"]["labels"] = json!({});
        assert!(!same_templates(&other, &live));
        assert!(!same_templates(&Value::Null, &live));
        assert!(!same_templates(&live, &Value::Null));
        assert!(same_templates(&Value::Null, &json!([])));
    }
}
