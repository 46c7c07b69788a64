//! What a `PushGateway` asks for, once it is checked.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::api::{self, WorkloadKind};
use super::{Pod, Storage, Web, labels};

/// What a `PushGateway` asks for, checked. Only [`validate`](super::validate()) makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedPushGateway {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) generation: i64,
    pub(super) owner_reference: OwnerReference,
    pub(super) replicas: i32,
    pub(super) paused: bool,
    pub(super) image: String,
    pub(super) version: Option<String>,
    pub(super) storage: Option<Storage>,
    pub(super) web: Web,
    pub(super) push: api::Push,
    pub(super) log_level: api::LogLevel,
    pub(super) log_format: api::LogFormat,
    pub(super) extra_args: Vec<api::ExtraArg>,
    pub(super) pod: Pod,
    pub(super) service: api::Service,
    pub(super) monitoring: api::ServiceMonitor,
    pub(super) pod_disruption_budget: Option<api::PodDisruptionBudget>,
    pub(super) network_policy: api::NetworkPolicy,
    pub(super) ingress: Option<api::Ingress>,
    pub(super) http_route: Option<api::HttpRoute>,
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
