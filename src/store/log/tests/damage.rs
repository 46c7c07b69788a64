//! Files that were changed behind the log's back.

use std::path::PathBuf;

use super::simulated::Simulated;
use super::*;
use crate::store::log::frame::{FILE_HEADER, RECORD_HEADER};

/// One group a change, so that each record's loss shows.
fn sample() -> Vec<Vec<Change>> {
    let mut value = 0;
    let mut group = || {
        value += 1;
        group(&format!("group-{value}"), value)
    };
    [1, 3, 1, 2, 1]
        .map(|changes| (0..changes).map(|_| group()).collect())
        .to_vec()
}

fn written(commits: &[Vec<Change>]) -> Vec<u8> {
    let storage = Simulated::default();
    let (mut log, ..) = load(&storage);
    for commit in commits {
        log.commit(commit).unwrap();
    }
    log.close().unwrap();
    storage.content(path()).unwrap()
}

/// Loads a file of this content; afterwards it must be sound, whatever it was before.
fn mended(content: &[u8]) -> (Simulated, Loaded, Groups) {
    let storage = Simulated::default();
    storage.put(path(), content);
    let (log, loaded, groups) = load(&storage);
    assert_eq!(log.status().set_aside, loaded.set_aside);
    assert_eq!(log.status().damages, loaded.damage.len() as u64);
    drop(log);
    let (_, again, same) = load(&storage);
    assert_eq!(
        (again.damage, again.torn_bytes, same),
        (vec![], 0, groups.clone())
    );
    (storage, loaded, groups)
}

/// Start and end of each record.
fn records(content: &[u8]) -> Vec<(usize, usize)> {
    let mut records = Vec::new();
    let mut at = FILE_HEADER;
    while at < content.len() {
        let length = content[at + 8..at + 16].try_into().unwrap();
        let end = at + RECORD_HEADER + usize::try_from(u64::from_le_bytes(length)).unwrap();
        records.push((at, end));
        at = end;
    }
    records
}

#[test]
fn a_flipped_byte_costs_the_record_that_it_is_in_and_no_other() {
    let commits = sample();
    let content = written(&commits);
    let all = groups_after(&commits);
    let records = records(&content);
    assert_eq!(records.len(), 9, "eight changes and the seal");
    for at in 0..content.len() {
        let mut damaged = content.clone();
        damaged[at] ^= 0x55;
        let (storage, loaded, groups) = mended(&damaged);
        let mut expected = all.clone();
        let hit = records
            .iter()
            .position(|(start, end)| (*start..*end).contains(&at));
        if let Some(hit) = hit {
            expected.remove(&format!("group-{}", hit + 1));
        }
        assert_eq!(groups, expected, "byte {at}");
        let (start, end) = hit.map_or((0, FILE_HEADER), |hit| records[hit]);
        assert_eq!(loaded.damage, [(start as u64, end as u64)], "byte {at}");
        let kept = loaded.set_aside.unwrap();
        assert_eq!(kept, Path::new("folder/file.damaged-1"));
        assert_eq!(storage.content(&kept).unwrap(), damaged);
    }
}

#[test]
fn a_file_cut_anywhere_loses_its_end_only() {
    let commits = sample();
    let content = written(&commits);
    let records = records(&content);
    for length in FILE_HEADER..content.len() {
        let (storage, loaded, groups) = mended(&content[..length]);
        let whole = records.iter().filter(|(_, end)| *end <= length).count();
        let mut left = whole;
        let commits_left = commits.iter().take_while(|commit| {
            left = left.wrapping_sub(commit.len());
            left <= whole
        });
        let commits_left = commits_left.cloned().collect::<Vec<_>>();
        assert_eq!(groups, groups_after(&commits_left), "{length}");
        assert_eq!(loaded.damage, []);
        let last_end = FILE_HEADER.max(
            records
                .get(
                    commits_left
                        .iter()
                        .map(Vec::len)
                        .sum::<usize>()
                        .wrapping_sub(1),
                )
                .map_or(0, |(_, end)| *end),
        );
        let is_sealed = whole == records.len();
        assert!(
            is_sealed || loaded.torn_bytes == (length - last_end) as u64,
            "{length}"
        );
        assert!(
            !storage
                .names()
                .iter()
                .any(|name| name.to_string_lossy().contains("damaged"))
        );
    }
}

#[test]
fn records_that_are_cut_out_are_missed() {
    let commits = sample();
    let content = written(&commits);
    let (start, end) = records(&content)[2];
    let mut cut = content.clone();
    cut.drain(start..end);
    let (_, loaded, groups) = mended(&cut);
    assert_eq!(loaded.damage, [(start as u64, start as u64)]);
    assert_eq!(groups.len(), 7);
    assert!(!groups.contains_key("group-3"));
}

#[test]
fn records_that_come_twice_are_taken_once() {
    let content = written(&[
        vec![group("a", 1)],
        vec![group("a", 2)],
        vec![group("b", 3)],
    ]);
    let (start, end) = records(&content)[0];
    let (_, last) = records(&content)[1];
    let twice = [&content[..last], &content[start..end], &content[last..]].concat();
    let (_, loaded, groups) = mended(&twice);
    assert_eq!(groups, Groups::from([("a".into(), 2), ("b".into(), 3)]));
    assert_eq!(loaded.damage, [(last as u64, (last + end - start) as u64)]);
}

#[test]
fn a_file_without_its_header_is_searched_for_records() {
    let commits = sample();
    let content = written(&commits);
    for lost in [1, 20, FILE_HEADER, FILE_HEADER + 10] {
        let cut = content[lost..].to_vec();
        let mut zeroed = content.clone();
        zeroed[..lost.max(40)].fill(0);
        for damaged in [cut, zeroed] {
            let (storage, loaded, groups) = mended(&damaged);
            let mut expected = groups_after(&commits);
            if lost > FILE_HEADER {
                expected.remove("group-1");
            }
            assert_eq!(groups, expected, "{lost}");
            let kept = loaded.set_aside.unwrap();
            assert_eq!(storage.content(&kept).unwrap(), damaged);
        }
    }
}

#[test]
fn a_file_of_garbage_is_set_aside() {
    for garbage in [
        &b"garbage"[..],
        &[0; 4096],
        &[0xff; 100],
        "# TYPE a gauge\na 1\n".as_bytes(),
    ] {
        let (storage, loaded, groups) = mended(garbage);
        assert_eq!(groups, Groups::new());
        assert_eq!(loaded.damage, [(0, garbage.len() as u64)]);
        assert_eq!(
            storage.content(&loaded.set_aside.unwrap()).unwrap(),
            garbage
        );
    }
}

#[test]
fn a_file_set_aside_earlier_is_not_overwritten() {
    let storage = Simulated::default();
    let taken = PathBuf::from("folder/file.damaged-1");
    storage.put(&taken, b"earlier");
    storage.put(path(), b"garbage");
    let (_, loaded, _) = load(&storage);
    assert_eq!(
        loaded.set_aside.unwrap(),
        Path::new("folder/file.damaged-2")
    );
    assert_eq!(storage.content(&taken).unwrap(), b"earlier");
}

#[test]
fn an_unfinished_last_commit_that_is_damaged_too_is_set_aside() {
    let commits = vec![vec![group("a", 1)], vec![group("b", 2), group("c", 3)]];
    let content = written(&commits);
    let records = records(&content);
    // Without the seal nothing proves that the last commit was ever acknowledged.
    let mut content = content[..records[2].1].to_vec();
    content[records[1].0 + RECORD_HEADER] ^= 1;
    let (_, loaded, groups) = mended(&content);
    assert_eq!(groups, groups_after(&commits[..1]));
    assert_eq!(loaded.damage, [(records[1].0 as u64, content.len() as u64)]);
    assert!(loaded.set_aside.is_some());
}

#[test]
fn what_looks_like_a_record_inside_a_payload_is_none() {
    // Whoever pushes does not know the file's marker; take the whole record of another file.
    let other = written(&[vec![Change::Wipe]]);
    let commits = vec![
        vec![group("a", 1)],
        vec![group(&String::from_utf8_lossy(&other), 2)],
        vec![group("b", 3)],
    ];
    let key = GroupingKey::new([("job", "x")]).unwrap();
    let mut content = written(&commits);
    let (start, end) = records(&content)[1];
    let length = end - start;
    // A fake of the right length behind a damaged header, as the text above cannot hold all bytes.
    let fake = &other[FILE_HEADER..];
    content[start] ^= 1;
    content[start + 60..start + 60 + fake.len()].copy_from_slice(fake);
    assert!(length > 60 + fake.len(), "{key}");
    let (_, loaded, groups) = mended(&content);
    assert_eq!(groups, Groups::from([("a".into(), 1), ("b".into(), 3)]));
    assert_eq!(loaded.damage, [(start as u64, end as u64)]);
}

#[test]
fn a_record_of_a_later_version_stops_the_start_unless_it_is_optional() {
    let write = |kind: u8| {
        let storage = Simulated::default();
        let mut draft = Draft::create(&storage, path()).unwrap();
        draft.append(&group("a", 1)).unwrap();
        draft.append_payload(&[kind, 1, 2, 3]).unwrap();
        draft.append(&group("b", 2)).unwrap();
        draft.sync().unwrap();
        storage
    };
    let refused = try_load(&write(0x20)).unwrap_err().to_string();
    assert!(refused.contains("run the newer program"), "{refused}");
    let (_, loaded, groups) = load(&write(0x90));
    assert_eq!((groups.len(), loaded.damage), (2, vec![]));
}

#[test]
fn a_record_that_means_nothing_is_damage() {
    let storage = Simulated::default();
    let mut draft = Draft::create(&storage, path()).unwrap();
    draft.append(&group("a", 1)).unwrap();
    draft.append_payload(&[1, 0xff]).unwrap();
    draft.append(&group("b", 2)).unwrap();
    draft.sync().unwrap();
    let (_, loaded, groups) = mended(&storage.content(path()).unwrap());
    assert_eq!(groups.len(), 2);
    assert_eq!(loaded.damage.len(), 1);
}

#[test]
fn records_larger_than_what_is_read_at_once_are_found_around_damage() {
    let big = "x".repeat(3 << 20);
    let commits = vec![
        vec![group(&big, 1)],
        vec![group("b", 2)],
        vec![group(&(big.clone() + "y"), 3)],
        vec![group("d", 4)],
    ];
    let mut content = written(&commits);
    let (start, end) = records(&content)[0];
    content[start + (2 << 20)] ^= 1;
    let (_, loaded, groups) = mended(&content);
    assert_eq!(loaded.damage, [(start as u64, end as u64)]);
    assert_eq!(groups, groups_after(&commits[1..]));
}
