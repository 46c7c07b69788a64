//! The NetworkPolicy: who may reach the gateway's port.

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{PROBE_PORT, metadata, unless_empty};
use crate::DEFAULT_PORT;
use crate::operator::validate::ValidatedPushGateway;

pub(super) fn build(gateway: &ValidatedPushGateway) -> Option<NetworkPolicy> {
    let policy = gateway.network_policy();
    if !policy.enabled {
        return None;
    }
    let clients = NetworkPolicyIngressRule {
        from: unless_empty(policy.from.clone()),
        ports: Some(vec![port(DEFAULT_PORT)]),
    };
    // The node asks from addresses that no selector covers; what is there to see is no secret.
    let probes = NetworkPolicyIngressRule {
        from: None,
        ports: Some(vec![port(PROBE_PORT)]),
    };
    Some(NetworkPolicy {
        metadata: metadata::of_child(gateway, gateway.name()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(gateway.instance_labels()),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![clients, probes]),
            ..NetworkPolicySpec::default()
        }),
    })
}

fn port(number: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(i32::from(number))),
        protocol: Some("TCP".to_owned()),
        ..NetworkPolicyPort::default()
    }
}
