//! Deletions of single groups, and of all of them.

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::figure;
use crate::table::{Row, Section};
use crate::timing::Spread;
use crate::workload::{self, Encoding};

const WIPE_GOAL: Duration = Duration::from_millis(100);
const DELETE_GOAL: Duration = Duration::from_micros(200);
/// One in so many groups is deleted by itself.
const SHARE: usize = 50;

pub(crate) fn measure(bench: &Bench) -> Result<Section> {
    let groups = *bench.plan.scraped_groups.last().expect("some sizes");
    let mut ours = bench.ours(&["--web.enable-admin-api".into()])?;
    let mut wipes = Vec::new();
    let mut deletions = Vec::new();
    for repetition in 0..bench.plan.repetitions {
        ours.fill(groups)?;
        if repetition == 0 {
            for nth in 0..groups / SHARE {
                deletions.push(ours.ask("DELETE", &workload::group_path(nth * SHARE))?);
            }
            ours.verify(Encoding::Identity, groups - groups / SHARE)?;
        }
        wipes.push(ours.wipe()?);
        ours.verify(Encoding::Identity, 0)?;
    }

    let (wipe, deletion) = (Spread::of(wipes), Spread::of(deletions));
    let count = figure::count(groups);
    let rows = vec![
        Row::new(
            format!("DELETE of one of {count} groups"),
            figure::time(&deletion),
        )
        .goal("under 200 µs", deletion.median < DELETE_GOAL),
        Row::new(format!("wipe of {count} groups"), figure::time(&wipe))
            .goal("under 100 ms", wipe.median < WIPE_GOAL),
    ];
    Ok(Section {
        title: "Deletions",
        rows,
    })
}
