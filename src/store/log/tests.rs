use std::collections::BTreeMap;

use super::*;
use crate::model::{GroupingKey, Timestamp};
use crate::store::PushGauge;

mod crash;
mod damage;
mod disk;
mod faults;
mod simulated;
mod snapshots;
mod start;

use simulated::Simulated;

/// Values by job, which is all that the changes of these tests tell.
type Groups = BTreeMap<String, i64>;

fn path() -> &'static Path {
    Path::new("folder/file")
}

fn key(job: &str) -> Arc<GroupingKey> {
    Arc::new(GroupingKey::new([("job", job)]).unwrap())
}

fn group(job: &str, value: i64) -> Change {
    Change::Group {
        key: key(job),
        pushed: PushGauge {
            value: 0.0,
            stored_at: Timestamp::from_nanos(value),
        },
        failed: PushGauge::default(),
        families: Vec::new(),
    }
}

fn delete(job: &str) -> Change {
    Change::Delete { key: key(job) }
}

fn apply(groups: &mut Groups, change: &Change) {
    match change {
        Change::Group { key, pushed, .. } => {
            groups.insert(key.job().into(), pushed.stored_at.as_nanos());
        }
        Change::Delete { key } => {
            groups.remove(key.job());
        }
        Change::Wipe => groups.clear(),
        Change::Push { .. } | Change::Refused { .. } => panic!("not in these tests"),
    }
}

fn groups_after(commits: &[Vec<Change>]) -> Groups {
    let mut groups = Groups::new();
    for change in commits.iter().flatten() {
        apply(&mut groups, change);
    }
    groups
}

fn snapshot_of(groups: &Groups) -> Snapshot {
    let changes = groups.iter().map(|(job, value)| group(job, *value));
    Box::new(changes.collect::<Vec<_>>().into_iter())
}

/// Commits of one to three changes, each of which leaves groups that no other leaves.
fn commits(count: i64) -> Vec<Vec<Change>> {
    (0..count)
        .map(|number| match number % 4 {
            0 => vec![group("a", number)],
            1 => vec![delete("a"), group("b", number), group("c", number)],
            2 => vec![group(&format!("only-{number}"), number)],
            _ => vec![delete("b"), group("a", number)],
        })
        .collect()
}

fn try_load(storage: &Simulated) -> Result<(Log, Loaded, Groups), OpenError> {
    let mut groups = Groups::new();
    let opened = Opened::open(Arc::new(storage.clone()), path())?;
    let (log, loaded) = opened.load(&mut |_| None, &mut |change| apply(&mut groups, &change))?;
    Ok((log, loaded, groups))
}

fn load(storage: &Simulated) -> (Log, Loaded, Groups) {
    try_load(storage).unwrap()
}
