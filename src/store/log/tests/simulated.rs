//! A file system in memory that loses, tears and reorders what was not synced, and fails on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::*;
use crate::store::log::storage::{Entry, EntryKind, Source};

mod changes;

pub(super) use changes::Random;
use changes::{DataChange, Inode, NameChange};

/// The file system; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Simulated(Arc<Mutex<State>>);

/// Everything about it at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    inodes: Vec<Inode>,
    /// Names as processes see them.
    names: BTreeMap<PathBuf, usize>,
    /// Names after a crash.
    durable_names: BTreeMap<PathBuf, usize>,
    /// What happened to names since the folder was synced.
    name_changes: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    has_no_links: bool,
    operations: usize,
    faults: Vec<Fault>,
    history: Option<Vec<Moment>>,
    /// What the test was promised so far.
    promised: usize,
}

/// What the test may come back to.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) state: State,
    pub(super) promised: usize,
}

/// An operation that fails, by its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) operation: usize,
    pub(super) kind: ErrorKind,
    pub(super) effect: Effect,
}

/// How much of a failing operation happens nevertheless.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    None,
    Half,
    Whole,
}

/// What of the unsynced changes a crash leaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Survivors {
    None,
    All,
    /// Names as given by these bits, and no data.
    Names(u32),
    /// All, but of the last write only the bytes before this one.
    Before(usize),
    /// All, but of the last write only the bytes from this one on.
    From(usize),
    /// Any mixture of pieces.
    Random(u64),
}

impl Simulated {
    pub(super) fn from_state(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn put(&self, path: &Path, content: &[u8]) {
        let mut state = self.state();
        let inode = state.inodes.len();
        state.inodes.push(Inode {
            content: content.to_vec(),
            durable: content.to_vec(),
            changes: Vec::new(),
        });
        state.names.insert(path.to_path_buf(), inode);
        state.durable_names.insert(path.to_path_buf(), inode);
    }

    pub(super) fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(path)?;
        Some(state.inodes[*inode].content.clone())
    }

    pub(super) fn names(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    pub(super) fn operations(&self) -> usize {
        self.state().operations
    }

    pub(super) fn record(&self) {
        self.state().history = Some(Vec::new());
    }

    pub(super) fn history(&self) -> Vec<Moment> {
        let mut state = self.state();
        let mut history = state.history.take().unwrap();
        history.push(Moment {
            promised: state.promised,
            state: state.clone(),
        });
        history
    }

    pub(super) fn promise(&self, promised: usize) {
        self.state().promised = promised;
    }

    pub(super) fn fail(&self, faults: Vec<Fault>) {
        self.state().faults = faults;
    }

    pub(super) fn refuse_links(&self) {
        self.state().has_no_links = true;
    }

    /// What a restart of the machine finds.
    pub(super) fn crashed(&self, survivors: Survivors) -> Self {
        Self::from_state(self.state().crashed(survivors))
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        let state = self.state();
        state
            .names
            .get(path)
            .copied()
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Counts an operation, and does as much of it as the faults allow.
    fn operate<T>(
        &self,
        operation: impl FnOnce(&mut State, Effect) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        if state.history.is_some() {
            let moment = Moment {
                promised: state.promised,
                state: State {
                    history: None,
                    ..state.clone()
                },
            };
            state
                .history
                .iter_mut()
                .for_each(|history| history.push(moment.clone()));
        }
        let number = state.operations;
        state.operations += 1;
        let fault = state
            .faults
            .iter()
            .find(|fault| fault.operation == number)
            .copied();
        match fault {
            None => operation(&mut state, Effect::Whole),
            Some(fault) => {
                if fault.effect != Effect::None {
                    let _ = operation(&mut state, fault.effect);
                }
                Err(fault.kind.into())
            }
        }
    }
}

impl State {
    pub(super) fn crashed(&self, survivors: Survivors) -> Self {
        let mut random = Random::new(match survivors {
            Survivors::Random(seed) => seed,
            _ => 0,
        });
        let mut crashed = Self {
            inodes: self.inodes.clone(),
            durable_names: self.durable_names.clone(),
            ..Self::default()
        };
        for (at, change) in self.name_changes.iter().enumerate() {
            let survives = match survivors {
                Survivors::None => false,
                Survivors::Names(bits) => bits >> at & 1 == 1,
                Survivors::Random(_) => random.below(2) == 1,
                Survivors::All | Survivors::Before(_) | Survivors::From(_) => true,
            };
            if survives {
                change.apply(&mut crashed.durable_names);
            }
        }
        for inode in &mut crashed.inodes {
            inode.crash(survivors, &mut random);
        }
        crashed.names = crashed.durable_names.clone();
        crashed
    }

    /// What the next process finds if only the last one is gone.
    pub(super) fn killed(&self) -> Self {
        Self {
            locks: BTreeSet::new(),
            faults: Vec::new(),
            history: None,
            ..self.clone()
        }
    }

    pub(super) fn unsynced_names(&self) -> usize {
        self.name_changes.len()
    }

    /// Length of the longest last write of a file that was not synced.
    pub(super) fn unsynced_bytes(&self) -> usize {
        let last = |inode: &Inode| match inode.changes.last() {
            Some(DataChange::Write(_, bytes)) => bytes.len(),
            _ => 0,
        };
        self.inodes.iter().map(last).max().unwrap_or(0)
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl Storage for Simulated {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.operate(|_, _| Ok(()))?;
        Ok(Box::new(Handle {
            inode: self.inode(path)?,
            storage: self.clone(),
            has_failed: AtomicBool::new(false),
        }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = self.operate(|state, _| {
            if state.names.contains_key(path) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let inode = state.inodes.len();
            state.inodes.push(Inode::default());
            state.change_name(NameChange::Set(path.to_path_buf(), inode));
            Ok(inode)
        })?;
        Ok(Box::new(Handle {
            inode,
            storage: self.clone(),
            has_failed: AtomicBool::new(false),
        }))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let is_free = self.operate(|state, _| Ok(state.locks.insert(path.to_path_buf())))?;
        let lock = || -> Box<dyn Lock> { Box::new(Held(self.clone(), path.to_path_buf())) };
        Ok(is_free.then(lock))
    }

    fn look(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.operate(|state, _| {
            let found = state.names.get(path);
            Ok(found.map(|&inode| entry(inode, &state.inodes[inode])))
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.inode(from)?;
        self.operate(|state, _| {
            let [from, to] = [from, to].map(Path::to_path_buf);
            state.change_name(NameChange::Rename(from, to, inode));
            Ok(())
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.inode(from)?;
        self.operate(|state, _| {
            if state.has_no_links {
                return Err(ErrorKind::PermissionDenied.into());
            }
            if state.names.contains_key(to) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            state.change_name(NameChange::Set(to.to_path_buf(), inode));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate(|state, _| {
            if !state.names.contains_key(path) {
                return Err(ErrorKind::NotFound.into());
            }
            state.change_name(NameChange::Unset(path.to_path_buf()));
            Ok(())
        })
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.operate(|state, effect| {
            let all = state.name_changes.len();
            let synced = if effect == Effect::Half { all / 2 } else { all };
            for change in state.name_changes.drain(..synced) {
                change.apply(&mut state.durable_names);
            }
            Ok(())
        })
    }
}

fn entry(inode: usize, content: &Inode) -> Entry {
    Entry {
        id: (0, inode as u64),
        len: content.content.len() as u64,
        kind: EntryKind::File,
    }
}

/// A lock until it is dropped.
#[derive(Debug)]
struct Held(Simulated, PathBuf);

impl Lock for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state().locks.remove(&self.1);
    }
}

/// An open file.
#[derive(Debug)]
struct Handle {
    inode: usize,
    storage: Simulated,
    /// From then on it tells lies: its syncs succeed without doing anything.
    has_failed: AtomicBool,
}

impl Handle {
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Source for Handle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.storage
            .operate(|state, _| state.inodes[self.inode].content[..].read_at(buffer, offset))
    }
}

impl File for Handle {
    fn entry(&self) -> io::Result<Entry> {
        let state = self.storage.state();
        Ok(entry(self.inode, &state.inodes[self.inode]))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let written = self.storage.operate(|state, effect| {
            let length = match effect {
                Effect::Half => bytes.len() / 2,
                Effect::None | Effect::Whole => bytes.len(),
            };
            let offset = usize::try_from(offset).unwrap();
            let write = DataChange::Write(offset, bytes[..length].to_vec());
            state.inodes[self.inode].change(write);
            Ok(())
        });
        self.note(written)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.storage.operate(|state, _| {
            let cut = DataChange::SetLen(usize::try_from(len).unwrap());
            state.inodes[self.inode].change(cut);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.has_failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let synced = self.storage.operate(|state, effect| {
            let inode = &mut state.inodes[self.inode];
            match effect {
                Effect::Half => inode.sync_half(),
                Effect::None | Effect::Whole => inode.sync(),
            }
            Ok(())
        });
        self.note(synced)
    }
}
