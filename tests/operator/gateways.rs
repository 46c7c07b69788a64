//! PushGateways in a namespace of a test's own, and what tests ask of them.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Instant;

use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use pushgateway::operator::api::PushGateway;
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};

use crate::cluster::{Cluster, PATIENCE, POLL, User};
use crate::node::Node;
use crate::operators::Operator;

/// A namespace with a running operator and a node.
pub(crate) struct World<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) operator: &'a Operator,
    _node: Node,
}

impl World<'static> {
    /// A namespace of the shared cluster with the shared operator; `None` if the calling test is to return.
    pub(crate) async fn shared() -> Option<Self> {
        let cluster = Cluster::shared().await?;
        let operator = Operator::shared(cluster).await;
        Some(Self::with(cluster, operator).await)
    }
}

impl<'a> World<'a> {
    /// A namespace of a cluster with an operator that watches it.
    pub(crate) async fn with(cluster: &'a Cluster, operator: &'a Operator) -> Self {
        let namespace = cluster.namespace().await;
        Self::of(cluster, operator, namespace).await
    }
}

impl<'a> World<'a> {
    /// A namespace of any cluster, with whatever operator looks after it.
    pub(crate) async fn of(
        cluster: &'a Cluster,
        operator: &'a Operator,
        namespace: String,
    ) -> Self {
        let client = cluster.client(User::Admin).await;
        let node = Node::serve(&client, &namespace);
        Self {
            cluster,
            client,
            namespace,
            operator,
            _node: node,
        }
    }

    /// Objects of a kind.
    pub(crate) fn api(&self, kind: Kind) -> Api<DynamicObject> {
        kind.api(&self.client, &self.namespace)
    }

    /// Objects of another kind.
    pub(crate) fn others<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType: Default>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// PushGateways.
    pub(crate) fn gateways(&self) -> Api<PushGateway> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies a PushGateway of this spec, as a user would.
    pub(crate) async fn apply(&self, name: &str, spec: Value) -> PushGateway {
        let object = json!({
            "apiVersion": "pushgateway.io/v1alpha1",
            "kind": "PushGateway",
            "metadata": {"name": name},
            "spec": spec,
        });
        let user = PatchParams::apply("kubectl").force();
        let applied = self
            .gateways()
            .patch(name, &user, &Patch::Apply(object))
            .await;
        applied.unwrap()
    }

    /// Deletes a child, as somebody would who does not know whose it is.
    pub(crate) async fn delete_child(&self, kind: Kind, name: &str) {
        let deleted = self.api(kind).delete(name, &DeleteParams::default()).await;
        deleted.unwrap();
    }

    /// Deletes a PushGateway.
    pub(crate) async fn delete(&self, name: &str) {
        let deleted = self.gateways().delete(name, &DeleteParams::default()).await;
        deleted.unwrap();
    }

    /// Waits until a PushGateway has a condition with this status and reason; gives the object.
    pub(crate) async fn until(
        &self,
        name: &str,
        condition: &str,
        status: &str,
        reason: &str,
    ) -> Value {
        let wanted = format!("{condition}={status} {reason}");
        let has = |object: &Value| {
            let conditions = object["status"]["conditions"].as_array();
            let generation = &object["metadata"]["generation"];
            conditions.into_iter().flatten().any(|found| {
                found["type"] == condition
                    && found["status"] == status
                    && found["reason"] == reason
                    && found["observedGeneration"] == *generation
            })
        };
        self.until_object(&wanted, name, has).await
    }

    /// Waits until a PushGateway is as `is_so` wants it; gives the object.
    pub(crate) async fn until_object(
        &self,
        wanted: &str,
        name: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let gateways = self.gateways();
        self.until_some(wanted, async || {
            let object = serde_json::to_value(gateways.get(name).await.unwrap()).unwrap();
            if is_so(&object) {
                Ok(object)
            } else {
                Err(object["status"].clone())
            }
        })
        .await
    }

    /// Waits until a child is there and is as `is_so` wants it; gives it.
    pub(crate) async fn until_child(
        &self,
        kind: Kind,
        name: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let api = self.api(kind);
        let wanted = format!("{} {name}", kind.name());
        self.until_some(&wanted, async || {
            let found = api.get_opt(name).await.unwrap();
            let object = serde_json::to_value(&found).unwrap();
            if found.is_some() && is_so(&object) {
                Ok(object)
            } else {
                Err(object)
            }
        })
        .await
    }

    /// Waits until `kubectl describe` shows an event of this reason for a PushGateway; gives it.
    pub(crate) async fn until_event(&self, name: &str, reason: &str) -> Event {
        let events = self.others::<Event>();
        let is_it = |event: &Event| {
            let about = event.regarding.as_ref();
            about.and_then(|about| about.name.as_deref()) == Some(name)
                && event.reason.as_deref() == Some(reason)
        };
        self.until_some(&format!("an event {reason}"), async || {
            let all = events.list(&ListParams::default()).await.unwrap().items;
            let reasons: Vec<_> = all.iter().map(|event| event.reason.clone()).collect();
            all.into_iter().find(is_it).ok_or(reasons)
        })
        .await
    }

    /// Waits until there is no such child.
    pub(crate) async fn until_gone(&self, kind: Kind, name: &str) {
        let api = self.api(kind);
        let wanted = format!("no {} {name}", kind.name());
        self.until_some(&wanted, async || match api.get_opt(name).await.unwrap() {
            None => Ok(()),
            Some(found) => Err(found.metadata),
        })
        .await;
    }

    /// Asks until the answer is `Ok`; what it was instead is told when patience ends.
    pub(crate) async fn until_some<T, E: Debug>(
        &self,
        wanted: &str,
        ask: impl AsyncFn() -> Result<T, E>,
    ) -> T {
        until(wanted, || self.operator.log(), ask).await
    }
}

/// Asks until the answer is `Ok`; what it was instead is told when patience ends, and what else is known.
pub(crate) async fn until<T, E: Debug>(
    wanted: &str,
    known: impl Fn() -> String,
    ask: impl AsyncFn() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(instead) => assert!(
                Instant::now() < deadline,
                "waited in vain for {wanted}; instead: {instead:#?}\n{}",
                known()
            ),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The definition of PushGateways, for a cluster of a test's own.
pub(crate) fn definition() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/pushgateways.yaml")
}
