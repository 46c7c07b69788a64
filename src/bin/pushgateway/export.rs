//! The command `export`: what a persistence file holds, in another form.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use pushgateway::flags::{ExportConfig, ExportFormat, ExportOutput};
use pushgateway::store::log::Log;
use pushgateway::store::{self, Change, Replay, log, upstream};

/// Writes what a persistence file holds.
pub(crate) fn run(config: &ExportConfig) -> Result<()> {
    let groups = read(&config.persistence_file)?;
    match &config.output {
        ExportOutput::Stdout => write(&mut io::stdout().lock(), groups, config.format),
        ExportOutput::File(path) => {
            let context = || format!("could not write {}", path.display());
            let file = File::create(path).with_context(context)?;
            let mut out = BufWriter::new(&file);
            write(&mut out, groups, config.format).with_context(context)?;
            out.flush()
                .and_then(|()| file.sync_all())
                .with_context(context)
        }
    }
}

fn write(out: &mut dyn Write, groups: Vec<Change>, format: ExportFormat) -> Result<()> {
    Ok(match format {
        ExportFormat::Native => log::write_snapshot(out, groups.into_iter()),
        ExportFormat::Gob => upstream::write(out, groups.into_iter().filter_map(store::export)),
    }?)
}

/// The groups in a persistence file, which is left as it is if the Go Pushgateway wrote it.
fn read(path: &Path) -> Result<Vec<Change>> {
    let bytes = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    if upstream::is_upstream(&bytes) {
        let groups = upstream::read(&bytes)?;
        return groups
            .into_iter()
            .map(|group| Ok(store::import(group)?.change))
            .collect();
    }
    drop(bytes);
    let mut replay = Replay::default();
    Log::open(path)?.load(&mut |_| None, &mut |change| replay.apply(change))?;
    Ok(replay.into_groups().collect())
}
