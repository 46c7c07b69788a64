//! Watches of kinds that may be absent or forbidden, apart from the controller's own.
//!
//! A controller's watches share one backoff, so that one that fails slows all. Here each has its own, and tells the
//! controller which objects to look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::api::PushGateway;
use super::capabilities::Capabilities;
use super::error::is_not_found;
use super::kind::Kind;
use super::metrics::Metrics;
use super::observe::prometheus_resources;
use super::ownership;
use super::validate::{MANAGED_BY, MANAGED_BY_LABEL};

/// What is enough to know of others.
type Metadata = PartialObjectMeta<DynamicObject>;

/// What the controller watches.
pub(super) type Watched = DeserializeGuard<PushGateway>;

/// Triggers that wait for the controller; further ones wait in the watches.
const QUEUED: usize = 1024;

/// The watches of one namespace, or of all.
#[derive(Clone)]
pub(super) struct SideWatches {
    client: Client,
    namespace: Option<String>,
    store: Store<Watched>,
    capabilities: Capabilities,
    metrics: Arc<Metrics>,
    triggers: mpsc::Sender<ObjectRef<Watched>>,
}

/// Whom a touched object is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum About {
    /// The PushGateway that it was made for.
    One,
    /// Every PushGateway.
    All,
}

impl SideWatches {
    /// Makes them, and the stream of triggers for the controller that has `store`.
    pub(super) fn new(
        client: Client,
        namespace: Option<String>,
        store: Store<Watched>,
        capabilities: Capabilities,
        metrics: Arc<Metrics>,
    ) -> (Self, BoxStream<'static, ObjectRef<Watched>>) {
        let (triggers, received) = mpsc::channel(QUEUED);
        let stream = futures::stream::unfold(received, |mut received| async {
            let trigger = received.recv().await?;
            Some((trigger, received))
        });
        let watches = Self {
            client,
            namespace,
            store,
            capabilities,
            metrics,
            triggers,
        };
        (watches, stream.boxed())
    }

    /// Watches for as long as it is polled.
    pub(super) async fn run(self) {
        let mut watches = JoinSet::new();
        for kind in [
            Kind::PodDisruptionBudget,
            Kind::NetworkPolicy,
            Kind::Ingress,
        ] {
            watches.spawn(self.clone().watch(kind.api_resource(), About::One));
        }
        let claims = ApiResource::erase::<PersistentVolumeClaim>(&());
        watches.spawn(self.clone().watch(claims, About::One));
        let mut served = self.capabilities.subscribe();
        let mut optional = JoinSet::new();
        loop {
            let now = served.borrow_and_update().clone();
            for kind in Kind::OPTIONAL {
                self.metrics.serves(kind, now.contains(&kind));
            }
            for kind in &now {
                optional.spawn(self.clone().watch(kind.api_resource(), About::One));
            }
            if now.contains(&Kind::ServiceMonitor) {
                for resource in prometheus_resources() {
                    optional.spawn(self.clone().watch(resource, About::All));
                }
            }
            if served.changed().await.is_err() {
                return;
            }
            optional.shutdown().await;
            self.trigger_all().await;
        }
    }

    /// Watches one kind, and goes on when that fails.
    async fn watch(self, resource: ApiResource, about: About) {
        let api: Api<Metadata> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let config = match about {
            About::All => watcher::Config::default(),
            About::One => children_only(),
        };
        let mut events = watcher(api, config.page_size(50)).default_backoff().boxed();
        let mut generations = Generations::default();
        loop {
            match events.try_next().await {
                Ok(Some(event)) if about == About::All => {
                    if generations.change_with(&event) {
                        self.trigger_all().await;
                    }
                }
                Ok(Some(
                    Event::Apply(object) | Event::InitApply(object) | Event::Delete(object),
                )) => {
                    self.trigger(&object, about).await;
                }
                Ok(Some(Event::Init | Event::InitDone)) => {}
                Ok(None) => return,
                Err(error) => self.failed(&resource, &error),
            }
        }
    }

    fn failed(&self, resource: &ApiResource, error: &watcher::Error) {
        let kind = &resource.kind;
        let (watcher::Error::InitialListFailed(cause)
        | watcher::Error::WatchStartFailed(cause)
        | watcher::Error::WatchFailed(cause)) = error
        else {
            self.metrics.watch_failed(kind);
            warn!(kind, %error, "a watch has failed and is tried again");
            return;
        };
        match cause {
            // Nothing is wrong with that, so that it is not counted either.
            kube::Error::Api(status) if status.is_forbidden() || is_not_found(status) => {
                debug!(kind, %error, "no watch of a kind that is not granted or not served");
                let is_optional = |kind: Kind| kind.name() == resource.kind;
                if is_not_found(status) && Kind::OPTIONAL.into_iter().any(is_optional) {
                    self.capabilities.look_again();
                }
            }
            _ => {
                self.metrics.watch_failed(kind);
                warn!(kind, %error, "a watch has failed and is tried again");
            }
        }
    }

    async fn trigger(&self, object: &PartialObjectMeta<DynamicObject>, about: About) {
        match about {
            About::All => self.trigger_all().await,
            About::One => {
                if let Some(made_for) = made_for(object) {
                    self.send(made_for).await;
                }
            }
        }
    }

    async fn trigger_all(&self) {
        for object in self.store.state() {
            self.send(ObjectRef::from_obj(&*object)).await;
        }
    }

    async fn send(&self, trigger: ObjectRef<Watched>) {
        // Without a receiver the controller has ended, and nobody needs to look.
        let _ = self.triggers.send(trigger).await;
    }
}

/// The PushGateway that an object was made for.
pub(super) fn made_for(object: &impl ResourceExt) -> Option<ObjectRef<Watched>> {
    let name = ownership::made_for(object)?;
    Some(ObjectRef::new(&name).within(&object.namespace()?))
}

/// The generations of watched objects: a status that changes, as that of a Prometheus often does, is nothing new.
#[derive(Debug, Default)]
struct Generations(BTreeMap<String, Option<i64>>);

impl Generations {
    /// Whether the event tells anything new; of the objects of a list, this is said once at its end.
    fn change_with(&mut self, event: &Event<Metadata>) -> bool {
        let uid = |object: &Metadata| object.uid().unwrap_or_default();
        match event {
            Event::Init => {
                self.0.clear();
                false
            }
            Event::InitApply(object) => {
                self.0.insert(uid(object), object.metadata.generation);
                false
            }
            Event::InitDone => true,
            Event::Apply(object) => {
                let generation = object.metadata.generation;
                self.0.insert(uid(object), generation) != Some(generation)
            }
            Event::Delete(object) => {
                self.0.remove(&uid(object));
                true
            }
        }
    }
}

/// Only objects with our label.
pub(super) fn children_only() -> watcher::Config {
    watcher::Config::default().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"))
}
