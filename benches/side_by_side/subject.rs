//! A gateway under measurement, and what is done to it over one connection.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{str, thread};

use anyhow::{Result, ensure};

use crate::client::Connection;
use crate::gateway::{Gateway, Program};
use crate::workload::{self, Encoding};

/// Connections that push at a time.
pub(crate) const PUSHERS: usize = 64;

/// Pushes go round the groups in this step, a prime, so that neighbours in time are none in the store.
const STRIDE: usize = 1009;

#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) gateway: Gateway,
    connection: Connection,
    groups: usize,
    pushes: u32,
}

impl Subject {
    pub(crate) fn in_memory(program: &Program, folder: &Path) -> Result<Self> {
        Self::of(Gateway::start(program, folder)?)
    }

    pub(crate) fn durable(program: &Program, folder: &Path) -> Result<Self> {
        Self::of(Gateway::start_durable(program, folder)?)
    }

    fn of(gateway: Gateway) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(gateway.address)?,
            gateway,
            groups: 0,
            pushes: 0,
        })
    }

    /// Pushes new groups until there are so many, or the time is up; how many there are then.
    pub(crate) fn fill(&mut self, groups: usize, until: Instant) -> Result<usize> {
        while self.groups < groups && Instant::now() < until {
            self.groups += 1;
            self.push_group(self.groups - 1)?;
        }
        Ok(self.groups)
    }

    /// Replaces a group that is there.
    pub(crate) fn push(&mut self) -> Result<Duration> {
        let group = self.pushes as usize * STRIDE % self.groups;
        self.push_group(group)
    }

    /// Only the scrape is timed.
    pub(crate) fn scrape_after_push(&mut self, encoding: Encoding) -> Result<Duration> {
        self.push()?;
        self.scrape(encoding)
    }

    pub(crate) fn scrape(&mut self, encoding: Encoding) -> Result<Duration> {
        self.connection.exchange(&workload::scrape(encoding))
    }

    /// The least that this client and this server can do: the floor of all other timings.
    pub(crate) fn healthy(&mut self) -> Result<Duration> {
        self.connection.exchange(&workload::get("/-/healthy"))
    }

    /// Checks that a scrape gets what was pushed; how many bytes it got.
    pub(crate) fn verify(&mut self) -> Result<u64> {
        self.scrape(Encoding::Identity)?;
        let page = self.connection.body()?;
        let metrics = str::from_utf8(&page)?
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("job=\"bench\""))
            .count();
        let expected = self.groups * workload::METRICS_PER_GROUP;
        ensure!(
            metrics == expected,
            "a scrape has {metrics} pushed metrics, not {expected}"
        );
        Ok(page.len() as u64)
    }

    /// Pushes over [`PUSHERS`] connections at once for a time, to `groups` groups; pushes per second.
    pub(crate) fn push_in_parallel(&mut self, groups: usize, duration: Duration) -> Result<f64> {
        let address = self.gateway.address;
        let next = AtomicU32::new(self.pushes);
        let mut connections = (0..PUSHERS)
            .map(|_| Connection::open(address))
            .collect::<Result<Vec<_>>>()?;
        let started = Instant::now();
        let push_on = |connection: &mut Connection| -> Result<()> {
            while started.elapsed() < duration {
                let serial = next.fetch_add(1, Ordering::Relaxed);
                let group = serial as usize % groups;
                connection.exchange(&workload::push(group, serial))?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let pushers: Vec<_> = connections
                .iter_mut()
                .map(|connection| scope.spawn(move || push_on(connection)))
                .collect();
            pushers
                .into_iter()
                .try_for_each(|pusher| pusher.join().expect("a pusher does not panic"))
        })?;
        let pushed = next.into_inner() - self.pushes;
        self.pushes += pushed;
        self.groups = self.groups.max(groups.min(self.pushes as usize));
        Ok(f64::from(pushed) / started.elapsed().as_secs_f64())
    }

    fn push_group(&mut self, group: usize) -> Result<Duration> {
        self.pushes += 1;
        self.connection
            .exchange(&workload::push(group, self.pushes))
    }
}
