//! The CustomResourceDefinition as it is shipped, from the types in [`api`](super::api).
//!
//! What the derive makes is right but not fit to print: here `nullable` goes, so that the API server drops and
//! defaults a `null` instead of storing it (Kubernetes: "Defaulting and Nullable"), formats that Kubernetes does not know go, and the
//! docs of embedded Kubernetes types are cut to their first sentence.

use kube::CustomResourceExt;
use serde_json::{Map, Value};

use super::api::PushGateway;

/// Fields of the spec whose schema is embedded from the Kubernetes API.
const EMBEDDED: [&str; 9] = [
    "affinity",
    "env",
    "envFrom",
    "from",
    "podSecurityContext",
    "resources",
    "securityContext",
    "tolerations",
    "topologySpreadConstraints",
];

/// Bounds of a condition as in `metav1.Condition`, which the embedded schema lacks.
const CONDITION_BOUNDS: [(&str, u64, Option<&str>); 3] = [
    ("message", 32_768, None),
    (
        "reason",
        1024,
        Some("^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
    ),
    (
        "type",
        316,
        Some(
            r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        ),
    ),
];

/// The definition as JSON.
///
/// # Panics
///
/// Never: the types are fixed, and tests make the definition of them.
pub fn definition() -> Value {
    let derived = PushGateway::crd();
    let mut crd = serde_json::to_value(derived).expect("a definition is plain JSON");
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    clean(schema);
    let properties = &mut schema["properties"];
    for field in EMBEDDED {
        for parent in ["spec", "networkPolicy"] {
            let parent = match parent {
                "spec" => &mut properties["spec"]["properties"],
                nested => &mut properties["spec"]["properties"][nested]["properties"],
            };
            if let Some(embedded) = parent.get_mut(field) {
                let doc = embedded["description"].take();
                shorten(embedded);
                embedded["description"] = doc;
            }
        }
    }
    bound_conditions(&mut properties["status"]["properties"]["conditions"]["items"]["properties"]);
    crd
}

/// The definition as YAML, with a first line that tells where it comes from.
///
/// # Panics
///
/// Never, as for [`definition`].
pub fn yaml() -> String {
    let yaml = serde_yaml::to_string(&definition()).expect("JSON is YAML");
    format!("# Made from src/operator/api.rs: make generate\n{yaml}")
}

/// Removes what Kubernetes does not know or should not do.
fn clean(schema: &mut Value) {
    match schema {
        Value::Object(node) => {
            clean_node(node);
            node.values_mut().for_each(clean);
        }
        Value::Array(nodes) => nodes.iter_mut().for_each(clean),
        _ => {}
    }
}

fn clean_node(node: &mut Map<String, Value>) {
    // A property may be called so, too; then it is a schema and no flag.
    if node.get("nullable").is_some_and(Value::is_boolean) {
        node.remove("nullable");
    }
    if let Some(Value::Array(values)) = node.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if node.get("default").is_some_and(is_empty) {
        node.remove("default");
    }
    if node.get("type").is_some_and(|kind| kind == "array") {
        // What Kubernetes takes for granted, said aloud.
        node.entry("x-kubernetes-list-type")
            .or_insert("atomic".into());
    }
    for bound in ["minimum", "maximum"] {
        if let Some(number) = node.get_mut(bound) {
            whole(number);
        }
    }
}

/// A bound without a fraction, so that it is printed as people write it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only whole numbers are replaced, and bounds are small"
)]
fn whole(number: &mut Value) {
    if let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0) {
        *number = Value::from(float as i64);
    }
}

/// Cuts all docs to their first sentence.
fn shorten(schema: &mut Value) {
    match schema {
        Value::Object(node) => {
            if let Some(Value::String(doc)) = node.get_mut("description")
                && let Some(end) = doc.find(". ").or_else(|| doc.find('\n'))
            {
                doc.truncate(end + 1);
            }
            node.values_mut().for_each(shorten);
        }
        Value::Array(nodes) => nodes.iter_mut().for_each(shorten),
        _ => {}
    }
}

fn bound_conditions(properties: &mut Value) {
    for (field, length, pattern) in CONDITION_BOUNDS {
        properties[field]["maxLength"] = length.into();
        if let Some(pattern) = pattern {
            properties[field]["pattern"] = pattern.into();
        }
    }
    properties["status"]["enum"] = serde_json::json!(["True", "False", "Unknown"]);
}
