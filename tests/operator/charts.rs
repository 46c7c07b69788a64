//! The chart of a gateway: what it renders, refuses and installs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::helm::Release;

mod install;
mod migration;
mod parity;
mod refusals;
mod render;
mod rules;
mod values;

const CHART: &str = "charts/pushgateway";

/// A release of the chart.
fn release(name: &str, values: Value) -> Release {
    Release::new(CHART, name).values(values)
}

/// Values that are kept as examples, each by the name of its file.
fn examples() -> Vec<(String, Value)> {
    let files = fs::read_dir(root().join(CHART).join("ci")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let examples = files.iter().map(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        let name = name.strip_suffix("-values.yaml").unwrap();
        (name.to_owned(), yaml(&fs::read_to_string(file).unwrap()))
    });
    examples.collect()
}

fn example(name: &str) -> Value {
    let found = examples().into_iter().find(|(found, _)| found == name);
    found.unwrap().1
}

/// A YAML document; an empty one says nothing.
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The one object of a kind, of all that a release has.
fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<_> = objects
        .iter()
        .filter(|object| object["kind"] == kind)
        .collect();
    assert_eq!(found.len(), 1, "of the kind {kind}: {found:#?}");
    found[0]
}

/// The object of a kind and name.
fn object<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let mut objects = objects.iter();
    let found = objects.find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// The workload of a release.
fn workload(objects: &[Value]) -> &Value {
    let mut objects = objects.iter();
    let found = objects.find(|object| object["spec"]["template"].is_object());
    found.expect("a gateway has a workload")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
