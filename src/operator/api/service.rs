//! The Service in front of the gateway.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// The Service that clients push to and that Prometheus scrapes.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.nodePort) || self.type != 'ClusterIP'").message("nodePort needs type NodePort or LoadBalancer"),
    validation = Rule::new("self.type == 'LoadBalancer' || !(has(self.loadBalancerClass) || has(self.loadBalancerSourceRanges))").message("loadBalancerClass and loadBalancerSourceRanges need type LoadBalancer"),
    validation = Rule::new("self.type != 'ClusterIP' || !has(self.externalTrafficPolicy)").message("externalTrafficPolicy needs type NodePort or LoadBalancer"),
    validation = Rule::new("!has(self.clusterIP) || self.clusterIP != 'None' || self.type == 'ClusterIP'").message("clusterIP None needs type ClusterIP"),
    validation = Rule::new("!has(self.clusterIP) || self.clusterIP != 'None' || self.port == 9091").message("port must be 9091 with clusterIP None, where clients reach the pod itself"),
    validation = Rule::new("has(self.clusterIP) == has(oldSelf.clusterIP) && (!has(self.clusterIP) || self.clusterIP == oldSelf.clusterIP)").message("clusterIP can't be changed: that of a Service is fixed")
)]
pub struct Service {
    /// How the Service is reached.
    #[serde(default, rename = "type")]
    pub type_: ServiceType,
    /// Port of the Service.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Port on each node, for the types NodePort and LoadBalancer. By default Kubernetes picks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<i32>,
    /// A fixed address for the Service, or `None` for a headless one. It can't be changed later.
    #[serde(default, rename = "clusterIP", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    pub cluster_ip: Option<String>,
    /// IP families of the Service, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub ip_families: Vec<IpFamily>,
    /// Whether the Service has one IP family or two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_family_policy: Option<IpFamilyPolicy>,
    /// Class of the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub load_balancer_class: Option<String>,
    /// Addresses that the load balancer lets in, such as 10.0.0.0/8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub load_balancer_source_ranges: Vec<String>,
    /// Whether traffic from outside may hop to another node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_traffic_policy: Option<ExternalTrafficPolicy>,
    /// Preference for near endpoints, such as PreferSameZone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub traffic_distribution: Option<String>,
    /// Further labels of the Service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels_of_selected")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the Service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// How a Service is reached.
#[derive(JsonSchema, Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ServiceType {
    /// From inside the cluster.
    #[default]
    ClusterIP,
    /// At a port of each node.
    NodePort,
    /// Through a load balancer.
    LoadBalancer,
}

/// An IP family.
#[derive(JsonSchema, Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum IpFamily {
    /// IPv4.
    IPv4,
    /// IPv6.
    IPv6,
}

/// How many IP families a Service has.
#[derive(JsonSchema, Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum IpFamilyPolicy {
    /// One.
    SingleStack,
    /// Two where the cluster has them.
    PreferDualStack,
    /// Two.
    RequireDualStack,
}

/// Where traffic from outside may go.
#[derive(JsonSchema, Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ExternalTrafficPolicy {
    /// To any node.
    Cluster,
    /// Only to a pod of the node it came to, which keeps the client's address.
    Local,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            type_: ServiceType::default(),
            port: default_port(),
            node_port: None,
            cluster_ip: None,
            ip_families: Vec::new(),
            ip_family_policy: None,
            load_balancer_class: None,
            load_balancer_source_ranges: Vec::new(),
            external_traffic_policy: None,
            traffic_distribution: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }
}

fn default_port() -> i32 {
    i32::from(crate::DEFAULT_PORT)
}
