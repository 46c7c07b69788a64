//! Prints the children of a `PushGateway` without a cluster, for review and for tests.

use kube::api::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use super::api::PushGateway;
use super::build::{Surroundings, build};
use super::validate::round_trip::Difference;
use super::validate::{Defaults, Invalid, validate};

/// Stands for the UID that an object gets when it is stored.
const NO_UID: &str = "00000000-0000-0000-0000-000000000000";

/// Why nothing can be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// No YAML.
    #[error("document {document} is no YAML: {source}")]
    Yaml {
        /// Which one, counted from 1.
        document: usize,
        /// What is wrong.
        source: serde_yaml::Error,
    },
    /// Something else than a PushGateway.
    #[error(
        "document {document} is a {found}; only PushGateways of pushgateway.io/v1alpha1 can be rendered"
    )]
    OtherKind {
        /// Which one, counted from 1.
        document: usize,
        /// What it is.
        found: String,
    },
    /// A PushGateway whose fields have other types than in its definition.
    #[error("document {document} is no PushGateway: {source}")]
    Schema {
        /// Which one, counted from 1.
        document: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A PushGateway with fields that its definition does not have.
    #[error("document {document} has unknown fields: {}", .fields.join(", "))]
    UnknownFields {
        /// Which one, counted from 1.
        document: usize,
        /// Their paths.
        fields: Vec<String>,
    },
    /// A PushGateway that can't be obeyed.
    #[error("document {document}: {source}")]
    Invalid {
        /// Which one, counted from 1.
        document: usize,
        /// What is wrong.
        source: Invalid,
    },
    /// There is nothing.
    #[error("there is no PushGateway in the input")]
    Empty,
}

/// The children of all `PushGateway`s in a YAML stream, as YAML, in the order in which they are applied.
///
/// The cluster is taken to serve all kinds. Objects without a namespace are rendered for `default`. The children have
/// no owner references, which need an object that is stored.
pub fn render(yaml: &str, defaults: &Defaults) -> Result<String, RenderError> {
    let mut rendered = String::new();
    for (at, document) in serde_yaml::Deserializer::from_str(yaml).enumerate() {
        let document_number = at + 1;
        let value = Value::deserialize(document).map_err(|source| RenderError::Yaml {
            document: document_number,
            source,
        })?;
        if value.is_null() {
            continue;
        }
        let object = read(&value, document_number)?;
        for child in children(&object, document_number, defaults)? {
            rendered.push_str("---\n");
            rendered.push_str(&to_yaml(&child));
        }
    }
    match &*rendered {
        "" => Err(RenderError::Empty),
        _ => Ok(rendered),
    }
}

fn to_yaml(object: &Value) -> String {
    serde_yaml::to_string(object).expect("JSON is YAML")
}

/// Reads a document as the API server would with strict field validation.
fn read(written: &Value, document: usize) -> Result<PushGateway, RenderError> {
    let field = |name: &str| written[name].as_str().unwrap_or("nothing").to_owned();
    let found = format!("{} of {}", field("kind"), field("apiVersion"));
    if found != "PushGateway of pushgateway.io/v1alpha1" {
        return Err(RenderError::OtherKind { document, found });
    }
    let mut defaulted = written.clone();
    if defaulted["spec"].is_null() {
        defaulted["spec"] = Value::Object(serde_json::Map::new());
    }
    let schema = |source| RenderError::Schema { document, source };
    let object: PushGateway = serde_json::from_value(defaulted).map_err(schema)?;
    let typed = serde_json::to_value(&object).map_err(schema)?;
    let fields = Difference::between(written, &typed).dropped;
    if !fields.is_empty() {
        return Err(RenderError::UnknownFields { document, fields });
    }
    Ok(object)
}

fn children(
    object: &PushGateway,
    document: usize,
    defaults: &Defaults,
) -> Result<Vec<Value>, RenderError> {
    let metadata = ObjectMeta {
        namespace: object
            .metadata
            .namespace
            .clone()
            .or_else(|| Some("default".to_owned())),
        uid: Some(NO_UID.to_owned()),
        ..object.metadata.clone()
    };
    let object = PushGateway {
        metadata,
        ..object.clone()
    };
    let validated =
        validate(&object, defaults).map_err(|source| RenderError::Invalid { document, source })?;
    let surroundings = Surroundings::complete(&validated);
    let children = build(&validated, &surroundings).into_objects().into_iter();
    Ok(children.map(|child| without_owner(child.object)).collect())
}

fn without_owner(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("ownerReferences");
    }
    object
}
