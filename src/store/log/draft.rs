//! A log file in the making, under a name of its own until it is complete.

use std::io;
use std::path::{Path, PathBuf};

use super::frame::{FileHeader, Framer, Marker, RecordHeader, SEAL, SNAPSHOT_END};
use super::storage::{File, Storage};
use crate::store::{Change, record};

/// Written at once.
const CHUNK: usize = 1 << 20;

/// A new log file. Each change is a commit of its own in it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) file: Box<dyn File>,
    pub(super) framer: Framer,
    /// Bytes in the file.
    written: u64,
    /// Bytes that will follow them.
    buffer: Vec<u8>,
    path: PathBuf,
}

impl Draft {
    /// Begins a file at this path, in place of whatever was left there.
    pub(super) fn create(storage: &dyn Storage, path: &Path) -> io::Result<Self> {
        remove_if_there(storage, path)?;
        let framer = Framer {
            marker: Marker::random(),
            next_commit: 1,
        };
        Ok(Self {
            file: storage.create(path)?,
            framer,
            written: 0,
            buffer: FileHeader::encode(framer.marker).to_vec(),
            path: path.to_path_buf(),
        })
    }

    /// Appends a change.
    pub(super) fn append(&mut self, change: &Change) -> io::Result<()> {
        self.append_with(|out| record::encode(change, out))
    }

    /// Appends a payload.
    pub(super) fn append_payload(&mut self, payload: &[u8]) -> io::Result<()> {
        self.append_with(|out| out.extend_from_slice(payload))
    }

    /// Tells readers that everything before is a snapshot, none of it out of date; gives the length up to here.
    pub(super) fn end_snapshot(&mut self) -> io::Result<u64> {
        self.append_payload(&[SNAPSHOT_END])?;
        Ok(self.len())
    }

    /// Proves to a reader that everything before was complete.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        self.append_payload(&[SEAL])
    }

    /// Appends a record of another log as it stands there, commit boundaries included.
    pub(super) fn carry(&mut self, header: RecordHeader, payload: &[u8]) -> io::Result<()> {
        let position = (header.index, header.count);
        self.framer.append(&mut self.buffer, position, |out| {
            out.extend_from_slice(payload);
        });
        if header.index + 1 == header.count {
            self.framer.next_commit += 1;
        }
        self.flush_if_full()
    }

    fn append_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.framer.append(&mut self.buffer, (0, 1), write);
        self.framer.next_commit += 1;
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.buffer.len() < CHUNK {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(CHUNK);
        Ok(())
    }

    /// Length of the file once everything is written.
    pub(super) fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Makes what there is durable, though not yet its name.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data()
    }

    /// Makes everything durable and gives it the name. The caller must sync the folder before it relies on that.
    pub(super) fn rename(&mut self, storage: &dyn Storage, to: &Path) -> io::Result<()> {
        self.sync()?;
        storage.rename(&self.path, to)?;
        self.path = to.to_path_buf();
        Ok(())
    }
}

/// Removes a file that may be missing.
pub(super) fn remove_if_there(storage: &dyn Storage, path: &Path) -> io::Result<()> {
    match storage.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
