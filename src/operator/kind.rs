//! The Kubernetes kinds that the operator makes children of.

use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Api, Client};

/// A kind of child, in the order in which children are applied.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// The push URL and the web configuration, which pods need to start.
    ConfigMap,
    /// The ordinary and the headless Service.
    Service,
    /// The workload with a volume.
    StatefulSet,
    /// The workload without one.
    Deployment,
    /// Keeps drains from taking the pod.
    PodDisruptionBudget,
    /// Says who may reach the pod.
    NetworkPolicy,
    /// A way in from outside.
    Ingress,
    /// A way in from outside, of the Gateway API.
    HttpRoute,
    /// How Prometheus finds the gateway.
    ServiceMonitor,
}

impl Kind {
    /// All kinds, in the order in which children are applied.
    pub const ALL: [Self; 9] = [
        Self::ConfigMap,
        Self::Service,
        Self::StatefulSet,
        Self::Deployment,
        Self::PodDisruptionBudget,
        Self::NetworkPolicy,
        Self::Ingress,
        Self::HttpRoute,
        Self::ServiceMonitor,
    ];

    /// Kinds that a cluster may lack.
    pub const OPTIONAL: [Self; 2] = [Self::HttpRoute, Self::ServiceMonitor];

    /// API group, version, kind and plural.
    fn names(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::ConfigMap => ("", "v1", "ConfigMap", "configmaps"),
            Self::Service => ("", "v1", "Service", "services"),
            Self::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
            Self::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Self::PodDisruptionBudget => (
                "policy",
                "v1",
                "PodDisruptionBudget",
                "poddisruptionbudgets",
            ),
            Self::NetworkPolicy => (
                "networking.k8s.io",
                "v1",
                "NetworkPolicy",
                "networkpolicies",
            ),
            Self::Ingress => ("networking.k8s.io", "v1", "Ingress", "ingresses"),
            Self::HttpRoute => ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
            Self::ServiceMonitor => (
                "monitoring.coreos.com",
                "v1",
                "ServiceMonitor",
                "servicemonitors",
            ),
        }
    }

    /// How the API server is asked for it.
    pub fn api_resource(self) -> ApiResource {
        let (group, version, kind, plural) = self.names();
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    /// The kind as it is written in objects.
    pub fn name(self) -> &'static str {
        self.names().2
    }

    /// Whether a cluster may lack it.
    pub fn is_optional(self) -> bool {
        Self::OPTIONAL.contains(&self)
    }

    /// Its objects in a namespace.
    pub fn api(self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(client.clone(), namespace, &self.api_resource())
    }

    /// Whether the operator may be left without permission for it: kinds that only some installations use.
    pub fn may_be_forbidden(self) -> bool {
        matches!(
            self,
            Self::PodDisruptionBudget
                | Self::NetworkPolicy
                | Self::Ingress
                | Self::HttpRoute
                | Self::ServiceMonitor
        )
    }
}
