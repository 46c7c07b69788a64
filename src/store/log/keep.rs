//! Keeping a file that is about to be replaced.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::storage::{File, Storage};

/// Copied at once.
const CHUNK: usize = 1 << 20;

/// Keeps a file under the first of these names that is free, and says which. The caller replaces the file then.
pub(super) fn keep(
    storage: &dyn Storage,
    file: &Path,
    names: impl Iterator<Item = PathBuf>,
) -> io::Result<PathBuf> {
    let id = storage.look(file)?.map(|entry| entry.id);
    for name in names {
        match storage.look(&name)? {
            // A crash came between keeping and replacing.
            Some(entry) if Some(entry.id) == id => {}
            Some(_) => continue,
            None => link_or_copy(storage, file, &name)?,
        }
        storage.sync_folder(file)?;
        return Ok(name);
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn link_or_copy(storage: &dyn Storage, from: &Path, to: &Path) -> io::Result<()> {
    let Err(error) = storage.link(from, to) else {
        return Ok(());
    };
    match error.kind() {
        // Not every file system can give a file two names.
        ErrorKind::Unsupported | ErrorKind::PermissionDenied | ErrorKind::TooManyLinks => {
            copy(&*storage.open(from)?, &*storage.create(to)?)
        }
        _ => Err(error),
    }
}

fn copy(from: &dyn File, to: &dyn File) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let read = from.read_at(&mut buffer, offset)?;
        if read == 0 {
            return to.sync_data();
        }
        to.write_all_at(&buffer[..read], offset)?;
        offset += read as u64;
    }
}
