//! Changes of content and of names that may or may not survive a crash.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Survivors;

#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// As processes see it.
    pub(super) content: Vec<u8>,
    /// As it is after a crash.
    pub(super) durable: Vec<u8>,
    /// What happened since it was synced.
    pub(super) changes: Vec<DataChange>,
}

#[derive(Clone, Debug)]
pub(super) enum DataChange {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Set(PathBuf, usize),
    Unset(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Set(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Unset(name) => {
                names.remove(name);
            }
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

impl Inode {
    pub(super) fn change(&mut self, change: DataChange) {
        change.apply(&mut self.content);
        self.changes.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.changes.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// As Linux does it: what could not be written is no longer to be written, though still to be read.
    pub(super) fn sync_half(&mut self) {
        let changes = self.changes.drain(..).collect::<Vec<_>>();
        for (at, change) in changes.into_iter().enumerate() {
            match change {
                DataChange::Write(offset, bytes) => {
                    let half = bytes[..bytes.len() / 2].to_vec();
                    DataChange::Write(offset, half).apply(&mut self.durable);
                }
                DataChange::SetLen(_) if at % 2 == 1 => {}
                cut @ DataChange::SetLen(_) => cut.apply(&mut self.durable),
            }
        }
    }

    pub(super) fn crash(&mut self, survivors: Survivors, random: &mut Random) {
        let changes = std::mem::take(&mut self.changes);
        let last = changes.len().wrapping_sub(1);
        for (at, change) in changes.into_iter().enumerate() {
            let is_last = at == last;
            match (survivors, change) {
                (Survivors::None | Survivors::Names(_), _) => {}
                (Survivors::Before(end), DataChange::Write(offset, bytes)) if is_last => {
                    let bytes = bytes[..end.min(bytes.len())].to_vec();
                    DataChange::Write(offset, bytes).apply(&mut self.durable);
                }
                (Survivors::From(start), DataChange::Write(offset, bytes)) if is_last => {
                    let start = start.min(bytes.len());
                    DataChange::Write(offset + start, bytes[start..].to_vec())
                        .apply(&mut self.durable);
                }
                (Survivors::Random(_), DataChange::Write(offset, bytes)) => {
                    let piece = 1 + random.below(64);
                    for (number, bytes) in bytes.chunks(piece).enumerate() {
                        if random.below(2) == 1 {
                            let bytes = bytes.to_vec();
                            DataChange::Write(offset + number * piece, bytes)
                                .apply(&mut self.durable);
                        }
                    }
                }
                (Survivors::Random(_), _) if random.below(2) == 0 => {}
                (_, change) => change.apply(&mut self.durable),
            }
        }
        self.content.clone_from(&self.durable);
    }
}

impl DataChange {
    pub(super) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(_, bytes) if bytes.is_empty() => {}
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::SetLen(len) => content.resize(*len, 0),
        }
    }
}

/// Numbers that look random and are the same every time.
pub(in crate::store::log::tests) struct Random(u64);

impl Random {
    pub(in crate::store::log::tests) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(in crate::store::log::tests) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
