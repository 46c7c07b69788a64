//! Every query of the chart's Grafana dashboard finds something in a real Prometheus that scrapes a real gateway.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::Prometheus;
use crate::parts::server::Server;
use crate::parts::until;

const DASHBOARD: &str = "charts/pushgateway/dashboards/pushgateway.json";

/// With the labels that the Prometheus Operator gives a target.
const CONFIGURATION: &str = "
global: {scrape_interval: 500ms, scrape_timeout: 500ms}
scrape_configs:
- job_name: gateway
  honor_labels: true
  static_configs: [{targets: [GATEWAY], labels: {namespace: jobs, service: gateway}}]
";

fn dashboard() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DASHBOARD);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The queries of all panels, each with the panel's title.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let queries = panels.flat_map(|panel| {
        let title = panel["title"].as_str().unwrap();
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(move |target| {
            (
                title.to_owned(),
                target["expr"].as_str().unwrap().to_owned(),
            )
        })
    });
    queries.collect()
}

#[test]
fn every_query_finds_something() {
    let file = TempDir::new().unwrap();
    let persistence = format!(
        "--persistence.file={}",
        file.path().join("groups").display()
    );
    let gateway = Server::gateway(&[&persistence]);
    let push = |job: &str, body: &str| {
        let path = format!("/metrics/job/{job}");
        gateway.request("PUT", &path, &[], body.as_bytes()).status
    };
    // It listens while it opens its file.
    let stored = until(|| match push("backup", "backup_bytes 1\n") {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    stored.unwrap();
    assert_eq!(
        push("broken", "# TYPE backup_bytes counter\nbackup_bytes 1\n"),
        400
    );

    for part in ["prometheus-trixie", "prometheus-sid"] {
        let Some(prometheus) = Prometheus::start_with(part, &gateway, CONFIGURATION) else {
            continue;
        };
        // Rates need two scrapes.
        prometheus.await_series("count_over_time(up[1m]) >= 2", 1);
        for (title, query) in queries(&dashboard()) {
            let query = query
                .replace("$namespace", "jobs")
                .replace("$service", "gateway")
                .replace("$__rate_interval", "1m");
            let found = prometheus.query(&query).unwrap();
            assert!(!found.is_empty(), "{part}, {title}: nothing by {query}");
            for series in &found {
                assert_eq!(
                    series["metric"]["service"], "gateway",
                    "{part}, {title}: {series}"
                );
            }
        }
    }
}

#[test]
fn every_panel_shows_the_chosen_gateways_only() {
    let dashboard = dashboard();
    for (title, query) in queries(&dashboard) {
        let selectors = query.matches('{').count();
        assert_eq!(
            query.matches("service=~\"$service\"").count(),
            selectors,
            "{title}: {query}"
        );
    }
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<_> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<_> = variables.iter().map(|variable| &variable["name"]).collect();
    assert_eq!(names, ["datasource", "namespace", "service"]);
}
