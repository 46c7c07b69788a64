//! Whatever is changed in a persistence file: it opens, nothing is invented, and the second start finds it mended.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, process};

use libfuzzer_sys::fuzz_target;
use pushgateway::model::{GroupingKey, Timestamp};
use pushgateway::store::log::{Log, read_snapshot, write_snapshot};
use pushgateway::store::{Change, record};

fuzz_target!(|bytes: &[u8]| {
    let _ = record::decode(bytes);
    let _ = read_snapshot(bytes);
    let changes = changes();
    let mut file = Vec::new();
    write_snapshot(&mut file, changes.clone().into_iter()).expect("memory can be written");
    // Each four bytes are an edit: a place, what to do there, and with which byte.
    for edit in bytes.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (file.len() + 1);
        match edit[2] % 4 {
            0 => file.insert(at, edit[3]),
            1 if at < file.len() => drop(file.remove(at)),
            2 => file.truncate(at.max(1)),
            _ if at < file.len() => file[at] ^= edit[3],
            _ => {}
        }
    }
    let folder = folder();
    let path = folder.join("file");
    fs::write(&path, &file).expect("the folder takes files");
    let Some(found) = load(&path) else {
        return;
    };
    assert!(found.iter().all(|change| changes.contains(change)));
    assert_eq!(load(&path), Some(found));
    fs::remove_dir_all(folder).expect("it is ours");
});

fn changes() -> Vec<Change> {
    let key = |job: String| Arc::new(GroupingKey::new([("job", job)]).expect("it has a job"));
    (0..6)
        .map(|number| Change::Refused {
            key: key(format!("job-{number}")),
            at: Timestamp::from_nanos(number),
        })
        .collect()
}

fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { env::temp_dir() };
    let folder = parent.join(format!("pushgateway-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// What is in the file, unless it is refused as something else.
fn load(path: &Path) -> Option<Vec<Change>> {
    let mut changes = Vec::new();
    let opened = Log::open(path).ok()?;
    opened.load(&mut |_| None, &mut |change| changes.push(change)).ok()?;
    Some(changes)
}
