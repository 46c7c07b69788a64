//! The HTTPRoute of the Gateway API, only if asked for and served.

use serde_json::{Value, json};

use super::{Surroundings, ingress, metadata, unless_empty, without_nulls};
use crate::operator::api::HttpRouteParent;
use crate::operator::kind::Kind;
use crate::operator::validate::ValidatedPushGateway;

pub(super) fn build(gateway: &ValidatedPushGateway, surroundings: &Surroundings) -> Option<Value> {
    let route = gateway.http_route()?;
    if !surroundings.served.contains(&Kind::HttpRoute) {
        return None;
    }
    let metadata = metadata::of_child(gateway, gateway.name());
    let metadata = metadata::with(metadata, &route.labels, &route.annotations);
    let path = ingress::path(gateway, route.path.as_deref());
    let parents: Vec<Value> = route.parent_refs.iter().map(parent).collect();
    Some(without_nulls(json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {
            "parentRefs": parents,
            "hostnames": unless_empty(route.hostnames.clone()),
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": [{
                    "group": "",
                    "kind": "Service",
                    "name": gateway.name(),
                    "port": gateway.service().port,
                    "weight": 1,
                }],
            }],
        },
    })))
}

fn parent(parent: &HttpRouteParent) -> Value {
    let HttpRouteParent {
        group,
        kind,
        namespace,
        name,
        section_name,
        port,
    } = parent;
    json!({
        "group": group.as_deref().unwrap_or("gateway.networking.k8s.io"),
        "kind": kind.as_deref().unwrap_or("Gateway"),
        "namespace": namespace,
        "name": name,
        "sectionName": section_name,
        "port": port,
    })
}
