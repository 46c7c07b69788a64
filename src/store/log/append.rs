//! Appending a commit, and what happens when that fails.

use std::io;

use super::frame::{FILE_HEADER, FileHeader, SEAL};
use super::storage::File;
use super::{Log, Standing};
use crate::store::persistence::PersistenceError;
use crate::store::{Change, record};

/// A buffer that grew past this for one commit is given back.
const MAX_IDLE_BUFFER: usize = 1 << 20;

impl Log {
    /// Appends the changes as one commit, or a seal if there are none.
    pub(super) fn append(&mut self, changes: &[Change]) -> Result<(), PersistenceError> {
        match self.standing {
            Standing::Sound => self.check_in_place(self.end)?,
            Standing::Doubtful => self.recover()?,
            Standing::Gone => return Err(self.gone()),
            Standing::Closed => {
                return Err(PersistenceError::Closed {
                    path: self.names.file.clone(),
                });
            }
        }
        self.encode(changes);
        let end = self.end + self.buffer.len() as u64;
        if let Err(error) = self.write_and_sync(end) {
            if self.standing != Standing::Gone {
                self.standing = Standing::Doubtful;
                // The sooner it is undone, the less a crash can bring back. If this fails too, the next commit tries.
                let _ = self.recover();
            }
            return Err(error);
        }
        self.end = end;
        self.framer.next_commit += 1;
        self.is_sealed = changes.is_empty();
        self.status.file_bytes = self.end;
        Ok(())
    }

    fn encode(&mut self, changes: &[Change]) {
        self.buffer.clear();
        self.buffer.shrink_to(MAX_IDLE_BUFFER);
        if changes.is_empty() {
            self.framer
                .append(&mut self.buffer, (0, 1), |out| out.push(SEAL));
        }
        let count = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        for (index, change) in (0..count).zip(changes) {
            self.framer.append(&mut self.buffer, (index, count), |out| {
                record::encode(change, out);
            });
        }
    }

    fn write_and_sync(&mut self, end: u64) -> Result<(), PersistenceError> {
        let written = self.file.write_all_at(&self.buffer, self.end);
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|source| self.write_error(source))?;
        self.check_in_place(end)
    }

    /// What goes to a file that has lost its name, or behind a hole that somebody cut, is lost after a restart.
    pub(super) fn check_in_place(&mut self, len: u64) -> Result<(), PersistenceError> {
        match self.storage.look(&self.names.file) {
            Ok(Some(named)) if named.id == self.id && named.len == len => Ok(()),
            Ok(_) => {
                self.standing = Standing::Gone;
                Err(self.gone())
            }
            Err(source) => {
                self.standing = Standing::Doubtful;
                Err(self.write_error(source))
            }
        }
    }

    /// Makes the file end at `end` again, by a handle that has not failed.
    fn recover(&mut self) -> Result<(), PersistenceError> {
        match self.reopen() {
            Ok(Some(file)) => {
                self.file = file;
                self.standing = Standing::Sound;
                Ok(())
            }
            Ok(None) => {
                self.standing = Standing::Gone;
                Err(self.gone())
            }
            Err(source) => Err(self.write_error(source)),
        }
    }

    /// The file, cut to what counts; `None` if it is not there or not ours.
    fn reopen(&mut self) -> io::Result<Option<Box<dyn File>>> {
        let file = match self.storage.open(&self.names.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut header = [0; FILE_HEADER];
        let read = file.read_at(&mut header, 0)?;
        let entry = file.entry()?;
        let is_ours = FileHeader::decode(&header[..read]) == FileHeader::Sound(self.framer.marker)
            && entry.id == self.id
            && entry.len >= self.end;
        if !is_ours {
            return Ok(None);
        }
        file.set_len(self.end)?;
        file.sync_data()?;
        self.storage.sync_folder(&self.names.file)?;
        Ok(Some(file))
    }

    fn gone(&self) -> PersistenceError {
        PersistenceError::Gone {
            path: self.names.file.clone(),
        }
    }

    fn write_error(&self, source: io::Error) -> PersistenceError {
        PersistenceError::Write {
            path: self.names.file.clone(),
            source,
        }
    }
}
