//! Replaces the log by one that holds the present state only, while commits go on.
//!
//! A thread writes the snapshot to a new file, then carries over what was committed meanwhile, until little is left,
//! and syncs. The writer, within one of its commits, carries over the rest, syncs, renames and syncs the folder.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::draft::{Draft, remove_if_there};
use super::frame::Framer;
use super::keep::keep;
use super::reader::{Found, Reader};
use super::storage::{File, Storage};
use super::{Log, MIN_COMPACTION, Names, Standing};
use crate::store::persistence::Snapshot;

/// The thread stops carrying over when no more than this is left: the writer does it in about a millisecond.
const SMALL_REST: u64 = 1 << 20;
/// It also stops after so many rounds, in case that pushes come faster than it writes.
const MAX_ROUNDS: u32 = 16;

/// A compaction at work.
#[derive(Debug)]
pub(super) struct Compaction {
    worker: JoinHandle<io::Result<Compacted>>,
    /// End of what is committed to the present file.
    end: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

/// What the thread has made.
#[derive(Debug)]
struct Compacted {
    draft: Draft,
    live_bytes: u64,
    /// What lies after this in the present file is still to be carried over.
    carried_to: u64,
}

/// What the thread works with.
struct Work {
    storage: Arc<dyn Storage>,
    names: Names,
    /// Of the present file.
    framer: Framer,
    from: u64,
    end: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Log {
    pub(super) fn begin_compaction(&mut self, snapshot: Snapshot) {
        let end = Arc::new(AtomicU64::new(self.end));
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work {
            storage: Arc::clone(&self.storage),
            names: self.names.clone(),
            framer: self.framer,
            from: self.end,
            end: Arc::clone(&end),
            stop: Arc::clone(&stop),
        };
        let spawned = thread::Builder::new()
            .name("compaction".into())
            .spawn(move || work.run(snapshot));
        match spawned {
            Ok(worker) => self.compaction = Some(Compaction { worker, end, stop }),
            Err(error) => self.compaction_failed(&error),
        }
    }

    pub(super) fn finish_compaction_if_ready(&mut self) {
        let Some(compaction) = &self.compaction else {
            return;
        };
        compaction.end.store(self.end, Ordering::Release);
        if compaction.worker.is_finished() {
            self.finish_compaction();
        }
    }

    /// Waits for the compaction at work, if there is one, and puts its result into place.
    pub(super) fn finish_compaction(&mut self) {
        let Some(compaction) = self.compaction.take() else {
            return;
        };
        let finished = match compaction.worker.join() {
            Ok(worked) => worked.and_then(|compacted| self.put_into_place(compacted)),
            Err(_) => Err(io::Error::other("the compaction panicked")),
        };
        if let Err(error) = finished {
            self.compaction_failed(&error);
        }
    }

    pub(super) fn abandon_compaction(&mut self) {
        let Some(compaction) = self.compaction.take() else {
            return;
        };
        compaction.stop.store(true, Ordering::Release);
        // What it made, if anything, is removed now or at the next start.
        let _ = compaction.worker.join();
        let _ = remove_if_there(&*self.storage, &self.names.rewriting);
    }

    fn compaction_failed(&mut self, error: &io::Error) {
        // The space may be needed. What cannot be removed now is removed before the next compaction.
        let _ = remove_if_there(&*self.storage, &self.names.rewriting);
        self.status.compaction_error = Some(format!(
            "cannot compact persistence file {}: {error}",
            self.names.file.display()
        ));
        // Without a clock, growth is what tells that it is time to try again.
        self.compact_beyond = self.end + (self.end / 4).max(MIN_COMPACTION);
    }

    fn put_into_place(&mut self, compacted: Compacted) -> io::Result<()> {
        let Compacted {
            mut draft,
            live_bytes,
            carried_to,
        } = compacted;
        if self.standing != Standing::Gone {
            let rest = carried_to..self.end;
            carry_over(&*self.file, self.framer, rest, &mut draft)?;
        }
        draft.seal()?;
        draft.sync()?;
        let id = draft.file.entry()?.id;
        self.keep_strangers_file()?;
        draft.rename(&*self.storage, &self.names.file)?;
        // From here on the new file is the one that counts, and it is complete; but as long as its name is not
        // durable a crash may bring back the old one, so nothing may be committed.
        self.end = draft.len();
        self.id = id;
        self.framer = draft.framer;
        self.file = draft.file;
        self.is_sealed = true;
        self.standing = Standing::Doubtful;
        self.status.file_bytes = self.end;
        self.status.live_bytes = live_bytes;
        self.status.compactions += 1;
        self.plan_compaction(live_bytes);
        self.storage.sync_folder(&self.names.file)?;
        self.standing = Standing::Sound;
        self.status.compaction_error = None;
        Ok(())
    }

    /// A file that somebody has put in the place of ours is not ours to overwrite.
    fn keep_strangers_file(&mut self) -> io::Result<()> {
        let Some(named) = self.storage.look(&self.names.file)? else {
            return Ok(());
        };
        if named.len > 0 && named.id != self.id {
            let kept = keep(&*self.storage, &self.names.file, self.names.damaged())?;
            self.status.set_aside = Some(kept);
        }
        Ok(())
    }
}

impl Work {
    fn run(self, snapshot: Snapshot) -> io::Result<Compacted> {
        let mut draft = Draft::create(&*self.storage, &self.names.rewriting)?;
        for change in snapshot {
            if self.stop.load(Ordering::Acquire) {
                return Err(io::Error::other("the log was closed"));
            }
            draft.append(&change)?;
        }
        let live_bytes = draft.end_snapshot()?;
        let carried_to = self.carry_most(&mut draft)?;
        draft.sync()?;
        Ok(Compacted {
            draft,
            live_bytes,
            carried_to,
        })
    }

    fn carry_most(&self, draft: &mut Draft) -> io::Result<u64> {
        let mut carried_to = self.from;
        for _ in 0..MAX_ROUNDS {
            let end = self.end.load(Ordering::Acquire);
            if end - carried_to <= SMALL_REST || self.stop.load(Ordering::Acquire) {
                break;
            }
            let present = self.storage.open(&self.names.file)?;
            carry_over(&*present, self.framer, carried_to..end, draft)?;
            carried_to = end;
        }
        Ok(carried_to)
    }
}

/// Appends committed records of the present log to the new one.
fn carry_over(
    present: &dyn File,
    framer: Framer,
    range: std::ops::Range<u64>,
    draft: &mut Draft,
) -> io::Result<()> {
    let mut reader = Reader::new(present, framer.marker, range);
    while let Some(found) = reader.next()? {
        match found {
            Found::Record(record) => draft.carry(record.header, record.payload)?,
            Found::Damage(range) => {
                return Err(io::Error::other(format!(
                    "bytes {} to {} cannot be read back",
                    range.start, range.end
                )));
            }
        }
    }
    Ok(())
}
