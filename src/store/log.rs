//! The append-only log in the persistence file.
//!
//! A commit appends its changes as records, syncs once, and only then counts. What is known to be on disk ends at
//! [`Log::end`]; nothing after it is ever relied on. When a write or a sync fails, its file handle is given up (the
//! kernel may have dropped what it could not write, and tells so only once): before the next commit the file is opened
//! anew, cut back to `end` and synced, so that what was answered as failed is gone for good. If the file is no longer
//! there or no longer ours, it is written anew from a snapshot, which is what a compaction does anyway.
//!
//! `docs/persistence-format.md` describes the file.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Change;
use super::persistence::{Persistence, PersistenceError, Snapshot, Status};

mod append;
mod compaction;
mod draft;
mod error;
mod frame;
mod keep;
mod names;
mod open;
mod reader;
mod repair;
mod replay;
mod snapshot;
pub mod storage;

pub use error::OpenError;
pub use open::{Loaded, Opened};
pub use snapshot::{SnapshotError, is_snapshot, read_snapshot, write_snapshot};

use compaction::Compaction;
use draft::Draft;
use frame::Framer;
use names::Names;
use storage::{Disk, File, Lock, Storage};

/// A file below this size is not worth compacting.
const MIN_COMPACTION: u64 = 4 << 20;

/// The open persistence file.
pub struct Log {
    storage: Arc<dyn Storage>,
    names: Names,
    file: Box<dyn File>,
    /// Tells the file from another one that was put in its place.
    id: (u64, u64),
    framer: Framer,
    /// Everything before is on disk and counts.
    end: u64,
    standing: Standing,
    /// Whether the last record on disk is a seal.
    is_sealed: bool,
    /// Encoded changes on their way to the file.
    buffer: Vec<u8>,
    compaction: Option<Compaction>,
    /// The file is to be compacted once it is longer.
    compact_beyond: u64,
    status: Status,
    /// Held as long as the log is.
    lock: Option<Box<dyn Lock>>,
}

/// Whether the file can be appended to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    /// It ends at `end`.
    Sound,
    /// There may be something after `end`, or its name may not be durable, and the handle is not to be trusted.
    Doubtful,
    /// It is lost, and needs to be written anew.
    Gone,
    /// The log was closed.
    Closed,
}

impl Log {
    /// Opens a persistence file on the real file system. Fast; what is in it is read by [`Opened::load`].
    pub fn open(path: &Path) -> Result<Opened, OpenError> {
        Opened::open(Arc::new(Disk), path)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.names.file
    }

    /// The log in a file that was just made or read, and that is durable to its end.
    fn new(storage: Arc<dyn Storage>, names: Names, lock: Box<dyn Lock>, start: Start) -> Self {
        let mut log = Self {
            storage,
            names,
            file: start.file,
            id: start.id,
            framer: start.framer,
            end: start.end,
            standing: Standing::Sound,
            is_sealed: start.is_sealed,
            buffer: Vec::new(),
            compaction: None,
            compact_beyond: 0,
            status: start.status,
            lock: Some(lock),
        };
        log.status.file_bytes = log.end;
        log.plan_compaction(log.status.live_bytes);
        log
    }

    fn plan_compaction(&mut self, live: u64) {
        self.compact_beyond = (2 * live).max(MIN_COMPACTION);
    }

    fn note(&mut self, result: &Result<(), PersistenceError>) {
        match result {
            Ok(()) => self.status.last_error = None,
            Err(error) => {
                self.status.failed_commits += 1;
                self.status.last_error = Some(error.to_string());
            }
        }
    }
}

impl Persistence for Log {
    fn commit(&mut self, changes: &[Change]) -> Result<(), PersistenceError> {
        self.finish_compaction_if_ready();
        if changes.is_empty() && self.standing == Standing::Sound {
            return Ok(());
        }
        let result = self.append(changes);
        self.note(&result);
        result
    }

    fn compaction_due(&self) -> bool {
        let is_wanted = match self.standing {
            Standing::Sound => self.end > self.compact_beyond,
            Standing::Gone => true,
            Standing::Doubtful | Standing::Closed => false,
        };
        is_wanted && self.compaction.is_none()
    }

    fn compact(&mut self, snapshot: Snapshot) {
        if self.compaction.is_none() && self.standing != Standing::Closed {
            self.begin_compaction(snapshot);
        }
    }

    fn poll(&mut self) {
        self.finish_compaction_if_ready();
        if self.standing == Standing::Sound {
            // What is wrong is remembered in `standing`, and told by the next commit.
            let _ = self.check_in_place(self.end);
        }
    }

    fn status(&self) -> Status {
        self.status.clone()
    }

    fn close(&mut self) -> Result<(), PersistenceError> {
        if self.standing == Standing::Gone {
            self.finish_compaction();
        } else {
            self.abandon_compaction();
        }
        let closed = match self.standing {
            Standing::Closed => return Ok(()),
            Standing::Sound if self.is_sealed => self.check_in_place(self.end),
            Standing::Sound | Standing::Doubtful | Standing::Gone => self.append(&[]),
        };
        if self.standing != Standing::Gone {
            self.standing = Standing::Closed;
            self.lock = None;
        }
        closed
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Whoever wants to know whether it worked calls `close`.
        let _ = self.close();
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("path", &self.names.file)
            .field("end", &self.end)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

/// What a log starts from.
#[derive(Debug)]
struct Start {
    file: Box<dyn File>,
    id: (u64, u64),
    framer: Framer,
    end: u64,
    is_sealed: bool,
    status: Status,
}

impl Start {
    /// From a file that was just written.
    fn from_draft(draft: Draft, status: Status) -> io::Result<Self> {
        Ok(Self {
            id: draft.file.entry()?.id,
            end: draft.len(),
            framer: draft.framer,
            file: draft.file,
            is_sealed: true,
            status,
        })
    }
}

#[cfg(test)]
mod tests;
