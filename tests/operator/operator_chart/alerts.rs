//! The alerts, as promtool judges them: well formed, firing when they should, and silent otherwise.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{everything, release, the};
use crate::helm::Helm;
use crate::parts;

/// The test cases for promtool, about a release `op` in the namespace `ops`.
const CASES: &str = include_str!("alerts.yaml");

/// The groups of the `PrometheusRule`, as the file of a Prometheus.
fn rules(helm: &Helm) -> Value {
    let objects = helm.render(&release(everything()));
    the(&objects, "PrometheusRule")["spec"].clone()
}

fn names(rules: &Value) -> Vec<String> {
    let rules = rules["groups"][0]["rules"].as_array().unwrap().iter();
    rules
        .map(|rule| rule["alert"].as_str().unwrap().to_owned())
        .collect()
}

fn promtool(part: &Path, folder: &Path, arguments: &[&str]) {
    let output = Command::new(part.join("promtool"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
}

fn check(part: &str) {
    let (Some(helm), Some(part)) = (Helm::find(), parts::find(part)) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yaml"), rules(&helm).to_string()).unwrap();
    fs::write(folder.path().join("cases.yaml"), CASES).unwrap();
    promtool(&part, folder.path(), &["check", "rules", "rules.yaml"]);
    promtool(&part, folder.path(), &["test", "rules", "cases.yaml"]);
}

#[test]
fn promtool_2_agrees() {
    check("prometheus-trixie");
}

#[test]
fn promtool_3_agrees() {
    check("prometheus-sid");
}

#[test]
fn each_alert_is_seen_to_fire() {
    let Some(helm) = Helm::find() else { return };
    let cases: Value = serde_yaml::from_str(CASES).unwrap();
    let tests = cases["tests"].as_array().unwrap().iter();
    let checks = tests.flat_map(|test| test["alert_rule_test"].as_array().unwrap());
    let checks: Vec<&Value> = checks.collect();
    for name in names(&rules(&helm)) {
        let of_it = || checks.iter().filter(|check| check["alertname"] == *name);
        let fires = |check: &&&Value| !check["exp_alerts"].as_array().unwrap().is_empty();
        assert!(of_it().any(|check| fires(&check)), "{name} never fires");
        assert!(
            of_it().any(|check| !fires(&check)),
            "{name} is never silent"
        );
    }
}

#[test]
fn alerts_can_be_left_out_and_labelled() {
    let Some(helm) = Helm::find() else { return };
    let all = names(&rules(&helm));
    for left_out in &all {
        let mut values = everything();
        values["metrics"]["prometheusRule"]["disabled"] = json!([left_out]);
        values["metrics"]["prometheusRule"]["alertLabels"] =
            json!({"severity": "page", "team": "a"});
        let objects = helm.render(&release(values));
        let spec = &the(&objects, "PrometheusRule")["spec"];
        let mut rest = names(spec);
        rest.push(left_out.clone());
        rest.sort();
        let mut expected = all.clone();
        expected.sort();
        assert_eq!(rest, expected);
        for rule in spec["groups"][0]["rules"].as_array().unwrap() {
            assert_eq!(rule["labels"], json!({"severity": "page", "team": "a"}));
        }
    }
    let alone = json!({
        "leaderElection": {"enabled": false},
        "metrics": {"serviceMonitor": {"enabled": true}, "prometheusRule": {"enabled": true}},
    });
    let objects = helm.render(&release(alone));
    let names = names(&the(&objects, "PrometheusRule")["spec"]);
    assert!(!names.contains(&"PushgatewayOperatorNoLeader".to_owned()));
}
