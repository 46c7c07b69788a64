//! Exports: a whole persistence file as a stream, which ends with a trailer so that a part is not taken for the whole.

use std::io::{self, Write};

use thiserror::Error;

use super::frame::{FILE_HEADER, FileHeader, Framer, Marker, SEAL, SNAPSHOT_END, TRAILER, VERSION};
use super::reader::{Found, Reader, Record};
use crate::store::Change;
use crate::store::record::{self, Decoder, RecordError};

/// Written at once.
const CHUNK: usize = 1 << 18;

/// Why bytes are no export.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// They do not begin as one.
    #[error("this is no export of this program")]
    Unknown,
    /// A later version wrote them.
    #[error("the export has format version {0}, this program reads up to {VERSION}")]
    Newer(u32),
    /// Something in them was changed.
    #[error("the export is damaged at byte {0}")]
    Damaged(u64),
    /// They do not end as one.
    #[error("the export is incomplete: its end is missing")]
    Incomplete,
    /// A record is none that this program knows.
    #[error("record {number} of the export is invalid: {source}")]
    Record {
        /// Its position, from 1 on.
        number: u64,
        /// What is wrong with it.
        source: RecordError,
    },
}

/// Writes an export. It is a valid persistence file.
pub fn write_snapshot(
    out: &mut dyn Write,
    changes: impl Iterator<Item = Change>,
) -> io::Result<()> {
    let mut framer = Framer {
        marker: Marker::random(),
        next_commit: 1,
    };
    let mut buffer = FileHeader::encode(framer.marker).to_vec();
    for change in changes {
        framer.append(&mut buffer, (0, 1), |bytes| record::encode(&change, bytes));
        framer.next_commit += 1;
        if buffer.len() >= CHUNK {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    let records = framer.next_commit - 1;
    framer.append(&mut buffer, (0, 1), |bytes| bytes.push(SNAPSHOT_END));
    framer.next_commit += 1;
    framer.append(&mut buffer, (0, 1), |bytes| {
        bytes.push(TRAILER);
        bytes.extend_from_slice(&records.to_le_bytes());
    });
    out.write_all(&buffer)?;
    out.flush()
}

/// Whether the bytes begin as an export does.
pub fn is_snapshot(bytes: &[u8]) -> bool {
    FileHeader::decode(bytes) != FileHeader::Unknown
}

/// Reads an export, all of it or nothing. The metrics in it are taken as they are.
pub fn read_snapshot(bytes: &[u8]) -> Result<Vec<Change>, SnapshotError> {
    let marker = match FileHeader::decode(&bytes[..bytes.len().min(FILE_HEADER)]) {
        FileHeader::Sound(marker) => marker,
        FileHeader::Damaged(_) => return Err(SnapshotError::Damaged(0)),
        FileHeader::Newer(version) => return Err(SnapshotError::Newer(version)),
        FileHeader::Unknown => return Err(SnapshotError::Unknown),
    };
    let mut reader = Reader::new(bytes, marker, FILE_HEADER as u64..bytes.len() as u64);
    let mut export = Export {
        decoder: Decoder::for_bytes(bytes.len() as u64),
        changes: Vec::new(),
        records: 0,
        is_complete: false,
    };
    while let Some(found) = next(&mut reader)? {
        match found {
            Found::Record(record) => export.take(&record)?,
            Found::Damage(range) if range.end == bytes.len() as u64 => {
                return Err(SnapshotError::Incomplete);
            }
            Found::Damage(range) => return Err(SnapshotError::Damaged(range.start)),
        }
    }
    if export.is_complete {
        Ok(export.changes)
    } else {
        Err(SnapshotError::Incomplete)
    }
}

/// Bytes in memory can always be read.
fn next<'r>(reader: &'r mut Reader<'_, [u8]>) -> Result<Option<Found<'r>>, SnapshotError> {
    reader.next().map_err(|_| SnapshotError::Incomplete)
}

/// What was read of an export so far.
struct Export {
    decoder: Decoder,
    changes: Vec<Change>,
    records: u64,
    is_complete: bool,
}

impl Export {
    fn take(&mut self, record: &Record<'_>) -> Result<(), SnapshotError> {
        let damaged = || SnapshotError::Damaged(record.range.start);
        if self.is_complete || record.header.commit != self.records + 1 || record.header.count != 1
        {
            return Err(damaged());
        }
        self.records += 1;
        match record.payload {
            [SNAPSHOT_END | SEAL] => {}
            [TRAILER, count @ ..] => {
                if count != (self.changes.len() as u64).to_le_bytes() {
                    return Err(damaged());
                }
                self.is_complete = true;
            }
            payload => match self.decoder.decode(payload) {
                Ok(change) => self.changes.push(change),
                Err(RecordError::OptionalKind(_)) => {}
                Err(source) => {
                    let number = self.records;
                    return Err(SnapshotError::Record { number, source });
                }
            },
        }
        Ok(())
    }
}
