//! The ServiceMonitor of the Prometheus Operator.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema;

/// The ServiceMonitor by which the Prometheus Operator has the gateway scraped.
///
/// It always has `honorLabels: true`, without which the pushed labels `job` and `instance` would be renamed.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(has(self.authorization) && has(self.basicAuth))").message("authorization and basicAuth exclude each other: Prometheus sends only one of them")
)]
pub struct ServiceMonitor {
    /// Whether there is one. Auto: where the cluster serves ServiceMonitors, also if it begins to later.
    #[serde(default)]
    pub enabled: Monitoring,
    /// Time between scrapes. By default as Prometheus is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        regex(
            pattern = r"^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
        )
    )]
    pub interval: Option<String>,
    /// Time after which a scrape is given up. It can't be longer than the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        regex(
            pattern = r"^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
        )
    )]
    pub scrape_timeout: Option<String>,
    /// Further labels of the ServiceMonitor, by which a Prometheus selects it. With kube-prometheus-stack this is
    /// usually `release: NAME-OF-THE-RELEASE`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels_of_child")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the ServiceMonitor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::annotations")]
    pub annotations: BTreeMap<String, String>,
    /// A Prometheus whose serviceMonitorSelector tells which labels the ServiceMonitor must have. The operator needs
    /// permission to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus_ref: Option<PrometheusRef>,
    /// Whether timestamps in the exposition are kept. The gateway sends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honor_timestamps: Option<bool>,
    /// Relabelling of the target before the scrape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub relabelings: Vec<Relabeling>,
    /// Relabelling of the samples after the scrape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub metric_relabelings: Vec<Relabeling>,
    /// Samples beyond which Prometheus refuses the whole scrape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub sample_limit: Option<i64>,
    /// Scrape class of the Prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub scrape_class: Option<String>,
    /// Label of the Service whose value becomes the label `job` of the gateway's own metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 317))]
    pub job_label: Option<String>,
    /// Labels of the Service that all samples get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 317)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub target_labels: Vec<String>,
    /// `tlsConfig` of the endpoint, instead of the one derived from `spec.web.tls`: a client certificate for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::preserved_object")]
    pub tls_config: Option<Map<String, Value>>,
    /// `basicAuth` of the endpoint, instead of the one derived from `spec.web.basicAuth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::preserved_object")]
    pub basic_auth: Option<Map<String, Value>>,
    /// `authorization` of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::preserved_object")]
    pub authorization: Option<Map<String, Value>>,
}

/// Whether there is a ServiceMonitor.
#[derive(JsonSchema, Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Monitoring {
    /// Where the cluster serves ServiceMonitors.
    #[default]
    Auto,
    /// In any case; where the cluster serves none, the condition MonitoringReady is False.
    Enabled,
    /// In no case.
    Disabled,
}

/// A Prometheus object of the Prometheus Operator.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace. By default that of the PushGateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// One step of relabelling, as in the ServiceMonitor.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Relabeling {
    /// Labels whose values are joined and matched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 1024)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub source_labels: Vec<String>,
    /// What stands between the joined values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub separator: Option<String>,
    /// Label that gets the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub target_label: Option<String>,
    /// Regular expression that the joined values must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub regex: Option<String>,
    /// Modulus of the hash of the joined values, for the action HashMod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub modulus: Option<i64>,
    /// The result, in which $1 and so on stand for groups of the expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub replacement: Option<String>,
    /// What is done on a match. By default Replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RelabelAction>,
}

/// What a step of relabelling does.
#[derive(JsonSchema, Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(
    missing_docs,
    reason = "the names are those of Prometheus' relabelling actions"
)]
pub enum RelabelAction {
    Replace,
    Keep,
    Drop,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
    KeepEqual,
    DropEqual,
}
