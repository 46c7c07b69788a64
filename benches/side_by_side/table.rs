//! The figures as tables, each goal beside the figure that meets or misses it.

use std::fmt::{self, Display};

use crate::figure::significant;

/// Rows that belong together.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// A line of a table.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    ours: String,
    peer: String,
    ratio: String,
    goal: Option<Goal>,
}

/// What was asked for, and whether we are there.
#[derive(Debug)]
struct Goal {
    text: String,
    met: bool,
}

/// How many of the goals are met, and which are not.
#[derive(Debug)]
pub(crate) struct Tally {
    met: usize,
    missed: Vec<String>,
}

impl Row {
    /// A figure of this gateway.
    pub(crate) fn new(what: impl Into<String>, ours: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ours: ours.into(),
            peer: String::new(),
            ratio: String::new(),
            goal: None,
        }
    }

    /// What it is compared with.
    pub(crate) fn against(mut self, peer: impl Display, figure: impl Display) -> Self {
        self.peer = format!("{peer}: {figure}");
        self
    }

    /// How many times something of the peer this gateway has, such as "its time", or how many times better it is.
    pub(crate) fn ratio(mut self, ratio: f64, what: &str) -> Self {
        self.ratio = format!("{} × {what}", significant(ratio));
        self
    }

    pub(crate) fn goal(mut self, text: impl Into<String>, met: bool) -> Self {
        let text = text.into();
        self.goal = Some(Goal { text, met });
        self
    }

    fn cells(&self) -> [&str; 6] {
        let (goal, verdict) = match &self.goal {
            None => ("", ""),
            Some(Goal { text, met: true }) => (&**text, "met"),
            Some(Goal { text, met: false }) => (&**text, "**missed**"),
        };
        [
            &self.what,
            &self.ours,
            &self.peer,
            &self.ratio,
            goal,
            verdict,
        ]
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.cells().join(" | "))
    }
}

/// As Markdown.
impl Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        writeln!(f, "| | this gateway | compared with | ratio | goal | |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        self.rows.iter().try_for_each(|row| write!(f, "{row}"))
    }
}

impl Tally {
    pub(crate) fn of(sections: &[Section]) -> Self {
        let rows = || sections.iter().flat_map(|section| &section.rows);
        let goals = rows().filter_map(|row| Some((row, row.goal.as_ref()?)));
        let (met, missed): (Vec<_>, Vec<_>) = goals.partition(|(_, goal)| goal.met);
        Self {
            met: met.len(),
            missed: missed.iter().map(|(row, _)| row.what.clone()).collect(),
        }
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { met, missed } = self;
        write!(f, "Of {} goals {met} are met", met + missed.len())?;
        if missed.is_empty() {
            return write!(f, ".");
        }
        write!(f, ", missed: {}.", missed.join("; "))
    }
}
