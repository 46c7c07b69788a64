//! Pieces of schema that no Rust type stands for.

use schemars::{Schema, SchemaGenerator, json_schema};

/// An object whose fields the API server keeps without knowing them.
pub(super) fn preserved_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}
