//! What the README tells people to type about Kubernetes, taken from it word for word.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::tools::shell;

/// Runs them in order, as they stand.
pub(crate) fn run() -> Result<String> {
    let commands = commands()?;
    for block in &commands {
        println!("{block}\n");
        println!("{}", shell(block)?);
    }
    Ok(format!("{} blocks", commands.len()))
}

/// The shell blocks of the section, in order.
fn commands() -> Result<Vec<String>> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))?;
    let (_, section) = readme
        .split_once("\n## On Kubernetes\n")
        .context("the README has no section On Kubernetes")?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let blocks = section.split("\n```sh\n").skip(1);
    let blocks: Vec<String> = blocks
        .filter_map(|rest| Some(rest.split_once("\n```")?.0.to_owned()))
        .collect();
    ensure!(
        blocks.len() >= 3,
        "the README has {} shell blocks on Kubernetes",
        blocks.len()
    );
    Ok(blocks)
}
