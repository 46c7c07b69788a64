//! From a path to an open log: what is at the path, whether it may be used, and what is in it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::draft::{Draft, remove_if_there};
use super::error::OpenError;
use super::frame::{FILE_HEADER, FileHeader, Marker};
use super::names::Names;
use super::storage::{EntryKind, File, Lock, Storage, folder};
use crate::store::persistence::Status;
use crate::store::upstream;

/// So much is written, synced and removed again at the start, to learn whether the volume can take a push at all.
const TRIAL: usize = 1 << 16;

/// A persistence file that is locked and recognised, but not yet read.
pub struct Opened {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) names: Names,
    pub(super) lock: Box<dyn Lock>,
    pub(super) file: Box<dyn File>,
    pub(super) content: Content,
}

/// What a persistence file holds, by its first bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Content {
    /// A log.
    Log(Marker),
    /// A log, one copy of whose header is damaged.
    DamagedHeader(Marker),
    /// What the Go Pushgateway has written.
    GoPushgateway,
    /// Nothing that could be recognised: most likely a log whose header is destroyed.
    Unknown,
}

/// What loading a persistence file has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Changes that were loaded.
    pub changes: u64,
    /// Length of the file as it was found.
    pub bytes: u64,
    /// Bytes at its end that a crash had left of a commit that was never acknowledged.
    pub torn_bytes: u64,
    /// Damaged stretches, by their first byte and the one past their last; what was in them is lost, and an older
    /// state of the groups concerned may have come back. In an empty one records are missing without a trace.
    pub damage: Vec<(u64, u64)>,
    /// Where the file has been put as it was found, if it was damaged.
    pub set_aside: Option<PathBuf>,
    /// Where the Go Pushgateway's file has been put, if it was one.
    pub imported_from: Option<PathBuf>,
    /// Why not all of the Go Pushgateway's file could be imported.
    pub import_error: Option<String>,
}

impl Opened {
    /// Locks the file, creates it if there is none, and finds out what it holds.
    pub fn open(storage: Arc<dyn Storage>, path: &Path) -> Result<Self, OpenError> {
        let fail = |source| OpenError::new(path, source);
        let path = storage.resolve(path).map_err(fail)?;
        let names = Names::new(&path);
        // Before anything is put beside it.
        if let Some(EntryKind::Other) = storage.look(&path).map_err(fail)?.map(|entry| entry.kind) {
            let what = "a folder or device";
            return Err(OpenError::Foreign { path, what });
        }
        let lock = take_lock(&*storage, &names)?;
        try_writing(&*storage, &names).map_err(fail)?;
        let found = storage.look(&path).map_err(fail)?;
        if found.is_none_or(|entry| entry.len == 0) {
            refuse_half_done(&*storage, &names)?;
            create(&*storage, &names).map_err(fail)?;
        }
        let file = storage.open(&path).map_err(fail)?;
        let content = recognise(&*file, &path)?;
        for leftover in [&names.rewriting, &names.importing] {
            remove_if_there(&*storage, leftover).map_err(fail)?;
        }
        Ok(Self {
            storage,
            names,
            lock,
            file,
            content,
        })
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("path", &self.names.file)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

fn take_lock(storage: &dyn Storage, names: &Names) -> Result<Box<dyn Lock>, OpenError> {
    let path = &names.file;
    match storage.lock(&names.lock) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(OpenError::Locked { path: path.clone() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(OpenError::NoFolder {
            folder: folder(path).to_path_buf(),
        }),
        Err(source) => Err(OpenError::new(path, source)),
    }
}

fn try_writing(storage: &dyn Storage, names: &Names) -> io::Result<()> {
    remove_if_there(storage, &names.creating)?;
    let trial = storage.create(&names.creating)?;
    let written = trial
        .write_all_at(&vec![0; TRIAL], 0)
        .and_then(|()| trial.sync_data());
    remove_if_there(storage, &names.creating).and(written)
}

/// A copy is only ever made of a file that is there. So somebody has taken the file away, and the copy may be the last
/// that is left of it.
fn refuse_half_done(storage: &dyn Storage, names: &Names) -> Result<(), OpenError> {
    for copy in [&names.importing, &names.rewriting] {
        let found = storage.look(copy);
        if found
            .map_err(|source| OpenError::new(&names.file, source))?
            .is_some()
        {
            return Err(OpenError::HalfDone {
                path: names.file.clone(),
                copy: copy.clone(),
            });
        }
    }
    Ok(())
}

/// An empty log, put into place whole, so that a crash leaves none or a good one. Its name is made durable by the load.
fn create(storage: &dyn Storage, names: &Names) -> io::Result<()> {
    let mut draft = Draft::create(storage, &names.creating)?;
    draft.rename(storage, &names.file)
}

fn recognise(file: &dyn File, path: &Path) -> Result<Content, OpenError> {
    let mut bytes = [0; 512];
    let mut length = 0;
    while length < bytes.len() {
        let read = file
            .read_at(&mut bytes[length..], length as u64)
            .map_err(|source| OpenError::new(path, source))?;
        if read == 0 {
            break;
        }
        length += read;
    }
    let bytes = &bytes[..length];
    let path = || path.to_path_buf();
    match FileHeader::decode(&bytes[..length.min(FILE_HEADER)]) {
        FileHeader::Sound(marker) => Ok(Content::Log(marker)),
        FileHeader::Damaged(marker) => Ok(Content::DamagedHeader(marker)),
        FileHeader::Newer(version) => Err(OpenError::Newer {
            path: path(),
            version,
        }),
        FileHeader::Unknown if upstream::is_upstream(bytes) => Ok(Content::GoPushgateway),
        FileHeader::Unknown => match foreign(bytes) {
            Some(what) => Err(OpenError::Foreign { path: path(), what }),
            None => Ok(Content::Unknown),
        },
    }
}

/// What the file clearly is, if it is none of ours. A compressed backup that nobody unpacked must not be taken for a
/// damaged file and put aside, with the gateway starting empty.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let begins_with: [(&[u8], &str); 8] = [
        (b"\x1f\x8b", "gzip data"),
        (b"\x28\xb5\x2f\xfd", "zstd data"),
        (b"\xfd7zXZ\0", "xz data"),
        (b"BZh", "bzip2 data"),
        (b"PK\x03\x04", "a zip archive"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x7fELF", "a program"),
        (b"#!", "a script"),
    ];
    let known = begins_with
        .into_iter()
        .find(|(magic, _)| bytes.starts_with(magic));
    let tar = || (bytes.get(257..262) == Some(b"ustar")).then_some("a tar archive");
    known.map(|(_, what)| what).or_else(tar)
}

impl Loaded {
    /// What metrics tell of it.
    pub(super) fn status(&self) -> Status {
        Status {
            damages: self.damage.len() as u64,
            damaged_bytes: self.damage.iter().map(|(from, to)| to - from).sum(),
            set_aside: self.set_aside.clone(),
            ..Status::default()
        }
    }
}
