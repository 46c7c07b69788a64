//! Pushes one after the other, against the number of groups that are there.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::sizes::unless_too_slow;
use crate::bench::Bench;
use crate::chart::{Chart, Curve, Pen};
use crate::figure;
use crate::table::{Row, Section};
use crate::timing::{self, Spread};
use crate::workload::Encoding;

/// Where the goals look, if it is measured there.
const FEW: usize = 100;
const SOME: usize = 3000;
const MANY: usize = 100_000;

const FLATNESS: f64 = 1.2;
const FASTER_THAN_GO: f64 = 200.0;

/// How long a push takes with so many groups.
#[derive(Debug)]
struct Step {
    groups: usize,
    push: Spread<Duration>,
}

pub(crate) fn measure(bench: &Bench) -> Result<(Section, Chart)> {
    let (ours, floor) = ours(bench)?;
    let go = go(bench)?;
    let mut rows: Vec<_> = ours.iter().map(|step| row(step, &ours, &go)).collect();
    let largest = ours.last().expect("some steps");
    rows.push(
        Row::new(
            format!("the same at {} groups", figure::count(largest.groups)),
            figure::time(&largest.push),
        )
        .against("our `/-/healthy`, the floor", figure::time(&floor))
        .ratio(floor.faster_than(&largest.push), "its time"),
    );
    let chart = Chart::times(
        "push-latency.svg",
        "Time that a push takes",
        "groups of ten series",
        vec![
            Curve::times(Pen::GO, points(&go)),
            Curve::times(Pen::OURS, points(&ours)),
            Curve::times(Pen::FLOOR, ours.iter().map(|step| (step.groups, floor))),
        ],
    );
    let section = Section {
        title: "Pushes, one after the other",
        rows,
    };
    Ok((section, chart))
}

/// One gateway for each number of groups, all measured in turns, with the no-op route.
fn ours(bench: &Bench) -> Result<(Vec<Step>, Spread<Duration>)> {
    let plan = &bench.plan;
    let mut subjects = plan
        .pushed_groups
        .iter()
        .map(|&groups| bench.ours_with(groups))
        .collect::<Result<Vec<_>>>()?;
    let mut floor = bench.ours(&[])?;
    let turn =
        |operation: &mut dyn FnMut() -> Result<Duration>| timing::repeat(plan.turn, operation);
    let mut ask_floor = || turn(&mut || floor.healthy());
    let mut pushes: Vec<_> = subjects
        .iter_mut()
        .map(|subject| move || turn(&mut || subject.push()))
        .collect();
    let mut operations: Vec<&mut dyn FnMut() -> Result<Vec<Duration>>> = vec![&mut ask_floor];
    for push in &mut pushes {
        operations.push(push);
    }
    let mut taken = timing::all_in_turns(plan.rounds, &mut operations)?
        .into_iter()
        .map(|turns| Spread::of(turns.concat()));
    let floor = taken.next().expect("the floor is measured first");
    let steps = plan.pushed_groups.iter().zip(taken);
    let steps = steps.map(|(&groups, push)| Step { groups, push }).collect();
    for (subject, &groups) in subjects.iter_mut().zip(plan.pushed_groups) {
        subject.verify(Encoding::Identity, groups)?;
    }
    Ok((steps, floor))
}

/// The Go Pushgateway, to as many groups as it gets in its time.
fn go(bench: &Bench) -> Result<Vec<Step>> {
    let plan = &bench.plan;
    let until = Instant::now() + plan.go_time;
    let time = plan.turn * u32::try_from(plan.rounds)?;
    let mut steps = Vec::new();
    for &groups in plan.pushed_groups {
        let push = || {
            let mut subject = bench.go_with(groups)?;
            timing::repeat_within(time, &mut || subject.push())
        };
        let Some(push) = unless_too_slow(push())? else {
            break;
        };
        steps.push(Step { groups, push });
        if Instant::now() >= until {
            break;
        }
    }
    Ok(steps)
}

fn row(step: &Step, ours: &[Step], go: &[Step]) -> Row {
    let at = |steps: &[Step], groups| {
        let step = steps.iter().find(|step| step.groups == groups)?;
        Some(step.push)
    };
    let what = format!("push, {} groups", figure::count(step.groups));
    let row = Row::new(what, figure::time(&step.push));
    let go = at(go, step.groups);
    let row = match go {
        Some(go) => row
            .against("Go", figure::time(&go))
            .ratio(step.push.faster_than(&go), "faster"),
        None => row.against("Go", "not in its minute"),
    };
    match (step.groups, go, at(ours, FEW)) {
        (SOME, Some(go), _) => {
            row.goal("200 × faster", step.push.faster_than(&go) >= FASTER_THAN_GO)
        }
        (MANY, _, Some(few)) => row.goal(
            format!(
                "at most 1.2 × that at 100 ({})",
                figure::duration(few.median)
            ),
            few.faster_than(&step.push) <= FLATNESS,
        ),
        _ => row,
    }
}

fn points(steps: &[Step]) -> impl Iterator<Item = (usize, Spread<Duration>)> {
    steps.iter().map(|step| (step.groups, step.push))
}
