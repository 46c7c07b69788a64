//! Requests over many connections at once, each connection a thread that waits for its answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::Connection;
use crate::timing::Spread;

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Elapsed(Duration),
    /// After so many requests.
    Sent(u32),
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Load {
    timings: Vec<Duration>,
    per_second: f64,
}

/// What came of several loads of one kind.
#[derive(Debug)]
pub(crate) struct Loads {
    pub(crate) latency: Spread<Duration>,
    pub(crate) per_second: Spread<f64>,
}

impl Load {
    pub(crate) fn sent(&self) -> usize {
        self.timings.len()
    }
}

impl Loads {
    pub(crate) fn of(loads: Vec<Load>) -> Self {
        let per_second = loads.iter().map(|load| load.per_second).collect();
        let timings = loads.into_iter().flat_map(|load| load.timings).collect();
        Self {
            latency: Spread::of(timings),
            per_second: Spread::of(per_second),
        }
    }
}

/// Sends the requests of these serial numbers, from `first` on, over so many connections. Each connection has one buffer that
/// its requests are written to: the sooner they are, the more of the cores there is for the gateway.
pub(crate) fn run(
    address: SocketAddr,
    connections: usize,
    (first, until): (u32, Until),
    write: impl Fn(&mut Vec<u8>, u32) + Sync,
) -> Result<Load> {
    let mut connections = (0..connections)
        .map(|_| Connection::open(address))
        .collect::<Result<Vec<_>>>()?;
    let next = AtomicU32::new(first);
    let started = Instant::now();
    let send_on = |connection: &mut Connection| -> Result<Vec<Duration>> {
        let mut timings = Vec::new();
        let mut request = Vec::new();
        loop {
            let serial = next.fetch_add(1, Ordering::Relaxed);
            let is_over = match until {
                Until::Elapsed(time) => started.elapsed() >= time,
                Until::Sent(count) => serial - first >= count,
            };
            if is_over {
                return Ok(timings);
            }
            request.clear();
            write(&mut request, serial);
            timings.push(connection.exchange(&request)?);
        }
    };
    let timings = thread::scope(|scope| {
        let senders: Vec<_> = connections
            .iter_mut()
            .map(|connection| scope.spawn(|| send_on(connection)))
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().expect("a sender does not panic"))
            .collect::<Result<Vec<_>>>()
    })?;
    let elapsed = started.elapsed();
    let timings = timings.concat();
    let sent = u32::try_from(timings.len())?;
    Ok(Load {
        timings,
        per_second: f64::from(sent) / elapsed.as_secs_f64(),
    })
}
