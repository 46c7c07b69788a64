//! A temporary folder that goes with the tests, even if they are killed.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The folder; removed when dropped or when this process ends, however it does.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Waits for the end of its standard input, which only this process holds open, and removes the folder.
    sweeper: Child,
}

impl Folder {
    pub(super) fn new() -> Self {
        let path = tempfile::Builder::new()
            .prefix("pushgateway-cluster-")
            .tempdir()
            .unwrap()
            .keep();
        // Servers that are being killed may still write, so that one removal is not always enough.
        let sweep = r#"cat; for _ in 1 2 3 4 5; do rm -rf "$0" && exit; sleep 1; done"#;
        let sweeper = Command::new("sh")
            .args(["-c", sweep])
            .arg(&path)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0) // A terminal's Ctrl-C is not for it.
            .spawn()
            .unwrap();
        Self { path, sweeper }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // This closes its standard input.
        let _ = self.sweeper.wait();
    }
}
