//! How large the images are and what the processes take.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The images of ours, by the size of their archives, which are not compressed.
pub(crate) fn images(folder: &Path) -> Result<String> {
    let version = env!("CARGO_PKG_VERSION");
    let sizes = ["pushgateway", "pushgateway-operator"].map(|name| {
        let size = fs::metadata(folder.join(format!("{name}-{version}.tar")))?.len();
        Ok(format!("{name} {:.1} MB", megabytes(size)))
    });
    Ok(sizes.into_iter().collect::<Result<Vec<_>>>()?.join(", "))
}

/// Resident memory of the operator and of each gateway.
pub(crate) fn memory() -> Result<String> {
    let mut told = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        // A process may be gone by now, and not every folder here is one.
        let Ok(status) = fs::read_to_string(path.join("status")) else {
            continue;
        };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start_matches(':').trim())
        };
        let name = field("Name").unwrap_or_default();
        if name.starts_with("pushgateway") {
            let resident = field("VmRSS").context("a process without resident memory")?;
            let kilobytes = resident.trim_end_matches(" kB").parse::<u64>()?;
            let program = if name == "pushgateway" {
                "gateway"
            } else {
                "operator"
            };
            told.push(format!("{program} {:.1} MB", megabytes(kilobytes * 1024)));
        }
    }
    told.sort();
    Ok(told.join(", "))
}

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let bytes = bytes as f64;
    bytes / 1e6
}
