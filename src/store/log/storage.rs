//! The few file operations that the log needs: real ones here, simulated ones in its tests.

use std::fmt;
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Only the gateway's own user may read what was pushed; the Go Pushgateway does the same.
const MODE: u32 = 0o600;

/// A place for files.
pub trait Storage: fmt::Debug + Send + Sync {
    /// The path with symbolic links followed, so that a rename replaces the file and not a link to it.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;
    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Makes an empty file; an error if the name is taken.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Takes the lock on a lock file, made if missing; `None` if another process has it. The lock ends with the
    /// value, or with the process however that ends.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
    /// What is at this path, if anything is.
    fn look(&self, path: &Path) -> io::Result<Option<Entry>>;
    /// Gives a file another name, in place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name; an error if that is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes names durable: all of the folder that this file is in.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// Bytes that can be read anywhere.
pub trait Source {
    /// Reads at least one byte unless there are none at this offset.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// An open file.
pub trait File: Source + fmt::Debug + Send {
    /// What it is, whatever name it has by now.
    fn entry(&self) -> io::Result<Entry>;
    /// Writes all of the bytes at this offset.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// A lock that is held.
pub trait Lock: fmt::Debug + Send {}

/// What a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Tells this file from all others: device and inode.
    pub id: (u64, u64),
    /// Its length.
    pub len: u64,
    /// Folder, device or file.
    pub kind: EntryKind,
}

/// Whether an entry is a file at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder, device, socket or pipe.
    Other,
}

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Storage for Disk {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_path_buf()),
            resolved => resolved,
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(
            OpenOptions::new().read(true).write(true).open(path)?,
        ))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(MODE);
        Ok(Box::new(options.open(path)?))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(MODE);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn look(&self, path: &Path) -> io::Result<Option<Entry>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Entry::from(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        fs::File::open(folder(path))?.sync_all()
    }
}

impl Source for fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match FileExt::read_at(self, buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl File for fs::File {
    fn entry(&self) -> io::Result<Entry> {
        Ok(Entry::from(&self.metadata()?))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

impl Lock for fs::File {}

impl Source for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        let read = buffer.len().min(self.len() - start);
        buffer[..read].copy_from_slice(&self[start..start + read]);
        Ok(read)
    }
}

impl From<&fs::Metadata> for Entry {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            id: (metadata.dev(), metadata.ino()),
            len: metadata.len(),
            kind: if metadata.is_file() {
                EntryKind::File
            } else {
                EntryKind::Other
            },
        }
    }
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
