//! Pushes over many connections at once, in memory.

use anyhow::Result;

use super::sizes::unless_too_slow;
use crate::bench::Bench;
use crate::figure;
use crate::load::{Loads, Until};
use crate::subject::PUSHERS;
use crate::table::{Row, Section};
use crate::timing;
use crate::workload::{self, Encoding};

const SHARE_OF_FLOOR: f64 = 0.5;

pub(crate) fn measure(bench: &Bench) -> Result<Section> {
    let turn = Until::Elapsed(bench.plan.load_turn);
    let groups = bench.plan.loaded_groups;
    let mut ours = bench.ours_with(groups)?;
    let mut floor = bench.ours(&[])?;
    let noop = workload::get("/-/healthy");
    let [pushes, noops] = timing::in_turns(
        bench.plan.rounds,
        [&mut || ours.push_in_parallel(turn), &mut || {
            floor.load(PUSHERS, turn, |request, _, _| {
                request.extend_from_slice(&noop);
            })
        }],
    )?
    .map(Loads::of);
    ours.verify(Encoding::Identity, groups)?;
    let go = unless_too_slow(go(bench, groups))?;

    let what = format!("pushes over {PUSHERS} connections");
    let share = pushes.per_second.median / noops.per_second.median;
    let rows = vec![
        Row::new(&*what, figure::rate(&pushes.per_second))
            .against("our `/-/healthy`", figure::rate(&noops.per_second))
            .ratio(share, "its rate")
            .goal("at least half its rate", share >= SHARE_OF_FLOOR),
        against_go(&what, &pushes, go.as_ref()),
        tail(&format!("{what}, how long each takes"), &pushes)
            .against("our `/-/healthy`", tail_figure(&noops))
            .ratio(noops.latency.faster_than(&pushes.latency), "its time"),
    ];
    Ok(Section {
        title: "Pushes at once, in memory",
        rows,
    })
}

/// The Go Pushgateway with as many groups, for one turn; it has no more than some tens of pushes in it.
fn go(bench: &Bench, groups: usize) -> Result<Loads> {
    let mut go = bench.go_with(groups)?;
    let turn = Until::Elapsed(bench.plan.load_turn);
    Ok(Loads::of(vec![go.push_in_parallel(turn)?]))
}

fn against_go(what: &str, ours: &Loads, go: Option<&Loads>) -> Row {
    let row = Row::new(what, figure::rate(&ours.per_second));
    let Some(go) = go else {
        return row.against("Go", "a push takes it more than a minute");
    };
    row.against("Go", figure::rate(&go.per_second))
        .ratio(ours.per_second.median / go.per_second.median, "its rate")
}

/// How long each request of a load takes.
pub(super) fn tail(what: &str, loads: &Loads) -> Row {
    Row::new(what, tail_figure(loads))
}

pub(super) fn tail_figure(loads: &Loads) -> String {
    let latency = &loads.latency;
    format!(
        "{}, p99 {}",
        figure::time(latency),
        figure::duration(latency.p99)
    )
}
