//! What the store asks of whatever keeps its changes.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Change;

/// All groups at one moment, one [`Change::Group`] each.
pub type Snapshot = Box<dyn Iterator<Item = Change> + Send>;

/// Keeps changes so that a restart finds them again. Owned by the one thread that writes.
pub trait Persistence: Send {
    /// Keeps these changes, in this order. `Ok` means that they survive a crash from now on, all of them. After
    /// an error none of them counts, the next commit tries to recover first, and none of them comes back in the
    /// company of a later one.
    ///
    /// A commit of no changes tells whether changes could be kept: free of cost while all is well, a trial write
    /// after a failure.
    fn commit(&mut self, changes: &[Change]) -> Result<(), PersistenceError>;

    /// Whether [`Self::compact`] should be called now.
    fn compaction_due(&self) -> bool;

    /// Begins to replace what is kept by this snapshot, which must equal everything committed so far. Returns at
    /// once; commits go on meanwhile, and one of them, or [`Self::poll`], puts the result into place.
    fn compact(&mut self, snapshot: Snapshot);

    /// Puts a finished compaction into place, if there is one, and looks whether all is well. For the writer's idle
    /// moments.
    fn poll(&mut self);

    /// How things stand, for metrics.
    fn status(&self) -> Status;

    /// Ends the work in an orderly way. Nothing can be committed afterwards, unless it fails with
    /// [`PersistenceError::Gone`]: then it is still open, and [`Self::compact`] and another `close` bring the file back.
    fn close(&mut self) -> Result<(), PersistenceError>;
}

/// How a [`Persistence`] is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Size of what is kept.
    pub file_bytes: u64,
    /// Size of it after the last compaction, that is without changes that were overtaken by later ones.
    pub live_bytes: u64,
    /// Compactions that were put into place.
    pub compactions: u64,
    /// Commits that failed.
    pub failed_commits: u64,
    /// Why the last commit failed; absent once one has succeeded again.
    pub last_error: Option<String>,
    /// Why the last compaction failed; absent once one has succeeded again.
    pub compaction_error: Option<String>,
    /// Damaged stretches that the start found; what was in them is lost.
    pub damages: u64,
    /// Bytes in them.
    pub damaged_bytes: u64,
    /// Where the start has put the file as it found it, damaged.
    pub set_aside: Option<PathBuf>,
}

/// Why changes were not kept.
#[derive(Debug, Error)]
pub enum PersistenceError {
    /// Reading, writing or syncing failed.
    #[error("cannot write persistence file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is no longer the one that was written to.
    #[error(
        "persistence file {} was removed, replaced or cut by somebody else; it is being written anew",
        path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// It was closed before.
    #[error("persistence file {} is closed", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
}

/// Keeps nothing: for a gateway without a persistence file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Persistence for Forgetful {
    fn commit(&mut self, _: &[Change]) -> Result<(), PersistenceError> {
        Ok(())
    }

    fn compaction_due(&self) -> bool {
        false
    }

    fn compact(&mut self, _: Snapshot) {}

    fn poll(&mut self) {}

    fn status(&self) -> Status {
        Status::default()
    }

    fn close(&mut self) -> Result<(), PersistenceError> {
        Ok(())
    }
}
