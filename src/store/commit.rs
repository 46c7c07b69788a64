//! How requests become committed changes: in order, visible only once they are durable, many with one sync.

use std::fmt;
use std::slice;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};

use super::Snapshot;
use super::apply::apply;
use super::change::Change;
use super::metadata::KnownMetadata;
use super::persistence::{Persistence, PersistenceError, Status};
use super::replay::Replay;
use super::request::{Durability, Failure, Options, Readiness, Request, Unavailable, Waiter};
use super::state::{self, Repeat, Rules, State};
use super::unkept::Unkept;
use crate::model::GroupingKey;

/// How often the writer looks after its persistence while there is nothing to commit.
const IDLE: Duration = Duration::from_secs(1);

/// Groups that are freed in no time to speak of.
const FREED_AT_ONCE: usize = 1000;

/// So many families with a name, help and type of their own are mostly pushed without new memory for these.
const KNOWN_METADATA: usize = 1024;

/// The handle to the store, cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// A panic while one of the locks is held leaves what it guards as it was: states are replaced whole, and what changes
/// one in place does nothing that could fail.
struct Shared {
    options: Options,
    known_metadata: KnownMetadata,
    published: RwLock<Arc<State>>,
    /// Held while a state is made from the one before, which takes so little that it pays to wait awake.
    writer: Mutex<Writer>,
    queue: Mutex<Queue>,
    /// Wakes the thread that keeps changes.
    wake: Condvar,
    /// None without persistence.
    status: RwLock<Option<Status>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The requests that wait for the disk, and whether any are taken.
struct Queue {
    phase: Phase,
    jobs: Vec<Job>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Loading,
    /// Requests are done at once, in the thread that brings them.
    Direct,
    /// Requests wait for the thread that syncs.
    Queued,
    Closed,
}

struct Job {
    request: Request,
    waiter: Box<dyn Waiter>,
}

/// What keeps the changes.
struct Writer {
    persistence: Option<Box<dyn Persistence>>,
    /// What was changed but not kept yet, with [`Durability::Interval`].
    unkept: Option<Unkept>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// A store that is empty and takes nothing until it is started.
    pub fn new(options: Options) -> Self {
        let shared = Shared {
            options,
            known_metadata: KnownMetadata::with_places(KNOWN_METADATA),
            published: RwLock::default(),
            writer: Mutex::new(Writer {
                persistence: None,
                unkept: None,
            }),
            queue: Mutex::new(Queue {
                phase: Phase::Loading,
                jobs: Vec::new(),
            }),
            wake: Condvar::new(),
            status: RwLock::default(),
            thread: Mutex::new(None),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Begins to take requests, all in memory, starting from what was replayed.
    pub fn start(&self, replay: Replay) {
        self.shared
            .publish(replay.finish(&self.shared.options.own_families));
        self.shared.queue().phase = Phase::Direct;
    }

    /// Begins to take requests and to keep their changes, starting from what was replayed.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub fn start_persistent(
        &self,
        replay: Replay,
        persistence: Box<dyn Persistence>,
        durability: Durability,
    ) {
        self.shared
            .publish(replay.finish(&self.shared.options.own_families));
        let unkept = matches!(durability, Durability::Interval(_)).then(Unkept::default);
        self.shared.set_status(persistence.status());
        *self.shared.writer.lock() = Writer {
            persistence: Some(persistence),
            unkept,
        };
        let shared = Arc::clone(&self.shared);
        let (phase, run): (_, Box<dyn FnOnce() + Send>) = match durability {
            Durability::EachCommit => (Phase::Queued, Box::new(move || shared.commit_queued())),
            Durability::Interval(interval) => (
                Phase::Direct,
                Box::new(move || shared.keep_at_intervals(interval)),
            ),
        };
        let thread = std::thread::Builder::new().name("commit".into()).spawn(run);
        *self.shared.thread.lock() = Some(thread.expect("a process that starts can have a thread"));
        self.shared.queue().phase = phase;
    }

    /// Does a request, now or after those before it, and tells the waiter.
    pub fn submit(&self, request: Request, waiter: Box<dyn Waiter>) {
        let job = Job { request, waiter };
        let mut queue = self.shared.queue();
        let limit = self.shared.options.queued_requests;
        let turned_away = match queue.phase {
            Phase::Loading => Unavailable::Loading,
            Phase::Closed => Unavailable::Closed,
            Phase::Queued if queue.jobs.len() >= limit => Unavailable::QueueFull { limit },
            Phase::Queued => {
                queue.jobs.push(job);
                self.shared.wake.notify_all();
                return;
            }
            Phase::Direct => {
                drop(queue);
                self.shared
                    .process(&mut self.shared.writer.lock(), vec![job]);
                return;
            }
        };
        drop(queue);
        job.waiter.done(Err(turned_away.into()));
    }

    /// The store as it is now; none while it is being loaded.
    pub fn snapshot(&self) -> Result<Snapshot, Unavailable> {
        match self.shared.queue().phase {
            Phase::Loading => Err(Unavailable::Loading),
            Phase::Direct | Phase::Queued | Phase::Closed => Ok(Snapshot(self.published())),
        }
    }

    /// Whether a push would be accepted and stored.
    pub fn readiness(&self) -> Readiness {
        let queue = self.shared.queue();
        let limit = self.shared.options.queued_requests;
        match queue.phase {
            Phase::Loading => return Readiness::NotReady(Unavailable::Loading),
            Phase::Closed => return Readiness::NotReady(Unavailable::Closed),
            Phase::Queued if queue.jobs.len() >= limit => {
                return Readiness::NotReady(Unavailable::QueueFull { limit });
            }
            Phase::Direct | Phase::Queued => {}
        }
        drop(queue);
        match self.status().and_then(|status| status.last_error) {
            Some(error) => Readiness::NotReady(Unavailable::NotStored(error)),
            None => Readiness::Ready,
        }
    }

    /// How many requests wait for the disk.
    pub fn queued_requests(&self) -> usize {
        self.shared.queue().jobs.len()
    }

    /// How the persistence is doing, if there is one.
    pub fn status(&self) -> Option<Status> {
        self.shared.status.read().clone()
    }

    /// Takes no more requests, finishes those that wait, and lets the persistence end in an orderly way.
    pub fn close(&self) -> Result<(), PersistenceError> {
        self.shared.queue().phase = Phase::Closed;
        self.shared.wake.notify_all();
        if let Some(thread) = self.shared.thread.lock().take() {
            // A panic in there was logged by the panic hook.
            let _ = thread.join();
        }
        let mut writer = self.shared.writer.lock();
        let kept = self.shared.keep_now(&mut writer);
        let closed = writer
            .persistence
            .take()
            .map_or(Ok(()), |mut persistence| persistence.close());
        kept.and(closed)
    }

    pub(super) fn options(&self) -> &Options {
        &self.shared.options
    }

    pub(super) fn known_metadata(&self) -> &KnownMetadata {
        &self.shared.known_metadata
    }

    pub(super) fn published(&self) -> Arc<State> {
        self.shared.published()
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }

    fn published(&self) -> Arc<State> {
        Arc::clone(&self.published.read())
    }

    /// Makes a state visible. The one before is let go after the lock, and by another thread if that takes long, as it
    /// does when all groups are gone: nobody is to wait for that.
    fn publish(&self, state: Arc<State>) {
        let is_wiped = state.groups().len() == 0;
        let before = std::mem::replace(&mut *self.published.write(), state);
        if is_wiped && before.groups().len() > FREED_AT_ONCE {
            let free = std::thread::Builder::new().name("free".into());
            // Without a thread, the state is dropped with the closure, here.
            let _ = free.spawn(move || drop(before));
        }
    }

    fn set_status(&self, status: Status) {
        *self.status.write() = Some(status);
    }

    /// The work of the thread that commits what is queued, with [`Durability::EachCommit`].
    fn commit_queued(&self) {
        loop {
            let mut queue = self.queue();
            if queue.jobs.is_empty() && queue.phase != Phase::Closed {
                self.wake.wait_for(&mut queue, IDLE);
            }
            let jobs = std::mem::take(&mut queue.jobs);
            let closed = queue.phase == Phase::Closed;
            drop(queue);
            let mut writer = self.writer.lock();
            match (jobs.is_empty(), closed) {
                (true, true) => return,
                (true, false) => self.look_after(&mut writer),
                (false, _) => self.process(&mut writer, jobs),
            }
        }
    }

    /// The work of the thread that keeps changes, with [`Durability::Interval`].
    fn keep_at_intervals(&self, interval: Duration) {
        let mut queue = self.queue();
        while queue.phase != Phase::Closed {
            self.wake.wait_for(&mut queue, interval);
            if queue.phase == Phase::Closed {
                return;
            }
            drop(queue);
            let mut writer = self.writer.lock();
            // A failure is in the status, and what was not kept is tried again.
            let _ = self.keep_now(&mut writer);
            self.look_after(&mut writer);
            drop(writer);
            queue = self.queue();
        }
    }

    /// Does the requests one after the other and makes the outcome visible if all of it could be kept.
    fn process(&self, writer: &mut Writer, mut jobs: Vec<Job>) {
        jobs.retain(|job| !job.waiter.is_gone());
        if jobs.is_empty() {
            return;
        }
        let kept = match (self.repeats(&jobs), &*jobs) {
            (Some(repeats), _) => self.put_in_place(writer, &repeats),
            (None, [only]) if let Request::Delete(key) = &only.request => self.delete(writer, key),
            _ => return self.change(writer, jobs),
        };
        for job in jobs {
            job.waiter.done(kept.clone().map_err(Failure::from));
        }
    }

    /// How to put the jobs in place, if all of them are pushes of nothing but new values.
    fn repeats<'a>(&self, jobs: &'a [Job]) -> Option<Vec<Repeat<'a>>> {
        let state = self.published.read();
        let repeat = |job: &'a Job| match &job.request {
            Request::Push(push) => state.repeat(push),
            _ => None,
        };
        jobs.iter().map(repeat).collect()
    }

    /// Keeps such pushes, then changes the visible state itself.
    fn put_in_place(&self, writer: &mut Writer, repeats: &[Repeat<'_>]) -> Result<(), Unavailable> {
        let changes: Vec<_> = repeats.iter().map(Repeat::to_change).collect();
        self.keep(writer, &changes)?;
        let mut published = self.published.write();
        // A snapshot that somebody holds stays as it is.
        let state = Arc::make_mut(&mut published);
        for repeat in repeats {
            state.put_in_place(repeat);
        }
        drop(published);
        self.compact_if_due(writer);
        Ok(())
    }

    /// Keeps a deletion that comes alone, then takes the group out of the visible state itself: it can't be refused
    /// either.
    fn delete(&self, writer: &mut Writer, key: &Arc<GroupingKey>) -> Result<(), Unavailable> {
        if self.published.read().group_of(key).is_none() {
            return Ok(());
        }
        let change = Change::Delete {
            key: Arc::clone(key),
        };
        self.keep(writer, slice::from_ref(&change))?;
        Arc::make_mut(&mut self.published.write()).delete(key, &self.rules());
        self.compact_if_due(writer);
        Ok(())
    }

    /// Makes the next state from the one before, keeps what leads there, and makes it visible.
    fn change(&self, writer: &mut Writer, jobs: Vec<Job>) {
        let mut state = self.published();
        let mut changes = Vec::new();
        let mut answers = Vec::with_capacity(jobs.len());
        for Job {
            mut request,
            waiter,
        } in jobs
        {
            if let Request::Push(push) = &mut request {
                push.share_metadata(state.exhibit());
            }
            let (applied, outcome) = apply(&state, request, &self.rules());
            if let Some(applied) = applied {
                state = Arc::new(applied.state);
                changes.extend(applied.changes);
            }
            answers.push((waiter, outcome));
        }
        let kept = self.keep(writer, &changes);
        if kept.is_ok() && !changes.is_empty() {
            self.publish(state);
            self.compact_if_due(writer);
        }
        for (waiter, outcome) in answers {
            let outcome = outcome
                .map_err(Failure::from)
                .and_then(|()| Ok(kept.clone()?));
            waiter.done(outcome);
        }
    }

    fn keep(&self, writer: &mut Writer, changes: &[Change]) -> Result<(), Unavailable> {
        let kept = if changes.is_empty() {
            Ok(())
        } else {
            writer.keep(changes)
        };
        if let Some(persistence) = &writer.persistence {
            self.set_status(persistence.status());
        }
        kept.map_err(|error| Unavailable::NotStored(error.to_string()))
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            check: self.options.check,
            limits: &self.options.limits,
            own: &self.options.own_families,
        }
    }

    fn compact_if_due(&self, writer: &mut Writer) {
        if let Some(persistence) = &mut writer.persistence
            && writer.unkept.as_ref().is_none_or(Unkept::is_empty)
            && persistence.compaction_due()
        {
            persistence.compact(Box::new(state::changes(&self.published())));
        }
    }

    /// Gives the persistence a moment: to put a compaction into place, or to recover from a failure.
    fn look_after(&self, writer: &mut Writer) {
        if let Some(persistence) = &mut writer.persistence {
            persistence.poll();
            if persistence.status().last_error.is_some() {
                // Whether it worked is in the status.
                let _ = persistence.commit(&[]);
            }
            self.set_status(persistence.status());
        }
    }

    /// Keeps what was changed since the last write.
    fn keep_now(&self, writer: &mut Writer) -> Result<(), PersistenceError> {
        let Some(unkept) = writer.unkept.as_mut().filter(|unkept| !unkept.is_empty()) else {
            return Ok(());
        };
        let changes = unkept.changes(&self.published());
        let Some(persistence) = &mut writer.persistence else {
            return Ok(());
        };
        let kept = persistence.commit(&changes);
        if kept.is_ok() {
            *unkept = Unkept::default();
        }
        self.set_status(persistence.status());
        self.compact_if_due(writer);
        kept
    }
}

impl Writer {
    /// Keeps changes now, or notes what is to be kept later.
    fn keep(&mut self, changes: &[Change]) -> Result<(), PersistenceError> {
        match (&mut self.unkept, &mut self.persistence) {
            (Some(unkept), _) => {
                for change in changes {
                    unkept.note(change);
                }
                Ok(())
            }
            (None, Some(persistence)) => persistence.commit(changes),
            (None, None) => Ok(()),
        }
    }
}
