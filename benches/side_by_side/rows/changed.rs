//! Scrapes after some of the groups changed, against scrapes after all of them did.

use std::time::Duration;

use anyhow::Result;

use super::scrape::Scrapes;
use super::sizes::AtSize;
use crate::bench::Bench;
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
    all: Scrapes,
}

pub(super) fn measure(bench: &Bench, ours: &mut Subject, groups: usize) -> Result<Changed> {
    println!("  scrapes after changes");
    let few = groups / SHARE;
    // It takes long to change them all.
    let (often, seldom) = (5 * bench.plan.repetitions, bench.plan.repetitions);
    let measured = Changed {
        neighbours: scrapes(ours, (often, few), |nth| nth % groups)?,
        random: scrapes(ours, (often, few), |nth| workload::scattered(nth) % groups)?,
        all: scrapes(ours, (seldom, groups), |nth| nth % groups)?,
    };
    for encoding in Encoding::ALL {
        ours.verify(encoding, groups)?;
    }
    Ok(measured)
}

/// Scrapes so often, each after pushes to the next so many groups.
fn scrapes(
    ours: &mut Subject,
    (times, changes): (usize, usize),
    group: impl Fn(usize) -> usize + Sync,
) -> Result<Scrapes> {
    let mut of = |encoding, from: usize| -> Result<_> {
        let timings = (from..from + times).map(|turn| {
            ours.push_to(changes, |nth| group(turn * changes + nth))?;
            ours.scrape(encoding)
        });
        Ok(Spread::of(timings.collect::<Result<Vec<_>>>()?))
    };
    Ok(Scrapes {
        identity: of(Encoding::Identity, 0)?,
        gzip: of(Encoding::Gzip, times)?,
    })
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
    let all = changed.all.of(encoding);
    let ratio = all.faster_than(ours);
    let name = format!(
        "{} in {}, after 1 % of the groups changed, {which}",
        size.name(),
        encoding.name()
    );
    let row = Row::new(name, figure::time(ours))
        .against("after all changed", figure::time(all))
        .ratio(ratio, "its time");
    (row, ratio)
}
