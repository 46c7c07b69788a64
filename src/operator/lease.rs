//! Leader election: of several operators one works, the others wait.

use kube::Client;
use kube_lease_manager::{DurationSeconds, LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::info;

/// Seconds for which a leader that fell silent keeps the lease.
const DURATION: DurationSeconds = 15;
/// Seconds before its end when it is renewed, which is also how far clocks may be apart.
const GRACE: DurationSeconds = 5;

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

/// The wish to hold the lease, and whether it is fulfilled.
#[derive(Debug)]
pub(super) struct Lease {
    leads: watch::Receiver<bool>,
    task: JoinHandle<Result<LeaseManager, LeaseManagerError>>,
}

impl Lease {
    /// Begins to ask for the lease.
    pub(super) async fn ask(
        client: Client,
        settings: &LeaseSettings,
    ) -> Result<Self, LeaseManagerError> {
        let manager = LeaseManagerBuilder::new(client, &settings.name)
            .with_namespace(&settings.namespace)
            .with_identity(&settings.identity)
            .with_duration(DURATION)
            .with_grace(GRACE)
            .build()
            .await?;
        let (leads, task) = manager.watch().await;
        Ok(Self { leads, task })
    }

    /// Done once the lease is ours.
    pub(super) async fn won(&mut self) {
        self.wait_for(true).await;
    }

    /// Done once the lease is no longer ours.
    pub(super) async fn lost(&mut self) {
        self.wait_for(false).await;
    }

    async fn wait_for(&mut self, leads: bool) {
        if self.leads.wait_for(|now| *now == leads).await.is_err() && leads {
            // The task is gone, and with it every hope.
            std::future::pending::<()>().await;
        }
    }

    /// Gives the lease back, so that another instance need not wait for its end.
    pub(super) async fn release(self) -> Result<(), LeaseManagerError> {
        let Self { leads, task } = self;
        drop(leads);
        if let Ok(released) = task.await {
            released?;
            info!("gave the lease back");
        }
        Ok(())
    }
}
