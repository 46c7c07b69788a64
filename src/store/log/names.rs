//! The names of the files beside the persistence file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The persistence file and what may stand beside it.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The persistence file.
    pub(super) file: PathBuf,
    /// Locked while a process has the persistence file open. Never removed, since a lock on a file without a name
    /// protects nothing.
    pub(super) lock: PathBuf,
    /// A first, empty log in the making, and what writing is tried with.
    pub(super) creating: PathBuf,
    /// A compacted or repaired log in the making.
    pub(super) rewriting: PathBuf,
    /// A log in the making from a Go Pushgateway's file.
    pub(super) importing: PathBuf,
}

impl Names {
    pub(super) fn new(file: &Path) -> Self {
        Self {
            file: file.to_path_buf(),
            lock: with_suffix(file, ".lock"),
            creating: with_suffix(file, ".creating"),
            rewriting: with_suffix(file, ".rewriting"),
            importing: with_suffix(file, ".importing"),
        }
    }

    /// Names for the file as it was found, damaged.
    pub(super) fn damaged(&self) -> impl Iterator<Item = PathBuf> {
        (1_u32..).map(|number| with_suffix(&self.file, &format!(".damaged-{number}")))
    }

    /// Names for the Go Pushgateway's file after its import.
    pub(super) fn go_pushgateway(&self) -> impl Iterator<Item = PathBuf> {
        let plain = with_suffix(&self.file, ".go-pushgateway");
        let more =
            (2_u32..).map(|number| with_suffix(&self.file, &format!(".go-pushgateway-{number}")));
        std::iter::once(plain).chain(more)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
