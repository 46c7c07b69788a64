//! Exports and their import.

use super::simulated::Simulated;
use super::*;

fn export(groups: &Groups) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_snapshot(&mut bytes, snapshot_of(groups)).unwrap();
    bytes
}

fn sample() -> Groups {
    groups_after(&commits(10))
}

#[test]
fn an_export_is_read_as_it_was_written() {
    for groups in [Groups::new(), sample()] {
        let bytes = export(&groups);
        assert!(is_snapshot(&bytes));
        assert_eq!(groups_after(&[read_snapshot(&bytes).unwrap()]), groups);
    }
}

#[test]
fn a_part_of_an_export_is_refused() {
    let bytes = export(&sample());
    for length in 0..bytes.len() {
        let refused = read_snapshot(&bytes[..length]).unwrap_err();
        let is_cut = matches!(
            refused,
            SnapshotError::Unknown | SnapshotError::Incomplete | SnapshotError::Damaged(0)
        );
        assert!(is_cut, "{length}: {refused}");
    }
}

#[test]
fn a_changed_export_is_refused() {
    let bytes = export(&sample());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        read_snapshot(&changed).unwrap_err();
    }
    let twice = [&bytes[..], &bytes[64..]].concat();
    read_snapshot(&twice).unwrap_err();
}

#[test]
fn a_log_is_no_export() {
    let storage = Simulated::default();
    let (mut log, ..) = load(&storage);
    log.commit(&[group("a", 1)]).unwrap();
    log.close().unwrap();
    let refused = read_snapshot(&storage.content(path()).unwrap()).unwrap_err();
    assert!(matches!(refused, SnapshotError::Incomplete));
}

#[test]
fn an_export_is_a_persistence_file() {
    let storage = Simulated::default();
    let groups = sample();
    storage.put(path(), &export(&groups));
    let (mut log, loaded, found) = load(&storage);
    assert_eq!((found, loaded.damage), (groups.clone(), vec![]));
    log.commit(&[group("more", 1)]).unwrap();
    drop(log);
    let mut expected = groups;
    expected.insert("more".into(), 1);
    assert_eq!(load(&storage).2, expected);
}
