//! A gateway under measurement, and what is asked of it, mostly over one connection.

use std::io::Read as _;
use std::str;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use crate::client::Connection;
use crate::gateway::Gateway;
use crate::load::{self, Load, Until};
use crate::workload::{self, Encoding};

/// Connections that push at a time.
pub(crate) const PUSHERS: usize = 64;

/// Servers close connections that nothing is asked over, ours after ten seconds if nothing ever was.
const LONGEST_IDLE: Duration = Duration::from_secs(5);

/// Pushes go round the groups in this step, a prime, so that neighbours in time are none in the store.
const STRIDE: usize = 1009;

#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) gateway: Gateway,
    connection: Connection,
    last_used: Instant,
    groups: usize,
    /// The serial number of the last push.
    serial: u32,
}

impl Subject {
    /// A gateway that has these groups.
    pub(crate) fn new(gateway: Gateway, groups: usize) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(gateway.address)?,
            gateway,
            last_used: Instant::now(),
            groups,
            serial: 0,
        })
    }

    /// Pushes new groups until there are so many.
    pub(crate) fn fill(&mut self, groups: usize) -> Result<()> {
        let missing = groups - self.groups;
        self.push_to(missing, |nth| groups - missing + nth)?;
        self.groups = groups;
        Ok(())
    }

    /// Pushes one after the other to so many groups over several connections.
    pub(crate) fn push_to(
        &mut self,
        count: usize,
        group: impl Fn(usize) -> usize + Sync,
    ) -> Result<()> {
        let until = Until::Sent(u32::try_from(count)?);
        self.load(PUSHERS, until, |request, nth, serial| {
            workload::append_push(request, group(nth), serial);
        })?;
        Ok(())
    }

    /// Pushes over [`PUSHERS`] connections, no two at a time to the same group, neighbours in time never to
    /// neighbours in the store.
    pub(crate) fn push_in_parallel(&mut self, until: Until) -> Result<Load> {
        let groups = self.groups;
        self.load(PUSHERS, until, |request, nth, serial| {
            workload::append_push(request, nth * STRIDE % groups, serial);
        })
    }

    /// Sends over many connections what is written by the requests' numbers from 0 on and the pushes' serial numbers.
    pub(crate) fn load(
        &mut self,
        connections: usize,
        until: Until,
        write: impl Fn(&mut Vec<u8>, usize, u32) + Sync,
    ) -> Result<Load> {
        let first = self.serial + 1;
        let load = load::run(
            self.gateway.address,
            connections,
            (first, until),
            |request, serial| write(request, (serial - first) as usize, serial),
        )
        .with_context(|| self.gateway.condition())?;
        self.serial += u32::try_from(load.sent())?;
        Ok(load)
    }

    /// Replaces a group that is there.
    pub(crate) fn push(&mut self) -> Result<Duration> {
        self.serial += 1;
        let group = self.serial as usize * STRIDE % self.groups;
        self.exchange(&workload::push(group, self.serial))
    }

    pub(crate) fn scrape(&mut self, encoding: Encoding) -> Result<Duration> {
        self.exchange(&workload::scrape("/metrics", encoding))
    }

    /// Only the scrape is timed.
    pub(crate) fn scrape_after_push(&mut self, encoding: Encoding) -> Result<Duration> {
        self.push()?;
        self.scrape(encoding)
    }

    /// The least that this client and this server can do: the floor of all other timings.
    pub(crate) fn healthy(&mut self) -> Result<Duration> {
        self.ask("GET", "/-/healthy")
    }

    /// Deletes all groups.
    pub(crate) fn wipe(&mut self) -> Result<Duration> {
        self.groups = 0;
        self.ask("PUT", "/api/v1/admin/wipe")
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str) -> Result<Duration> {
        self.exchange(&workload::bare(method, path))
    }

    /// Over a connection that is still open; opening one is not timed.
    fn exchange(&mut self, request: &[u8]) -> Result<Duration> {
        let exchange = |connection: &mut Connection| {
            if self.last_used.elapsed() > LONGEST_IDLE {
                *connection = Connection::open(self.gateway.address)?;
            }
            connection.exchange(request)
        };
        let took = exchange(&mut self.connection);
        self.last_used = Instant::now();
        took.with_context(|| self.gateway.condition())
    }

    /// Scrapes and checks that what was pushed is there, so many groups; the body as it was sent.
    pub(crate) fn verify(&mut self, encoding: Encoding, groups: usize) -> Result<Vec<u8>> {
        self.scrape(encoding)?;
        let body = self.connection.body()?;
        let mut page = Vec::new();
        match encoding {
            Encoding::Identity => page.extend_from_slice(&body),
            Encoding::Gzip => {
                GzDecoder::new(&*body).read_to_end(&mut page)?;
            }
        }
        let metrics = str::from_utf8(&page)?
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("job=\"bench\""))
            .count();
        let expected = groups * workload::METRICS_PER_GROUP;
        ensure!(
            metrics == expected,
            "a scrape has {metrics} pushed metrics, not {expected}"
        );
        Ok(body)
    }
}
