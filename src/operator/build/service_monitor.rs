//! The ServiceMonitor of the Prometheus Operator, where the cluster serves it.
//!
//! Without `jobLabel` the gateway's own metrics get the Service's name as job, which is that of the `PushGateway`: what
//! one expects, so none is set. Pushed metrics keep theirs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::service::PORT_NAME;
use super::{Surroundings, metadata, unless_empty, without_nulls};
use crate::operator::api::Monitoring;
use crate::operator::kind::Kind;
use crate::operator::validate::{MANAGED_BY, MANAGED_BY_LABEL, SCRAPE_LABEL, ValidatedPushGateway};

pub(super) fn build(gateway: &ValidatedPushGateway, surroundings: &Surroundings) -> Option<Value> {
    let monitor = gateway.monitoring();
    let is_served = surroundings.served.contains(&Kind::ServiceMonitor);
    match monitor.enabled {
        Monitoring::Auto | Monitoring::Enabled if is_served => {}
        Monitoring::Auto | Monitoring::Enabled | Monitoring::Disabled => return None,
    }
    let mut selected = gateway.instance_labels();
    selected.insert(SCRAPE_LABEL.to_owned(), "true".to_owned());
    Some(without_nulls(json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": monitor_metadata(gateway, surroundings),
        "spec": {
            "selector": {"matchLabels": selected},
            "jobLabel": monitor.job_label,
            "targetLabels": unless_empty(monitor.target_labels.clone()),
            "sampleLimit": monitor.sample_limit,
            "scrapeClass": monitor.scrape_class,
            "endpoints": [endpoint(gateway)],
        },
    })))
}

/// The user's labels win over those that a Prometheus selects by, and both over ours, but for the one that the
/// operator finds its children by.
fn monitor_metadata(gateway: &ValidatedPushGateway, surroundings: &Surroundings) -> ObjectMeta {
    let monitor = gateway.monitoring();
    let mut labels = surroundings.monitor_labels.clone();
    labels.extend(monitor.labels.clone());
    labels.insert(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned());
    let metadata = metadata::of_child(gateway, gateway.name());
    metadata::with(metadata, &labels, &monitor.annotations)
}

fn endpoint(gateway: &ValidatedPushGateway) -> Value {
    let (monitor, web) = (gateway.monitoring(), gateway.web());
    let tls_config = monitor.tls_config.clone().map(Value::Object);
    let basic_auth = monitor.basic_auth.clone().map(Value::Object);
    let derived_basic_auth = match monitor.authorization {
        Some(_) => None,
        None => basic_auth_of(gateway),
    };
    json!({
        "port": PORT_NAME,
        "path": format!("{}{}", web.prefix, web.telemetry_path),
        "scheme": web.scheme.as_str(),
        // Else Prometheus would rename the pushed labels job and instance.
        "honorLabels": true,
        "honorTimestamps": monitor.honor_timestamps,
        "interval": monitor.interval,
        "scrapeTimeout": monitor.scrape_timeout,
        "relabelings": unless_empty(monitor.relabelings.clone()),
        "metricRelabelings": unless_empty(monitor.metric_relabelings.clone()),
        "tlsConfig": tls_config.or_else(|| tls_config_of(gateway)),
        "basicAuth": basic_auth.or(derived_basic_auth),
        "authorization": monitor.authorization,
    })
}

/// Trusts the authority in the Secret that the gateway has its certificate from.
fn tls_config_of(gateway: &ValidatedPushGateway) -> Option<Value> {
    let secret = &gateway.web().tls.as_ref()?.secret_name;
    Some(json!({
        "ca": {"secret": {"name": secret, "key": "ca.crt"}},
        "serverName": gateway.host(),
    }))
}

/// Names the Secret that the gateway reads, too.
fn basic_auth_of(gateway: &ValidatedPushGateway) -> Option<Value> {
    let secret = gateway.web().basic_auth_secret.as_ref()?;
    Some(json!({
        "username": {"name": secret, "key": "username"},
        "password": {"name": secret, "key": "password"},
    }))
}
