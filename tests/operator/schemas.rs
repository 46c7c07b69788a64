//! What the operator makes is valid for every supported version of Kubernetes: no field that it does not know, none
//! of another type.
//!
//! The API servers' own descriptions (`OpenAPI`) are the measure, read strictly: what an object says and the description
//! does not is an error, where a server would drop it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cluster::shared_crds;
use crate::golden::Golden;
use crate::parts;

/// The definitions of kinds, as they are in an API server's description.
struct Definitions(Value);

impl Definitions {
    /// Of the kinds that Kubernetes itself serves.
    fn of_kubernetes(document: &Path) -> Self {
        let document: Value = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
        Self(document["definitions"].clone())
    }

    /// Of the one kind that a definition brings, in each of its versions.
    fn of_crd(file: &Path) -> Self {
        let definition: Value = serde_yaml::from_slice(&fs::read(file).unwrap()).unwrap();
        let spec = &definition["spec"];
        let versions = spec["versions"].as_array().unwrap().iter();
        let schemas = versions.map(|version| {
            let mut schema = version["schema"]["openAPIV3Schema"].clone();
            let name = version["name"].as_str().unwrap().to_owned();
            // What the API server adds to each.
            for field in ["apiVersion", "kind"] {
                schema["properties"][field] = json!({"type": "string"});
            }
            schema["properties"]["metadata"] = json!({"type": "object"});
            schema["x-kubernetes-group-version-kind"] =
                json!([{"group": spec["group"], "version": name, "kind": spec["names"]["kind"]}]);
            (name, schema)
        });
        Self(Value::Object(schemas.collect()))
    }

    /// The schema of an object's kind.
    fn schema(&self, object: &Value) -> Option<&Value> {
        let api_version = object["apiVersion"].as_str().unwrap();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let mut definitions = self.0.as_object().unwrap().values();
        definitions.find(|schema| {
            let kinds = schema["x-kubernetes-group-version-kind"].as_array();
            kinds.is_some_and(|kinds| {
                kinds.len() == 1
                    && kinds[0]["group"] == group
                    && kinds[0]["version"] == version
                    && kinds[0]["kind"] == object["kind"]
            })
        })
    }

    /// Everything in `value` that the schema does not allow, each with its path.
    fn faults(&self, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.strip_prefix("#/definitions/").unwrap();
            return self.faults(&self.0[name], value, path);
        }
        // A value of any kind, as the default of a field of a custom resource.
        let said = ["type", "properties", "x-kubernetes-int-or-string"];
        if said.iter().all(|keyword| schema[keyword].is_null()) {
            return Vec::new();
        }
        match value {
            Value::Object(fields) => self.faults_of_fields(schema, fields, path),
            Value::Array(items) if schema["type"] == "array" => items
                .iter()
                .enumerate()
                .flat_map(|(at, item)| {
                    self.faults(&schema["items"], item, &format!("{path}[{at}]"))
                })
                .collect(),
            _ if is_scalar_of(schema, value) => Vec::new(),
            _ => vec![format!("{path}: {value} is no {}", schema["type"])],
        }
    }

    fn faults_of_fields(
        &self,
        schema: &Value,
        fields: &serde_json::Map<String, Value>,
        path: &str,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let is_open = schema["x-kubernetes-preserve-unknown-fields"] == true
            || schema["type"] == "object"
                && schema["properties"].is_null()
                && schema["additionalProperties"].is_null();
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            let known = [&schema["properties"][name], &schema["additionalProperties"]];
            match known.into_iter().find(|schema| schema.is_object()) {
                Some(schema) => faults.extend(self.faults(schema, value, &path)),
                None if is_open => {}
                None => faults.push(format!("{path} is unknown")),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten();
        let missing = required.filter(|name| !fields.contains_key(name.as_str().unwrap()));
        faults.extend(missing.map(|name| format!("{path}: {name} is missing")));
        faults
    }
}

fn is_scalar_of(schema: &Value, value: &Value) -> bool {
    if schema["format"] == "int-or-string" || schema["x-kubernetes-int-or-string"] == true {
        return value.is_string() || value.is_i64();
    }
    match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => false,
    }
}

/// The descriptions of all supported versions of Kubernetes, the definitions of kinds that others bring, and our own.
pub(crate) struct Schemas {
    versions: Vec<(String, Definitions)>,
    others: Vec<Definitions>,
}

impl Schemas {
    /// All of them, or `None` if the calling test is to return, because some are missing here.
    pub(crate) fn find() -> Option<Self> {
        let documents = files(&parts::find("kube-schemas")?, "json");
        assert!(documents.len() >= 7, "{documents:?}");
        let version =
            |document: &PathBuf| document.file_stem().unwrap().to_str().unwrap().to_owned();
        let versions = documents
            .iter()
            .map(|document| (version(document), Definitions::of_kubernetes(document)));
        let others = shared_crds()?;
        Some(Self {
            versions: versions.collect(),
            others: others
                .iter()
                .map(|file| Definitions::of_crd(file))
                .collect(),
        })
    }

    /// Everything in an object that some version does not allow, each with its path; also that none knows the kind.
    pub(crate) fn faults(&self, object: &Value) -> Vec<String> {
        let others = self.others.iter().find_map(|definitions| {
            Some(definitions.faults(definitions.schema(object)?, object, ""))
        });
        if let Some(faults) = others {
            return faults;
        }
        let faults = self.versions.iter().flat_map(|(version, definitions)| {
            let faults = match definitions.schema(object) {
                Some(schema) => definitions.faults(schema, object, ""),
                None => vec!["the kind is unknown".to_owned()],
            };
            faults
                .into_iter()
                .map(move |fault| format!("{version}: {fault}"))
        });
        faults.collect()
    }

    /// Fails the test unless all objects are of known kinds and valid in every version.
    #[track_caller]
    pub(crate) fn check(&self, what: &str, objects: &[Value]) {
        for object in objects {
            let faults = self.faults(object);
            let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
            assert!(faults.is_empty(), "{what}, {kind} {name}: {faults:#?}");
        }
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

#[test]
fn children_are_valid_from_kubernetes_1_30_on() {
    let Some(schemas) = Schemas::find() else {
        return;
    };
    for golden in Golden::all() {
        schemas.check(&golden.name, &golden.objects());
    }
}

#[test]
fn an_unknown_kind_is_told() {
    let Some(schemas) = Schemas::find() else {
        return;
    };
    let object = json!({"apiVersion": "example.com/v1", "kind": "Service"});
    let faults = schemas.faults(&object);
    assert_eq!(faults.len(), schemas.versions.len(), "{faults:?}");
    assert!(faults[0].ends_with("the kind is unknown"), "{faults:?}");
}

#[test]
fn a_wrong_object_is_told() {
    let Some(schemas) = parts::find("kube-schemas") else {
        return;
    };
    let definitions = Definitions::of_kubernetes(&schemas.join("v1.30.json"));
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "spec": {"ports": [{"port": "http", "targetPort": "http", "colour": 1}]},
    });
    let schema = definitions.schema(&service).unwrap();
    assert_eq!(
        definitions.faults(schema, &service, ""),
        [
            ".spec.ports[0].colour is unknown",
            ".spec.ports[0].port: \"http\" is no \"integer\"",
        ]
    );
}
