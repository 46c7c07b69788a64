//! What an operation costs in instructions, which no other work on the machine changes.
//!
//! Valgrind runs this very program with one thread and no socket, once with no operation and once with many; the
//! difference is what they cost.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use pushgateway::exposition::negotiation::Compression;

use crate::bench::Bench;
use crate::content::Content;
use crate::figure::float;
use crate::table::{Row, Section};

/// The argument that has this program do operations instead of measuring: how many of which follow.
pub(crate) const ARGUMENT: &str = "--operations";

const GROUPS: usize = 1000;

const HEAD: &str = "# Instructions

What one operation costs a store of 1000 groups of ten series, by callgrind: `make bench` counts anew and tells the
change. In the store only: no socket, no HTTP, one thread.

| operation | instructions |
|---|---|
";

/// What is counted.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Push,
    Scrape,
    GzipScrape,
    PushAndGzipScrape,
}

impl Operation {
    const ALL: [Self; 4] = [
        Self::Push,
        Self::Scrape,
        Self::GzipScrape,
        Self::PushAndGzipScrape,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Scrape => "scrape, nothing changed",
            Self::GzipScrape => "scrape in gzip, nothing changed",
            Self::PushAndGzipScrape => "push and scrape in gzip",
        }
    }

    /// How often it is done for each time that a costly one is. To fill the store takes some ten thousand instructions more
    /// or less, as hash maps have random keys: among few cheap operations that would be seen.
    fn repeats(self) -> u32 {
        match self {
            Self::Push => 10,
            Self::Scrape | Self::GzipScrape => 100,
            Self::PushAndGzipScrape => 1,
        }
    }

    fn run(self, content: &Content, serial: u32) -> Result<()> {
        let group = serial as usize * 7 % GROUPS;
        match self {
            Self::Push => content.push(group, serial)?,
            Self::Scrape => ensure!(content.scraped_bytes(Compression::Identity)? > 0),
            Self::GzipScrape => ensure!(content.scraped_bytes(Compression::Gzip)? > 0),
            Self::PushAndGzipScrape => {
                content.push(group, serial)?;
                ensure!(content.scraped_bytes(Compression::Gzip)? > 0);
            }
        }
        Ok(())
    }
}

/// What valgrind runs: fills a store and does so many operations.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let [name, count] = arguments else {
        bail!("{ARGUMENT} wants an operation and how many");
    };
    let operation = Operation::ALL
        .into_iter()
        .find(|operation| operation.name() == name)
        .with_context(|| format!("no operation is called {name:?}"))?;
    let content = Content::of(GROUPS)?;
    // All that is compressed only once.
    content.scraped_bytes(Compression::Gzip)?;
    for serial in 0..count.parse()? {
        operation.run(&content, serial + 1)?;
    }
    Ok(())
}

/// The rows, and the page to commit; neither without valgrind.
pub(crate) fn measure(bench: &Bench) -> Result<Option<(Section, String)>> {
    let valgrind = Command::new("valgrind").arg("--version").output();
    if !valgrind.is_ok_and(|output| output.status.success()) {
        println!("  left out: there is no valgrind (Debian package valgrind)");
        return Ok(None);
    }
    // Without one, nothing is compared.
    let committed = fs::read_to_string(page()).unwrap_or_default();
    let folder = bench.folder("callgrind")?;
    let none = count(&folder, Operation::Push, 0)?;
    let mut new = HEAD.to_owned();
    let mut rows = Vec::new();
    for operation in Operation::ALL {
        let name = operation.name();
        let operations = bench.plan.counted_operations * operation.repeats();
        let each =
            count(&folder, operation, operations)?.saturating_sub(none) / u64::from(operations);
        writeln!(new, "| {name} | {each} |")?;
        let row = Row::new(name, format!("{} instructions", thousands(each)));
        rows.push(match find(&committed, name) {
            Some(before) => row
                .against("as committed", thousands(before))
                .ratio(float(each) / float(before), "as many"),
            None => row,
        });
    }
    let section = Section {
        title: "Instructions",
        rows,
    };
    Ok(Some((section, new)))
}

/// Instructions of a whole run of this program with so many operations.
fn count(folder: &Path, operation: Operation, operations: u32) -> Result<u64> {
    let out = folder.join("callgrind.out");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .args([ARGUMENT, operation.name(), &operations.to_string()])
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "valgrind failed with {status}");
    let text = fs::read_to_string(out)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.context("callgrind tells no totals")?.trim().parse()?)
}

/// What a page says of an operation.
fn find(page: &str, name: &str) -> Option<u64> {
    page.lines().find_map(|line| {
        let (found, figure) = line.strip_prefix("| ")?.split_once(" | ")?;
        let figure = figure.strip_suffix(" |")?;
        (found == name).then(|| figure.parse().ok())?
    })
}

/// A number with a space at every third digit.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(" ")
}

/// Where the committed figures stand.
pub(crate) fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks/instructions.md")
}
