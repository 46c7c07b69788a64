//! What the operator remembers of each PushGateway between reconciles: what it applied last, and how often it failed.
//!
//! It is an optimisation only: without it, everything is applied once more and nothing changes.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use kube::api::DynamicObject;
use serde_json::Value;

use super::kind::Kind;

/// Who a memory is of: namespace and name.
pub(super) type Key = (String, String);

/// The memories of all PushGateways.
#[derive(Debug, Default)]
pub(super) struct Memories(Mutex<BTreeMap<Key, Memory>>);

/// The memory of one PushGateway.
#[derive(Debug, Default)]
struct Memory {
    failures: u32,
    applied: BTreeMap<(Kind, String), Imprint>,
}

/// A child as it was last applied, and as it then was on the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Imprint {
    desired: u64,
    live: u64,
}

impl Imprint {
    /// Of what we want and what the server has.
    pub(super) fn new(desired: &Value, live: &DynamicObject) -> Self {
        Self {
            desired: hash(desired),
            live: hash_of_live(live),
        }
    }
}

impl Memories {
    /// Whether a child was last applied like this, and nobody has changed it since.
    pub(super) fn is_applied(&self, key: &Key, kind: Kind, name: &str, imprint: Imprint) -> bool {
        let memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memories
            .get(key)
            .and_then(|memory| memory.applied.get(&(kind, name.to_owned())));
        known == Some(&imprint)
    }

    /// Remembers that a child was applied.
    pub(super) fn remember(&self, key: &Key, kind: Kind, name: &str, imprint: Imprint) {
        self.with(key, |memory| {
            memory.applied.insert((kind, name.to_owned()), imprint);
        });
    }

    /// Counts a failure; tells how many there were in a row.
    pub(super) fn failed(&self, key: &Key) -> u32 {
        self.with(key, |memory| {
            memory.failures = memory.failures.saturating_add(1);
            memory.failures
        })
    }

    /// Ends the row of failures.
    pub(super) fn succeeded(&self, key: &Key) {
        self.with(key, |memory| memory.failures = 0);
    }

    /// Forgets a PushGateway that is gone.
    pub(super) fn forget(&self, key: &Key) {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memories.remove(key);
    }

    fn with<T>(&self, key: &Key, change: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(memories.entry(key.clone()).or_default())
    }
}

fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    // JSON has no hash of its own; its text is one, since its maps are sorted.
    value.to_string().hash(&mut hasher);
    hasher.finish()
}

/// Of all that a user or a controller may change and that is ours to heal: neither the status nor the bookkeeping of the server.
fn hash_of_live(live: &DynamicObject) -> u64 {
    let mut hasher = DefaultHasher::new();
    let metadata = &live.metadata;
    metadata.uid.hash(&mut hasher);
    metadata.labels.hash(&mut hasher);
    metadata.annotations.hash(&mut hasher);
    for owner in metadata.owner_references.iter().flatten() {
        (&owner.uid, owner.controller).hash(&mut hasher);
    }
    for (field, value) in live.data.as_object().into_iter().flatten() {
        if field != "status" {
            (field, value.to_string()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    fn service() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "a", "uid": "1", "resourceVersion": "5", "labels": {"a": "b"}},
            "spec": {"ports": [1]}, "status": {"x": 1},
        })
    }

    #[test]
    fn status_and_bookkeeping_are_no_drift() {
        let desired = json!({});
        let before = Imprint::new(&desired, &live(service()));
        let mut other = service();
        other["status"]["x"] = 2.into();
        other["metadata"]["resourceVersion"] = "6".into();
        assert_eq!(before, Imprint::new(&desired, &live(other)));
    }

    #[test]
    fn anything_else_is_drift() {
        let before = Imprint::new(&json!({}), &live(service()));
        let drifts: [fn(&mut Value); 4] = [
            |object| object["spec"]["ports"] = json!([2]),
            |object| object["metadata"]["labels"] = json!({}),
            |object| object["metadata"]["uid"] = "2".into(),
            |object| object["metadata"]["annotations"] = json!({"x": "y"}),
        ];
        for drift in drifts {
            let mut other = service();
            drift(&mut other);
            assert_ne!(
                before,
                Imprint::new(&json!({}), &live(other.clone())),
                "{other}"
            );
        }
        assert_ne!(before, Imprint::new(&json!({"new": 1}), &live(service())));
    }

    #[test]
    fn failures_are_counted_in_a_row() {
        let memories = Memories::default();
        let key = ("ns".to_owned(), "a".to_owned());
        assert_eq!([memories.failed(&key), memories.failed(&key)], [1, 2]);
        memories.succeeded(&key);
        assert_eq!(memories.failed(&key), 1);
        memories.forget(&key);
        assert_eq!(memories.failed(&key), 1);
    }
}
