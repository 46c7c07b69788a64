//! Services: the one that clients use, and the headless one of a StatefulSet.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{metadata, unless_empty};
use crate::DEFAULT_PORT;
use crate::operator::api::{self, WorkloadKind};
use crate::operator::validate::{HEADLESS_SUFFIX, SCRAPE_LABEL, ValidatedPushGateway};

/// Name of the port that clients use, of Services and of the container.
pub(super) const PORT_NAME: &str = "http";

/// What clients push to and Prometheus scrapes.
pub(super) fn ordinary(gateway: &ValidatedPushGateway, selects: WorkloadKind) -> Service {
    let service = gateway.service();
    let mut labels = service.labels.clone();
    labels.insert(SCRAPE_LABEL.to_owned(), "true".to_owned());
    let metadata = metadata::of_child(gateway, gateway.name());
    Service {
        metadata: metadata::with(metadata, &labels, &service.annotations),
        spec: Some(ServiceSpec {
            selector: Some(gateway.selector_labels(selects)),
            ..ordinary_spec(service)
        }),
        ..Service::default()
    }
}

fn ordinary_spec(service: &api::Service) -> ServiceSpec {
    let families = service
        .ip_families
        .iter()
        .map(|family| format!("{family:?}"));
    ServiceSpec {
        type_: Some(format!("{:?}", service.type_)),
        ports: Some(vec![port(service.port, service.node_port)]),
        cluster_ip: service.cluster_ip.clone(),
        ip_families: unless_empty(families.collect()),
        ip_family_policy: service.ip_family_policy.map(|policy| format!("{policy:?}")),
        load_balancer_class: service.load_balancer_class.clone(),
        load_balancer_source_ranges: unless_empty(service.load_balancer_source_ranges.clone()),
        external_traffic_policy: service
            .external_traffic_policy
            .map(|policy| format!("{policy:?}")),
        internal_traffic_policy: Some("Cluster".to_owned()),
        session_affinity: Some("None".to_owned()),
        traffic_distribution: service.traffic_distribution.clone(),
        ..ServiceSpec::default()
    }
}

/// Gives the pod of a StatefulSet a name of its own. Prometheus does not select it, or it would scrape twice.
pub(super) fn headless(gateway: &ValidatedPushGateway) -> Option<Service> {
    gateway.storage()?;
    Some(Service {
        metadata: metadata::of_child(gateway, headless_name(gateway)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            cluster_ip: Some("None".to_owned()),
            ports: Some(vec![port(i32::from(DEFAULT_PORT), None)]),
            selector: Some(selector(gateway)),
            internal_traffic_policy: Some("Cluster".to_owned()),
            session_affinity: Some("None".to_owned()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    })
}

/// Name of the headless Service.
pub(super) fn headless_name(gateway: &ValidatedPushGateway) -> String {
    format!("{}{HEADLESS_SUFFIX}", gateway.name())
}

fn selector(gateway: &ValidatedPushGateway) -> BTreeMap<String, String> {
    gateway.selector_labels(WorkloadKind::StatefulSet)
}

fn port(port: i32, node_port: Option<i32>) -> ServicePort {
    ServicePort {
        name: Some(PORT_NAME.to_owned()),
        port,
        node_port,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
        ..ServicePort::default()
    }
}
