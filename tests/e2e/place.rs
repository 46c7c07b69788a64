//! Namespaces of our own: whatever the node starts, mounts or configures is gone when this process is.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};

use crate::tools::{WORK, run};

/// Set for the process inside.
const INSIDE: &str = "PUSHGATEWAY_E2E_INSIDE";

/// Folders of this machine that the node would write to; inside, they are empty.
const COVERED: [&str; 3] = ["/run", "/var/lib", "/var/log"];

/// The cgroups that the kubelet and containerd make. No namespace holds them.
const CGROUPS: [&str; 2] = ["kubepods", "k8s.io"];

/// Runs this program once more inside. `None` if this is it.
pub(crate) fn enter() -> Result<Option<ExitStatus>> {
    if env::var_os(INSIDE).is_some() {
        cover()?;
        return Ok(None);
    }
    remove_cgroups()?;
    let mut program = Command::new("unshare");
    program
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child=KILL"])
        .args(["--mount-proc", "--propagation=private"])
        // A shell as the first process, because somebody has to reap what its parent left.
        .args(["sh", "-c", "\"$0\" \"$@\"; exit $?"])
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1");
    let status = program.status().context("unshare")?;
    remove_cgroups()?;
    Ok(Some(status))
}

fn cover() -> Result<()> {
    let here = env::current_dir()?;
    for folder in COVERED {
        if here.starts_with(folder) {
            bail!(
                "{} is in {folder}, which the node covers; work elsewhere",
                here.display()
            );
        }
        run("mount", ["-t", "tmpfs", "tmpfs", folder])?;
    }
    fs::create_dir_all(WORK)?;
    Ok(())
}

fn remove_cgroups() -> Result<()> {
    for controller in fs::read_dir("/sys/fs/cgroup")? {
        for name in CGROUPS {
            let cgroup = controller.as_ref().map(|entry| entry.path().join(name));
            if let Ok(cgroup) = cgroup
                && cgroup.is_dir()
            {
                remove_tree(&cgroup)?;
            }
        }
    }
    Ok(())
}

/// A cgroup is removed as a folder without its files, from the leaves up.
fn remove_tree(cgroup: &Path) -> Result<()> {
    for entry in fs::read_dir(cgroup)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_tree(&path)?;
        }
    }
    fs::remove_dir(cgroup).with_context(|| format!("removing {}", cgroup.display()))
}
