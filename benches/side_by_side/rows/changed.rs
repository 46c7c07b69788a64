//! Scrapes after some of the groups changed, against what a scrape would take that finds nothing ready.
//!
//! In gzip that is a scrape after all of the groups changed, which compresses every page. Text is never rendered by a
//! scrape: there, what all of it would take is measured in this process.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use pushgateway::exposition::negotiation::Compression;

use super::scrape::Scrapes;
use super::sizes::AtSize;
use crate::bench::Bench;
use crate::content::Content;
use crate::figure;
use crate::subject::Subject;
use crate::table::{Row, Section};
use crate::timing::Spread;
use crate::workload::{self, Encoding};

/// One in so many groups changes.
const SHARE: usize = 100;
const NEIGHBOURS: f64 = 0.1;
const RANDOM: f64 = 1.0 / 3.0;

/// How long scrapes take after these groups changed.
#[derive(Debug)]
pub(super) struct Changed {
    neighbours: Scrapes,
    random: Scrapes,
    /// In gzip.
    all: Spread<Duration>,
    /// The text of all groups, without sending it.
    rendering: Spread<Duration>,
}

pub(super) fn measure(bench: &Bench, ours: &mut Subject, groups: usize) -> Result<Changed> {
    println!("  scrapes after changes");
    let few = groups / SHARE;
    // It takes long to change them all.
    let (often, seldom) = (5 * bench.plan.repetitions, bench.plan.repetitions);
    let neighbours = |nth| nth % groups;
    let random = |nth| workload::scattered(nth) % groups;
    let mut some = |group: &(dyn Fn(usize) -> usize + Sync)| -> Result<_> {
        Ok(Scrapes {
            identity: after(ours, Encoding::Identity, 0..often, few, group)?,
            gzip: after(ours, Encoding::Gzip, often..2 * often, few, group)?,
        })
    };
    let measured = Changed {
        neighbours: some(&neighbours)?,
        random: some(&random)?,
        all: after(ours, Encoding::Gzip, 0..seldom, groups, &neighbours)?,
        rendering: rendering(groups, often)?,
    };
    for encoding in Encoding::ALL {
        ours.verify(encoding, groups)?;
    }
    Ok(measured)
}

/// Scrapes so often, each after pushes to the next so many groups.
fn after(
    ours: &mut Subject,
    encoding: Encoding,
    turns: Range<usize>,
    changes: usize,
    group: &(dyn Fn(usize) -> usize + Sync),
) -> Result<Spread<Duration>> {
    let timings = turns.map(|turn| {
        ours.push_to(changes, |nth| group(turn * changes + nth))?;
        ours.scrape(encoding)
    });
    Ok(Spread::of(timings.collect::<Result<Vec<_>>>()?))
}

/// How long it takes to render the text of so many groups anew, in one thread.
fn rendering(groups: usize, times: usize) -> Result<Spread<Duration>> {
    let content = Content::of(groups)?;
    let expected = content.scrape(Compression::Identity)?.len();
    let timings = (0..times).map(|_| {
        let started = Instant::now();
        let rendered = content.rendered_bytes()?;
        let took = started.elapsed();
        ensure!(rendered == expected, "a scrape is as long as what it shows");
        Ok(took)
    });
    Ok(Spread::of(timings.collect::<Result<Vec<_>>>()?))
}

pub(super) fn section(sizes: &[AtSize]) -> Section {
    Section {
        title: "Scrapes after changes",
        rows: sizes.iter().flat_map(rows).collect(),
    }
}

fn rows(size: &AtSize) -> Vec<Row> {
    let Some(changed) = &size.ours.changed else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for encoding in Encoding::ALL {
        let row = |which: &str, scrapes: &Scrapes| {
            row(size, (which, encoding), scrapes.of(encoding), changed)
        };
        let (neighbours, ratio) = row("neighbours", &changed.neighbours);
        rows.push(neighbours.goal("at most a tenth of its time", ratio <= NEIGHBOURS));
        let (random, ratio) = row("at random", &changed.random);
        rows.push(match encoding {
            Encoding::Identity => random.goal("at most a third of its time", ratio <= RANDOM),
            Encoding::Gzip => random,
        });
    }
    rows
}

fn row(
    size: &AtSize,
    (which, encoding): (&str, Encoding),
    ours: &Spread<Duration>,
    changed: &Changed,
) -> (Row, f64) {
    let name = format!(
        "{} in {}, after 1 % of the groups changed, {which}",
        size.name(),
        encoding.name()
    );
    let row = Row::new(name, figure::time(ours));
    let (row, peer) = match encoding {
        Encoding::Identity => {
            let sending = size.ours.scrapes.unchanged(encoding);
            let rendering = figure::time(&changed.rendering);
            let parts = format!("{rendering}, then to send it: {}", figure::time(sending));
            let row = row.against("to render all text anew", parts);
            (row, changed.rendering.median + sending.median)
        }
        Encoding::Gzip => {
            let row = row.against("after all changed", figure::time(&changed.all));
            (row, changed.all.median)
        }
    };
    let ratio = ours.median.as_secs_f64() / peer.as_secs_f64();
    (row.ratio(ratio, "its time"), ratio)
}
