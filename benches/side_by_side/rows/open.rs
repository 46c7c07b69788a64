//! Starts with a persistence file, against reading that file.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::sizes::unless_too_slow;
use crate::bench::Bench;
use crate::figure;
use crate::gateway::persistence;
use crate::table::{Row, Section};
use crate::timing::{self, Spread};
use crate::workload::{Encoding, METRICS_PER_GROUP};

/// Times the plain read, and then as long again.
const READS: u32 = 3;
const ALLOWANCE: Duration = Duration::from_secs(1);

pub(crate) fn measure(bench: &Bench) -> Result<Section> {
    let groups = *bench.plan.scraped_groups.last().expect("some sizes");
    let made = bench.native_file(groups)?;
    let file = bench.folder("open")?.join("pushgateway.data");
    fs::copy(made, &file)?;
    let bytes = fs::metadata(&file)?.len();
    let [open, read] = timing::in_turns(
        bench.plan.repetitions,
        [
            &mut || Ok(bench.ours(&[persistence(&file)])?.gateway.ready_after),
            &mut || {
                let started = Instant::now();
                fs::read(&file)?;
                Ok(started.elapsed())
            },
        ],
    )?
    .map(Spread::of);
    let mut ours = bench.ours(&[persistence(&file)])?;
    let resident = ours.gateway.resident_bytes()?;
    ours.verify(Encoding::Identity, groups)?;
    let go = unless_too_slow(bench.go_with(groups))?;

    let series = figure::count(groups * METRICS_PER_GROUP);
    let what = format!("start to ready with {series} series on disk");
    let ours = Row::new(&*what, figure::time(&open));
    let rows = vec![
        Row::new(&*what, figure::time(&open))
            .against(
                format!("reading the {}", figure::bytes(bytes)),
                figure::time(&read),
            )
            .ratio(read.faster_than(&open), "its time")
            .goal(
                "at most 3 × its time + 1 s",
                open.median <= READS * read.median + ALLOWANCE,
            ),
        match go {
            Some(go) => {
                let ready = go.gateway.ready_after;
                let ratio = ready.as_secs_f64() / open.median.as_secs_f64();
                ours.against("Go", figure::duration(ready))
                    .ratio(ratio, "faster")
            }
            None => ours.against("Go", "not ready within a minute"),
        },
        Row::new("resident memory then", figure::bytes(resident)),
    ];
    Ok(Section {
        title: "Start with a persistence file",
        rows,
    })
}
