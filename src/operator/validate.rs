//! Checks what a `PushGateway` asks for, and turns it into what the builders need.
//!
//! The schema refuses most mistakes before an object is stored. This repeats what would break the gateway where the
//! schema was passed by (an older definition in the cluster, [`render`](super::render) without one), and checks what
//! no schema can: the pod template, paths, the external URL. After it nothing reads a `PushGatewaySpec`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;

use super::api::{self, PushGateway, PushGatewaySpec, WorkloadKind};

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
    /// An object whose fields have other types than in its definition.
    pub(super) fn unreadable(error: &str) -> Self {
        Self::new("spec", format!("can't be read: {error}"))
    }

    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// What a `PushGateway` asks for, checked. Only [`validate`] makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedPushGateway {
    name: String,
    namespace: String,
    uid: String,
    generation: i64,
    owner_reference: OwnerReference,
    replicas: i32,
    paused: bool,
    image: String,
    version: Option<String>,
    storage: Option<Storage>,
    web: Web,
    push: api::Push,
    log_level: api::LogLevel,
    log_format: api::LogFormat,
    extra_args: Vec<api::ExtraArg>,
    pod: Pod,
    service: api::Service,
    monitoring: api::ServiceMonitor,
    pod_disruption_budget: Option<api::PodDisruptionBudget>,
    network_policy: api::NetworkPolicy,
    ingress: Option<api::Ingress>,
    http_route: Option<api::HttpRoute>,
}

/// Checks an object that was read from the API server or a file.
pub fn validate(
    object: &PushGateway,
    defaults: &Defaults,
) -> Result<ValidatedPushGateway, Invalid> {
    let metadata = metadata::check(&object.metadata)?;
    let missing = || Invalid::new("metadata.uid", "is missing: the object was never stored");
    let owner_reference = object.controller_owner_ref(&()).ok_or_else(missing)?;
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

    check_replicas(replicas)?;
    let image = image::Image::choose(image, version, defaults)?;
    let storage = storage::check(persistence, &metadata.name)?;
    let web = web::check(web, service_monitor.tls_config.is_some())?;
    limits::check(&push.limits)?;
    managed_flags::check(&extra_args)?;
    check_service(&service)?;
    check_monitoring(&service_monitor)?;
    check_disruption_budget(pod_disruption_budget.as_ref())?;
    check_routes(ingress.as_ref(), http_route.as_ref())?;
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
    let is_headless = service.cluster_ip.as_deref() == Some("None");
    if is_headless && service.port != i32::from(crate::DEFAULT_PORT) {
        return Err(Invalid::new(
            "spec.service.port",
            format!(
                "{} has no effect with clusterIP None, where clients reach the pod itself; set {} or leave out clusterIP",
                service.port,
                crate::DEFAULT_PORT
            ),
        ));
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

impl ValidatedPushGateway {
    /// Name of the object, and of most of its children.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Namespace of the object and all of its children.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// UID of the object.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Generation of the spec that this was made from.
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// What makes an object a child of this one.
    pub fn owner_reference(&self) -> &OwnerReference {
        &self.owner_reference
    }

    /// 0 or 1.
    pub fn replicas(&self) -> i32 {
        self.replicas
    }

    /// Whether everything is to be left as it is.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The kind of workload that runs the gateway: a StatefulSet where there is a volume.
    pub fn workload_kind(&self) -> WorkloadKind {
        match self.storage {
            Some(_) => WorkloadKind::StatefulSet,
            None => WorkloadKind::Deployment,
        }
    }

    /// The image of the gateway.
    pub fn image(&self) -> &str {
        &self.image
    }

    /// The tag of the image, if it has one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The volume, if there is one.
    pub fn storage(&self) -> Option<&Storage> {
        self.storage.as_ref()
    }

    /// How the gateway serves HTTP.
    pub fn web(&self) -> &Web {
        &self.web
    }

    /// Which pushes are accepted.
    pub fn push(&self) -> &api::Push {
        &self.push
    }

    /// The least severe level that is logged.
    pub fn log_level(&self) -> api::LogLevel {
        self.log_level
    }

    /// The form of log lines.
    pub fn log_format(&self) -> api::LogFormat {
        self.log_format
    }

    /// Further flags, none of which another field sets.
    pub fn extra_args(&self) -> &[api::ExtraArg] {
        &self.extra_args
    }

    /// What the pod is made of beside the gateway's flags.
    pub fn pod(&self) -> &Pod {
        &self.pod
    }

    /// Paths in the pod template of fields that this version of Kubernetes does not have; they are left out.
    pub fn unknown_pod_template_fields(&self) -> &[String] {
        &self.pod.unknown_fields
    }

    /// The Service.
    pub fn service(&self) -> &api::Service {
        &self.service
    }

    /// The ServiceMonitor, whether there is one or not.
    pub fn monitoring(&self) -> &api::ServiceMonitor {
        &self.monitoring
    }

    /// The PodDisruptionBudget, if there is one.
    pub fn pod_disruption_budget(&self) -> Option<&api::PodDisruptionBudget> {
        self.pod_disruption_budget.as_ref()
    }

    /// The NetworkPolicy, whether there is one or not.
    pub fn network_policy(&self) -> &api::NetworkPolicy {
        &self.network_policy
    }

    /// The Ingress, if there is one.
    pub fn ingress(&self) -> Option<&api::Ingress> {
        self.ingress.as_ref()
    }

    /// The HTTPRoute, if there is one.
    pub fn http_route(&self) -> Option<&api::HttpRoute> {
        self.http_route.as_ref()
    }

    /// The host name that the Service has inside the cluster.
    pub fn host(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }

    /// Where clients push to.
    pub fn url(&self) -> String {
        let (scheme, host) = (self.web.scheme.as_str(), self.host());
        format!("{scheme}://{host}:{}{}", self.service.port, self.web.prefix)
    }

    /// The labels by which pods are told from those of other PushGateways, whatever their workload is.
    pub fn instance_labels(&self) -> BTreeMap<String, String> {
        labels::instance(&self.name)
    }

    /// The labels by which a workload of the kind knows its pods.
    pub fn selector_labels(&self, kind: WorkloadKind) -> BTreeMap<String, String> {
        labels::selector(&self.name, kind)
    }

    /// The same in the form that `kubectl get --selector` takes.
    pub fn selector_string(&self, kind: WorkloadKind) -> String {
        let labels = self.selector_labels(kind).into_iter();
        let pairs: Vec<String> = labels
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        pairs.join(",")
    }

    /// The labels of all children.
    pub fn labels(&self) -> BTreeMap<String, String> {
        labels::of_children(&self.name, self.version())
    }
}

#[cfg(test)]
mod tests;
