//! The Ingress, only if asked for.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};

use super::service::PORT_NAME;
use super::{metadata, unless_empty};
use crate::operator::api;
use crate::operator::validate::ValidatedPushGateway;

pub(super) fn build(gateway: &ValidatedPushGateway) -> Option<Ingress> {
    let ingress = gateway.ingress()?;
    let metadata = metadata::of_child(gateway, gateway.name());
    let hosts = ingress.hosts.iter().cloned().map(Some);
    let mut rules: Vec<_> = hosts.map(|host| rule(gateway, ingress, host)).collect();
    if rules.is_empty() {
        rules.push(rule(gateway, ingress, None));
    }
    let tls = ingress.tls.iter().map(|tls| IngressTLS {
        hosts: unless_empty(tls.hosts.clone()),
        secret_name: tls.secret_name.clone(),
    });
    Some(Ingress {
        metadata: metadata::with(metadata, &ingress.labels, &ingress.annotations),
        spec: Some(IngressSpec {
            ingress_class_name: ingress.class_name.clone(),
            rules: Some(rules),
            tls: unless_empty(tls.collect()),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    })
}

fn rule(
    gateway: &ValidatedPushGateway,
    ingress: &api::Ingress,
    host: Option<String>,
) -> IngressRule {
    let backend = IngressServiceBackend {
        name: gateway.name().to_owned(),
        port: Some(ServiceBackendPort {
            name: Some(PORT_NAME.to_owned()),
            ..ServiceBackendPort::default()
        }),
    };
    IngressRule {
        host,
        http: Some(HTTPIngressRuleValue {
            paths: vec![HTTPIngressPath {
                path: Some(path(gateway, ingress.path.as_deref())),
                path_type: format!("{:?}", ingress.path_type),
                backend: IngressBackend {
                    service: Some(backend),
                    ..IngressBackend::default()
                },
            }],
        }),
    }
}

/// The path that is asked for, or all that the gateway serves.
pub(super) fn path(gateway: &ValidatedPushGateway, wanted: Option<&str>) -> String {
    match (wanted, &*gateway.web().prefix) {
        (Some(path), _) => path.to_owned(),
        (None, "") => "/".to_owned(),
        (None, prefix) => prefix.to_owned(),
    }
}
