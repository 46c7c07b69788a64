//! Puts the figures and the curves into docs/.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::chart::Chart;

const BEGIN: &str = "<!-- figures: written by make bench -->\n";
const END: &str = "<!-- end of the figures -->";

/// Replaces what is between the markers of docs/benchmarks.md, and the curves beside it.
pub(crate) fn write(figures: &str, charts: &[Chart]) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = docs.join("benchmarks.md");
    let old = fs::read_to_string(&page)?;
    let new = replace(&old, figures)
        .with_context(|| format!("{} lacks {BEGIN}or {END}", page.display()))?;
    fs::write(&page, new)?;

    let curves = docs.join("benchmarks");
    fs::create_dir_all(&curves)?;
    for chart in charts {
        fs::write(curves.join(chart.file), chart.draw())?;
    }
    Ok(())
}

fn replace(page: &str, figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}
