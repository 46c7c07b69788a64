//! The Prometheus Operator and a Prometheus, which find gateways and their rules by themselves.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::http;
use crate::tools::{apply, kubectl, part, until};

/// What the Prometheus Operator and Prometheus run as.
const MONITORING: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: prometheus, namespace: monitoring}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: monitoring}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: prometheus, namespace: monitoring}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: prometheus-operator, namespace: monitoring}
spec:
  selector: {matchLabels: {app: prometheus-operator}}
  template:
    metadata: {labels: {app: prometheus-operator}}
    spec:
      serviceAccountName: prometheus
      containers:
        - name: prometheus-operator
          image: quay.io/prometheus-operator/prometheus-operator:v0.85.0
          args:
            - --prometheus-config-reloader=quay.io/prometheus-operator/prometheus-config-reloader:v0.85.0
            - --config-reloader-cpu-limit=0
            - --config-reloader-cpu-request=0
            - --config-reloader-memory-limit=0
            - --config-reloader-memory-request=0
            # Prometheuses report in a ServiceMonitor's status that they selected it.
            - --feature-gates=StatusForConfigurationResources=true
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: main, namespace: monitoring}
spec:
  image: quay.io/prometheus/prometheus:v2.53.3
  version: v2.53.3
  serviceAccountName: prometheus
  scrapeInterval: 2s
  evaluationInterval: 2s
  serviceMonitorSelector: {}
  serviceMonitorNamespaceSelector: {}
  ruleSelector: {}
  ruleNamespaceSelector: {}
";

/// Installs both and waits until the Prometheus answers.
pub(crate) fn install() -> Result<String> {
    let crds = part("prometheus-operator-crds");
    kubectl(&format!("apply --server-side -f {}", crds.display()))?;
    kubectl("wait --for=condition=Established crd --all --timeout=1m")?;
    apply(MONITORING)?;
    kubectl("-n monitoring rollout status deployment/prometheus-operator --timeout=2m")?;
    kubectl("-n monitoring wait --for=condition=Available prometheus/main --timeout=3m")?;
    Ok(String::new())
}

/// Where the Prometheus answers.
pub(crate) fn address() -> Result<SocketAddr> {
    let pod = kubectl("-n monitoring get pod prometheus-main-0 -o jsonpath={.status.podIP}")?;
    Ok(SocketAddr::new(pod.parse()?, 9090))
}

/// Waits until the query has a result and returns its first series.
pub(crate) fn first(query: &str) -> Result<Value> {
    let prometheus = address()?;
    until(&format!("a result of {query}"), || {
        Ok(http::query(prometheus, query)?.into_iter().next())
    })
}

/// What the README's CronJob pushed arrives under its own labels, and the status says who scrapes it.
pub(crate) fn scrapes_the_cron_job() -> Result<String> {
    let series = first("rows_copied")?;
    let labels = &series["metric"];
    ensure!(
        labels["job"] == "nightly",
        "the pushed job label became {labels}"
    );
    ensure!(
        labels["exported_job"].is_null(),
        "labels were renamed: {labels}"
    );
    ensure!(series["value"][1] == "42", "the value became {series}");
    let up = first("up{job=\"batch\"}")?;
    ensure!(
        up["value"][1] == "1",
        "the gateway is a target that is down: {up}"
    );
    let condition = r#"jsonpath={.status.conditions[?(@.type=="MonitoringReady")]['status','reason','message']}"#;
    let said = until("the status to name the Prometheus", || {
        let said = kubectl(&format!("get pgw batch -o {condition}"))?;
        Ok(said.starts_with("True").then_some(said))
    })?;
    Ok(format!("rows_copied{labels}; {said}"))
}

/// The Prometheus has the alerts of both charts, and none of them has an error.
pub(crate) fn loads_rules() -> Result<String> {
    let groups = ["default.pgw-pushgateway", "pushgateway-operator"];
    let prometheus = address()?;
    let loaded = until(&format!("rules of {groups:?}"), || {
        let answer: Value = serde_json::from_str(&http::text(prometheus, "/api/v1/rules")?)?;
        let loaded = answer["data"]["groups"]
            .as_array()
            .context("no groups")?
            .clone();
        let evaluated = groups.iter().all(|name| {
            loaded.iter().any(|group| {
                group["name"] == json!(name)
                    && group["rules"]
                        .as_array()
                        .is_some_and(|rules| rules.iter().all(|rule| rule["health"] == "ok"))
            })
        });
        Ok(evaluated.then_some(loaded))
    })?;
    let rules = loaded
        .iter()
        .filter_map(|group| group["rules"].as_array())
        .map(Vec::len);
    Ok(format!("{} rules", rules.sum::<usize>()))
}
