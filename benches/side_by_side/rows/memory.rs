//! Resident memory against what is stored.

use super::sizes::AtSize;
use crate::chart::{Chart, Curve, Pen};
use crate::figure::{self, float, significant};
use crate::table::{Row, Section};

const BYTES_PER_SERIES: f64 = 250.0;
/// How much pushes that replace may add.
const GROWTH: f64 = 1.05;
const SMALLER_THAN_GO: f64 = 5.0;
/// The size at which that is the goal: of a gateway as most are.
pub(super) const USUAL_SERIES: usize = 36_000;

/// Resident bytes at three moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) filled: u64,
    /// After pushes that replaced what is there, if there were any.
    pub(super) replaced: Option<u64>,
    /// After all scrapes of this size.
    pub(super) scraped: u64,
}

pub(super) fn section(sizes: &[AtSize]) -> Section {
    Section {
        title: "Memory",
        rows: sizes.iter().flat_map(rows).collect(),
    }
}

fn rows(size: &AtSize) -> Vec<Row> {
    let ours = &size.ours.memory;
    let mut rows = Vec::new();
    rows.extend(at_moment(size, "after the fill", |memory| memory.filled));
    rows.extend(at_moment(size, "after the scrapes", |memory| {
        memory.scraped
    }));
    if let Some(replaced) = ours.replaced {
        let growth = float(replaced) / float(ours.filled);
        rows.push(
            Row::new(
                format!("{}, after replacing pushes", size.name()),
                figure::bytes(replaced),
            )
            .against("before them", figure::bytes(ours.filled))
            .ratio(growth, "of it")
            .goal("no growth beyond 5 %", growth <= GROWTH),
        );
    }
    rows
}

/// In all, and per series.
fn at_moment(size: &AtSize, moment: &str, of: fn(&Memory) -> u64) -> [Row; 2] {
    let name = format!("{}, {moment}", size.name());
    let ours = of(&size.ours.memory);
    let go = size.go.as_ref().map(|go| of(&go.memory));
    let each = float(ours) / float(size.series() as u64);
    let mut row = Row::new(format!("{name}, each"), per_series(ours, size));
    if let Some(go) = go {
        row = row.against("Go", per_series(go, size));
    }
    // With few, what the program itself needs counts more than they do.
    if size.ours.memory.replaced.is_some() {
        row = row.goal("at most 250 B", each <= BYTES_PER_SERIES);
    }
    [against_go(&name, size, (ours, go)), row]
}

fn per_series(bytes: u64, size: &AtSize) -> String {
    let each = float(bytes) / float(size.series() as u64);
    format!("{} B a series", significant(each))
}

fn against_go(what: &str, size: &AtSize, (ours, go): (u64, Option<u64>)) -> Row {
    let row = Row::new(what, figure::bytes(ours));
    let Some(go) = go else {
        return row.against("Go", "not ready within a minute");
    };
    let ratio = float(go) / float(ours);
    let row = row.against("Go", figure::bytes(go)).ratio(ratio, "smaller");
    if size.series() == USUAL_SERIES {
        return row.goal("a fifth", ratio >= SMALLER_THAN_GO);
    }
    row
}

pub(super) fn chart(sizes: &[AtSize]) -> Chart {
    let points = |of: fn(&AtSize) -> Option<&Memory>| {
        let points = sizes.iter().filter_map(move |size| {
            let memory = of(size)?;
            Some((size.series(), memory.filled))
        });
        points.collect::<Vec<_>>()
    };
    Chart::bytes(
        "memory.svg",
        "Resident memory after the fill",
        "series",
        vec![
            Curve::bytes(
                Pen::GO,
                points(|size| size.go.as_ref().map(|go| &go.memory)),
            ),
            Curve::bytes(Pen::OURS, points(|size| Some(&size.ours.memory))),
        ],
    )
}
