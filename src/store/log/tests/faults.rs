//! The same kind of run, with operations that fail: no change that was refused comes back, and work goes on.

use std::io::ErrorKind;

use super::simulated::{Effect, Fault, Simulated, Survivors};
use super::*;

const EFFECTS: [Effect; 3] = [Effect::None, Effect::Half, Effect::Whole];

/// Commits with compactions now and then, and tells what was acknowledged. After each commit that failed, a crash
/// must find what was acknowledged before, alone or with one commit that failed since.
fn run(storage: &Simulated, log: &mut Log, commits: &[Vec<Change>]) -> Vec<Vec<Change>> {
    let mut acknowledged = Vec::new();
    let mut failed = Vec::new();
    for (number, commit) in commits.iter().enumerate() {
        if log.commit(commit).is_ok() {
            acknowledged.push(commit.clone());
            failed.clear();
        } else {
            failed.push(commit);
            check_crash_after_failure(storage, &acknowledged, &failed);
        }
        if log.compaction_due() || number % 5 == 3 {
            log.compact(snapshot_of(&groups_after(&acknowledged)));
            log.finish_compaction();
        }
    }
    acknowledged
}

fn check_crash_after_failure(
    storage: &Simulated,
    acknowledged: &[Vec<Change>],
    failed: &[&Vec<Change>],
) {
    let before = groups_after(acknowledged);
    let with = |commit: &&&Vec<Change>| {
        let mut groups = before.clone();
        commit.iter().for_each(|change| apply(&mut groups, change));
        groups
    };
    for survivors in [Survivors::None, Survivors::All, Survivors::Random(1)] {
        let groups = load(&storage.crashed(survivors)).2;
        let is_allowed = groups == before || failed.iter().any(|commit| with(&commit) == groups);
        assert!(is_allowed, "{survivors:?}: {groups:?}");
    }
}

/// Runs with these faults, which then end, and once more without.
fn check(faults: Vec<Fault>) {
    let context = format!("{:?}", faults.first());
    let storage = Simulated::default();
    let commits = commits(9);
    let (mut log, ..) = load(&storage);
    let first = faults[0].operation;
    storage.fail(faults);
    let mut acknowledged = run(&storage, &mut log, &commits);
    storage.fail(Vec::new());
    // Whatever state the faults left it in, it recovers without help, at most by way of a compaction.
    let after = [group("after", 1)];
    if log.commit(&after).is_err() {
        assert!(log.compaction_due(), "fault at {first}");
        log.compact(snapshot_of(&groups_after(&acknowledged)));
        log.finish_compaction();
        log.commit(&after).unwrap();
    }
    assert_eq!(log.status().last_error, None);
    acknowledged.push(after.to_vec());
    let expected = groups_after(&acknowledged);
    for survivors in [Survivors::None, Survivors::All, Survivors::Random(2)] {
        let (_, loaded, groups) = load(&storage.crashed(survivors));
        assert_eq!(groups, expected, "{survivors:?} {context}");
        assert_eq!(loaded.damage, [], "{survivors:?} {context}");
    }
    drop(log);
    assert_eq!(load(&storage).2, expected, "{context}");
}

/// How many operations a run takes that meets no fault.
fn operations() -> std::ops::Range<usize> {
    let storage = Simulated::default();
    let (mut log, ..) = load(&storage);
    let start = storage.operations();
    let acknowledged = run(&storage, &mut log, &commits(9));
    assert_eq!(acknowledged.len(), 9);
    start..storage.operations()
}

#[test]
fn every_single_failure_is_told_and_recovered_from() {
    for operation in operations() {
        for effect in EFFECTS {
            let kind = ErrorKind::StorageFull;
            check(vec![Fault {
                operation,
                kind,
                effect,
            }]);
        }
    }
}

#[test]
fn a_commit_that_failed_is_undone_at_once_and_the_next_one_succeeds() {
    // A commit looks at the file, writes, syncs, and looks again.
    for operation in 0..4 {
        for effect in EFFECTS {
            let storage = Simulated::default();
            let (mut log, ..) = load(&storage);
            log.commit(&[group("a", 1)]).unwrap();
            let operation = storage.operations() + operation;
            let kind = ErrorKind::StorageFull;
            storage.fail(vec![Fault {
                operation,
                kind,
                effect,
            }]);
            log.commit(&[group("b", 2), group("c", 2)]).unwrap_err();
            assert_eq!(log.status().failed_commits, 1);
            for survivors in [Survivors::None, Survivors::All, Survivors::Random(3)] {
                let groups = load(&storage.crashed(survivors)).2;
                assert_eq!(
                    groups,
                    groups_after(&[vec![group("a", 1)]]),
                    "{survivors:?}"
                );
            }
            assert!(!log.compaction_due());
            log.commit(&[group("d", 3)]).unwrap();
            let groups = load(&storage.crashed(Survivors::None)).2;
            let kept = vec![group("a", 1), group("d", 3)];
            assert_eq!(groups, groups_after(&[kept]));
        }
    }
}

#[test]
fn an_empty_commit_tells_whether_writing_works_again() {
    let storage = Simulated::default();
    let (mut log, ..) = load(&storage);
    let operations = storage.operations();
    log.commit(&[]).unwrap();
    assert_eq!(
        storage.operations(),
        operations,
        "free of cost while all is well"
    );
    let kind = ErrorKind::StorageFull;
    let effect = Effect::None;
    let faults = operations..operations + 100;
    storage.fail(
        faults
            .map(|operation| Fault {
                operation,
                kind,
                effect,
            })
            .collect(),
    );
    log.commit(&[group("a", 1)]).unwrap_err();
    log.commit(&[]).unwrap_err();
    storage.fail(Vec::new());
    log.commit(&[]).unwrap();
    assert_eq!(log.status().last_error, None);
}

#[test]
fn failures_that_last_are_told_and_recovered_from() {
    for first in operations() {
        for (effect, length) in [
            (Effect::None, 2),
            (Effect::None, 3),
            (Effect::Half, 2),
            (Effect::Whole, 9),
            (Effect::Half, 17),
        ] {
            let faults = first..first + length;
            let kind = ErrorKind::Other;
            check(
                faults
                    .map(|operation| Fault {
                        operation,
                        kind,
                        effect,
                    })
                    .collect(),
            );
        }
    }
}

#[test]
fn failures_here_and_there_are_told_and_recovered_from() {
    let operations = operations();
    for seed in 0..300 {
        let mut random = simulated::Random::new(seed);
        let one_in = 2 + random.below(12);
        let mut faults = Vec::new();
        for operation in operations.start..operations.end + 60 {
            if random.below(one_in) == 0 {
                let effect = EFFECTS[random.below(3)];
                faults.push(Fault {
                    operation,
                    kind: ErrorKind::Other,
                    effect,
                });
            }
        }
        if !faults.is_empty() {
            check(faults);
        }
    }
}

#[test]
fn a_failure_at_the_start_leaves_the_file_as_it_was() {
    let storage = Simulated::default();
    let commits = commits(4);
    let (mut log, ..) = load(&storage);
    let acknowledged = run(&storage, &mut log, &commits);
    drop(log);
    let expected = groups_after(&acknowledged);
    let content = storage.content(path()).unwrap();
    for damaged_at in [None, Some(10), Some(content.len() - 150)] {
        let mut content = content.clone();
        if let Some(at) = damaged_at {
            content[at] ^= 1;
        }
        let fresh = Simulated::default();
        fresh.put(path(), &content);
        let (_, _, intact) = load(&fresh);
        assert!(damaged_at.is_some() || intact == expected);
        for operation in 0..fresh.operations() {
            for effect in EFFECTS {
                let storage = Simulated::default();
                storage.put(path(), &content);
                let kind = ErrorKind::StorageFull;
                storage.fail(vec![Fault {
                    operation,
                    kind,
                    effect,
                }]);
                let failed = try_load(&storage).map(drop);
                storage.fail(Vec::new());
                for survivors in [Survivors::None, Survivors::All] {
                    let crashed = storage.crashed(survivors);
                    assert_eq!(load(&crashed).2, intact, "{operation} {effect:?}");
                }
                if let Err(error) = failed {
                    assert!(error.to_string().contains("make room"), "{error}");
                    let kept = storage
                        .names()
                        .into_iter()
                        .any(|name| storage.content(&name).as_ref() == Some(&content));
                    assert!(kept, "{operation} {effect:?}");
                }
            }
        }
    }
}
