//! Values, their comments, their schema, the README's table and the templates stay together.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{CHART, examples, release};
use crate::chart_values::ChartValues;
use crate::helm::Helm;

/// Values whose comments speak of all that is in them.
const WHOLES: [&str; 9] = [
    ".liveness.probe",
    ".readiness.probe",
    ".startup.probe",
    ".persistentVolume.emptyDir",
    ".podDisruptionBudget",
    ".serviceMonitor.basicAuth",
    ".statefulSet.updateStrategy",
    ".strategy",
    ".route.main",
];

/// What no rendering without a cluster can show; `install` does.
const SEEN_IN_CLUSTERS: [&str; 1] = ["checkUpgrades"];

#[test]
fn every_value_has_a_comment() {
    ChartValues::of(CHART).check_comments();
}

#[test]
fn the_readme_lists_all_values() {
    ChartValues::of(CHART).check_readme();
}

#[test]
fn values_and_schema_know_the_same() {
    ChartValues::of(CHART).check_schema(&WHOLES);
}

#[test]
fn every_value_has_an_effect() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let releases: Vec<_> = examples()
        .into_iter()
        .map(|(_, values)| {
            let values = values.as_object().cloned().unwrap_or_default();
            (release("a", json!({})), Value::Object(values))
        })
        .collect();
    ChartValues::of(CHART).check_effects(&helm, &releases, &SEEN_IN_CLUSTERS);
}

#[test]
fn examples_set_no_default() {
    let values = ChartValues::of(CHART);
    let idle: BTreeSet<_> = examples()
        .iter()
        .flat_map(|(name, example)| {
            let defaults = values.defaults_in(example).into_iter();
            defaults.map(move |path| format!("{name}: {path}"))
        })
        .collect();
    assert!(idle.is_empty(), "nothing changes by {idle:#?}");
}
