//! A recorded run, cut off at every operation, with what was not synced lost, torn and reordered.

use std::sync::mpsc;

use super::simulated::{Effect, Fault, Simulated, State, Survivors};
use super::*;

/// All mixtures of survivors that are tried at one moment.
pub(super) fn all_survivors(state: &State) -> Vec<Survivors> {
    let bytes = state.unsynced_bytes().min(400);
    let names = 1_u32 << state.unsynced_names().min(5);
    [Survivors::None, Survivors::All]
        .into_iter()
        .chain((0..names).map(Survivors::Names))
        .chain((0..bytes).map(Survivors::Before))
        .chain((0..bytes).step_by(3).map(Survivors::From))
        .chain((0..12).map(Survivors::Random))
        .collect()
}

/// Opens what every crash at every moment leaves. Each time there must be what was promised, or that and the one
/// commit that was under way; and the log must be usable.
fn check_all_crashes(run: &Simulated, commits: &[Vec<Change>]) {
    let mut checked = 0;
    for moment in run.history() {
        check_killed(&moment.state);
        for survivors in all_survivors(&moment.state) {
            let crashed = Simulated::from_state(moment.state.crashed(survivors));
            let (mut log, _, groups) = load(&crashed);
            let promised = groups_after(&commits[..moment.promised]);
            let under_way = groups_after(&commits[..commits.len().min(moment.promised + 1)]);
            let context = || format!("{survivors:?} after {} commits", moment.promised);
            assert!(
                groups == promised || groups == under_way,
                "{}: {groups:?}",
                context()
            );
            if checked % 16 == 0 {
                log.commit(&[group("more", 1)]).unwrap();
                let again = load(&crashed.crashed(Survivors::None)).2;
                let mut expected = groups;
                apply(&mut expected, &group("more", 1));
                assert_eq!(again, expected, "{}", context());
            }
            checked += 1;
        }
    }
    assert!(checked > 1000, "only {checked} crashes");
}

/// When only the process is killed, the next one sees what was not synced. What it has shown must last.
fn check_killed(state: &State) {
    let killed = Simulated::from_state(state.killed());
    let (_log, _, shown) = load(&killed);
    assert_eq!(load(&killed.crashed(Survivors::None)).2, shown);
}

/// A snapshot that says when it is first asked for, and then waits until it may go on.
fn slow_snapshot(groups: &Groups) -> (Snapshot, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (asked, was_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let mut changes = snapshot_of(groups);
    let mut gate = Some((asked, may_go_on));
    let snapshot = std::iter::from_fn(move || {
        if let Some((asked, may_go_on)) = gate.take() {
            asked.send(()).unwrap();
            may_go_on.recv().unwrap();
        }
        changes.next()
    });
    (Box::new(snapshot), was_asked, go_on)
}

#[test]
fn no_crash_loses_or_halves_a_commit() {
    let storage = Simulated::default();
    storage.record();
    let commits = commits(14);
    let (mut log, ..) = load(&storage);
    let commit = |log: &mut Log, number: usize| {
        log.commit(&commits[number]).unwrap();
        storage.promise(number + 1);
    };
    (0..3).for_each(|number| commit(&mut log, number));
    let (snapshot, was_asked, go_on) = slow_snapshot(&groups_after(&commits[..3]));
    log.compact(snapshot);
    was_asked.recv().unwrap();
    (3..6).for_each(|number| commit(&mut log, number));
    go_on.send(()).unwrap();
    log.finish_compaction();
    assert_eq!(log.status().compactions, 1);
    (6..8).for_each(|number| commit(&mut log, number));
    drop(log);
    let (mut log, ..) = load(&storage);
    (8..10).for_each(|number| commit(&mut log, number));
    log.compact(snapshot_of(&groups_after(&commits[..10])));
    log.finish_compaction();
    assert_eq!(log.status().compactions, 1);
    (10..14).for_each(|number| commit(&mut log, number));
    log.close().unwrap();
    check_all_crashes(&storage, &commits);
}

#[test]
fn no_crash_while_a_damaged_file_is_mended_loses_more() {
    let storage = Simulated::default();
    let commits = commits(5);
    let (mut log, ..) = load(&storage);
    for commit in &commits {
        log.commit(commit).unwrap();
    }
    drop(log);
    let mut content = storage.content(path()).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    let storage = Simulated::default();
    storage.put(path(), &content);
    storage.record();
    let (_, _, intact) = load(&storage);
    for moment in storage.history() {
        for survivors in all_survivors(&moment.state) {
            let crashed = Simulated::from_state(moment.state.crashed(survivors));
            let (_, loaded, groups) = load(&crashed);
            assert_eq!(groups, intact, "{survivors:?}");
            let kept = loaded
                .set_aside
                .or_else(|| crashed.names().into_iter().find(is_kept));
            assert_eq!(crashed.content(&kept.unwrap()).unwrap(), content);
            assert_eq!(
                crashed.names().iter().filter(|name| is_kept(name)).count(),
                1
            );
        }
    }
}

/// A commit that failed may be on disk as long as it could not be undone. It must not be mixed with the next one, which
/// has the same number, the same number of changes, and records of the same lengths at the same places.
#[test]
fn no_crash_after_a_failure_mixes_commits() {
    let commit = |value| vec![group("a", value), group("b", value), group("c", value)];
    for effect in [Effect::Half, Effect::Whole] {
        for attempts in 0..6 {
            let storage = Simulated::default();
            let (mut log, ..) = load(&storage);
            log.commit(&commit(1)).unwrap();
            // A commit looks at the file, writes, and then syncs.
            let sync = storage.operations() + 2;
            let fault = |operation| Fault {
                operation,
                kind: std::io::ErrorKind::Other,
                effect,
            };
            storage.fail((sync..=sync + attempts).map(fault).collect());
            log.commit(&commit(2)).unwrap_err();
            storage.record();
            while log.commit(&commit(3)).is_err() {}
            let history = storage.history();
            let (last, before) = history.split_last().unwrap();
            for moment in before {
                for survivors in all_survivors(&moment.state) {
                    let groups = load(&Simulated::from_state(moment.state.crashed(survivors))).2;
                    let is_whole = (1..=3).any(|value| groups == groups_after(&[commit(value)]));
                    assert!(is_whole, "{effect:?} {survivors:?}: {groups:?}");
                }
            }
            let crashed = Simulated::from_state(last.state.crashed(Survivors::None));
            assert_eq!(load(&crashed).2, groups_after(&[commit(3)]));
        }
    }
}

#[expect(clippy::ptr_arg, reason = "used as a filter of names")]
fn is_kept(name: &std::path::PathBuf) -> bool {
    name.to_string_lossy().contains(".damaged-")
}
