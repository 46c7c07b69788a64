//! Finds records in a file, and finds them again after damage.

use std::io;
use std::ops::Range;

use memchr::memmem;

use super::frame::{Marker, RECORD_HEADER, RecordHeader};
use super::storage::Source;

/// How much is read at once.
const CHUNK: usize = 1 << 20;
const MARKER: usize = size_of::<Marker>();

/// Goes through the records of a log in order.
pub(super) struct Reader<'a, S: ?Sized> {
    source: &'a S,
    marker: Marker,
    /// Next byte to judge.
    at: u64,
    /// End of what there is.
    end: u64,
    /// Bytes from `window_at` on.
    window: Vec<u8>,
    window_at: u64,
}

/// Where records begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// The marker of all of them.
    pub(super) marker: Marker,
    /// The place of the first one.
    pub(super) at: u64,
    /// The number of its commit.
    pub(super) commit: u64,
}

/// What comes next in a log.
#[derive(Debug)]
pub(super) enum Found<'w> {
    /// An intact record.
    Record(Record<'w>),
    /// No record: up to the next intact one, or to the end.
    Damage(Range<u64>),
}

/// A record whose checksums are right.
#[derive(Debug)]
pub(super) struct Record<'w> {
    pub(super) header: RecordHeader,
    /// Where it is, header included.
    pub(super) range: Range<u64>,
    pub(super) payload: &'w [u8],
}

impl<'a, S: Source + ?Sized> Reader<'a, S> {
    /// Reads the records in this part of the source.
    pub(super) fn new(source: &'a S, marker: Marker, range: Range<u64>) -> Self {
        Self {
            source,
            marker,
            at: range.start,
            end: range.end,
            window: Vec::new(),
            window_at: range.start,
        }
    }

    /// The next record or the damage before it; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        let start = self.at;
        if start >= self.end {
            return Ok(None);
        }
        let Some(header) = self.intact_at(start)? else {
            self.at = self.next_intact(start + 1)?;
            return Ok(Some(Found::Damage(start..self.at)));
        };
        self.at = start + RECORD_HEADER as u64 + header.length;
        let range = start..self.at;
        let payload_at = self.index_of(start) + RECORD_HEADER;
        let payload = &self.window[payload_at..self.index_of(self.at)];
        Ok(Some(Found::Record(Record {
            header,
            range,
            payload,
        })))
    }

    /// Whether this stretch at the very end of the file is what an interrupted write leaves, a record that the file is
    /// too short for, rather than damage.
    pub(super) fn is_cut_short(&mut self, tail: Range<u64>) -> io::Result<bool> {
        let length = self.load(tail.start, RECORD_HEADER)?;
        let start = self.index_of(tail.start);
        let bytes = &self.window[start..start + length];
        if length < RECORD_HEADER {
            let known = length.min(MARKER);
            return Ok(bytes[..known] == self.marker.0[..known]);
        }
        let room = tail.end - tail.start - RECORD_HEADER as u64;
        Ok(RecordHeader::decode(bytes)
            .is_some_and(|header| header.marker == self.marker && header.length > room))
    }

    /// The first record that is intact with whatever marker it has: for a file whose header is lost.
    pub(super) fn find_any(&mut self) -> io::Result<Option<Sighting>> {
        let mut at = self.at;
        while self.load(at, RECORD_HEADER)? == RECORD_HEADER {
            let start = self.index_of(at);
            if let Some(header) = RecordHeader::decode(&self.window[start..]) {
                self.marker = header.marker;
                if self.intact_at(at)?.is_some() {
                    return Ok(Some(Sighting {
                        marker: header.marker,
                        at,
                        commit: header.commit,
                    }));
                }
            }
            at += 1;
        }
        Ok(None)
    }

    /// The header of an intact record at this place, whose payload is then in the window.
    fn intact_at(&mut self, at: u64) -> io::Result<Option<RecordHeader>> {
        if self.load(at, RECORD_HEADER)? < RECORD_HEADER {
            return Ok(None);
        }
        let start = self.index_of(at);
        let Some(header) = RecordHeader::decode(&self.window[start..]) else {
            return Ok(None);
        };
        let room = self.end - at - RECORD_HEADER as u64;
        if header.marker != self.marker || header.length > room {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(header.length) else {
            return Ok(None);
        };
        let whole = RECORD_HEADER + length;
        if self.load(at, whole)? < whole {
            return Ok(None);
        }
        let start = self.index_of(at);
        let payload = &self.window[start + RECORD_HEADER..start + whole];
        Ok((crc32fast::hash(payload) == header.checksum).then_some(header))
    }

    /// Where the next intact record begins, from this place on.
    fn next_intact(&mut self, from: u64) -> io::Result<u64> {
        let finder = memmem::Finder::new(&self.marker.0).into_owned();
        let mut at = from;
        loop {
            let length = self.load(at, CHUNK)?;
            let start = self.index_of(at);
            let Some(found) = finder.find(&self.window[start..start + length]) else {
                if length < CHUNK {
                    return Ok(self.end);
                }
                // A marker may lie across the end of what was searched.
                at += (length - MARKER + 1) as u64;
                continue;
            };
            at += found as u64;
            if self.intact_at(at)?.is_some() {
                return Ok(at);
            }
            at += 1;
        }
    }

    /// Brings bytes from `at` on into the window, `wanted` of them or as many as there are, and says how many.
    fn load(&mut self, at: u64, wanted: usize) -> io::Result<usize> {
        let there = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = wanted.min(there);
        let window_end = self.window_at + self.window.len() as u64;
        if at < self.window_at || at > window_end {
            self.window.clear();
            self.window_at = at;
        }
        let start = self.index_of(at);
        if self.window.len() - start < wanted {
            self.window.drain(..start);
            self.window_at = at;
            self.fill(wanted.max(CHUNK).min(there))?;
        }
        Ok(wanted.min(self.window.len() - self.index_of(at)))
    }

    fn fill(&mut self, length: usize) -> io::Result<()> {
        let mut filled = self.window.len();
        self.window.resize(length, 0);
        while filled < length {
            let offset = self.window_at + filled as u64;
            let read = self.source.read_at(&mut self.window[filled..], offset)?;
            if read == 0 {
                break;
            }
            filled += read;
        }
        self.window.truncate(filled);
        Ok(())
    }

    /// Where in the window a place is that [`Self::load`] has brought there.
    fn index_of(&self, at: u64) -> usize {
        usize::try_from(at - self.window_at).unwrap_or(usize::MAX)
    }
}
