//! Values, their comments, their schema, the README's table and the templates stay together.

use std::collections::BTreeSet;
use std::{env, fs, thread};

use serde_json::{Map, Value, json};

use super::{CHART, examples, release, root, yaml};
use crate::helm::Helm;

const UPDATE: &str =
    "UPDATE=1 cargo test --features operator --test operator -- charts::render charts::values";

/// What no rendering without a cluster can show; `install` does.
const SEEN_IN_CLUSTERS: [&str; 1] = ["checkUpgrades"];

/// What begins and ends the table in the README.
const TABLE: [&str; 2] = [
    "<!-- values: made by make generate -->",
    "<!-- end of values -->",
];

/// A value that has a comment.
struct Documented {
    path: Vec<String>,
    comment: String,
    default: Value,
}

impl Documented {
    fn name(&self) -> String {
        self.path.join(".")
    }
}

fn values() -> Value {
    yaml(&values_text())
}

fn values_text() -> String {
    fs::read_to_string(root().join(CHART).join("values.yaml")).unwrap()
}

fn schema() -> Value {
    let text = fs::read(root().join(CHART).join("values.schema.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The values that have a comment which begins with two dashes, in the order of the file.
fn documented() -> Vec<Documented> {
    let values = values();
    let mut found = Vec::new();
    // The keys that the current line is below, each with its indentation.
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut comment: Option<String> = None;
    for line in values_text().lines() {
        let content = line.trim_start();
        let indentation = line.len() - content.len();
        if let Some(begun) = content.strip_prefix("# -- ") {
            comment = Some(begun.to_owned());
        } else if let Some(text) = content.strip_prefix("# ") {
            if let Some(comment) = &mut comment {
                comment.push(' ');
                comment.push_str(text);
            }
        } else if let Some((key, _)) = content.split_once(':') {
            above.retain(|(outer, _)| *outer < indentation);
            above.push((indentation, key.to_owned()));
            if let Some(comment) = comment.take() {
                let path: Vec<String> = above.iter().map(|(_, key)| key.clone()).collect();
                let default = at(&values, &path).cloned();
                let default = default.unwrap_or_else(|| panic!("{path:?} is no value"));
                found.push(Documented {
                    path,
                    comment,
                    default,
                });
            }
        }
    }
    found
}

fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Paths of all values that are no maps with something in them.
fn leaves(value: &Value, path: &[String], found: &mut Vec<Vec<String>>) {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => {
            for (key, value) in fields {
                leaves(value, &[path, std::slice::from_ref(key)].concat(), found);
            }
        }
        None => found.push(path.to_owned()),
    }
}

#[test]
fn every_value_has_a_comment() {
    let documented = documented();
    let mut all = Vec::new();
    leaves(&values(), &[], &mut all);
    let silent: Vec<_> = all
        .iter()
        .filter(|leaf| !documented.iter().any(|value| leaf.starts_with(&value.path)))
        .collect();
    assert!(
        silent.is_empty(),
        "no comment that begins with `# --`: {silent:?}"
    );
}

#[test]
fn the_readme_lists_all_values() {
    let file = root().join(CHART).join("README.md");
    let readme = fs::read_to_string(&file).unwrap();
    let [begin, end] = TABLE;
    let (before, rest) = readme
        .split_once(begin)
        .expect("it has a place for the table");
    let (_, after) = rest.split_once(end).expect("the place ends");
    let rows = documented().into_iter().map(|value| {
        let name = value.name();
        let Documented {
            comment, default, ..
        } = value;
        let comment = comment.replace('|', "\\|");
        format!("| `{name}` | `{default}` | {comment} |\n")
    });
    let rows: String = rows.collect();
    let table = format!("\n| value | default | what it does |\n|---|---|---|\n{rows}");
    let expected = format!("{before}{begin}\n{table}\n{end}{after}");
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, &expected).unwrap();
        return;
    }
    assert!(
        readme == expected,
        "README.md of the chart is stale; run make generate, or: {UPDATE}"
    );
}

#[test]
fn values_and_schema_know_the_same() {
    let schema = schema();
    let mut differences = Vec::new();
    compare(&schema, &schema, &values(), "", &mut differences);
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Looks for values without a schema, and for properties that are no values and do not say that they are optional.
fn compare(all: &Value, schema: &Value, value: &Value, path: &str, differences: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return compare(all, all.pointer(pointer).unwrap(), value, path, differences);
    }
    let Some(properties) = schema["properties"].as_object() else {
        if let (Some(fields), true) = (
            value.as_object(),
            schema["additionalProperties"]["$ref"].is_string(),
        ) {
            for (key, value) in fields {
                compare(
                    all,
                    &schema["additionalProperties"],
                    value,
                    &format!("{path}.{key}"),
                    differences,
                );
            }
        }
        return;
    };
    let empty = Map::new();
    let fields = value.as_object().unwrap_or(&empty);
    if value.is_object() && schema["additionalProperties"] != false && path != ".global" {
        differences.push(format!("{path} is open to any key"));
    }
    for key in fields.keys().filter(|key| !properties.contains_key(*key)) {
        differences.push(format!("{path}.{key} has no schema"));
    }
    for (key, schema) in properties {
        let path = format!("{path}.{key}");
        match fields.get(key) {
            Some(value) => compare(all, schema, value, &path, differences),
            // Probes, an empty directory, budgets and strategies are documented as wholes.
            None if is_optional(schema) || WHOLES.iter().any(|whole| path.starts_with(whole)) => {}
            None => differences.push(format!("{path} is not in values.yaml, and not optional")),
        }
    }
}

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

fn is_optional(schema: &Value) -> bool {
    let description = schema["description"].as_str().unwrap_or_default();
    description.starts_with("Optional")
}

#[test]
fn every_value_has_an_effect() {
    let Some(helm) = Helm::find() else {
        return;
    };
    // What each example renders, and the values that it sets.
    let examples: Vec<_> = examples()
        .into_iter()
        .map(|(_, values)| (helm.render(&release("a", values.clone())), values))
        .collect();
    let is_idle = |value: &Documented| {
        let mut setting = examples
            .iter()
            .filter(|(_, set)| at(set, &value.path).is_some());
        !setting.any(|(rendered, set)| {
            let reset = with(set, &value.path, value.default.clone());
            // Refused counts, too: it was read.
            let without = helm.template(&release("a", reset));
            without.map_or(true, |without| without != *rendered)
        })
    };
    let documented = documented();
    let visible: Vec<_> = documented
        .iter()
        .filter(|value| !SEEN_IN_CLUSTERS.contains(&&*value.name()))
        .collect();
    // One rendering takes a tenth of a second, and there are hundreds.
    let at_a_time = thread::available_parallelism().map_or(1, usize::from);
    let idle: Vec<String> = thread::scope(|scope| {
        let parts = visible.chunks(visible.len().div_ceil(at_a_time));
        let found = parts.map(|part| {
            scope.spawn(|| {
                let idle = part.iter().filter(|value| is_idle(value));
                idle.map(|value| value.name()).collect::<Vec<_>>()
            })
        });
        let found: Vec<_> = found.collect();
        let found = found.into_iter().flat_map(|part| part.join().unwrap());
        found.collect()
    });
    assert!(
        idle.is_empty(),
        "no example in {CHART}/ci shows what these do: {idle:#?}"
    );
}

/// The values with one of them replaced.
fn with(values: &Value, path: &[String], new: Value) -> Value {
    let mut values = values.clone();
    let place = path.iter().fold(&mut values, |value, key| &mut value[key]);
    *place = new;
    values
}

#[test]
fn examples_set_no_default() {
    let (values, mut idle) = (values(), BTreeSet::new());
    for (name, example) in examples() {
        let mut set = Vec::new();
        if example != json!({}) {
            leaves(&example, &[], &mut set);
        }
        for path in set {
            if at(&values, &path).is_some_and(|default| Some(default) == at(&example, &path)) {
                idle.insert(format!("{name}: {}", path.join(".")));
            }
        }
    }
    assert!(idle.is_empty(), "nothing changes by {idle:#?}");
}
