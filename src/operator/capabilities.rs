//! Which optional kinds the cluster serves, as it changes.
//!
//! Discovery is open to every authenticated client, so this needs no permission. It is asked now and then, and at once
//! when a watch or an apply finds a kind gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use super::error::is_not_found;
use super::kind::Kind;

/// What the cluster serves.
#[derive(Clone, Debug)]
pub(super) struct Capabilities {
    served: watch::Receiver<BTreeSet<Kind>>,
    again: Arc<Notify>,
}

/// The task behind [`Capabilities`].
pub(super) struct Discovery {
    client: Client,
    interval: Duration,
    served: watch::Sender<BTreeSet<Kind>>,
    again: Arc<Notify>,
}

impl Capabilities {
    /// Looks for the first time, and gives what is to be run to look again after each `interval`.
    pub(super) async fn discover(
        client: Client,
        interval: Duration,
    ) -> Result<(Self, Discovery), kube::Error> {
        let (sender, served) = watch::channel(look(&client).await?);
        let again = Arc::new(Notify::new());
        let discovery = Discovery {
            client,
            interval,
            served: sender,
            again: Arc::clone(&again),
        };
        Ok((Self { served, again }, discovery))
    }

    /// The optional kinds that are served now.
    pub(super) fn served(&self) -> BTreeSet<Kind> {
        self.served.borrow().clone()
    }

    /// Tells of changes.
    pub(super) fn subscribe(&self) -> watch::Receiver<BTreeSet<Kind>> {
        self.served.clone()
    }

    /// Has discovery look again now, since something was found to have changed.
    pub(super) fn look_again(&self) {
        self.again.notify_one();
    }
}

impl Discovery {
    /// Looks again and again, for as long as it is polled.
    pub(super) async fn run(self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.interval) => {}
                () = self.again.notified() => {}
            }
            match look(&self.client).await {
                Ok(served) => self.publish(served),
                // The API server is away: what it served last is the best guess.
                Err(error) => warn!(%error, "could not ask which kinds the cluster serves"),
            }
        }
    }

    fn publish(&self, served: BTreeSet<Kind>) {
        self.served.send_if_modified(|known| {
            let changed = *known != served;
            for kind in known.symmetric_difference(&served) {
                let is_served = served.contains(kind);
                info!(
                    kind = kind.name(),
                    is_served, "an optional kind has come or gone"
                );
            }
            *known = served;
            changed
        });
    }
}

async fn look(client: &Client) -> Result<BTreeSet<Kind>, kube::Error> {
    let mut served = BTreeSet::new();
    for kind in Kind::OPTIONAL {
        let resource = kind.api_resource();
        match client.list_api_group_resources(&resource.api_version).await {
            Ok(list)
                if list
                    .resources
                    .iter()
                    .any(|found| found.name == resource.plural) =>
            {
                served.insert(kind);
            }
            Ok(_) => {}
            Err(kube::Error::Api(status)) if is_not_found(&status) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(served)
}
