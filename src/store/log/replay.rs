//! Which records of a log count, in view of commits that were cut short and of damage.
//!
//! A commit is written and synced before the next one is begun. So a record of a later commit proves that all before
//! it was on disk: what is missing there was damaged, and the rest of it counts. Only the last commit can have been
//! cut short by a crash, and then nobody was told that it succeeded: it counts as a whole or not at all.

use std::io;
use std::ops::Range;

use super::frame::{RecordHeader, SEAL, SNAPSHOT_END, TRAILER};
use super::reader::{Found, Reader, Record};
use super::storage::Source;

/// What a replay makes of the payloads.
pub(super) trait Sink {
    /// A payload made sense of.
    type Item;
    /// What ends the replay.
    type Error: From<io::Error>;

    /// Makes sense of a payload.
    fn read(&mut self, payload: &[u8]) -> Result<Payload<Self::Item>, Self::Error>;
    /// Takes what counts, in order.
    fn apply(&mut self, item: Self::Item) -> Result<(), Self::Error>;
}

/// What a payload is.
pub(super) enum Payload<T> {
    /// Something that counts.
    Item(T),
    /// Something to be passed over.
    Optional,
    /// Nonsense, although its checksum is right.
    Damaged,
}

/// What a replay found out.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// End of the last commit that counts.
    pub(super) end: u64,
    /// The number for the commit after it.
    pub(super) next_commit: u64,
    /// Whether nothing but a seal would follow: the last record is one.
    pub(super) is_sealed: bool,
    /// End of the snapshot that the log begins with, or 0.
    pub(super) snapshot_end: u64,
    /// Stretches that hold no intact record though they should. Empty ones: a record is missing without a trace.
    pub(super) damage: Vec<Range<u64>>,
    /// What a crash has left of a commit, after `end`.
    pub(super) torn: Option<Range<u64>>,
}

/// Replays all that the reader finds up to `end`; the first commit there is number `first_commit`.
pub(super) fn replay<S: Source + ?Sized, K: Sink>(
    reader: &mut Reader<'_, S>,
    (from, first_commit): (u64, u64),
    sink: &mut K,
) -> Result<Replayed, K::Error> {
    let mut replay = Replay {
        sink,
        open: None,
        outcome: Replayed {
            end: from,
            next_commit: first_commit,
            ..Replayed::default()
        },
    };
    let mut end = from;
    while let Some(found) = reader.next()? {
        match found {
            Found::Record(record) => {
                end = record.range.end;
                replay.record(record)?;
            }
            Found::Damage(range) => {
                end = range.end;
                replay.damage(range);
            }
        }
    }
    replay.finish(reader, end)
}

struct Replay<'s, K: Sink> {
    sink: &'s mut K,
    open: Option<Open<K::Item>>,
    outcome: Replayed,
}

/// A commit whose last record has not been seen, or of which something is missing.
struct Open<T> {
    number: u64,
    start: u64,
    next_index: u32,
    /// Where something is missing.
    gaps: Vec<Range<u64>>,
    items: Vec<T>,
}

impl<T> Open<T> {
    fn new(number: u64, start: u64) -> Self {
        Self {
            number,
            start,
            next_index: 0,
            gaps: Vec::new(),
            items: Vec::new(),
        }
    }
}

impl<K: Sink> Replay<'_, K> {
    fn damage(&mut self, range: Range<u64>) {
        let number = self.outcome.next_commit;
        let open = self
            .open
            .get_or_insert_with(|| Open::new(number, range.start));
        open.gaps.push(range);
    }

    fn record(&mut self, record: Record<'_>) -> Result<(), K::Error> {
        let Record {
            header,
            range,
            payload,
        } = record;
        if self.is_stale(header) {
            self.outcome.damage.push(range);
            return Ok(());
        }
        if let Some(open) = self
            .open
            .as_mut()
            .filter(|open| open.number < header.commit)
        {
            if open.gaps.is_empty() {
                // Its last records are missing without a trace.
                open.gaps.push(range.start..range.start);
            }
            self.settle(range.start)?;
        }
        self.note_missing_commits(header, range.start);
        let open = self
            .open
            .get_or_insert_with(|| Open::new(header.commit, range.start));
        if header.index > open.next_index && open.gaps.is_empty() {
            open.gaps.push(range.start..range.start);
        }
        open.next_index = header.index + 1;
        let kind = payload.first().copied();
        self.outcome.is_sealed = kind == Some(SEAL);
        match kind {
            Some(SEAL | TRAILER) => {}
            Some(SNAPSHOT_END) => self.outcome.snapshot_end = range.end,
            _ => match self.sink.read(payload)? {
                Payload::Item(item) => open.items.push(item),
                Payload::Optional => {}
                Payload::Damaged => self.outcome.damage.push(range.clone()),
            },
        }
        if open.gaps.is_empty() && open.next_index == header.count {
            self.outcome.end = range.end;
            self.settle(range.end)?;
        }
        Ok(())
    }

    /// Whether the record repeats what was there before.
    fn is_stale(&self, header: RecordHeader) -> bool {
        match &self.open {
            Some(open) if header.commit == open.number => header.index < open.next_index,
            Some(open) => header.commit < open.number,
            None => header.commit < self.outcome.next_commit,
        }
    }

    /// Commits that should lie before this record but for which there are not even damaged bytes.
    fn note_missing_commits(&mut self, header: RecordHeader, start: u64) {
        let last_damage = self.outcome.damage.last().map(|damage| damage.end);
        if self.open.is_none()
            && header.commit > self.outcome.next_commit
            && last_damage != Some(start)
        {
            self.outcome.damage.push(start..start);
        }
    }

    /// The open commit counts, whatever of it there is.
    fn settle(&mut self, end: u64) -> Result<(), K::Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        self.outcome.damage.extend(open.gaps);
        self.outcome.end = end;
        self.outcome.next_commit = open.number + 1;
        for item in open.items {
            self.sink.apply(item)?;
        }
        Ok(())
    }

    fn finish<S: Source + ?Sized>(
        mut self,
        reader: &mut Reader<'_, S>,
        end: u64,
    ) -> Result<Replayed, K::Error> {
        if let Some(open) = self.open.take() {
            let tail = open.start..end;
            let is_torn = match open.gaps.as_slice() {
                [] => true,
                [gap] if gap.end == end => reader.is_cut_short(gap.clone())?,
                _ => false,
            };
            self.outcome.is_sealed = false;
            self.outcome.end = open.start;
            if is_torn {
                self.outcome.torn = Some(tail);
            } else {
                self.outcome.damage.push(tail);
            }
        }
        Ok(self.outcome)
    }
}
