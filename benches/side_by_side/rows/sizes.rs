//! The gateways and nginx with the same content, at one number of groups after the other: the walk on which scrapes,
//! scrapes after changes, and memory are measured.

use anyhow::Result;

use super::changed::{self, Changed};
use super::memory::{self, Memory};
use super::scrape::{self, GoScrapes, OurScrapes};
use crate::bench::Bench;
use crate::chart::Chart;
use crate::client::TooSlow;
use crate::figure;
use crate::load::Until;
use crate::subject::Subject;
use crate::table::Section;
use crate::workload;

/// What was measured at one number of groups.
#[derive(Debug)]
pub(super) struct AtSize {
    groups: usize,
    pub(super) ours: Ours,
    /// None if it does not answer within a minute.
    pub(super) go: Option<Go>,
}

/// What was measured of this gateway.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) scrapes: OurScrapes,
    pub(super) memory: Memory,
    /// At one of the sizes.
    pub(super) changed: Option<Changed>,
}

/// What was measured of the Go Pushgateway.
#[derive(Debug)]
pub(super) struct Go {
    pub(super) scrapes: GoScrapes,
    pub(super) memory: Memory,
}

impl AtSize {
    pub(super) fn series(&self) -> usize {
        self.groups * workload::METRICS_PER_GROUP
    }

    pub(super) fn name(&self) -> String {
        format!("{} series", figure::count(self.series()))
    }
}

pub(crate) fn measure(bench: &Bench) -> Result<(Vec<Section>, Vec<Chart>)> {
    let mut sizes = Vec::new();
    for &groups in bench.plan.scraped_groups {
        println!("  with {} groups", figure::count(groups));
        let ours = ours(bench, groups)?;
        let go = unless_too_slow(go(bench, groups))?;
        sizes.push(AtSize { groups, ours, go });
    }
    let sections = vec![
        scrape::section(&sizes),
        changed::section(&sizes),
        memory::section(&sizes),
    ];
    Ok((sections, vec![scrape::chart(&sizes), memory::chart(&sizes)]))
}

fn ours(bench: &Bench, groups: usize) -> Result<Ours> {
    let plan = &bench.plan;
    let mut ours = bench.ours_with(groups)?;
    let filled = ours.gateway.resident_bytes()?;
    let is_largest = plan.scraped_groups.last() == Some(&groups);
    let replaced = is_largest.then(|| after_replacing(&mut ours, plan.replacing_pushes));
    let scrapes = scrape::of_ours(bench, &mut ours, groups)?;
    let after_scrapes = ours.gateway.resident_bytes()?;
    let is_for_changes = groups == plan.changed_groups;
    let changed = is_for_changes.then(|| changed::measure(bench, &mut ours, groups));
    Ok(Ours {
        scrapes,
        memory: Memory {
            filled,
            replaced: replaced.transpose()?,
            scraped: after_scrapes,
        },
        changed: changed.transpose()?,
    })
}

fn after_replacing(ours: &mut Subject, pushes: u32) -> Result<u64> {
    println!("  replacing, {} pushes", figure::count(pushes as usize));
    ours.push_in_parallel(Until::Sent(pushes))?;
    ours.gateway.resident_bytes()
}

fn go(bench: &Bench, groups: usize) -> Result<Go> {
    // Where memory has a goal, both are filled in the same way.
    let is_usual = groups * workload::METRICS_PER_GROUP == memory::USUAL_SERIES;
    let mut go = if is_usual {
        bench.go_pushed(groups)?
    } else {
        bench.go_with(groups)?
    };
    let filled = go.gateway.resident_bytes()?;
    let scrapes = scrape::of_go(bench, &mut go, groups)?;
    Ok(Go {
        scrapes,
        memory: Memory {
            filled,
            replaced: None,
            scraped: go.gateway.resident_bytes()?,
        },
    })
}

/// None if the Go Pushgateway did not answer in time; an answer that is wrong stays an error.
pub(super) fn unless_too_slow<T>(measured: Result<T>) -> Result<Option<T>> {
    match measured {
        Err(error) if error.is::<TooSlow>() => {
            println!("  the Go Pushgateway is left out: {error}");
            Ok(None)
        }
        measured => measured.map(Some),
    }
}
