//! One reconcile: observe → validate → build → apply → status, and how often it is tried.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, Recorder};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use tracing::{debug, info, warn};

use super::api::{PushGateway, PushGatewayStatus};
use super::apply::{Applied, Applier, Cause, FIELD_MANAGER, Problem};
use super::build::{Surroundings, build};
use super::capabilities::Capabilities;
use super::error::{Error, is_not_found};
use super::events;
use super::kind::Kind;
use super::memory::{Key, Memories};
use super::metrics::{Ended, Metrics};
use super::monitoring;
use super::observe::{Observed, observe};
use super::status::{self, Facts};
use super::switch::Switch;
use super::validate::{Defaults, Invalid, ValidatedPushGateway, validate};

/// Time after which an object is looked at without cause. Watches give the speed; this is the net below.
const DRIFT_NET: Duration = Duration::from_mins(10);
/// Time after which an object with a problem that a user has to mend is looked at again.
const SLOW: Duration = Duration::from_mins(1);
/// The same where the name of a child is taken: no watch tells when a stranger's object goes or asks to be taken over.
const NAME_TAKEN: Duration = Duration::from_secs(10);

/// What all reconciles share.
pub(super) struct Context {
    /// To ask the API server with.
    pub client: Client,
    /// What an object gets that says nothing.
    pub defaults: Defaults,
    /// Namespaces that are watched; none means all.
    pub namespaces: Vec<String>,
    /// What the cluster serves.
    pub capabilities: Capabilities,
    /// What was done before.
    pub memories: Memories,
    /// Our own metrics.
    pub metrics: Arc<Metrics>,
    /// Where events go.
    pub recorder: Recorder,
}

/// How a status is written.
#[derive(Clone, Copy, Debug)]
enum Writing {
    /// By server-side apply.
    Apply,
    /// By a merge patch, since the API server applies nothing to an object whose types do not fit its definition.
    Merge,
}

/// Makes what one object asks for.
pub(super) async fn reconcile(
    object: Arc<DeserializeGuard<PushGateway>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let started = Instant::now();
    let result = match Box::pin(context.reconcile(&object)).await {
        Err(error) if error.is_of_ending_namespace() => {
            debug!(%error, "the namespace is going");
            Ok(Action::await_change())
        }
        result => result,
    };
    let ended = match &result {
        Ok(action) if *action == Action::await_change() => Ended::Success,
        Ok(_) => Ended::RequeueAfter,
        Err(_) => Ended::Error,
    };
    context.metrics.reconciled(ended, started.elapsed());
    if result.is_ok() {
        context.memories.succeeded(&key(&*object));
    }
    result
}

/// When a failed reconcile is tried again.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller calls it like this"
)]
pub(super) fn error_policy(
    object: Arc<DeserializeGuard<PushGateway>>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    let key = key(&*object);
    let failures = context.memories.failed(&key);
    let delay = error.delay(failures, jitter());
    let (namespace, name) = &key;
    warn!(
        push_gateway.namespace = namespace,
        push_gateway.name = name,
        step = error.step(),
        failures,
        retry_s = delay.as_secs(),
        %error,
        "a reconcile has failed and is tried again"
    );
    Action::requeue(delay)
}

/// Namespace and name.
pub(super) fn key(object: &impl ResourceExt) -> Key {
    (object.namespace().unwrap_or_default(), object.name_any())
}

/// When an object is looked at again without cause.
fn look_again_after(applied: &Applied) -> Duration {
    let is_name_taken = |problem: &Problem| matches!(problem.cause, Cause::NameConflict { .. });
    if applied.problems.iter().any(is_name_taken) {
        NAME_TAKEN
    } else if applied.problems.is_empty() {
        DRIFT_NET
    } else {
        SLOW
    }
}

/// A number in 0..1 that differs from one moment to the next, so that failed objects do not come back all at once.
fn jitter() -> f64 {
    f64::from(Timestamp::now().subsec_nanosecond() % 1_000_000) / 1e6
}

impl Context {
    async fn reconcile(&self, object: &DeserializeGuard<PushGateway>) -> Result<Action, Error> {
        let object = match &object.0 {
            Ok(object) => object,
            Err(invalid) => return self.report_unreadable(invalid).await,
        };
        if object.metadata.deletion_timestamp.is_some() {
            // Children go by garbage collection.
            return Ok(Action::await_change());
        }
        // No client required.
        match validate(object, &self.defaults) {
            Ok(validated) => self.make(object, &validated).await,
            Err(invalid) => {
                let previous = object.status.clone().unwrap_or_default();
                let about = object.object_ref(&());
                let generation = object.metadata.generation;
                self.report_invalid(&invalid, generation, &previous, &about, Writing::Apply)
                    .await
            }
        }
    }

    async fn make(
        &self,
        object: &PushGateway,
        validated: &ValidatedPushGateway,
    ) -> Result<Action, Error> {
        let served = self.capabilities.served();
        let previous = object.status.clone().unwrap_or_default();

        // Client required: what is there?
        let observed = observe(&self.client, validated, &served, &self.namespaces).await?;

        // No client required: what should be there?
        let switch = Switch::of(validated, &observed);
        let surroundings = Surroundings {
            served: served.clone(),
            service_selects: switch.serving,
            monitor_labels: monitor_labels(validated, &observed),
        };
        let children = build(validated, &surroundings).into_objects();
        let wanted: BTreeSet<(Kind, String)> = children
            .iter()
            .map(|child| (child.kind, child.name.clone()))
            .collect();

        // Client required: make it so.
        let mut applied = Applied::default();
        let mut failure = None;
        if !validated.is_paused() {
            let apply_to = Applier {
                client: &self.client,
                memories: &self.memories,
                owner: validated,
            };
            match apply_to.apply(children, &observed).await {
                Ok(done) => applied = done,
                Err(error) => failure = Some(error),
            }
            if failure.is_none() && !switch.is_under_way {
                let pruned = apply_to.prune(&observed, &wanted, &mut applied).await;
                failure = pruned.err();
            }
        }
        if let Some(error) = failure {
            self.forget_missing_kind(&error);
            self.metrics.applied(&applied.outcomes);
            return Err(error);
        }

        // No client required: what is to be said?
        let facts = Facts {
            validated,
            observed: &observed,
            applied: &applied,
            served: &served,
            is_switching: switch.is_under_way,
            previous: &previous,
            now: Timestamp::now(),
        };
        let status = status::compute(&facts);

        // Client required: say it.
        let news = switch.news(validated.name(), &observed, &applied.outcomes);
        self.tell(object, news, &applied, &previous, &status)
            .await?;
        Ok(Action::requeue(look_again_after(&applied)))
    }

    async fn tell(
        &self,
        object: &PushGateway,
        switched: Option<Event>,
        applied: &Applied,
        previous: &PushGatewayStatus,
        status: &PushGatewayStatus,
    ) -> Result<(), Error> {
        let about = object.object_ref(&());
        self.metrics.applied(&applied.outcomes);
        self.metrics
            .observed(&key(object), &status.conditions, false);
        self.write_status(&key(object), previous, status, Writing::Apply)
            .await?;
        let mut news = events::of_outcomes(&applied.outcomes);
        news.extend(switched);
        news.extend(events::of_transitions(previous, status));
        events::publish(&self.recorder, news, &about).await;
        Ok(())
    }

    /// Reports an object whose fields have other types than in its definition. Others are not held up by it.
    async fn report_unreadable(&self, object: &InvalidObject) -> Result<Action, Error> {
        let name = object.metadata.name.clone().unwrap_or_default();
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let about = ObjectRef::<PushGateway>::new(&name).within(&namespace);
        let found = self
            .raw(&namespace)
            .get_opt(&name)
            .await
            .map_err(|source| Error::Observe {
                what: format!("PushGateway {name}"),
                source: Box::new(source),
            })?;
        let Some(found) = found else {
            return Ok(Action::await_change());
        };
        // What can be read of the status so far, so that it is not written again and again.
        let previous = serde_json::from_value(found.data["status"].clone()).unwrap_or_default();
        let reason = Invalid::unreadable(&found.data["spec"], &object.error);
        let generation = object.metadata.generation;
        let about = about.into();
        self.report_invalid(&reason, generation, &previous, &about, Writing::Merge)
            .await
    }

    /// PushGateways whatever their fields are.
    fn raw(&self, namespace: &str) -> Api<DynamicObject> {
        let resource = ApiResource::erase::<PushGateway>(&());
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    async fn report_invalid(
        &self,
        invalid: &Invalid,
        generation: Option<i64>,
        previous: &PushGatewayStatus,
        about: &k8s_openapi::api::core::v1::ObjectReference,
        writing: Writing,
    ) -> Result<Action, Error> {
        let key = (
            about.namespace.clone().unwrap_or_default(),
            about.name.clone().unwrap_or_default(),
        );
        let (namespace, name) = &key;
        warn!(
            push_gateway.namespace = namespace,
            push_gateway.name = name,
            reason = %invalid,
            "a PushGateway can't be obeyed"
        );
        let status = status::of_invalid(
            invalid,
            generation.unwrap_or_default(),
            previous,
            Timestamp::now(),
        );
        self.metrics.observed(&key, &status.conditions, true);
        self.write_status(&key, previous, &status, writing).await?;
        let news = events::of_transitions(previous, &status);
        events::publish(&self.recorder, news, about).await;
        Ok(Action::await_change())
    }

    /// Writes the status unless it is there already.
    async fn write_status(
        &self,
        key: &Key,
        previous: &PushGatewayStatus,
        status: &PushGatewayStatus,
        writing: Writing,
    ) -> Result<(), Error> {
        if previous == status {
            return Ok(());
        }
        let (namespace, name) = key;
        let api = self.raw(namespace);
        let object = json!({
            "apiVersion": PushGateway::api_version(&()),
            "kind": PushGateway::kind(&()),
            "metadata": {"name": name},
            "status": status,
        });
        let ours = PatchParams::apply(FIELD_MANAGER);
        let (ours, patch) = match writing {
            Writing::Apply => (ours.force(), Patch::Apply(object)),
            Writing::Merge => (ours, Patch::Merge(object)),
        };
        match api.patch_status(name, &ours, &patch).await {
            Ok(_) => {
                info!(
                    push_gateway.namespace = namespace,
                    push_gateway.name = name,
                    "status written"
                );
                Ok(())
            }
            // It was deleted in the meantime.
            Err(kube::Error::Api(status)) if is_not_found(&status) => Ok(()),
            Err(source) => Err(Error::Status(Box::new(source))),
        }
    }

    /// Has discovery look again where a kind that was served is not known any more.
    fn forget_missing_kind(&self, error: &Error) {
        if let Error::Apply { kind, source, .. } = error
            && kind.is_optional()
            && matches!(&**source, kube::Error::Api(status) if is_not_found(status))
        {
            self.capabilities.look_again();
        }
    }
}

/// Labels that the Prometheus of a `prometheusRef` wants to see on the ServiceMonitor.
fn monitor_labels(
    validated: &ValidatedPushGateway,
    observed: &Observed,
) -> BTreeMap<String, String> {
    let prometheus = monitoring::referenced(validated, &observed.prometheuses);
    prometheus
        .map(monitoring::wanted_labels)
        .unwrap_or_default()
}
