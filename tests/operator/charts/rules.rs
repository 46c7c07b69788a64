//! The alerts of the chart, as promtool of a real Prometheus sees them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{only, release};
use crate::helm::Helm;
use crate::parts;

/// Labels of all that is scraped from the gateway of the release `a` in `jobs`.
const TARGET: &str = r#"namespace="jobs",service="a-pushgateway",pod="a-pushgateway-0""#;

/// All alerts, groups among them that are stale after an hour.
fn rules(helm: &Helm) -> Value {
    let values = json!({"prometheusRule": {
        "enabled": true,
        "alertLabels": {"team": "batch"},
        "groupStale": {"enabled": true, "ageSeconds": 3600, "selector": r#"job!="adhoc""#},
    }});
    let objects = helm.render(&release("a", values).namespace("jobs"));
    only(&objects, "PrometheusRule")["spec"].clone()
}

fn promtool(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let promtool = parts::find("prometheus-trixie").unwrap().join("promtool");
    let mut command = Command::new(promtool);
    let output = command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// Fails unless, of these series, exactly these alerts fire at a time.
fn check(series: &[(&str, &str)], at: &str, name: &str, alerts: &Value) {
    let (Some(helm), Some(_)) = (Helm::find(), parts::find("prometheus-trixie")) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("rules.json"), rules(&helm).to_string()).unwrap();
    let series: Vec<Value> = series
        .iter()
        .map(|(series, values)| json!({"series": series, "values": values}))
        .collect();
    let test = json!({
        "rule_files": ["rules.json"],
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": series,
            "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": alerts}],
        }],
    });
    fs::write(folder.path().join("test.json"), test.to_string()).unwrap();
    let (passed, said) = promtool(folder.path(), &["test", "rules", "test.json"]);
    assert!(passed, "{said}");
}

/// An alert with labels beside those of the target, told apart by the description.
fn alert(labels: &Value, severity: &str, summary: &str, description: &str) -> Value {
    let mut all = json!({
        "namespace": "jobs",
        "service": "a-pushgateway",
        "pod": "a-pushgateway-0",
        "severity": severity,
        "team": "batch",
    });
    for (key, value) in labels.as_object().unwrap() {
        all[key] = value.clone();
    }
    json!([{
        "exp_labels": all,
        "exp_annotations": {"summary": summary, "description": description},
    }])
}

fn series(name: &str, labels: &str) -> String {
    format!("{name}{{{TARGET}{labels}}}")
}

#[test]
fn promtool_finds_nothing_to_mend() {
    let (Some(helm), Some(_)) = (Helm::find(), parts::find("prometheus-trixie")) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let rules = rules(&helm);
    fs::write(folder.path().join("rules.json"), rules.to_string()).unwrap();
    let (passed, said) = promtool(
        folder.path(),
        &["check", "rules", "--lint-fatal", "rules.json"],
    );
    assert!(passed && said.contains("4 rules found"), "{said}");
}

#[test]
fn a_gateway_that_is_down_or_gone_is_told() {
    let up = series("up", ",job=\"a\"");
    let summary = "Prometheus can't scrape the Pushgateway.";
    let description = "Prometheus gets nothing from the Pushgateway jobs/a-pushgateway. What jobs push meanwhile may be \
                       refused, and is not seen.";
    let down = alert(&json!({"job": "a"}), "critical", summary, description);
    check(&[(&up, "1 0x9")], "7m", "PushgatewayDown", &down);
    check(&[(&up, "1 0x9")], "5m", "PushgatewayDown", &json!([]));
    check(&[(&up, "0x3 1x9")], "9m", "PushgatewayDown", &json!([]));
    let mut gone = alert(&json!({}), "critical", summary, description);
    gone[0]["exp_labels"].as_object_mut().unwrap().remove("pod");
    check(
        &[(&up.replace("jobs", "other"), "1x9")],
        "7m",
        "PushgatewayDown",
        &gone,
    );
}

#[test]
fn a_push_that_failed_is_told_until_one_succeeds() {
    // Also of groups that have a namespace of their own.
    let labels = ",job=\"backup\",instance=\"\"";
    let pushed = series("push_time_seconds", labels).replace("jobs", "prod");
    let failed = series("push_failure_time_seconds", labels).replace("jobs", "prod");
    let told = alert(
        &json!({"job": "backup", "namespace": "prod"}),
        "warning",
        "The last push of a job was refused.",
        "The last push of the job backup to the Pushgateway a-pushgateway was refused, at 1970-01-01 00:01:40 +0000 UTC. \
         What is shown of it is older. The log of the gateway, and the answer that the job got, say why.",
    );
    let never = json!([]);
    check(
        &[(&pushed, "50x9"), (&failed, "0 100x8")],
        "3m",
        "PushgatewayPushFailed",
        &told,
    );
    check(
        &[(&pushed, "50x9"), (&failed, "0x9")],
        "3m",
        "PushgatewayPushFailed",
        &never,
    );
    check(
        &[(&pushed, "50x3 150x6"), (&failed, "100x9")],
        "6m",
        "PushgatewayPushFailed",
        &never,
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let last = series(
        "pushgateway_persistence_last_commit_successful",
        ",job=\"a\"",
    );
    let told = alert(
        &json!({"job": "a"}),
        "critical",
        "The Pushgateway can't write its persistence file.",
        "The Pushgateway jobs/a-pushgateway can't write its persistence file. Pushes are answered with 503 until it can; its \
         log says what is wrong with the volume.",
    );
    check(
        &[(&last, "1 0x9")],
        "4m",
        "PushgatewayPersistenceFailing",
        &told,
    );
    check(
        &[(&last, "1 0 1x8")],
        "4m",
        "PushgatewayPersistenceFailing",
        &json!([]),
    );
}

#[test]
fn a_group_that_nobody_pushes_to_is_told() {
    let pushed = |job: &str| {
        series(
            "push_time_seconds",
            &format!(",job=\"{job}\",instance=\"\""),
        )
    };
    let (backup, adhoc, broken) = (pushed("backup"), pushed("adhoc"), pushed("broken"));
    // The last is of a group that no push has ever succeeded of.
    let all = [
        (&*backup, "60x200"),
        (&*adhoc, "60x200"),
        (&*broken, "0x200"),
    ];
    let told = alert(
        &json!({"job": "backup"}),
        "warning",
        "A job has not pushed for long.",
        "The job backup pushed to the Pushgateway a-pushgateway 1h 1m 0s ago for the last time. If it is gone for good, \
         delete its group.",
    );
    check(&all, "62m", "PushgatewayGroupStale", &told);
    check(&all, "61m", "PushgatewayGroupStale", &json!([]));
}
