//! Real Prometheus servers, 2 and 3, that scrape the gateway as text and as protobuf.

use std::path::Path;
use std::process::Command;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::parts::server::{Response, Server};
use crate::parts::{find, until};

mod dashboard;
mod hostile;
mod protobuf;
mod queries;

/// The two forms in which each Prometheus scrapes; a label on all it stores tells which.
const FORMS: [&str; 2] = ["text", "protobuf"];

/// The header of a push in protobuf.
const PROTOBUF: &str = "Content-Type: application/vnd.google.protobuf; \
    proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// A short interval, since tests wait for scrapes.
const CONFIGURATION: &str = "
global: {scrape_interval: 500ms, scrape_timeout: 500ms}
scrape_configs:
- job_name: text
  honor_labels: true
  scrape_protocols: [OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText0.0.4]
  static_configs: [{targets: [GATEWAY], labels: {form: text}}]
- job_name: protobuf
  honor_labels: true
  scrape_protocols: [PrometheusProto]
  static_configs: [{targets: [GATEWAY], labels: {form: protobuf}}]
";

/// A Prometheus that scrapes one gateway.
struct Prometheus {
    server: Server,
    _storage: TempDir,
}

impl Prometheus {
    /// Starts the Prometheus of a part, or `None` if it is missing here.
    fn start(part: &str, gateway: &Server) -> Option<Self> {
        Self::start_with(part, gateway, CONFIGURATION)
    }

    /// The same with a configuration in which `GATEWAY` stands for the address.
    fn start_with(part: &str, gateway: &Server, configuration_text: &str) -> Option<Self> {
        let folder = find(part)?;
        let storage = TempDir::new().unwrap();
        let configuration = storage.path().join("prometheus.yml");
        let target = format!("'{}'", gateway.address());
        std::fs::write(
            &configuration,
            configuration_text.replace("GATEWAY", &target),
        )
        .unwrap();
        let server = Server::start(&mut command(&folder, &configuration, storage.path()));
        Some(Self {
            server,
            _storage: storage,
        })
    }

    /// The result of an instant query, or why there is none yet.
    fn query(&self, promql: &str) -> Result<Vec<Value>, String> {
        let target = format!(
            "/api/v1/query?query={}",
            utf8_percent_encode(promql, NON_ALPHANUMERIC)
        );
        let Response { status, body } = self.server.request("GET", &target, &[], b"");
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        match &answer["data"]["result"] {
            Value::Array(result) if status == 200 => Ok(result.clone()),
            _ => Err(format!("{promql}: {status} {body}")),
        }
    }

    /// The value of the one series of an instant query.
    fn number(&self, promql: &str) -> Result<f64, String> {
        let series = self.query(promql)?;
        let value = series
            .first()
            .and_then(|series| series["value"][1].as_str());
        value
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| format!("{promql}: {series:?}"))
    }

    /// Waits until an instant query gives as many series, then returns them.
    fn await_series(&self, promql: &str, count: usize) -> Vec<Value> {
        let series = until(|| match self.query(promql)? {
            series if series.len() == count => Ok(series),
            series => Err(format!("{promql}: {series:?}, {:?}", self.trouble())),
        });
        series.unwrap()
    }

    /// What Prometheus has to complain about a target that it could not scrape.
    fn trouble(&self) -> Option<String> {
        let answer = self
            .server
            .request("GET", "/api/v1/targets?state=active", &[], b"");
        let answer: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let Some(targets) = answer["data"]["activeTargets"].as_array() else {
            return Some("Prometheus does not answer".to_owned());
        };
        let down = targets.iter().find(|target| target["health"] == "down")?;
        Some(format!(
            "{} scrape: {}",
            down["scrapePool"], down["lastError"]
        ))
    }

    /// How many samples Prometheus has left out of scrapes that were all right otherwise.
    fn left_out_samples(&self) -> f64 {
        let metrics = self.server.request("GET", "/metrics", &[], b"").body;
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("prometheus_target_scrapes_sample_"));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    }
}

fn command(folder: &Path, configuration: &Path, storage: &Path) -> Command {
    let mut command = Command::new(folder.join("prometheus"));
    command
        .arg(format!("--config.file={}", configuration.display()))
        .arg(format!("--storage.tsdb.path={}", storage.display()))
        .arg("--enable-feature=native-histograms");
    command
}

/// The labels of a series without its name and without the form of the scrape.
fn labels(series: &Value) -> Value {
    let mut labels = series["metric"].as_object().unwrap().clone();
    labels.retain(|name, _| !matches!(name.as_str(), "__name__" | "form"));
    json!(labels)
}
