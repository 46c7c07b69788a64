//! What the operator makes is valid for every supported version of Kubernetes: no field that it does not know, none
//! of another type.
//!
//! The API servers' own descriptions (`OpenAPI`) are the measure, read strictly: what an object says and the description
//! does not is an error, where a server would drop it.

use std::fs;
use std::path::Path;

use serde_json::Value;

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

/// All children of all samples that `schema` finds a schema for, judged by it. Gives how many there were.
fn check(version: &str, definitions: &Definitions) -> usize {
    let mut checked = 0;
    for golden in Golden::all() {
        for object in golden.objects() {
            let Some(schema) = definitions.schema(&object) else {
                continue;
            };
            let faults = definitions.faults(schema, &object, "");
            let (name, kind) = (&golden.name, &object["kind"]);
            assert!(faults.is_empty(), "{name}, {kind}, {version}: {faults:#?}");
            checked += 1;
        }
    }
    checked
}

#[test]
fn children_are_valid_from_kubernetes_1_30_on() {
    let Some(schemas) = parts::find("kube-schemas") else {
        return;
    };
    let mut documents: Vec<_> = fs::read_dir(schemas)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    documents.sort();
    assert!(documents.len() >= 7, "{documents:?}");
    let others = Golden::all()
        .iter()
        .flat_map(Golden::objects)
        .filter(is_of_others)
        .count();
    let all = Golden::all().iter().flat_map(Golden::objects).count();
    for document in documents {
        let version = document.file_stem().unwrap().to_str().unwrap().to_owned();
        let checked = check(&version, &Definitions::of_kubernetes(&document));
        assert_eq!(checked + others, all, "a kind is not known in {version}");
    }
}

/// Whether an object is of a kind that Kubernetes itself does not serve.
fn is_of_others(object: &Value) -> bool {
    let api_version = object["apiVersion"].as_str().unwrap();
    ["monitoring.coreos.com", "gateway.networking.k8s.io"]
        .iter()
        .any(|group| api_version.starts_with(group))
}

#[test]
fn children_of_other_kinds_are_valid_by_their_definitions() {
    let (Some(monitoring), Some(gateway_api)) = (
        parts::find("prometheus-operator-crds"),
        parts::find("gateway-api-crds"),
    ) else {
        return;
    };
    for file in [
        monitoring.join("monitoring.coreos.com_servicemonitors.yaml"),
        gateway_api.join("gateway.networking.k8s.io_httproutes.yaml"),
    ] {
        let definition: Value = serde_yaml::from_slice(&fs::read(&file).unwrap()).unwrap();
        let kind = definition["spec"]["names"]["kind"].clone();
        let group = definition["spec"]["group"].as_str().unwrap().to_owned();
        let versions = definition["spec"]["versions"].as_array().unwrap();
        let v1 = versions
            .iter()
            .find(|version| version["name"] == "v1")
            .unwrap();
        let mut schema = v1["schema"]["openAPIV3Schema"].clone();
        schema["x-kubernetes-group-version-kind"] =
            serde_json::json!([{"group": group, "version": "v1", "kind": kind}]);
        let definitions = Definitions(serde_json::json!({ "it": schema }));
        assert!(check("v1", &definitions) > 0, "no sample has a {kind}");
    }
}

#[test]
fn a_wrong_object_is_told() {
    let Some(schemas) = parts::find("kube-schemas") else {
        return;
    };
    let definitions = Definitions::of_kubernetes(&schemas.join("v1.30.json"));
    let service = serde_json::json!({
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
