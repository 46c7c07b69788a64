//! Runs the operator: waits for what it needs, becomes the leader, watches and reconciles, ends in order.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use kube::api::ListParams;
use kube::runtime::controller::{self, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::net::TcpListener;
use tracing::{debug, error, info, warn};

use super::admin::{self, Readiness};
use super::api::PushGateway;
use super::apply::FIELD_MANAGER;
use super::capabilities::{Capabilities, Discovery};
use super::error::is_not_found;
use super::kind::Kind;
use super::lease::{Lease, LeaseSettings};
use super::memory::Memories;
use super::metrics::{Metrics, WATCH_OF_CONTROLLER};
use super::reconcile::{Context, error_policy, reconcile};
use super::side_watch::{SideWatches, Watched, children_only, made_for};
use super::validate::Defaults;
use crate::server;
use crate::shutdown::Stop;

/// Time between two looks whether the API server is there and serves PushGateways.
const START_PAUSE: Duration = Duration::from_secs(2);
/// Reconciles at a time.
const CONCURRENCY: u16 = 4;
/// Changes within this time are looked at together.
const DEBOUNCE: Duration = Duration::from_millis(250);

/// How the operator is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Namespaces to watch; none means all.
    pub namespaces: Vec<String>,
    /// What an object gets that says nothing.
    pub defaults: Defaults,
    /// The lease, unless this is the only instance there can be.
    pub lease: Option<LeaseSettings>,
    /// Name of this instance in events.
    pub instance: String,
    /// Time between two looks at which optional kinds the cluster serves.
    pub discovery_interval: Duration,
}

/// Why the operator ends before it is told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its metrics can't be registered.
    #[error("could not set up metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Runs until `stop`, then finishes what is under way and gives the lease back.
pub async fn run(
    client: Client,
    settings: Settings,
    listener: TcpListener,
    stop: Stop,
) -> Result<(), RunError> {
    let metrics = Arc::new(Metrics::new()?);
    let readiness = Readiness::default();
    let router = admin::router(readiness.clone(), Arc::clone(&metrics));
    let stopped = stop.clone().requested();
    let served = server::run(vec![listener], router, server::Options::default(), stopped);
    let work = work(client, settings, metrics, readiness, stop);
    // The port is served until the end, so that a drain can be watched.
    tokio::join!(work, served);
    Ok(())
}

async fn work(
    client: Client,
    settings: Settings,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    stop: Stop,
) {
    tokio::select! {
        () = stop.clone().requested() => return,
        () = until_served(&client, &settings.namespaces) => readiness.set(true),
    }
    match settings.lease.clone() {
        Some(lease) => lead(client, settings, lease, metrics, stop).await,
        None => control(client, settings, metrics, stop).await,
    }
}

/// Works whenever the lease is ours, until `stop`.
async fn lead(
    client: Client,
    settings: Settings,
    lease: LeaseSettings,
    metrics: Arc<Metrics>,
    stop: Stop,
) {
    let name = lease.name.clone();
    let mut lease = Lease::new(client.clone(), lease);
    let mut stopped = Box::pin(stop.clone().requested());
    loop {
        metrics.leads(&name, false);
        info!(lease = name, "waiting for the lease");
        tokio::select! {
            () = &mut stopped => break,
            () = lease.won() => {}
        }
        info!(lease = name, "leading");
        metrics.leads(&name, true);
        let work = control(
            client.clone(),
            settings.clone(),
            Arc::clone(&metrics),
            stop.clone(),
        );
        tokio::select! {
            () = work => break,
            // The work ends in the middle of it: from now on another instance may do it.
            () = lease.lost() => metrics.forget_all(),
        }
    }
    metrics.leads(&name, false);
    lease.release().await;
}

/// Done once the API server answers and knows PushGateways.
async fn until_served(client: &Client, namespaces: &[String]) {
    let api = match namespaces.first() {
        Some(namespace) => Api::<PushGateway>::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let mut told = String::new();
    loop {
        let why = match api.list_metadata(&ListParams::default().limit(1)).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if is_not_found(&status) => {
                "the cluster serves no PushGateways; install the definition: pushgateway-operator crd | kubectl apply --server-side -f -".to_owned()
            }
            Err(error) => format!("could not list PushGateways: {error}"),
        };
        if told != why {
            warn!("{why}; trying again every {} s", START_PAUSE.as_secs());
            told = why;
        }
        tokio::time::sleep(START_PAUSE).await;
    }
}

/// Watches and reconciles until `stop`.
async fn control(client: Client, settings: Settings, metrics: Arc<Metrics>, stop: Stop) {
    let (capabilities, discovery) = tokio::select! {
        () = stop.clone().requested() => return,
        found = discover(&client, settings.discovery_interval) => found,
    };
    let reporter = Reporter {
        controller: FIELD_MANAGER.to_owned(),
        instance: Some(settings.instance),
    };
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter),
        client,
        defaults: settings.defaults,
        namespaces: settings.namespaces.clone(),
        capabilities,
        memories: Memories::default(),
        metrics,
    });
    let scopes: Vec<Option<String>> = if settings.namespaces.is_empty() {
        vec![None]
    } else {
        settings.namespaces.into_iter().map(Some).collect()
    };
    info!(namespaces = ?context.namespaces, "watching PushGateways");
    let controllers = scopes
        .into_iter()
        .map(|namespace| controller(namespace, Arc::clone(&context), stop.clone()));
    tokio::select! {
        _ = join_all(controllers) => {}
        () = discovery.run() => {}
    }
}

/// Looks which optional kinds the cluster serves, until the API server says so.
async fn discover(client: &Client, interval: Duration) -> (Capabilities, Discovery) {
    loop {
        match Capabilities::discover(client.clone(), interval).await {
            Ok(found) => return found,
            Err(error) => warn!(%error, "could not ask which kinds the cluster serves"),
        }
        tokio::time::sleep(START_PAUSE).await;
    }
}

/// Watches and reconciles one namespace, or all.
async fn controller(namespace: Option<String>, context: Arc<Context>, stop: Stop) {
    let client = &context.client;
    let main = match &namespace {
        Some(namespace) => Api::<Watched>::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let config = controller::Config::default()
        .concurrency(CONCURRENCY)
        .debounce(DEBOUNCE);
    let mut controller =
        Controller::new(main, watcher::Config::default().page_size(50)).with_config(config);
    for kind in [
        Kind::ConfigMap,
        Kind::Service,
        Kind::StatefulSet,
        Kind::Deployment,
    ] {
        let resource = kind.api_resource();
        let api = match &namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        controller = controller.watches_with::<kube::api::DynamicObject, _>(
            api,
            resource,
            children_only().page_size(50),
            |child| made_for(&child),
        );
    }
    let (side_watches, triggers) = SideWatches::new(
        client.clone(),
        namespace,
        controller.store(),
        context.capabilities.clone(),
        Arc::clone(&context.metrics),
    );
    let reconciled = controller
        .reconcile_on(triggers)
        .graceful_shutdown_on(stop.requested())
        .run(reconcile, error_policy, Arc::clone(&context))
        .for_each(|result| {
            note(&context, result);
            std::future::ready(())
        });
    until_first(reconciled, side_watches.run()).await;
}

/// Polls both until the first is done; the second is over before only if there is nothing left for it to do.
async fn until_first(first: impl Future<Output = ()>, second: impl Future<Output = ()>) {
    let second = async {
        second.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        () = first => {}
        never = second => match never {},
    }
}

type Reconciled = Result<
    (
        kube::runtime::reflector::ObjectRef<Watched>,
        controller::Action,
    ),
    controller::Error<super::error::Error, watcher::Error>,
>;

/// Takes note of how a reconcile or a watch ended. Errors of reconciles are told by the error policy.
fn note(context: &Context, result: Reconciled) {
    match result {
        Ok((object, _)) => debug!(push_gateway.name = object.name, "reconciled"),
        Err(controller::Error::ObjectNotFound(object)) => {
            let key = (
                object.namespace.clone().unwrap_or_default(),
                object.name.clone(),
            );
            context.memories.forget(&key);
            context.metrics.forget(&key);
        }
        Err(controller::Error::ReconcilerFailed(..)) => {}
        Err(controller::Error::QueueError(cause)) => {
            context.metrics.watch_failed(WATCH_OF_CONTROLLER);
            warn!(error = %cause, "a watch has failed and is tried again");
        }
        Err(controller::Error::RunnerError(cause)) => {
            error!(error = %cause, "the controller has failed");
        }
    }
}
