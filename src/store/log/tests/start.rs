//! What the start refuses, and the import of a Go Pushgateway's file.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::simulated::{Effect, Fault, Simulated, State, Survivors};
use super::*;
use crate::store::upstream::UpstreamGroup;

const GENUINE: &[u8] = include_bytes!("../../upstream/tests/go-pushgateway-1.11.3.gob");

fn refusal(storage: &Simulated) -> String {
    let refusal = try_load(storage).unwrap_err().to_string();
    assert!(!refusal.contains('\n'));
    refusal
}

/// Refused with this text, everything but the lock file as it was.
fn check_refused(storage: &Simulated, expected: &str) {
    let contents = || {
        let names = storage.names().into_iter();
        names
            .map(|name| (storage.content(&name), name))
            .collect::<Vec<_>>()
    };
    let before = contents();
    assert_eq!(refusal(storage), expected);
    assert_eq!(contents(), before);
}

fn with_file(content: &[u8]) -> Simulated {
    let storage = Simulated::default();
    storage.put(path(), content);
    storage
}

fn empty_log() -> Vec<u8> {
    let storage = Simulated::default();
    load(&storage);
    storage.content(path()).unwrap()
}

#[test]
fn an_empty_file_is_a_new_one() {
    let (_, loaded, groups) = load(&with_file(b""));
    assert_eq!(
        (loaded, groups),
        (
            Loaded {
                bytes: 64,
                ..Loaded::default()
            },
            Groups::new()
        )
    );
}

#[test]
fn a_newer_format_is_refused() {
    let mut content = empty_log();
    content[8] = 2;
    content[40] = 2;
    check_refused(
        &with_file(&content),
        "persistence file folder/file has format version 2, this program reads up to 1: \
         run the newer program that wrote it, or name another file with --persistence.file",
    );
}

#[test]
fn something_else_is_refused() {
    check_refused(
        &with_file(b"\x1f\x8b\x08\0\0\0"),
        "persistence file folder/file is gzip data, not a persistence file: \
         name another file with --persistence.file",
    );
}

#[test]
fn a_locked_file_is_refused() {
    let storage = Simulated::default();
    let (_log, ..) = load(&storage);
    check_refused(
        &storage,
        "persistence file folder/file is in use by another process: \
         stop that, or name another file with --persistence.file",
    );
}

#[test]
fn a_half_done_copy_without_its_file_is_refused() {
    for copy in ["folder/file.importing", "folder/file.rewriting"] {
        let storage = Simulated::default();
        storage.put(Path::new(copy), b"anything");
        storage.put(Path::new("folder/file.go-pushgateway"), GENUINE);
        check_refused(
            &storage,
            &format!(
                "persistence file folder/file is missing although its unfinished copy {copy} is there: \
                 put the file back, or remove the copy to start without any groups"
            ),
        );
    }
}

#[test]
fn a_volume_that_takes_no_writes_is_refused() {
    let mut damaged = empty_log();
    damaged[3] ^= 1;
    let rights = "make it and its folder writable for the user that this program runs as";
    for content in [&empty_log(), &damaged, GENUINE] {
        for (kind, what_to_do) in [
            (ErrorKind::StorageFull, "make room on it"),
            (ErrorKind::QuotaExceeded, "make room on it"),
            (ErrorKind::ReadOnlyFilesystem, rights),
            (ErrorKind::PermissionDenied, rights),
        ] {
            let storage = with_file(content);
            let faults = (0..100).map(|operation| Fault {
                operation,
                kind,
                effect: Effect::None,
            });
            storage.fail(faults.collect());
            let refused = refusal(&storage);
            assert!(
                refused.contains("folder/file") && refused.contains(what_to_do),
                "{refused}"
            );
            assert_eq!(storage.content(path()).unwrap(), content);
        }
    }
}

/// Groups as the store might make them: of the real import this floor knows nothing.
fn import(group: UpstreamGroup) -> Option<Change> {
    let families = i64::try_from(group.families.len()).unwrap();
    let key = GroupingKey::new(group.labels).ok()?;
    Some(super::group(key.job(), families))
}

fn load_importing(storage: &Simulated) -> Result<(Log, Loaded, Groups), OpenError> {
    let mut groups = Groups::new();
    let opened = Opened::open(Arc::new(storage.clone()), path())?;
    let (log, loaded) = opened.load(&mut import, &mut |change| apply(&mut groups, &change))?;
    Ok((log, loaded, groups))
}

#[test]
fn a_go_pushgateways_file_is_imported_and_kept() {
    let storage = with_file(GENUINE);
    let taken = PathBuf::from("folder/file.go-pushgateway");
    storage.put(&taken, b"earlier");
    let (log, loaded, groups) = load_importing(&storage).unwrap();
    let expected = Groups::from([("alpha".into(), 7), ("beta".into(), 2)]);
    assert_eq!(groups, expected);
    let kept = PathBuf::from("folder/file.go-pushgateway-2");
    assert_eq!(loaded.imported_from.as_ref(), Some(&kept));
    assert_eq!(
        (loaded.changes, loaded.set_aside, loaded.import_error),
        (2, None, None)
    );
    assert_eq!(storage.content(&kept).unwrap(), GENUINE);
    assert_eq!(storage.content(&taken).unwrap(), b"earlier");
    drop(log);
    let (_, again, same) = load(&storage);
    assert_eq!((again.imported_from, same), (None, expected));
}

#[test]
fn of_a_damaged_go_pushgateways_file_the_start_is_imported() {
    let cut = &GENUINE[..GENUINE.len() - 100];
    let storage = with_file(cut);
    let (log, loaded, groups) = load_importing(&storage).unwrap();
    assert_eq!(groups["alpha"], 7);
    let problem = loaded.import_error.unwrap();
    assert!(problem.contains("damaged at byte"), "{problem}");
    assert_eq!(storage.content(&loaded.set_aside.unwrap()).unwrap(), cut);
    assert_eq!(log.status().damages, 1);
}

#[test]
fn a_crash_during_an_import_leaves_the_original_or_all_of_it() {
    let storage = with_file(GENUINE);
    storage.record();
    let (_log, _, expected) = load_importing(&storage).unwrap();
    let kept = Path::new("folder/file.go-pushgateway");
    for moment in storage.history() {
        for survivors in crash::all_survivors(&moment.state) {
            let crashed = Simulated::from_state(moment.state.crashed(survivors));
            let (_, _, groups) = load_importing(&crashed).unwrap();
            assert_eq!(groups, expected);
            assert_eq!(crashed.content(kept).unwrap(), GENUINE);
            assert_eq!(crashed.names().len(), 2, "{:?}", crashed.names());
        }
    }
}

#[test]
fn a_failure_during_an_import_leaves_the_original_or_all_of_it() {
    let operations = {
        let storage = with_file(GENUINE);
        load_importing(&storage).unwrap();
        storage.operations()
    };
    for operation in 0..operations {
        for effect in [Effect::None, Effect::Half, Effect::Whole] {
            let storage = with_file(GENUINE);
            let kind = ErrorKind::StorageFull;
            storage.fail(vec![Fault {
                operation,
                kind,
                effect,
            }]);
            let _ = load_importing(&storage);
            storage.fail(Vec::new());
            for survivors in [Survivors::None, Survivors::All] {
                let crashed = storage.crashed(survivors);
                let (_, _, groups) = load_importing(&crashed).unwrap();
                assert_eq!(groups["alpha"], 7, "{operation} {effect:?} {survivors:?}");
            }
        }
    }
}

#[test]
fn a_file_system_without_hard_links_gets_copies() {
    let storage = with_file(GENUINE);
    storage.refuse_links();
    let (_, loaded, _) = load_importing(&storage).unwrap();
    assert_eq!(
        storage.content(&loaded.imported_from.unwrap()).unwrap(),
        GENUINE
    );
    let crashed = Simulated::from_state(State::crashed(&storage.state(), Survivors::None));
    assert_eq!(
        crashed
            .content(Path::new("folder/file.go-pushgateway"))
            .unwrap(),
        GENUINE
    );
}
