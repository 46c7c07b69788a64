//! What the API server refuses by our definition, and in which words.
//!
//! Each line of a table is a rule: a spec that keeps it and one that breaks it, both shown to a real API server.

use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Map, Value, json};

mod gateway;
mod network;
mod storage;

use crate::cluster::{Cluster, User};
use crate::crd::{push_gateway, push_gateways, schema};

/// A spec that keeps a rule, one that breaks it, and words of the refusal.
type Rule<'a> = (Value, Value, &'a str);
/// What was stored, a change of it that keeps a rule, one that breaks it, and words of the refusal.
type ChangeRule<'a> = (Value, Value, Value, &'a str);

/// The API server, asked without consequences.
struct Judge {
    api: Api<DynamicObject>,
}

impl Judge {
    async fn new() -> Option<Self> {
        let cluster = Cluster::shared().await?;
        let client = cluster.client(User::Admin).await;
        let namespace = cluster.namespace().await;
        let api = push_gateways(client, &namespace);
        Some(Self { api })
    }

    /// Shows both specs of each rule, and reports all verdicts that are not as told.
    async fn check(&self, rules: impl IntoIterator<Item = Rule<'_>>) {
        let mut wrong = Vec::new();
        for (kept, broken, words) in rules {
            let kept = push_gateway("judged", &kept);
            wrong.extend(judge_kept(&kept, self.create(&kept).await));
            let broken = push_gateway("judged", &broken);
            wrong.extend(judge_broken(&broken, self.create(&broken).await, words));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// The same for changes of an object that is stored.
    async fn check_changes(&self, rules: impl IntoIterator<Item = ChangeRule<'_>>) {
        let mut wrong = Vec::new();
        for (number, (before, kept, broken, words)) in rules.into_iter().enumerate() {
            let object = push_gateway(&format!("changed-{number}"), &before);
            self.api
                .create(&PostParams::default(), &object)
                .await
                .unwrap();
            let kept = DynamicObject {
                data: json!({ "spec": kept }),
                ..object.clone()
            };
            wrong.extend(judge_kept(&kept, self.replace(&kept).await));
            let broken = DynamicObject {
                data: json!({ "spec": broken }),
                ..object
            };
            wrong.extend(judge_broken(&broken, self.replace(&broken).await, words));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn create(&self, object: &DynamicObject) -> kube::Result<DynamicObject> {
        self.api.create(&dry_run(), object).await
    }

    /// Tries again where an operator wrote the status in between.
    async fn replace(&self, object: &DynamicObject) -> kube::Result<DynamicObject> {
        let name = object.metadata.name.as_deref().unwrap();
        loop {
            let mut live = self.api.get(name).await?;
            live.data["spec"] = object.data["spec"].clone();
            match self.api.replace(name, &dry_run(), &live).await {
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                answer => return answer,
            }
        }
    }
}

fn dry_run() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

/// Says so if an object was refused, or if a part of it was dropped, as happens to misspelt fields.
fn judge_kept(sent: &DynamicObject, answer: kube::Result<DynamicObject>) -> Option<String> {
    let shown = &sent.data["spec"];
    match answer {
        Ok(stored) if is_part_of(shown, &stored.data["spec"]) => None,
        Ok(stored) => Some(format!("{shown} became {}", stored.data["spec"])),
        Err(error) => Some(format!("{shown} is refused: {error}")),
    }
}

/// Says so if an object was not refused as invalid with these words.
fn judge_broken(
    sent: &DynamicObject,
    answer: kube::Result<DynamicObject>,
    words: &str,
) -> Option<String> {
    let shown = &sent.data["spec"];
    match answer {
        Ok(_) => Some(format!(
            "{shown} is accepted, and not refused with {words:?}"
        )),
        Err(kube::Error::Api(status)) if status.is_invalid() && status.message.contains(words) => {
            None
        }
        Err(error) => Some(format!("{shown} is refused without {words:?}: {error}")),
    }
}

/// Whether all that one value says is said by another, which may say more.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().all(|(name, value)| {
            let other = whole.get(name);
            other.is_some_and(|other| is_part_of(value, other))
        }),
        (part, whole) => part == whole,
    }
}

#[tokio::test]
async fn names_leave_room_for_what_is_made_from_them() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let longest = "a".repeat(52);
    for name in ["a", "a-1", &longest] {
        let object = push_gateway(name, &json!({}));
        judge.create(&object).await.unwrap();
    }
    let too_long = "a".repeat(53);
    for (name, words) in [
        (
            &*too_long,
            "metadata.name must be at most 52 characters long",
        ),
        ("1a", "it must start with a letter"),
        ("a.b", "consist of lower case letters, digits and '-'"),
    ] {
        let refused = judge.create(&push_gateway(name, &json!({}))).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(words), "{name}: {refused}");
    }
}

/// People who write templates leave keys without values behind.
#[tokio::test]
async fn keys_without_values_are_as_if_left_out() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let full = judge
        .create(&push_gateway("judged", &json!({})))
        .await
        .unwrap();
    let spec = &schema()["properties"]["spec"];

    let nulls = |node: &Value| each_property(node, |_| Value::Null);
    let all = push_gateway("judged", &nulls(spec));
    let stored = judge.create(&all).await.unwrap();
    assert_eq!(stored.data["spec"], full.data["spec"]);

    // And one level down, in all parts of the spec that are there by default.
    let parts = |part: &dyn Fn(&Value) -> Value| {
        each_property(spec, |node| {
            let is_part = node["default"].is_object() && node["properties"].is_object();
            if is_part { part(node) } else { Value::Null }
        })
    };
    let nested = parts(&nulls);
    assert_eq!(nested["persistence"]["size"], Value::Null);
    let stored = judge.create(&push_gateway("judged", &nested)).await;
    let empty = parts(&|_| json!({}));
    let empty = judge.create(&push_gateway("judged", &empty)).await;
    assert_eq!(stored.unwrap().data["spec"], empty.unwrap().data["spec"]);
}

/// An object with a value for each property of a schema.
fn each_property(node: &Value, value: impl Fn(&Value) -> Value) -> Value {
    let properties = node["properties"].as_object().unwrap().iter();
    let values = properties.map(|(name, property)| (name.clone(), value(property)));
    Value::Object(values.collect::<Map<_, _>>())
}

/// Adds fields to an object, also to those in it.
fn merge(object: &mut Value, more: Value) {
    match (object, more) {
        (Value::Object(object), Value::Object(more)) => {
            for (name, value) in more {
                merge(object.entry(name).or_insert(Value::Null), value);
            }
        }
        (object, value) => *object = value,
    }
}
