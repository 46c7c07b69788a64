//! How long a gateway takes to start, and how large its program is.

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::figure::{self, float};
use crate::gateway::{Gateway, Program};
use crate::table::{Row, Section};
use crate::timing::{self, Spread};

const READY_GOAL: Duration = Duration::from_millis(50);
const SIZE_GOAL: f64 = 10e6;

pub(crate) fn measure(bench: &Bench) -> Result<Section> {
    let folder = bench.folder("start")?;
    let start = |program: &Program| Ok(Gateway::start(program, &folder, &[])?.ready_after);
    let (go, ours) = (&bench.programs.go, &bench.programs.ours);
    let [go_start, our_start] =
        timing::in_turns(bench.plan.starts, [&mut || start(go), &mut || start(ours)])?
            .map(Spread::of);
    let (go_size, our_size) = (float(go.bytes()?), float(ours.bytes()?));
    let size = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
    let rows = vec![
        Row::new("start to ready, nothing stored", figure::time(&our_start))
            .against("Go", figure::time(&go_start))
            .ratio(our_start.faster_than(&go_start), "faster")
            .goal("under 50 ms", our_start.median < READY_GOAL),
        Row::new("program file", size(our_size))
            .against("Go", size(go_size))
            .ratio(go_size / our_size, "smaller")
            .goal("under 10 MB", our_size < SIZE_GOAL),
    ];
    Ok(Section {
        title: "Start",
        rows,
    })
}
