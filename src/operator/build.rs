//! Builds all children of a `PushGateway`, as they should be: pure construction, one file a kind.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde_json::Value;

use super::api::WorkloadKind;
use super::kind::Kind;
use super::validate::ValidatedPushGateway;

mod arguments;
mod config_map;
mod deployment;
mod http_route;
mod ingress;
mod metadata;
mod network_policy;
mod pod_disruption_budget;
mod pod_template;
mod service;
mod service_monitor;
mod stateful_set;

/// Name of the key of the push ConfigMap, fit for `envFrom`.
pub const PUSH_URL_KEY: &str = "PUSHGATEWAY_URL";
/// Port of the container that answers probes, plain and without authentication.
pub const PROBE_PORT: u16 = 9092;

/// What children depend on beside the spec.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Surroundings {
    /// The optional kinds that the cluster serves.
    pub served: BTreeSet<Kind>,
    /// The workload whose pods the Service selects: the old one while another takes over.
    pub service_selects: WorkloadKind,
    /// Labels that a Prometheus selects ServiceMonitors by.
    pub monitor_labels: BTreeMap<String, String>,
}

impl Surroundings {
    /// A cluster that serves all kinds, and a workload that is in place.
    pub fn complete(gateway: &ValidatedPushGateway) -> Self {
        Self {
            served: Kind::OPTIONAL.into(),
            service_selects: gateway.workload_kind(),
            monitor_labels: BTreeMap::new(),
        }
    }
}

/// All children of a `PushGateway`.
#[derive(Clone, Debug, PartialEq)]
pub struct Children {
    /// Tells jobs where to push to.
    pub push_config: ConfigMap,
    /// The web configuration file; only with `spec.web.tls`.
    pub web_config: Option<ConfigMap>,
    /// What clients push to.
    pub service: Service,
    /// Gives the pod of a StatefulSet its name.
    pub headless_service: Option<Service>,
    /// What runs the gateway.
    pub workload: Workload,
    /// Only if asked for.
    pub pod_disruption_budget: Option<PodDisruptionBudget>,
    /// Only if asked for.
    pub network_policy: Option<NetworkPolicy>,
    /// Only if asked for.
    pub ingress: Option<Ingress>,
    /// Only if asked for and served.
    pub http_route: Option<Value>,
    /// Only if served and not disabled.
    pub service_monitor: Option<Value>,
}

/// What runs the gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// With a volume.
    StatefulSet(Box<StatefulSet>),
    /// Without one.
    Deployment(Box<Deployment>),
}

/// A whole object, ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The object, with `apiVersion`, `kind` and `metadata`.
    pub object: Value,
}

/// Builds all children.
pub fn build(gateway: &ValidatedPushGateway, surroundings: &Surroundings) -> Children {
    Children {
        push_config: config_map::push(gateway),
        web_config: config_map::web(gateway),
        service: service::ordinary(gateway, surroundings.service_selects),
        headless_service: service::headless(gateway),
        workload: match gateway.storage() {
            Some(storage) => Workload::StatefulSet(Box::new(stateful_set::build(gateway, storage))),
            None => Workload::Deployment(Box::new(deployment::build(gateway))),
        },
        pod_disruption_budget: pod_disruption_budget::build(gateway),
        network_policy: network_policy::build(gateway),
        ingress: ingress::build(gateway),
        http_route: http_route::build(gateway, surroundings),
        service_monitor: service_monitor::build(gateway, surroundings),
    }
}

impl Children {
    /// The objects, in the order of [`Kind::ALL`], in which they are applied.
    pub fn into_objects(self) -> Vec<Child> {
        let Self {
            push_config,
            web_config,
            service,
            headless_service,
            workload,
            pod_disruption_budget,
            network_policy,
            ingress,
            http_route,
            service_monitor,
        } = self;
        let children = [
            Some(Child::new(Kind::ConfigMap, &push_config)),
            web_config.map(|object| Child::new(Kind::ConfigMap, &object)),
            Some(Child::new(Kind::Service, &service)),
            headless_service.map(|object| Child::new(Kind::Service, &object)),
            Some(match workload {
                Workload::StatefulSet(object) => Child::new(Kind::StatefulSet, &object),
                Workload::Deployment(object) => Child::new(Kind::Deployment, &object),
            }),
            pod_disruption_budget.map(|object| Child::new(Kind::PodDisruptionBudget, &object)),
            network_policy.map(|object| Child::new(Kind::NetworkPolicy, &object)),
            ingress.map(|object| Child::new(Kind::Ingress, &object)),
            http_route.map(|object| Child::new(Kind::HttpRoute, &object)),
            service_monitor.map(|object| Child::new(Kind::ServiceMonitor, &object)),
        ];
        children.into_iter().flatten().collect()
    }
}

impl Child {
    fn new(kind: Kind, object: &impl Serialize) -> Self {
        let object = serde_json::to_value(object).expect("objects of Kubernetes are plain JSON");
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        Self {
            kind,
            name: name.to_owned(),
            object,
        }
    }
}

/// Removes fields that say nothing, of objects that are written as JSON.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name, without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        value => value,
    }
}

/// A list, or nothing where it is empty.
fn unless_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

/// A map, or nothing where it is empty.
fn map_unless_empty(map: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!map.is_empty()).then_some(map)
}

#[cfg(test)]
mod tests;
