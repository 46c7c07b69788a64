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

/// Begins strings that are to be quoted; it needs quotes itself.
const MARK: &str = "@quoted:";

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

/// YAML that readers of YAML 1.1, kubectl among them, understand in the same way: for them a plain `no` is no string.
fn to_yaml(object: &Value) -> String {
    let marked = mark_ambiguous(object.clone());
    let yaml = serde_yaml::to_string(&marked).expect("JSON is YAML");
    yaml.replace(&format!("'{MARK}"), "'")
}

/// Marks strings that would be something else if they were not quoted: the mark forces quotes.
fn mark_ambiguous(value: Value) -> Value {
    let mark = |text: String| {
        let mark = if is_ambiguous(&text) { MARK } else { "" };
        format!("{mark}{text}")
    };
    match value {
        Value::String(text) => Value::String(mark(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(mark_ambiguous).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(name, value)| (mark(name), mark_ambiguous(value)))
                    .collect(),
            )
        }
        value => value,
    }
}

/// Whether a string looks like a switch, or like a number in some notation.
fn is_ambiguous(text: &str) -> bool {
    let is_switch = ["y", "n", "yes", "no", "on", "off"].contains(&&*text.to_ascii_lowercase());
    let is_part = |c: char| c.is_ascii_hexdigit() || "+-._:xXoO".contains(c);
    let is_start = |c: char| c.is_ascii_digit() || "+-.".contains(c);
    is_switch || (text.starts_with(is_start) && text.chars().all(is_part))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MINIMAL: &str =
        "{apiVersion: pushgateway.io/v1alpha1, kind: PushGateway, metadata: {name: a}}\n";

    #[track_caller]
    fn check_refusal(yaml: &str, message: &str) {
        let error = render(yaml, &Defaults::default()).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }

    #[test]
    fn all_documents_are_rendered_for_the_namespace_default() {
        let yaml = format!("---\n# nothing\n---\n{MINIMAL}---\n{MINIMAL}");
        let rendered = render(&yaml, &Defaults::default()).unwrap();
        assert_eq!(rendered.matches("kind: StatefulSet").count(), 2);
        assert!(rendered.contains("http://a.default.svc:9091"), "{rendered}");
        assert!(!rendered.contains("ownerReferences"), "{rendered}");
    }

    #[test]
    fn what_can_not_be_rendered_is_refused_with_its_place() {
        check_refusal("", "there is no PushGateway");
        check_refusal("{", "document 1 is no YAML");
        check_refusal(
            "{kind: Secret, apiVersion: v1}",
            "document 1 is a Secret of v1;",
        );
        let with_spec = |spec: &str| {
            let object = MINIMAL.replace("}}", &format!("}}, spec: {spec}}}"));
            format!("{MINIMAL}---\n{object}")
        };
        check_refusal(
            &with_spec("{web: {tsl: {}, routePrefx: /a}, servce: {port: 1}}"),
            "document 2 has unknown fields: spec.servce, spec.web.routePrefx",
        );
        check_refusal(
            &with_spec("{replicas: one}"),
            "document 2 is no PushGateway: ",
        );
        check_refusal(
            &with_spec("{replicas: 2}"),
            "document 2: spec.replicas: 2 is",
        );
    }

    #[test]
    fn strings_that_look_like_something_else_are_quoted() {
        let object = json!({"yes": "no", "a": ["0x1F", "1_000", "1:30", "1.2.3", "-.5", "2Gi", "nob"], "b": 1});
        let yaml = to_yaml(&object);
        let lines = "a:\n- '0x1F'\n- '1_000'\n- '1:30'\n- '1.2.3'\n- '-.5'\n- 2Gi\n- nob\nb: 1\n'yes': 'no'\n";
        let (mut found, mut expected): (Vec<_>, Vec<_>) =
            (yaml.lines().collect(), lines.lines().collect());
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(serde_yaml::from_str::<Value>(&yaml).unwrap(), object);
    }
}
