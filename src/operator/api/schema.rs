//! Pieces of schema that no Rust type stands for.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

/// An object whose fields the API server keeps without knowing them.
pub(super) fn preserved_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Labels, whose values are as short as Kubernetes wants them.
pub(super) fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {
            "type": "string",
            "maxLength": 63,
            "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
        },
    })
}

/// Labels of a child that nothing selects; the operator itself finds it by one.
pub(super) fn labels_of_child(generator: &mut SchemaGenerator) -> Schema {
    without(
        labels(generator),
        "!('app.kubernetes.io/managed-by' in self)",
    )
}

/// Labels of a child that is selected by labels.
pub(super) fn labels_of_selected(generator: &mut SchemaGenerator) -> Schema {
    without(
        labels(generator),
        "!['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/managed-by', \
         'pushgateway.io/workload', 'pushgateway.io/scrape'].exists(label, label in self)",
    )
}

fn without(mut labels: Schema, rule: &str) -> Schema {
    let message = "labels may not hold one by which the operator finds or selects the object";
    let rules = json!([{ "rule": rule, "message": message }]);
    labels.insert("x-kubernetes-validations".to_owned(), rules);
    labels
}

/// Annotations. Kubernetes limits only the size of all of them together, to 256 KiB.
pub(super) fn annotations(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": "string", "maxLength": 262_144 },
    })
}
