//! Whose an object is: which children are ours, and which objects of their names are not ours to change.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;
use kube::api::DynamicObject;

use super::validate::{INSTANCE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, ValidatedPushGateway};

/// With this annotation, whose value is the name of the PushGateway, an object that is not ours is taken over.
pub const ADOPT_ANNOTATION: &str = "pushgateway.io/adopt";

/// Whether the object belongs to the PushGateway of this UID, as its controller.
pub(super) fn is_child_of(object: &DynamicObject, uid: &str) -> bool {
    controller(object).is_some_and(|owner| owner.uid == uid)
}

/// Name of the PushGateway that an object was made for: its owner, or where somebody has removed the owner reference,
/// the one in the instance label.
pub(super) fn made_for(object: &impl ResourceExt) -> Option<String> {
    match controller(object) {
        Some(owner) => (owner.kind == "PushGateway").then(|| owner.name.clone()),
        None => object.labels().get(INSTANCE_LABEL).cloned(),
    }
}

/// To whom an object belongs that is not `owner`'s to change; `None` if it is.
pub(super) fn stranger(live: &DynamicObject, owner: &ValidatedPushGateway) -> Option<String> {
    match controller(live) {
        Some(controller) if controller.uid == owner.uid() => None,
        Some(controller) => Some(format!("{} {}", controller.kind, controller.name)),
        None if asks_for(live, owner.name()) || was_made_for(live, owner.name()) => None,
        None => {
            let manager = live.labels().get(MANAGED_BY_LABEL).cloned();
            Some(manager.unwrap_or_else(|| "somebody else".to_owned()))
        }
    }
}

fn controller(object: &impl ResourceExt) -> Option<&OwnerReference> {
    let mut owners = object.owner_references().iter();
    owners.find(|owner| owner.controller == Some(true))
}

fn asks_for(live: &DynamicObject, name: &str) -> bool {
    let wanted = live.annotations().get(ADOPT_ANNOTATION);
    wanted.is_some_and(|wanted| wanted == name)
}

/// Whether we made it, by its labels: somebody has removed the owner reference, or has deleted a PushGateway of this
/// name without its children.
fn was_made_for(live: &DynamicObject, name: &str) -> bool {
    let label = |key| live.labels().get(key).map(String::as_str);
    label(MANAGED_BY_LABEL) == Some(MANAGED_BY) && label(INSTANCE_LABEL) == Some(name)
}
