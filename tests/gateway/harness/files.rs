//! Folders and file systems that tests write to.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::parts::skip;

/// A folder of its own, removed in the end.
pub(crate) fn folder() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("pushgateway-test-").tempdir().unwrap()
}

/// A small file system in memory, unmounted in the end.
#[derive(Debug)]
pub(crate) struct Volume {
    folder: TempDir,
}

/// A volume of that size (`1m`), or `None` after saying that the test is skipped: mounting needs root.
pub(crate) fn volume(size: &str) -> Option<Volume> {
    let folder = folder();
    let options = format!("size={size}");
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]);
    let mounted = command.arg(folder.path()).output();
    if mounted.is_ok_and(|output| output.status.success()) {
        return Some(Volume { folder });
    }
    skip("a small file system cannot be mounted: that needs root");
    None
}

impl Volume {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn remount_read_only(&self) {
        let mut command = Command::new("mount");
        command.args(["-o", "remount,ro"]).arg(self.path());
        assert!(command.status().unwrap().success());
    }

    /// Writes a file until there is no room left.
    pub(crate) fn fill(&self) {
        let mut ballast = File::create(self.path().join("ballast")).unwrap();
        while ballast.write_all(&[0; 512]).is_ok() {}
    }

    /// Removes what [`Volume::fill`] wrote.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // A lazy unmount does not mind a process that has not ended yet; if it fails, /tmp keeps a folder.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
