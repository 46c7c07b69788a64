//! Leader election: of several operators one works, the others wait.
//!
//! The rules are those of client-go. Nobody believes the times that others wrote: a lease is free once it has not
//! changed for as long as its holder asked for, on the clock of whoever looks. Every write names the version that it
//! is based on, so that of two that are quick only one has it. A holder that can't renew stops before others begin.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

/// Time after which the lease of a holder that fell silent is free.
const DURATION_SECONDS: i32 = 15;
/// Time after which a holder that can't renew it gives it up, well before that.
const DEADLINE: Duration = Duration::from_secs(10);
/// Time between two renewals.
const RENEWAL: Duration = Duration::from_secs(5);
/// Time between two looks at a lease that somebody else has, and after a failure.
const RETRY: Duration = Duration::from_secs(2);

/// Where the lease is, and who wants it.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Namespace of the lease.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who we are; no two instances may be the same.
    pub identity: String,
}

/// The wish to hold the lease.
#[derive(Debug)]
pub(super) struct Lease {
    api: Api<LeaseObject>,
    settings: LeaseSettings,
    seen: Option<Seen>,
    /// Before we asked for what we got, which is earlier than when anybody else could see it.
    renewed: Instant,
    told: String,
}

/// The lease as we last saw it, and since when it has been so.
#[derive(Debug)]
struct Seen {
    version: Option<String>,
    since: Instant,
}

impl Lease {
    /// Nothing is asked for yet.
    pub(super) fn new(client: Client, settings: LeaseSettings) -> Self {
        Self {
            api: Api::namespaced(client, &settings.namespace),
            settings,
            seen: None,
            renewed: Instant::now(),
            told: String::new(),
        }
    }

    /// Done once the lease is ours.
    pub(super) async fn won(&mut self) {
        loop {
            match timeout(DEADLINE, self.take()).await {
                Ok(Ok(true)) => return,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => self.tell(&error.to_string()),
                Err(_) => self.tell("no answer in time"),
            }
            sleep(RETRY).await;
        }
    }

    /// Renews the lease, and is done once it is no longer ours.
    pub(super) async fn lost(&mut self) {
        loop {
            sleep(RENEWAL).await;
            let deadline = self.renewed + DEADLINE;
            loop {
                match timeout_at(deadline, self.take()).await {
                    Ok(Ok(true)) => break,
                    Ok(Ok(false)) => return warn!("another instance has taken the lease"),
                    Ok(Err(error)) => self.tell(&error.to_string()),
                    Err(_) => return warn!("the lease could not be renewed in time"),
                }
                sleep(RETRY).await;
            }
        }
    }

    /// Gives the lease back, if it is ours, so that another instance need not wait for its end.
    pub(super) async fn release(mut self) {
        match timeout(DEADLINE, self.give_back()).await {
            Ok(Ok(true)) => info!("gave the lease back"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => warn!(%error, "could not give the lease back; it ends by itself"),
            Err(_) => warn!("no answer when giving the lease back; it ends by itself"),
        }
    }

    /// Takes the lease or renews it, unless it is somebody else's.
    async fn take(&mut self) -> Result<bool, kube::Error> {
        let (asked, params) = (Instant::now(), PostParams::default());
        match self.api.get_opt(&self.settings.name).await? {
            None => {
                let first = LeaseObject {
                    metadata: ObjectMeta {
                        name: Some(self.settings.name.clone()),
                        ..ObjectMeta::default()
                    },
                    spec: None,
                };
                self.api.create(&params, &self.ours(first)).await?;
            }
            Some(found) if self.is_free(&found) => {
                // It carries the version that was found: if somebody was quicker, this is a conflict.
                let ours = self.ours(found);
                self.api
                    .replace(&self.settings.name, &params, &ours)
                    .await?;
            }
            Some(_) => return Ok(false),
        }
        self.renewed = asked;
        self.told.clear();
        Ok(true)
    }

    async fn give_back(&mut self) -> Result<bool, kube::Error> {
        let Some(mut found) = self.api.get_opt(&self.settings.name).await? else {
            return Ok(false);
        };
        if !self.is_ours(&found) {
            return Ok(false);
        }
        let spec = found.spec.get_or_insert_default();
        spec.holder_identity = None;
        spec.renew_time = None;
        spec.acquire_time = None;
        spec.lease_duration_seconds = None;
        let params = PostParams::default();
        self.api
            .replace(&self.settings.name, &params, &found)
            .await?;
        Ok(true)
    }

    fn is_ours(&self, lease: &LeaseObject) -> bool {
        holder(lease) == Some(&self.settings.identity)
    }

    /// Whether nobody has the lease, or nobody but us, or one who has not renewed it in time.
    fn is_free(&mut self, lease: &LeaseObject) -> bool {
        let now = Instant::now();
        let version = lease.metadata.resource_version.clone();
        let seen = match self.seen.take() {
            Some(seen) if seen.version == version => seen,
            _ => Seen {
                version,
                since: now,
            },
        };
        let silent = now - seen.since;
        self.seen = Some(seen);
        let spec = lease.spec.as_ref();
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
        let seconds = u64::try_from(seconds.unwrap_or(DURATION_SECONDS)).unwrap_or_default();
        holder(lease).is_none() || self.is_ours(lease) || silent > Duration::from_secs(seconds)
    }

    /// The lease with us as its holder.
    fn ours(&self, mut lease: LeaseObject) -> LeaseObject {
        let is_new = !self.is_ours(&lease);
        let now = MicroTime(Timestamp::now());
        let spec = lease.spec.get_or_insert_default();
        if is_new {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default() + 1);
        }
        spec.holder_identity = Some(self.settings.identity.clone());
        spec.lease_duration_seconds = Some(DURATION_SECONDS);
        spec.renew_time = Some(now);
        lease
    }

    /// Says once why the lease can't be had.
    fn tell(&mut self, why: &str) {
        if self.told != why {
            warn!(
                lease = self.settings.name,
                "could not use the lease: {why}; trying again"
            );
            why.clone_into(&mut self.told);
        }
    }
}

/// Who has the lease.
fn holder(lease: &LeaseObject) -> Option<&String> {
    let spec = lease.spec.as_ref()?;
    spec.holder_identity
        .as_ref()
        .filter(|holder| !holder.is_empty())
}
