//! The custom resource `PushGateway`: what a user may ask for, and what the operator says of it.
//!
//! The field docs are the reference that `kubectl explain pushgateway.spec` prints. What the schema can refuse, it
//! refuses, by bounds, patterns and CEL rules, so that no webhook is needed; [`crd`](super::crd) prints it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvFromSource, EnvVar, PodSecurityContext, ResourceRequirements, SecurityContext,
    Toleration, TopologySpreadConstraint,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub mod conditions;
mod network;
mod persistence;
mod pod;
mod push;
mod schema;
mod service;
mod service_monitor;
mod status;
mod web;

pub use network::{
    HttpRoute, HttpRouteParent, Ingress, IngressTls, NetworkPolicy, PathType, PodDisruptionBudget,
};
pub use persistence::{AccessMode, Persistence, PersistenceRetention, Retention};
pub use pod::{
    ExtraArg, ImagePullPolicy, LocalSecretRef, LogFormat, LogLevel, ProbeThresholds, Probes,
};
pub use push::{Limits, Push};
pub use service::{ExternalTrafficPolicy, IpFamily, IpFamilyPolicy, Service, ServiceType};
pub use service_monitor::{Monitoring, PrometheusRef, RelabelAction, Relabeling, ServiceMonitor};
pub use status::{
    MonitoringStatus, PrometheusBinding, PushGatewayStatus, StorageStatus, WorkloadKind,
    WorkloadStatus,
};
pub use web::{BasicAuth, MinTlsVersion, SecretKeyRef, Tls, Web};

/// What a user asks for.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "pushgateway.io",
    version = "v1alpha1",
    kind = "PushGateway",
    plural = "pushgateways",
    shortname = "pgw",
    category = "pushgateway",
    namespaced,
    status = "PushGatewayStatus",
    derive = "PartialEq",
    doc = "A Pushgateway: batch jobs push their metrics to it, Prometheus scrapes it.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Available", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Storage", type_ = "string", json_path = ".status.storage.capacity", priority = 1),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version", priority = 1),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 52").message("metadata.name must be at most 52 characters long, since the names of pods and their labels are made from it"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message("metadata.name becomes the name of a Service: it must start with a letter and consist of lower case letters, digits and '-'")
)]
#[x_kube(
    validation = Rule::new("self.replicas <= 1").message("replicas must be 0 or 1: each replica would hold other pushes, since gateways can't share what they hold")
)]
#[serde(rename_all = "camelCase")]
pub struct PushGatewaySpec {
    /// Image of the gateway. By default the release that the operator belongs to; `version` picks another tag of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Tag of the default image. Without effect where `image` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[\w][\w.-]*$"))]
    pub version: Option<String>,
    /// When nodes pull the image. By default as Kubernetes decides from the image's tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// Secrets with credentials for pulling the image, in the namespace of the PushGateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub image_pull_secrets: Vec<LocalSecretRef>,

    /// 1 runs the gateway, 0 stops it and keeps its volume. `kubectl scale` sets it.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: i32,
    /// Whether the operator leaves everything as it is, and only reports.
    #[serde(default)]
    pub paused: bool,

    /// The volume that holds the persistence file.
    #[serde(default)]
    pub persistence: Persistence,
    /// The Service that clients push to and that Prometheus scrapes.
    #[serde(default)]
    pub service: Service,
    /// The ServiceMonitor by which the Prometheus Operator has the gateway scraped, always with `honorLabels: true`.
    #[serde(default)]
    pub service_monitor: ServiceMonitor,
    /// How the gateway serves HTTP: paths, TLS, authentication.
    #[serde(default)]
    pub web: Web,
    /// Which pushes are accepted.
    #[serde(default)]
    pub push: Push,

    /// The least severe level that the gateway logs.
    #[serde(default)]
    pub log_level: LogLevel,
    /// The form of the gateway's log lines.
    #[serde(default)]
    pub log_format: LogFormat,
    /// Further flags of the gateway. Those that the operator sets from other fields are refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.all(a, !(a.name in ['web.listen-address', 'web.probe-listen-address', 'web.systemd-socket', 'web.config.file', 'web.telemetry-path', 'web.external-url', 'web.route-prefix', 'web.enable-lifecycle', 'web.enable-admin-api', 'web.basic-auth.username-file', 'web.basic-auth.password-file', 'web.drain-timeout', 'push.disable-consistency-check', 'push.enable-utf8-names', 'persistence.file', 'persistence.interval', 'log.level', 'log.format', 'help', 'help-long', 'help-man', 'version']) && !a.name.startsWith('limit.') && !a.name.startsWith('no-'))").message("extraArgs may not name a flag that another field of the spec sets (web, push, persistence, logLevel, logFormat, terminationGracePeriodSeconds)")
    )]
    pub extra_args: Vec<ExtraArg>,
    /// Environment variables of the gateway's container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvVar>,
    /// ConfigMaps and Secrets whose keys become environment variables of the gateway's container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub env_from: Vec<EnvFromSource>,

    /// CPU and memory of the gateway's container. Memory grows with the series held: plan 500 bytes for each.
    #[serde(default = "modest_resources")]
    pub resources: ResourceRequirements,
    /// Thresholds of the gateway's probes. What they ask, and where, follows from the rest.
    #[serde(default)]
    pub probes: Probes,
    /// Security context of the pod. Its fields win over the defaults, which satisfy the Pod Security Standard
    /// "restricted": user, group and fsGroup 65534, runAsNonRoot, seccomp RuntimeDefault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security_context: Option<PodSecurityContext>,
    /// Security context of the gateway's container. Its fields win over the defaults: no privilege escalation, no
    /// capabilities, read-only root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    pub node_selector: BTreeMap<String, String>,
    /// Affinity of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Taints that the pod tolerates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub tolerations: Vec<Toleration>,
    /// How pods spread over nodes and zones. Without a label selector, the gateway's own pods are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    /// Priority class of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
    /// Runtime class of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub runtime_class_name: Option<String>,
    /// Scheduler of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub scheduler_name: Option<String>,
    /// Seconds that the pod may take to end. The gateway finishes requests in flight for 10 seconds less.
    #[serde(default = "thirty_seconds")]
    #[schemars(range(min = 15, max = 3600))]
    pub termination_grace_period_seconds: i64,
    /// Whether the pod uses the users of the node; false gives it a user namespace of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_users: Option<bool>,
    /// Service account of the pod. The gateway needs none: its token is not mounted in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
    /// Further labels of the pod.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels_of_selected")]
    pub pod_labels: BTreeMap<String, String>,
    /// Further annotations of the pod.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::annotations")]
    pub pod_annotations: BTreeMap<String, String>,

    /// A PodDisruptionBudget, if wanted. With one replica, `minAvailable: 1` keeps nodes from being drained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budget: Option<PodDisruptionBudget>,
    /// Who may reach the gateway's port.
    #[serde(default)]
    pub network_policy: NetworkPolicy,
    /// An Ingress, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
    /// An HTTPRoute of the Gateway API, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<HttpRoute>,

    /// What else the pods are to have: a PodTemplateSpec that is laid over the generated one. Containers, volumes and
    /// environment variables are merged by name, other lists replaced. Fields that the operator's Kubernetes version
    /// does not know are reported in the condition `Degraded` and left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::preserved_object")]
    pub pod_template: Option<Map<String, Value>>,
}

impl Default for PushGatewaySpec {
    /// What an empty `spec: {}` means.
    fn default() -> Self {
        serde_json::from_value(Value::Object(Map::new()))
            .expect("all fields of the spec have defaults")
    }
}

fn one() -> i32 {
    1
}

fn thirty_seconds() -> i64 {
    30
}

/// Requests so small that they fit everywhere; there for namespaces whose quota refuses pods without any.
fn modest_resources() -> ResourceRequirements {
    let quantity = |name: &str, value: &str| (name.to_owned(), Quantity(value.to_owned()));
    ResourceRequirements {
        requests: Some(BTreeMap::from([
            quantity("cpu", "10m"),
            quantity("memory", "32Mi"),
        ])),
        ..ResourceRequirements::default()
    }
}
