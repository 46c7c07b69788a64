//! What happened, as one table: each step with its time and what it measured.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Rows of the table, in the order of the run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    step: &'static str,
    took: Duration,
    outcome: String,
}

impl Report {
    /// Runs a step and says what runs while it does.
    pub(crate) fn step(
        &mut self,
        step: &'static str,
        run: impl FnOnce() -> Result<String>,
    ) -> Result<()> {
        println!("e2e: {step}");
        let started = Instant::now();
        let result = run();
        let outcome = result.as_deref().unwrap_or("FAILED").to_owned();
        let took = started.elapsed();
        println!("e2e: {step}: {:.1} s {outcome}", took.as_secs_f64());
        self.rows.push(Row {
            step,
            took,
            outcome,
        });
        result.map(drop)
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        println!("\n{:<58} {:>8}  outcome", "step", "time");
        for row in &self.rows {
            println!(
                "{:<58} {:>6.1} s  {}",
                row.step,
                row.took.as_secs_f64(),
                row.outcome
            );
        }
        let total = self.rows.iter().map(|row| row.took).sum::<Duration>();
        println!("{:<58} {:>6.1} s", "all", total.as_secs_f64());
    }
}
