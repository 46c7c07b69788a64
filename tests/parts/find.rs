//! Where the real parts are that tests run against.
//!
//! `tests/parts/fetch` puts the parts into `.cache`. A test whose part this machine can't have is skipped with
//! the reason; where `CI` is true it fails.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

/// The folder of a part, or `None` if the calling test is to return, because the part is missing here.
pub(crate) fn find(part: &str) -> Option<PathBuf> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache");
    let folder = cache.join(part);
    if folder.exists() {
        return Some(folder);
    }
    let reason = fs::read_to_string(cache.join(format!("{part}.missing")))
        .unwrap_or_else(|_| "not fetched; run `make parts`".to_owned());
    skip(&format!("{part}: {}", reason.trim()));
    None
}

/// Notes that the calling test does not run, for `scripts/test` to count; fails it where `CI` is true.
pub(crate) fn skip(reason: &str) {
    let current = thread::current();
    let line = format!(
        "SKIP {}: {reason}\n",
        current.name().expect("libtest names its threads")
    );
    assert!(env::var("CI").as_deref() != Ok("true"), "{line}");
    eprint!("{line}");
    if let Some(file) = env::var_os("PUSHGATEWAY_SKIPS") {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
