//! The chart of a gateway: what it renders, refuses and installs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::helm::Release;

mod refusals;
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

/// A YAML document; an empty one says nothing.
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
