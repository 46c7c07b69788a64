//! Termination: by signal or by request, as one future.
//!
//! The first signal asks for an orderly end. A second one means that somebody has lost patience, and ends
//! the process at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info};

/// The exit status after a second signal.
const ABORTED: i32 = 1;

/// Makes a trigger and what it sets off.
pub fn channel() -> (Trigger, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Stop(receiver))
}

/// Asks for an orderly end.
#[derive(Clone, Debug)]
pub struct Trigger(watch::Sender<bool>);

impl Trigger {
    /// Asks for it; asking twice changes nothing.
    pub fn fire(&self) {
        self.0.send_replace(true);
    }
}

/// The wait for an orderly end.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Done once the end was asked for, or nobody is left who could.
    pub async fn requested(mut self) {
        // Without a trigger nobody can want the process to go on either.
        let _ = self.0.wait_for(|fired| *fired).await;
    }
}

/// SIGINT and SIGTERM.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the two signals over from the system, which would end the process at once.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Fires `trigger` on the first signal and ends the process on the second.
    ///
    /// To be run beside the server for as long as the process lives.
    pub async fn watch(mut self, trigger: Trigger) {
        relay(&mut self, &trigger).await;
        error!("received a second signal; exiting without waiting for requests in flight");
        std::process::exit(ABORTED);
    }
}

/// Where signals come from.
trait SignalSource {
    /// Done when there is one.
    fn next(&mut self) -> impl Future<Output = ()> + Send;
}

impl SignalSource for Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Fires `trigger` on the first signal; done on the second.
async fn relay(signals: &mut impl SignalSource, trigger: &Trigger) {
    signals.next().await;
    info!("received SIGINT/SIGTERM; exiting gracefully...");
    trigger.fire();
    signals.next().await;
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::process::Command;

    use tokio::sync::mpsc::{self, UnboundedReceiver};

    use super::*;

    impl SignalSource for UnboundedReceiver<()> {
        async fn next(&mut self) {
            self.recv().await.unwrap();
        }
    }

    #[tokio::test]
    async fn firing_ends_every_wait() {
        let (trigger, stop) = channel();
        let before = tokio::spawn(stop.clone().requested());
        trigger.fire();
        trigger.fire();
        before.await.unwrap();
        stop.requested().await;
    }

    #[tokio::test]
    async fn the_first_signal_stops_and_the_second_aborts() {
        let (trigger, stop) = channel();
        let (signals, mut received) = mpsc::unbounded_channel();
        let mut relayed = pin!(relay(&mut received, &trigger));

        signals.send(()).unwrap();
        tokio::select! {
            biased;
            () = &mut relayed => panic!("one signal must not abort"),
            () = stop.requested() => {}
        }
        signals.send(()).unwrap();
        relayed.await;
    }

    #[tokio::test]
    async fn a_quit_request_is_no_signal() {
        let (trigger, stop) = channel();
        let (signals, mut received) = mpsc::unbounded_channel();
        let mut relayed = pin!(relay(&mut received, &trigger));

        trigger.fire();
        stop.requested().await;
        signals.send(()).unwrap();
        tokio::select! {
            biased;
            () = &mut relayed => panic!("the first signal after a quit request must not abort"),
            () = std::future::ready(()) => {}
        }
    }

    #[tokio::test]
    async fn sigterm_stops() {
        let (trigger, stop) = channel();
        let watching = tokio::spawn(Signals::listen().unwrap().watch(trigger));
        let pid = std::process::id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
        stop.requested().await;
        watching.abort();
    }
}
