//! Scrapes and pushes at the same time, against each alone.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::concurrent::tail_figure;
use crate::bench::Bench;
use crate::client::Connection;
use crate::figure;
use crate::load::{Load, Loads, Until};
use crate::subject::{PUSHERS, Subject};
use crate::table::{Row, Section};
use crate::timing::Spread;
use crate::workload::{self, Encoding, METRICS_PER_GROUP};

const SCRAPES_PER_SECOND: u32 = 10;
const TAIL_GROWTH: f64 = 2.0;

/// What was measured with scrapes in one encoding.
#[derive(Debug)]
struct Mixed {
    pushes: Loads,
    pushes_beside: Loads,
    scrapes: Spread<Duration>,
    scrapes_beside: Spread<Duration>,
}

pub(crate) fn measure(bench: &Bench) -> Result<Section> {
    let groups = bench.plan.changed_groups;
    let mut ours = bench.ours_with(groups)?;
    let mut rows = Vec::new();
    for encoding in Encoding::ALL {
        let mixed = take(bench, &mut ours, encoding)?;
        let series = figure::count(groups * METRICS_PER_GROUP);
        let scrape = format!(
            "{SCRAPES_PER_SECOND} scrapes/s of {series} series in {}",
            encoding.name()
        );
        rows.extend(self::rows(&scrape, &mixed));
    }
    ours.verify(Encoding::Gzip, groups)?;
    Ok(Section {
        title: "Scrapes and pushes together",
        rows,
    })
}

fn take(bench: &Bench, ours: &mut Subject, encoding: Encoding) -> Result<Mixed> {
    let (time, address) = (bench.plan.load_turn, ours.gateway.address);
    let (mut pushes, mut scrapes) = (Vec::new(), Vec::new());
    let (mut pushes_beside, mut scrapes_beside) = (Vec::new(), Vec::new());
    for _ in 0..=bench.plan.rounds {
        pushes.push(ours.push_in_parallel(Until::Elapsed(time))?);
        // What the pushes left to be rendered is not for the scrapes alone.
        ours.scrape(encoding)?;
        scrapes.push(scrape_at_rate(address, encoding, time)?);
        let (load, timings) = together(ours, encoding, time)?;
        pushes_beside.push(load);
        scrapes_beside.push(timings);
    }
    Ok(Mixed {
        pushes: Loads::of(pushes.split_off(1)),
        pushes_beside: Loads::of(pushes_beside.split_off(1)),
        scrapes: Spread::of(scrapes.split_off(1).concat()),
        scrapes_beside: Spread::of(scrapes_beside.split_off(1).concat()),
    })
}

fn together(
    ours: &mut Subject,
    encoding: Encoding,
    time: Duration,
) -> Result<(Load, Vec<Duration>)> {
    let address = ours.gateway.address;
    thread::scope(|scope| {
        let prometheus = scope.spawn(|| scrape_at_rate(address, encoding, time));
        let load = ours.push_in_parallel(Until::Elapsed(time))?;
        let timings = prometheus.join().expect("a scraper does not panic")?;
        Ok((load, timings))
    })
}

/// Scrapes at a steady rate, or as fast as it gets answers if that is less.
fn scrape_at_rate(
    address: SocketAddr,
    encoding: Encoding,
    time: Duration,
) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(address)?;
    let request = workload::scrape("/metrics", encoding);
    let started = Instant::now();
    let mut timings = Vec::new();
    let mut next = Duration::ZERO;
    while next < time {
        thread::sleep(next.saturating_sub(started.elapsed()));
        timings.push(connection.exchange(&request)?);
        next = (next + Duration::from_secs(1) / SCRAPES_PER_SECOND).max(started.elapsed());
    }
    Ok(timings)
}

fn rows(scrape: &str, mixed: &Mixed) -> Vec<Row> {
    let Mixed {
        pushes,
        pushes_beside,
        scrapes,
        scrapes_beside,
    } = mixed;
    let growth = pushes_beside.latency.p99.as_secs_f64() / pushes.latency.p99.as_secs_f64();
    vec![
        Row::new(
            format!("push over {PUSHERS} connections beside {scrape}"),
            tail_figure(pushes_beside),
        )
        .against("without scrapes", tail_figure(pushes))
        .ratio(growth, "its p99")
        .goal("p99 at most doubles", growth <= TAIL_GROWTH),
        Row::new(
            format!("pushes beside {scrape}"),
            figure::rate(&pushes_beside.per_second),
        )
        .against("without scrapes", figure::rate(&pushes.per_second))
        .ratio(
            pushes_beside.per_second.median / pushes.per_second.median,
            "its rate",
        ),
        Row::new(
            format!("{scrape} beside the pushes"),
            figure::time(scrapes_beside),
        )
        .against("without pushes", figure::time(scrapes))
        .ratio(scrapes.faster_than(scrapes_beside), "its time"),
    ]
}
