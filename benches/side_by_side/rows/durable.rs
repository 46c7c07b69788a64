//! Pushes that are on disk before they are answered, against the disk itself.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::concurrent::{tail, tail_figure};
use crate::bench::Bench;
use crate::figure::{self, significant};
use crate::gateway::persistence;
use crate::load::{Loads, Until};
use crate::subject::{PUSHERS, Subject};
use crate::table::{Row, Section};
use crate::timing::{self, Spread};
use crate::workload::Encoding;

/// As many syncs is what the slowest hundredth of the pushes may take.
const SYNCS: u32 = 5;

/// What was measured of the disk alone, and over one connection.
#[derive(Debug)]
struct Single {
    push: Spread<Duration>,
    /// The record of one push, and of as many as there are connections.
    sync: Spread<Duration>,
    shared_sync: Spread<Duration>,
}

pub(crate) fn measure(bench: &Bench) -> Result<Section> {
    let folder = bench.folder("durable")?;
    let file = folder.join("pushgateway.data");
    let mut durable = bench.ours(&[persistence(&file)])?;
    durable.fill(bench.plan.loaded_groups)?;
    let record = record_bytes(&mut durable, &file)?;
    let single = single(bench, &mut durable, &folder, record)?;
    let [durable, in_memory] = loads(bench, durable)?;

    let syncs_per_second = 1.0 / single.sync.median.as_secs_f64();
    let rate = durable.per_second.median;
    let wanted = (in_memory.per_second.median / 2.0).min(20.0 * syncs_per_second);
    let what = format!("durable pushes over {PUSHERS} connections");
    let rows = vec![
        Row::new(
            "durable push, one after the other",
            figure::time(&single.push),
        )
        .against(
            format!("append of {record} bytes and `fdatasync`"),
            figure::time(&single.sync),
        )
        .ratio(single.sync.faster_than(&single.push), "its time"),
        Row::new(&*what, figure::rate(&durable.per_second))
            .against("the same in memory", figure::rate(&in_memory.per_second))
            .ratio(rate / in_memory.per_second.median, "its rate")
            .goal(
                format!(
                    "half its rate or 20 × the single syncs, so {}/s",
                    significant(wanted)
                ),
                rate >= wanted,
            ),
        Row::new(&*what, figure::rate(&durable.per_second))
            .against(
                "single syncs",
                format!("{}/s", significant(syncs_per_second)),
            )
            .ratio(rate / syncs_per_second, "their rate"),
        tail(&format!("{what}, how long each takes"), &durable)
            .against(
                format!("append of {PUSHERS} records and `fdatasync`"),
                figure::time(&single.shared_sync),
            )
            .ratio(
                durable.latency.p99.as_secs_f64() / single.shared_sync.median.as_secs_f64(),
                "its time for the p99",
            )
            .goal(
                "p99 under 5 × its time",
                durable.latency.p99 < SYNCS * single.shared_sync.median,
            ),
        Row::new(
            "the same in memory, how long each takes",
            tail_figure(&in_memory),
        ),
    ];
    Ok(Section {
        title: "Pushes on disk before they are answered",
        rows,
    })
}

/// What one push adds to the file.
fn record_bytes(durable: &mut Subject, file: &Path) -> Result<usize> {
    let before = fs::metadata(file)?.len();
    durable.push()?;
    Ok(usize::try_from(fs::metadata(file)?.len() - before)?)
}

fn single(bench: &Bench, durable: &mut Subject, folder: &Path, record: usize) -> Result<Single> {
    let mut one = append_only(&folder.join("one"))?;
    let mut many = append_only(&folder.join("many"))?;
    let bytes = vec![b'x'; PUSHERS * record];
    let [push, sync, shared_sync] = timing::time_in_turns(
        (bench.plan.rounds, bench.plan.turn),
        [
            &mut || durable.push(),
            &mut || append_and_sync(&mut one, &bytes[..record]),
            &mut || append_and_sync(&mut many, &bytes),
        ],
    )?;
    Ok(Single {
        push,
        sync,
        shared_sync,
    })
}

/// Many connections at once, durable and in memory in turns.
fn loads(bench: &Bench, mut durable: Subject) -> Result<[Loads; 2]> {
    let groups = bench.plan.loaded_groups;
    let mut in_memory = bench.ours_with(groups)?;
    let turn = Until::Elapsed(bench.plan.load_turn);
    let loads = timing::in_turns(
        bench.plan.rounds,
        [&mut || durable.push_in_parallel(turn), &mut || {
            in_memory.push_in_parallel(turn)
        }],
    )?
    .map(Loads::of);
    durable.verify(Encoding::Identity, groups)?;
    Ok(loads)
}

fn append_only(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}

/// What a disk asks at least for keeping something.
fn append_and_sync(file: &mut File, bytes: &[u8]) -> Result<Duration> {
    let started = Instant::now();
    file.write_all(bytes)?;
    file.sync_data()?;
    Ok(started.elapsed())
}
