//! What holds of the values of any chart: their comments, their schema, the README's table and the templates stay
//! together.

use std::path::{Path, PathBuf};
use std::{env, fs, thread};

use serde_json::{Map, Value};

use crate::helm::{Helm, Release};

/// What begins and ends the table in a README.
const TABLE: [&str; 2] = [
    "<!-- values: made by make generate -->",
    "<!-- end of values -->",
];

/// The files of a chart that speak of its values.
pub(crate) struct ChartValues {
    folder: PathBuf,
}

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

impl ChartValues {
    /// Of a chart, by its path in this repository.
    pub(crate) fn of(chart: &str) -> Self {
        Self {
            folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(chart),
        }
    }

    fn text(&self) -> String {
        fs::read_to_string(self.folder.join("values.yaml")).unwrap()
    }

    fn values(&self) -> Value {
        serde_yaml::from_str(&self.text()).unwrap()
    }

    /// The values that have a comment which begins with two dashes, in the order of the file.
    fn documented(&self) -> Vec<Documented> {
        let values = self.values();
        let mut found = Vec::new();
        // The keys that the current line is below, each with its indentation.
        let mut above: Vec<(usize, String)> = Vec::new();
        let mut comment: Option<String> = None;
        for line in self.text().lines() {
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

    /// What an example sets to what is the default, which shows nothing.
    pub(crate) fn defaults_in(&self, example: &Value) -> Vec<String> {
        let (values, mut set) = (self.values(), Vec::new());
        leaves(example, &[], &mut set);
        let set = set.into_iter().filter(|path| !path.is_empty());
        let idle = set.filter(|path| {
            let default = at(&values, path);
            default.is_some() && default == at(example, path)
        });
        idle.map(|path| path.join(".")).collect()
    }

    /// Fails the test unless every value, or a map that it is in, has a comment.
    #[track_caller]
    pub(crate) fn check_comments(&self) {
        let documented = self.documented();
        let mut all = Vec::new();
        leaves(&self.values(), &[], &mut all);
        let is_told = |leaf: &Vec<String>| documented.iter().any(|one| leaf.starts_with(&one.path));
        let silent: Vec<_> = all.iter().filter(|leaf| !is_told(leaf)).collect();
        assert!(
            silent.is_empty(),
            "no comment that begins with `# --`: {silent:?}"
        );
    }

    /// Fails the test unless the README's table is made from the comments; makes it so where `UPDATE` is set.
    #[track_caller]
    pub(crate) fn check_readme(&self) {
        let file = self.folder.join("README.md");
        let readme = fs::read_to_string(&file).unwrap();
        let [begin, end] = TABLE;
        let (before, rest) = readme
            .split_once(begin)
            .expect("it has a place for the table");
        let (_, after) = rest.split_once(end).expect("the place ends");
        let rows = self.documented().into_iter().map(|value| {
            let name = value.name();
            let comment = value.comment.replace('|', "\\|");
            format!("| `{name}` | `{}` | {comment} |\n", value.default)
        });
        let rows: String = rows.collect();
        let table = format!("\n| value | default | what it does |\n|---|---|---|\n{rows}");
        let expected = format!("{before}{begin}\n{table}\n{end}{after}");
        if env::var_os("UPDATE").is_some() {
            fs::write(&file, &expected).unwrap();
        } else {
            let stale = readme != expected;
            assert!(!stale, "{} is stale: make generate", file.display());
        }
    }

    /// Fails the test unless values and schema know the same, and the schema refuses all else. Below `wholes`, the schema may
    /// know more, since their comments speak of all that is in them.
    #[track_caller]
    pub(crate) fn check_schema(&self, wholes: &[&str]) {
        let schema = fs::read(self.folder.join("values.schema.json")).unwrap();
        let schema: Value = serde_json::from_slice(&schema).unwrap();
        let mut comparison = Comparison {
            schema: &schema,
            wholes,
            differences: Vec::new(),
        };
        comparison.compare(&schema, &self.values(), "");
        let differences = comparison.differences;
        assert!(differences.is_empty(), "{differences:#?}");
    }

    /// Fails the test unless, of every value but those that only a cluster shows, some release that sets it renders
    /// otherwise without it.
    #[track_caller]
    pub(crate) fn check_effects(
        &self,
        helm: &Helm,
        releases: &[(Release, Value)],
        seen_in_clusters: &[&str],
    ) {
        let rendered: Vec<_> = releases
            .iter()
            .map(|(release, set)| {
                (
                    release,
                    set,
                    helm.render(&release.clone().values(set.clone())),
                )
            })
            .collect();
        let has_effect = |value: &Documented| {
            let mut setting = rendered
                .iter()
                .filter(|(_, set, _)| at(set, &value.path).is_some());
            setting.any(|(release, set, rendered)| {
                let reset = with(set, &value.path, value.default.clone());
                let reset = (*release).clone().values(reset);
                // Refused counts, too: it was read.
                helm.template(&reset)
                    .map_or(true, |objects| objects != *rendered)
            })
        };
        let documented = self.documented();
        let visible: Vec<_> = documented
            .iter()
            .filter(|value| !seen_in_clusters.contains(&&*value.name()))
            .collect();
        // One rendering takes a tenth of a second, and there are hundreds.
        let at_a_time = thread::available_parallelism().map_or(1, usize::from);
        let idle: Vec<String> = thread::scope(|scope| {
            let parts = visible.chunks(visible.len().div_ceil(at_a_time));
            let found = parts.map(|part| {
                scope.spawn(|| {
                    let idle = part.iter().filter(|value| !has_effect(value));
                    idle.map(|value| value.name()).collect::<Vec<_>>()
                })
            });
            let found: Vec<_> = found.collect();
            let found = found.into_iter().flat_map(|part| part.join().unwrap());
            found.collect()
        });
        assert!(idle.is_empty(), "no release shows what these do: {idle:#?}");
    }
}

/// Values beside their schema.
struct Comparison<'a> {
    schema: &'a Value,
    wholes: &'a [&'a str],
    differences: Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, schema: &Value, value: &Value, path: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').unwrap();
            let referred = self.schema.pointer(pointer).unwrap();
            return self.compare(referred, value, path);
        }
        let empty = Map::new();
        let fields = value.as_object().unwrap_or(&empty);
        let Some(properties) = schema["properties"].as_object() else {
            // A map whose keys are free and whose values are alike.
            if schema["additionalProperties"]["$ref"].is_string() {
                for (key, value) in fields {
                    self.compare(
                        &schema["additionalProperties"],
                        value,
                        &format!("{path}.{key}"),
                    );
                }
            }
            return;
        };
        // Parents of a chart may share more than it knows.
        if value.is_object() && schema["additionalProperties"] != false && path != ".global" {
            self.differences.push(format!("{path} is open to any key"));
        }
        for key in fields.keys().filter(|key| !properties.contains_key(*key)) {
            self.differences.push(format!("{path}.{key} has no schema"));
        }
        for (key, schema) in properties {
            let path = format!("{path}.{key}");
            match fields.get(key) {
                Some(value) => self.compare(schema, value, &path),
                None if self.is_told_elsewhere(schema, &path) => {}
                None => self
                    .differences
                    .push(format!("{path} is no value, and not optional")),
            }
        }
    }

    fn is_told_elsewhere(&self, schema: &Value, path: &str) -> bool {
        let description = schema["description"].as_str().unwrap_or_default();
        description.starts_with("Optional")
            || self.wholes.iter().any(|whole| path.starts_with(whole))
    }
}

fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// The values with one of them replaced.
fn with(values: &Value, path: &[String], new: Value) -> Value {
    let mut values = values.clone();
    let place = path.iter().fold(&mut values, |value, key| &mut value[key]);
    *place = new;
    values
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
