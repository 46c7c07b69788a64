//! Checks what a `PushGateway` asks for, and turns it into what the builders need.
//!
//! The schema refuses most mistakes before an object is stored. This repeats what would break the gateway where the
//! schema was passed by (an older definition in the cluster, [`render`](super::render()) without one), and checks what
//! no schema can: the pod template, paths, the external URL. After it nothing reads a `PushGatewaySpec`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use serde_json::{Value, json};

use super::api::{self, PushGateway, PushGatewaySpec, WorkloadKind};

mod gateway;
mod image;
mod labels;
mod limits;
mod managed_flags;
mod metadata;
mod mount;
mod pod;
pub(super) mod round_trip;
mod storage;
mod web;

pub use gateway::ValidatedPushGateway;
pub(super) use image::default_pull_policy;
pub use image::{DEFAULT_IMAGE, Defaults};
pub use labels::{
    HEADLESS_SUFFIX, INSTANCE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, NAME, NAME_LABEL, SCRAPE_LABEL,
    VERSION_LABEL, WORKLOAD_LABEL,
};
pub use managed_flags::{MANAGED_FLAGS, is_managed};
pub use mount::Mount;
pub use pod::{CONTAINER, Pod};
pub use storage::{ClaimSource, ClaimTemplate, Storage};
pub use web::{Scheme, Web};

/// A field that can't be obeyed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// Where it is, as `spec.web.externalURL`.
    pub field: String,
    /// Its value, what is wrong with it and what helps.
    pub message: String,
}

impl Invalid {
    /// A spec whose fields have other types than in its definition.
    pub(super) fn unreadable(spec: &Value, error: &str) -> Self {
        // All fields have defaults, so that each can be tried alone.
        let is_wrong = |(name, value): &(&String, &Value)| {
            let alone = json!({ name.as_str(): value });
            serde_json::from_value::<PushGatewaySpec>(alone).is_err()
        };
        let field = spec.as_object().into_iter().flatten().find(is_wrong);
        let field = field.map_or_else(|| "spec".to_owned(), |(name, _)| format!("spec.{name}"));
        Self::new(field, format!("can't be read: {error}"))
    }

    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Checks an object that was read from the API server or a file.
pub fn validate(
    object: &PushGateway,
    defaults: &Defaults,
) -> Result<ValidatedPushGateway, Invalid> {
    let metadata = metadata::check(&object.metadata)?;
    let missing = || Invalid::new("metadata.uid", "is missing: the object was never stored");
    let owner_reference = OwnerReference {
        // With foreground deletion, children go first; and only who may finalize the owner may say so.
        block_owner_deletion: Some(true),
        ..object.controller_owner_ref(&()).ok_or_else(missing)?
    };
    check_fields(&object.spec)?;
    let PushGatewaySpec {
        image,
        version,
        image_pull_policy,
        image_pull_secrets,
        replicas,
        paused,
        persistence,
        service,
        service_monitor,
        web,
        push,
        log_level,
        log_format,
        extra_args,
        env,
        env_from,
        resources,
        probes,
        pod_security_context,
        security_context,
        node_selector,
        affinity,
        tolerations,
        topology_spread_constraints,
        priority_class_name,
        runtime_class_name,
        scheduler_name,
        termination_grace_period_seconds,
        host_users,
        service_account_name,
        pod_labels,
        pod_annotations,
        pod_disruption_budget,
        network_policy,
        ingress,
        http_route,
        pod_template,
    } = object.spec.clone();
    let image = image::Image::choose(image, version, defaults)?;
    let storage = storage::check(persistence, &metadata.name)?;
    let web = web::check(web, service_monitor.tls_config.is_some())?;
    let pod = Pod {
        image_pull_policy,
        image_pull_secrets,
        env,
        env_from,
        resources,
        probes,
        pod_security_context,
        security_context,
        node_selector,
        affinity,
        tolerations,
        topology_spread_constraints,
        priority_class_name,
        runtime_class_name,
        scheduler_name,
        termination_grace_period_seconds,
        host_users,
        service_account_name,
        labels: pod_labels,
        annotations: pod_annotations,
        overlay: None,
        unknown_fields: Vec::new(),
    };
    Ok(ValidatedPushGateway {
        name: metadata.name,
        namespace: metadata.namespace,
        uid: owner_reference.uid.clone(),
        generation: metadata.generation,
        owner_reference,
        replicas,
        paused,
        image: image.reference,
        version: image.tag,
        storage,
        web,
        push,
        log_level,
        log_format,
        extra_args,
        pod: pod.check()?.overlaid(pod_template)?,
        service,
        monitoring: service_monitor,
        pod_disruption_budget,
        network_policy,
        ingress,
        http_route,
    })
}

/// Checks what stays as it is.
fn check_fields(spec: &PushGatewaySpec) -> Result<(), Invalid> {
    check_replicas(spec.replicas)?;
    limits::check(&spec.push.limits)?;
    managed_flags::check(&spec.extra_args)?;
    check_service(&spec.service)?;
    check_monitoring(&spec.service_monitor)?;
    check_disruption_budget(spec.pod_disruption_budget.as_ref())?;
    check_routes(spec.ingress.as_ref(), spec.http_route.as_ref())
}

fn check_replicas(replicas: i32) -> Result<(), Invalid> {
    if (0..=1).contains(&replicas) {
        return Ok(());
    }
    Err(Invalid::new(
        "spec.replicas",
        format!("{replicas} is not possible: gateways can't share what they hold; set 0 or 1"),
    ))
}

fn check_service(service: &api::Service) -> Result<(), Invalid> {
    labels::check_unreserved("spec.service.labels", &service.labels)?;
    if service.cluster_ip.as_deref() != Some("None") {
        return Ok(());
    }
    if service.type_ != api::ServiceType::ClusterIP {
        return Err(Invalid::new(
            "spec.service.clusterIP",
            "None needs type ClusterIP; leave out one of them",
        ));
    }
    if service.port != i32::from(crate::DEFAULT_PORT) {
        let message = format!(
            "{} has no effect with clusterIP None, where clients reach the pod itself; set {} or leave out clusterIP",
            service.port,
            crate::DEFAULT_PORT
        );
        return Err(Invalid::new("spec.service.port", message));
    }
    Ok(())
}

fn check_monitoring(monitor: &api::ServiceMonitor) -> Result<(), Invalid> {
    labels::check_managed_by("spec.serviceMonitor.labels", &monitor.labels)?;
    if monitor.authorization.is_some() && monitor.basic_auth.is_some() {
        return Err(Invalid::new(
            "spec.serviceMonitor.authorization",
            "is set beside basicAuth, and Prometheus sends only one of them; remove one",
        ));
    }
    Ok(())
}

fn check_disruption_budget(budget: Option<&api::PodDisruptionBudget>) -> Result<(), Invalid> {
    match budget {
        Some(budget) if budget.min_available.is_some() == budget.max_unavailable.is_some() => {
            Err(Invalid::new(
                "spec.podDisruptionBudget",
                "needs either minAvailable or maxUnavailable",
            ))
        }
        _ => Ok(()),
    }
}

fn check_routes(
    ingress: Option<&api::Ingress>,
    route: Option<&api::HttpRoute>,
) -> Result<(), Invalid> {
    if let Some(ingress) = ingress {
        labels::check_managed_by("spec.ingress.labels", &ingress.labels)?;
    }
    let Some(route) = route else { return Ok(()) };
    labels::check_managed_by("spec.httpRoute.labels", &route.labels)?;
    if route.parent_refs.is_empty() {
        return Err(Invalid::new(
            "spec.httpRoute.parentRefs",
            "is empty; name the Gateway that the route attaches to",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
