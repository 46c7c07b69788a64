//! Why a persistence file cannot be used, in one line that says what to do.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::frame::VERSION;

/// Why a persistence file cannot be used. It was left as it was.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "persistence file {} is in use by another process: stop that, or name another file with --persistence.file",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A later version wrote it.
    #[error(
        "persistence file {} has format version {version}, this program reads up to {VERSION}: \
         run the newer program that wrote it, or name another file with --persistence.file",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format's version.
        version: u32,
    },
    /// A later version wrote a record that must not be passed over.
    #[error(
        "persistence file {} holds records that this program does not know ({problem}): \
         run the newer program that wrote it, or name another file with --persistence.file",
        path.display()
    )]
    NewerRecord {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// It is something else.
    #[error(
        "persistence file {} is {what}, not a persistence file: name another file with --persistence.file",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The file is missing, but a copy that was being made of it is there.
    #[error(
        "persistence file {} is missing although its unfinished copy {} is there: \
         put the file back, or remove the copy to start without any groups",
        path.display(),
        copy.display()
    )]
    HalfDone {
        /// The file.
        path: PathBuf,
        /// The copy.
        copy: PathBuf,
    },
    /// Its folder is missing.
    #[error(
        "folder {} of the persistence file is missing: create it, or name another file with --persistence.file",
        folder.display()
    )]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing can be written there for lack of rights.
    #[error(
        "persistence file {} cannot be written: {source}: \
         make it and its folder writable for the user that this program runs as, \
         or name another file with --persistence.file",
        path.display()
    )]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Nothing can be written there for lack of space.
    #[error(
        "the volume of persistence file {} is full ({source}): make room on it, \
         or name another file with --persistence.file",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Anything else.
    #[error(
        "persistence file {} cannot be used: {source}: mend that, or name another file with --persistence.file",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl OpenError {
    /// The variant that tells best what to do about this error.
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path, source },
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                Self::NotWritable { path, source }
            }
            _ => Self::Io { path, source },
        }
    }
}
