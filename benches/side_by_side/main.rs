//! The Go Pushgateway and ours side by side: `cargo bench --bench side_by_side`.
//!
//! docs/benchmarks.md says what is measured and how, and gets the figures. With `-- --quick` the climb ends at
//! 100 groups and the page stays as it is. Nothing here fails because of a figure.

mod chart;
mod client;
mod gateway;
mod machine;
mod measure;
mod page;
mod report;
mod subject;
mod timing;
mod workload;

use std::env;
use std::time::Duration;

use anyhow::Result;

use gateway::Program;
use machine::Machine;
use measure::{Plan, Results};
use timing::Pair;

const FULL: Plan = Plan {
    steps: &[10, 30, 100, 300, 1000, 3000],
    fill_time: Duration::from_secs(150),
};
const QUICK: Plan = Plan {
    steps: &[10, 100],
    fill_time: Duration::from_secs(10),
};

fn main() -> Result<()> {
    let asked = |argument: &str| env::args().any(|given| given == argument);
    // `cargo test --all-targets` runs this too, without the argument: nothing to test.
    if !asked("--bench") {
        return Ok(());
    }
    let quick = asked("--quick");
    let programs = Pair {
        go: Program::go()?,
        ours: Program::ours()?,
    };
    // Beside the build, so on the disk of the repository: a temporary folder may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let machine = Machine::observe(folder.path())?;
    let plan = if quick { QUICK } else { FULL };
    let results = Results::take(plan, &programs, folder.path())?;
    let text = report::markdown(&results, &programs, &machine);
    println!("\n{text}");
    if quick {
        return Ok(());
    }
    page::write(&text, &results.steps)
}
