//! What the figures were taken on.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use procfs::process::Process;
use procfs::{CpuInfo, Current as _, LoadAverage, Meminfo};

#[derive(Debug)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
    disk: String,
    /// Before the run: other work makes all figures worse, if not the ratios.
    load: f32,
}

impl Machine {
    /// This machine, with the disk that the folder is on.
    pub(crate) fn observe(folder: &Path) -> Result<Self> {
        let cpu = CpuInfo::current()?;
        Ok(Self {
            processor: cpu.model_name(0).unwrap_or("unknown processor").into(),
            cores: cpu.num_cores(),
            memory_gib: Meminfo::current()?.mem_total.div_ceil(1 << 30),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .into(),
            disk: disk_of(folder)?,
            load: LoadAverage::current()?.one,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} cores, {} GiB of memory, Linux {}, {}, load average {} before the run",
            self.processor, self.cores, self.memory_gib, self.kernel, self.disk, self.load
        )
    }
}

/// The file system and the device that a folder is on.
fn disk_of(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize()?;
    let mount = Process::myself()?
        .mountinfo()?
        .into_iter()
        .filter(|mount| folder.starts_with(&mount.mount_point))
        .max_by_key(|mount| mount.mount_point.as_os_str().len())
        .context("a folder on no mount")?;
    let source = mount.mount_source.unwrap_or_default();
    Ok(format!("{} on {source}", mount.fs_type))
}
