//! The figures as tables, each goal beside the figure that meets or misses it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::gateway::Program;
use crate::machine::Machine;
use crate::measure::{Durable, Full, Results};
use crate::subject::PUSHERS;
use crate::timing::{Pair, Spread};

const MIB: f64 = 1024.0 * 1024.0;

/// A line of the table of both.
struct Row {
    what: String,
    go: String,
    ours: String,
    /// How many times better ours is.
    ratio: Option<f64>,
    goal: Goal,
}

/// What was asked for, and whether we are there.
struct Goal {
    text: &'static str,
    met: bool,
}

impl Goal {
    /// A figure without a goal.
    const NONE: Self = Self {
        text: "",
        met: false,
    };

    fn verdict(&self) -> &'static str {
        match self {
            Self { text: "", .. } => "",
            Self { met: true, .. } => "met",
            Self { met: false, .. } => "missed",
        }
    }
}

impl Row {
    fn times(what: impl Into<String>, pair: &Pair<Spread>) -> Self {
        Self {
            what: what.into(),
            go: spread(&pair.go),
            ours: spread(&pair.ours),
            ratio: Some(pair.ratio()),
            goal: Goal::NONE,
        }
    }

    fn bytes(what: &str, pair: Pair<u64>) -> Self {
        let (go, ours) = (mib(pair.go), mib(pair.ours));
        Self {
            what: what.into(),
            go: format!("{go:.1} MiB"),
            ours: format!("{ours:.1} MiB"),
            ratio: Some(go / ours),
            goal: Goal::NONE,
        }
    }

    fn at_least(mut self, ratio: f64, text: &'static str) -> Self {
        let met = self.ratio.is_some_and(|is| is >= ratio);
        self.goal = Goal { text, met };
        self
    }
}

/// Everything as Markdown.
pub(crate) fn markdown(results: &Results, programs: &Pair<Program>, machine: &Machine) -> String {
    let mut text = format!(
        "Go Pushgateway {} and this gateway {} on {machine}.\n\n",
        programs.go.version, programs.ours.version
    );
    text.push_str(
        "| | Go Pushgateway | this gateway | ratio | goal | |\n|---|---|---|---|---|---|\n",
    );
    for row in rows(results) {
        let ratio = row.ratio.map(|ratio| format!("{} ×", significant(ratio)));
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.what,
            row.go,
            row.ours,
            ratio.unwrap_or_default(),
            row.goal.text,
            row.goal.verdict()
        )
        .expect("a string takes everything");
    }
    text.push_str(&durable(&results.durable));
    text
}

fn rows(results: &Results) -> Vec<Row> {
    let mut rows: Vec<_> = results
        .steps
        .iter()
        .map(|step| Row::times(format!("push, {} groups", step.groups), &step.push))
        .collect();
    if let Some(last) = rows.pop() {
        rows.push(last.at_least(100.0, "100 × lower"));
    }
    rows.push(Row::times(
        "`/-/healthy`, the client's floor",
        &results.floor,
    ));
    rows.extend(full_rows(&results.full));
    let ready = results.start.ours.median < Duration::from_millis(50);
    rows.push(Row {
        goal: Goal {
            text: "under 50 ms",
            met: ready,
        },
        ..Row::times("start to ready, nothing stored", &results.start)
    });
    rows.push(Row {
        goal: Goal {
            text: "under 10 MB",
            met: results.binary_bytes.ours < 10_000_000,
        },
        ..program_file(results.binary_bytes)
    });
    rows
}

/// In the unit of its goal.
fn program_file(bytes: Pair<u64>) -> Row {
    let (go, ours) = (float(bytes.go), float(bytes.ours));
    Row {
        what: "program file".into(),
        go: format!("{:.1} MB", go / 1e6),
        ours: format!("{:.1} MB", ours / 1e6),
        ratio: Some(go / ours),
        goal: Goal::NONE,
    }
}

fn full_rows(full: &Full) -> Vec<Row> {
    let page = format!("{} MiB", significant(mib(full.page_bytes)));
    let faster = "10 × faster";
    let smaller = "a fifth";
    vec![
        Row::times(
            format!("scrape of {page}, nothing changed"),
            &full.unchanged,
        )
        .at_least(10.0, faster),
        Row::times("same, gzip", &full.unchanged_gzip).at_least(10.0, faster),
        Row::times("scrape after one push", &full.changed).at_least(10.0, faster),
        Row::times("same, gzip", &full.changed_gzip).at_least(10.0, faster),
        Row::bytes("resident memory after the fill", full.resident_after_fill)
            .at_least(5.0, smaller),
        Row::bytes(
            "resident memory after the scrapes",
            full.resident_after_scrapes,
        )
        .at_least(5.0, smaller),
        Row {
            what: format!("pushes per second over {PUSHERS} connections"),
            go: significant(full.pushes_per_second.go),
            ours: significant(full.pushes_per_second.ours),
            ratio: Some(full.pushes_per_second.ours / full.pushes_per_second.go),
            goal: Goal::NONE,
        },
    ]
}

fn durable(durable: &Durable) -> String {
    let Durable {
        push,
        sync,
        synced_bytes,
        pushes_per_second,
    } = durable;
    let ratio = push.median.as_secs_f64() / sync.median.as_secs_f64();
    let shared = pushes_per_second * sync.median.as_secs_f64();
    format!(
        "\nThis gateway with a persistence file, each push on disk before it is answered:\n\n\
         | | | |\n|---|---|---|\n\
         | append of {synced_bytes} bytes and `fdatasync`, without a gateway | {} | |\n\
         | push over one connection | {} | {} × a plain sync |\n\
         | pushes per second over {PUSHERS} connections | {} | {} in the time of a plain sync |\n",
        spread(sync),
        spread(push),
        significant(ratio),
        significant(*pushes_per_second),
        significant(shared),
    )
}

/// The median, the middle four fifths and how many there were.
fn spread(spread: &Spread) -> String {
    format!(
        "{} ({} to {}, n = {})",
        duration(spread.median),
        duration(spread.p10),
        duration(spread.p90),
        spread.count
    )
}

/// A duration in the unit that fits it.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    // Half a unit in the third digit, so that 999.6 µs is 1 ms.
    match seconds {
        s if s >= 0.9995 => format!("{} s", significant(s)),
        s if s >= 0.000_999_5 => format!("{} ms", significant(s * 1e3)),
        s => format!("{} µs", significant(s * 1e6)),
    }
}

/// Three digits of a number, without a fraction that says nothing.
fn significant(number: f64) -> String {
    match number {
        n if n >= 99.95 => format!("{n:.0}"),
        n if n >= 9.995 => trimmed(format!("{n:.1}")),
        n => trimmed(format!("{n:.2}")),
    }
}

fn trimmed(number: String) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        number
    }
}

fn mib(bytes: u64) -> f64 {
    float(bytes) / MIB
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}
