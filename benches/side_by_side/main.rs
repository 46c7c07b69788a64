//! This gateway beside the Go Pushgateway, nginx and the machine itself: `cargo bench --bench side_by_side`.
//!
//! docs/benchmarks.md says what is measured and how, and gets the figures. With `-- --quick` everything is small and
//! the page stays as it is, and also if only some families are asked for: `-- push scrapes`. Nothing here fails
//! because of a figure.

mod bench;
mod chart;
mod client;
mod content;
mod figure;
mod gateway;
mod load;
mod machine;
mod nginx;
mod page;
mod process;
mod rows;
mod subject;
mod table;
mod timing;
mod workload;

use std::time::Instant;
use std::{env, fs};

use anyhow::{Result, ensure};

use bench::{Bench, FULL, Programs, QUICK};
use chart::Chart;
use machine::Machine;
use rows::instructions;
use table::{Section, Tally};

/// Everything that was measured.
#[derive(Debug, Default)]
struct Results {
    sections: Vec<Section>,
    charts: Vec<Chart>,
    /// The page of instruction counts.
    instructions: Option<String>,
}

/// Rows that are measured together.
struct Family {
    name: &'static str,
    /// How long it takes in a whole run, on two cores.
    about_seconds: u32,
    measure: fn(&Bench, &mut Results) -> Result<()>,
}

const FAMILIES: [Family; 10] = [
    Family {
        name: "start",
        about_seconds: 2,
        measure: |bench, results| results.take(rows::start::measure(bench)),
    },
    Family {
        name: "push",
        about_seconds: 60,
        measure: |bench, results| results.take_drawn(rows::push::measure(bench)),
    },
    Family {
        name: "concurrent",
        about_seconds: 25,
        measure: |bench, results| results.take(rows::concurrent::measure(bench)),
    },
    Family {
        name: "durable",
        about_seconds: 35,
        measure: |bench, results| results.take(rows::durable::measure(bench)),
    },
    Family {
        name: "sizes",
        about_seconds: 400,
        measure: |bench, results| {
            let (sections, charts) = rows::sizes::measure(bench)?;
            results.sections.extend(sections);
            results.charts.extend(charts);
            Ok(())
        },
    },
    Family {
        name: "mixed",
        about_seconds: 60,
        measure: |bench, results| results.take(rows::mixed::measure(bench)),
    },
    Family {
        name: "parse",
        about_seconds: 25,
        measure: |bench, results| results.take(rows::parse::measure(bench)),
    },
    Family {
        name: "open",
        about_seconds: 25,
        measure: |bench, results| results.take(rows::open::measure(bench)),
    },
    Family {
        name: "removal",
        about_seconds: 25,
        measure: |bench, results| results.take(rows::removal::measure(bench)),
    },
    Family {
        name: "instructions",
        about_seconds: 60,
        measure: |bench, results| {
            if let Some((section, page)) = instructions::measure(bench)? {
                results.sections.push(section);
                results.instructions = Some(page);
            }
            Ok(())
        },
    },
];

impl Results {
    fn take(&mut self, measured: Result<Section>) -> Result<()> {
        self.sections.push(measured?);
        Ok(())
    }

    fn take_drawn(&mut self, measured: Result<(Section, Chart)>) -> Result<()> {
        let (section, chart) = measured?;
        self.sections.push(section);
        self.charts.push(chart);
        Ok(())
    }

    /// What was measured on what, and how many of the goals are met.
    fn head(&self, programs: &Programs, machine: &Machine) -> String {
        format!(
            "Go Pushgateway {} and this gateway {} on {machine}.\n\n{}\n",
            programs.go.version,
            programs.ours.version,
            Tally::of(&self.sections)
        )
    }

    /// Everything as Markdown.
    fn to_markdown(&self, programs: &Programs, machine: &Machine) -> String {
        let mut text = vec![self.head(programs, machine)];
        text.extend(self.sections.iter().map(Section::to_string));
        text.join("\n")
    }
}

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let Some((instructions::ARGUMENT, operation)) = arguments
        .split_first()
        .map(|(first, rest)| (&**first, rest))
    {
        return instructions::run(operation);
    }
    let (options, names): (Vec<_>, Vec<_>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| argument.starts_with("--"));
    // `cargo test --all-targets` runs this too, without the argument: nothing to test.
    if !options.contains(&"--bench") {
        return Ok(());
    }
    measure(options.contains(&"--quick"), &names)
}

/// Measures the families of these names, or all if there are none.
fn measure(quick: bool, names: &[&str]) -> Result<()> {
    for name in names {
        let known = FAMILIES.map(|family| family.name);
        ensure!(known.contains(name), "{name:?} is none of {known:?}");
    }
    let programs = Programs::find()?;
    // Beside the build, so on the disk of the repository: a temporary folder may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let machine = Machine::observe(folder.path())?;
    let bench = Bench::new(if quick { QUICK } else { FULL }, programs, folder.path());
    let mut results = Results::default();
    for family in FAMILIES {
        if !names.is_empty() && !names.contains(&family.name) {
            continue;
        }
        if quick {
            println!("{}", family.name);
        } else {
            println!("{}, about {} s", family.name, family.about_seconds);
        }
        let (started, before) = (Instant::now(), results.sections.len());
        (family.measure)(&bench, &mut results)?;
        println!("  took {:.0} s\n", started.elapsed().as_secs_f64());
        for section in &results.sections[before..] {
            println!("{section}");
        }
    }
    println!("{}", results.head(&bench.programs, &machine));
    if quick || !names.is_empty() {
        return Ok(());
    }
    let text = results.to_markdown(&bench.programs, &machine);
    page::write(&text, &results.charts)?;
    match results.instructions {
        Some(page) => Ok(fs::write(instructions::page(), page)?),
        None => Ok(()),
    }
}
