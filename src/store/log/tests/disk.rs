//! On the real file system.

use std::fs;

use super::*;

/// A change that tells itself from others by a number.
fn change(number: i64) -> Change {
    group("j", number)
}

fn load(path: &Path) -> (Log, Loaded, Vec<Change>) {
    let mut changes = Vec::new();
    let opened = Log::open(path).unwrap();
    let (log, loaded) = opened
        .load(&mut |_| None, &mut |change| changes.push(change))
        .unwrap();
    (log, loaded, changes)
}

#[test]
fn what_was_committed_is_loaded_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (mut log, loaded, changes) = load(&path);
    assert_eq!((loaded.changes, changes.len()), (0, 0));
    log.commit(&[change(1), change(2)]).unwrap();
    log.commit(&[change(3)]).unwrap();
    drop(log);
    let (mut log, loaded, changes) = load(&path);
    assert_eq!(changes, [1, 2, 3].map(change));
    assert_eq!(loaded.damage, []);
    log.compact(Box::new([change(3)].into_iter()));
    log.commit(&[change(4)]).unwrap();
    log.finish_compaction();
    log.commit(&[change(5)]).unwrap();
    assert_eq!(log.status().compactions, 1);
    drop(log);
    assert_eq!(load(&path).2, [3, 4, 5].map(change));
}

#[test]
fn the_file_is_locked_as_long_as_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (log, ..) = load(&path);
    let refused = Log::open(&path).unwrap_err().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    drop(log);
    load(&path);
}

#[test]
fn a_file_that_was_removed_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (mut log, ..) = load(&path);
    log.commit(&[change(1)]).unwrap();
    fs::remove_file(&path).unwrap();
    let refused = log.commit(&[change(2)]).unwrap_err();
    assert!(matches!(refused, PersistenceError::Gone { .. }));
    assert!(log.compaction_due());
    log.compact(Box::new([change(1)].into_iter()));
    log.finish_compaction();
    log.commit(&[change(3)]).unwrap();
    drop(log);
    assert_eq!(load(&path).2, [1, 3].map(change));
}

#[test]
fn a_file_that_vanished_while_nothing_happened_is_brought_back_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (mut log, ..) = load(&path);
    log.commit(&[change(1)]).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(log.close(), Err(PersistenceError::Gone { .. })));
    log.compact(Box::new([change(1)].into_iter()));
    log.close().unwrap();
    assert_eq!(load(&path).2, [change(1)]);
}

#[test]
fn a_file_put_in_place_of_the_open_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (mut log, ..) = load(&path);
    log.commit(&[change(1)]).unwrap();
    let other = folder.path().join("other");
    fs::write(&other, "stranger").unwrap();
    fs::rename(&other, &path).unwrap();
    log.poll();
    assert!(log.compaction_due());
    log.compact(Box::new([change(1)].into_iter()));
    log.finish_compaction();
    log.commit(&[change(2)]).unwrap();
    let kept = log.status().set_aside.unwrap();
    assert_eq!(fs::read(kept).unwrap(), b"stranger");
    drop(log);
    assert_eq!(load(&path).2, [1, 2].map(change));
}

#[test]
fn a_file_that_somebody_cut_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (mut log, ..) = load(&path);
    log.commit(&[change(1)]).unwrap();
    fs::write(&path, "").unwrap();
    log.commit(&[change(2)]).unwrap_err();
    log.compact(Box::new([change(1)].into_iter()));
    log.finish_compaction();
    log.commit(&[change(3)]).unwrap();
    drop(log);
    assert_eq!(load(&path).2, [1, 3].map(change));
}

#[test]
fn a_link_is_followed_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let [link, path] = ["link", "file"].map(|name| folder.path().join(name));
    fs::write(&path, "").unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (mut log, ..) = load(&link);
    log.commit(&[change(1)]).unwrap();
    log.compact(Box::new([change(1)].into_iter()));
    log.finish_compaction();
    drop(log);
    assert!(link.is_symlink());
    assert_eq!(load(&path).2, [change(1)]);
}

#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let _log = load(&path);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_missing_folder_and_a_folder_instead_of_a_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Log::open(&folder.path().join("none/file")).unwrap_err();
    assert!(matches!(&refused, OpenError::NoFolder { folder } if folder.ends_with("none")));
    let refused = Log::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_closed_log_takes_no_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (mut log, ..) = load(&path);
    log.close().unwrap();
    assert!(matches!(
        log.commit(&[change(1)]),
        Err(PersistenceError::Closed { .. })
    ));
    log.close().unwrap();
    assert_eq!(load(&path).2, []);
}

#[test]
fn a_log_wants_to_be_compacted_when_most_of_it_is_out_of_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (mut log, ..) = load(&path);
    let big = |number: usize| group(&"x".repeat((1 << 20) + number), 1);
    let live = (0..5).map(big).collect::<Vec<_>>();
    log.compact(Box::new(live.clone().into_iter()));
    log.finish_compaction();
    assert!(!log.compaction_due(), "all of it is needed");
    for number in 0..6 {
        log.commit(&[big(number)]).unwrap();
    }
    assert!(log.compaction_due());
    drop(log);
    let (mut log, ..) = load(&path);
    assert!(
        log.compaction_due(),
        "a restart does not forget what is needed"
    );
    log.compact(Box::new(live.into_iter()));
    assert!(!log.compaction_due(), "it is at work");
    log.finish_compaction();
    assert!(!log.compaction_due());
    drop(log);
    assert!(!load(&path).0.compaction_due());
}
