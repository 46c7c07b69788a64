//! What all groups show, made at once when a gateway starts: family by family, on all cores.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::{panic, thread};

use super::Exhibit;
use crate::model::{Label, Metric};
use crate::store::change::StoredFamily;
use crate::store::consistency::OwnFamily;
use crate::store::families::Family;
use crate::store::groups::{Gauge, Group, GroupFamily, GroupId, Unpacker};
use crate::store::pages::Batch;
use crate::store::renderer::append_lines;
use crate::store::shared_labels::SharedLabels;

/// Where a family of a group is: the place of the group, and its place there.
type Place = (usize, usize);

/// What is to be made.
enum Task {
    Pushed(Arc<str>, Vec<Place>),
    Gauge(Gauge),
}

/// A family over all groups as it was made.
struct Made {
    name: Arc<str>,
    /// None if two groups have the same metric.
    family: Option<Family>,
    /// The families of the groups, measured.
    measured: Vec<(Place, GroupFamily)>,
    /// One of each type and help.
    kinds: Vec<Arc<StoredFamily>>,
}

impl Exhibit {
    /// What groups show. None if anything clashes, or stands twice.
    ///
    /// Fills in how many metrics and sample lines the groups' families have.
    pub(in crate::store) fn of_groups(groups: &mut [Group], own: &[OwnFamily]) -> Option<Self> {
        let all = on_all_cores(tasks(groups), |task, batch| task.make(groups, batch));
        let mut exhibit = Self::default();
        let mut kinds = Vec::new();
        for made in all {
            for ((at, place), family) in made.measured {
                groups[at].families[place] = family;
            }
            kinds.extend(made.kinds);
            exhibit.store(&made.name, made.family?);
        }
        for kind in kinds {
            if let Some(family) = exhibit.families.get(&kind.metadata.name) {
                exhibit.check_names(&kind, family, own).ok()?;
            }
        }
        Some(exhibit)
    }
}

/// What is to be made of groups, the largest first.
fn tasks(groups: &[Group]) -> Vec<Task> {
    let mut pushed: BTreeMap<Arc<str>, (usize, Vec<Place>)> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        for (place, stored) in group.stored_families().enumerate() {
            let name = &stored.metadata.name;
            let (bytes, places) = match pushed.get_mut(name) {
                Some(known) => known,
                None => pushed.entry(Arc::clone(name)).or_default(),
            };
            *bytes += stored.packed.len();
            places.push((at, place));
        }
    }
    let mut pushed: Vec<_> = pushed.into_iter().collect();
    pushed.sort_by_key(|(_, (bytes, _))| Reverse(*bytes));
    let pushed = pushed
        .into_iter()
        .map(|(name, (_, places))| Task::Pushed(name, places));
    pushed.chain(Gauge::ALL.map(Task::Gauge)).collect()
}

impl Task {
    fn make(self, groups: &[Group], batch: &mut Batch) -> Made {
        match self {
            Self::Pushed(name, places) => made_of_pushed(name, places, groups, batch),
            Self::Gauge(gauge) => made_of_gauge(gauge, groups, batch),
        }
    }
}

fn made_of_pushed(
    name: Arc<str>,
    mut places: Vec<Place>,
    groups: &[Group],
    batch: &mut Batch,
) -> Made {
    places.sort_by_key(|&(at, place)| groups[at].families[place].stored.pushed_at);
    let mut shown = Family::default();
    let mut measured = Vec::with_capacity(places.len());
    let mut unpacker = Unpacker::default();
    let mut kinds = Vec::new();
    for (at, place) in places {
        let group = &groups[at];
        let stored = &group.families[place].stored;
        let metrics = unpacker.unpack(group.grouping_key(), stored);
        if !metrics.is_empty() {
            if !shown.has(stored) {
                kinds.push(Arc::clone(stored));
            }
            shown.count_in(stored);
        }
        let series = add(batch, group.id, &name, metrics.iter());
        let family = GroupFamily::new(Arc::clone(stored), metrics.len(), series);
        measured.push(((at, place), family));
    }
    Made {
        family: with_pages(shown, batch),
        name,
        measured,
        kinds,
    }
}

fn made_of_gauge(gauge: Gauge, groups: &[Group], batch: &mut Batch) -> Made {
    let name = gauge.name();
    let mut shown = Family::default();
    let mut shared = SharedLabels::default();
    for group in groups {
        let value = gauge.value(group);
        shown.count_in(&StoredFamily {
            metadata: Arc::clone(gauge.metadata()),
            pushed_at: value.stored_at,
            packed: Box::default(),
        });
        shared.become_those_of(group.grouping_key());
        add(batch, group.id, name, [(shared.labels(), &value.metric())]);
    }
    Made {
        name: name.into(),
        family: with_pages(shown, batch),
        measured: Vec::new(),
        kinds: Vec::new(),
    }
}

/// Adds what a group has of a family; how many lines that are.
fn add<'m>(
    batch: &mut Batch,
    group: GroupId,
    name: &str,
    metrics: impl IntoIterator<Item = (&'m [Label<'m>], &'m Metric<'m>)>,
) -> usize {
    let before = batch.position();
    for ((labels, metric), index) in metrics.into_iter().zip(0..) {
        if let Some(value) = &metric.value {
            batch.add(group, index, labels, |text| {
                append_lines(text, name, labels, value)
            });
        }
    }
    batch.lines_from(before)
}

/// The family with what is in the batch; none if two groups have the same metric.
fn with_pages(mut family: Family, batch: &mut Batch) -> Option<Family> {
    family.pages = batch.take_pages()?;
    Some(family)
}

/// What becomes of each task, in no order, by as many threads as there are cores, each of which has buffers for all that
/// it does: memory that is new to the process costs more than what is done with it.
///
/// All of them are new and this one waits, since glibc gives heaps in turn to threads that begin: two that share one spend
/// the time that they should save on waiting for it.
fn on_all_cores<T: Send, R: Send, B: Default>(
    tasks: Vec<T>,
    work: impl Fn(T, &mut B) -> R + Sync,
) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let count = cores.min(tasks.len());
    let queue = Mutex::new(tasks.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_off = || {
        let (mut done, mut buffers) = (Vec::new(), B::default());
        while let Some(task) = next() {
            done.push(work(task, &mut buffers));
        }
        done
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work_off).ok())
            .collect();
        let mut done = Vec::new();
        for thread in threads {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => panic::resume_unwind(panic),
            }
        }
        // What is left where the system gives no threads.
        done.extend(work_off());
        done
    })
}
