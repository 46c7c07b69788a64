//! The outer form of the log: the file's header, and the header in front of each record.
//!
//! `docs/persistence-format.md` describes both byte by byte.

use std::hash::{BuildHasher, Hasher, RandomState};

/// How a log begins: not text, and no Go gob, whose first byte would then claim a length of 119 bytes.
const MAGIC: [u8; 8] = *b"\x89PUSHGW\n";
/// The format that this program writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;
/// The file's header: the same 32 bytes twice, since without the marker no record can be found.
pub(super) const FILE_HEADER: usize = 2 * HEADER_COPY;
const HEADER_COPY: usize = 32;
/// Length of what precedes each payload.
pub(super) const RECORD_HEADER: usize = 40;

/// First payload byte of a record that says nothing but that everything before it was synced.
pub(super) const SEAL: u8 = 0x40;
/// First payload byte of the record that ends an export; the number of records before it follows.
pub(super) const TRAILER: u8 = 0x41;
/// First payload byte of the record after a snapshot: what precedes it is all needed.
pub(super) const SNAPSHOT_END: u8 = 0x42;

/// Eight random bytes that begin every record of one file. As nobody outside knows them, nothing pushed can pass
/// for a record, and no record of an older file can, whose blocks the file system may have reused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Marker(pub(super) [u8; 8]);

impl Marker {
    /// A new one.
    pub(super) fn random() -> Self {
        // The standard library seeds these hashers from the operating system's random numbers.
        Self(RandomState::new().build_hasher().finish().to_le_bytes())
    }
}

/// What the first bytes of a file are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FileHeader {
    /// A log that this program can read.
    Sound(Marker),
    /// The same, but one of the two copies is damaged.
    Damaged(Marker),
    /// A log of a format that came after this program.
    Newer(u32),
    /// No header of a log.
    Unknown,
}

impl FileHeader {
    /// The header of a new log.
    pub(super) fn encode(marker: Marker) -> [u8; FILE_HEADER] {
        let mut copy = [0; HEADER_COPY];
        copy[..8].copy_from_slice(&MAGIC);
        copy[8..12].copy_from_slice(&VERSION.to_le_bytes());
        copy[12..20].copy_from_slice(&marker.0);
        let checksum = crc32fast::hash(&copy[..28]);
        copy[28..].copy_from_slice(&checksum.to_le_bytes());
        let mut header = [0; FILE_HEADER];
        header[..HEADER_COPY].copy_from_slice(&copy);
        header[HEADER_COPY..].copy_from_slice(&copy);
        header
    }

    /// Judges the first [`FILE_HEADER`] bytes of a file, or all if there are fewer.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        let copies = [
            bytes.get(..HEADER_COPY),
            bytes.get(HEADER_COPY..FILE_HEADER),
        ];
        match copies.map(|copy| copy.and_then(sound_copy)) {
            [Some(first), Some(second)] if first == second => Self::Sound(first),
            [Some(marker), _] | [None, Some(marker)] => Self::Damaged(marker),
            [None, None] => match copies.map(|copy| copy.and_then(claimed_version)) {
                [Some(first), Some(second)] if first == second && first > VERSION => {
                    Self::Newer(first)
                }
                _ => Self::Unknown,
            },
        }
    }
}

fn claimed_version(copy: &[u8]) -> Option<u32> {
    (copy[..8] == MAGIC).then(|| read_u32(copy, 8))
}

fn sound_copy(copy: &[u8]) -> Option<Marker> {
    let is_sound = claimed_version(copy) == Some(VERSION)
        && crc32fast::hash(&copy[..28]) == read_u32(copy, 28);
    is_sound.then(|| Marker(read_array(copy, 12)))
}

/// What precedes a payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RecordHeader {
    /// The file's marker.
    pub(super) marker: Marker,
    /// Length of the payload.
    pub(super) length: u64,
    /// Number of the commit that the record belongs to, from 1 on without a gap.
    pub(super) commit: u64,
    /// Position of the record within its commit, from 0 on.
    pub(super) index: u32,
    /// How many records the commit has.
    pub(super) count: u32,
    /// CRC-32 of the payload.
    pub(super) checksum: u32,
}

impl RecordHeader {
    /// The header's bytes, the last four of which are a checksum of the others.
    pub(super) fn encode(&self) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        bytes[..8].copy_from_slice(&self.marker.0);
        bytes[8..16].copy_from_slice(&self.length.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.commit.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.index.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.count.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..36]);
        bytes[36..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header in the first [`RECORD_HEADER`] bytes, if they are one, of whatever file.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..RECORD_HEADER)?;
        let header = Self {
            marker: Marker(read_array(bytes, 0)),
            length: u64::from_le_bytes(read_array(bytes, 8)),
            commit: u64::from_le_bytes(read_array(bytes, 16)),
            index: read_u32(bytes, 24),
            count: read_u32(bytes, 28),
            checksum: read_u32(bytes, 32),
        };
        let is_sound =
            header.index < header.count && crc32fast::hash(&bytes[..36]) == read_u32(bytes, 36);
        is_sound.then_some(header)
    }
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(read_array(bytes, at))
}

/// The callers have checked the length.
fn read_array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|offset| bytes[at + offset])
}

/// Appends records to bytes that will go to a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framer {
    /// The file's marker.
    pub(super) marker: Marker,
    /// Number of the next commit.
    pub(super) next_commit: u64,
}

impl Framer {
    /// Appends one record, whose payload `write` appends.
    pub(super) fn append(
        self,
        out: &mut Vec<u8>,
        (index, count): (u32, u32),
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = out.len();
        out.resize(start + RECORD_HEADER, 0);
        write(out);
        let payload = &out[start + RECORD_HEADER..];
        let header = RecordHeader {
            marker: self.marker,
            length: payload.len() as u64,
            commit: self.next_commit,
            index,
            count,
            checksum: crc32fast::hash(payload),
        };
        out[start..start + RECORD_HEADER].copy_from_slice(&header.encode());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_header_survives_damage_of_either_copy() {
        let marker = Marker::random();
        let header = FileHeader::encode(marker);
        assert_eq!(FileHeader::decode(&header), FileHeader::Sound(marker));
        for at in 0..FILE_HEADER {
            let mut damaged = header;
            damaged[at] ^= 1;
            assert_eq!(FileHeader::decode(&damaged), FileHeader::Damaged(marker));
        }
        assert_eq!(FileHeader::decode(&header[..20]), FileHeader::Unknown);
    }

    #[test]
    fn a_newer_format_is_known_by_its_version() {
        let mut header = FileHeader::encode(Marker::random());
        header[8] = 7;
        header[HEADER_COPY + 8] = 7;
        assert_eq!(FileHeader::decode(&header), FileHeader::Newer(7));
    }

    #[test]
    fn no_flipped_bit_of_a_record_header_goes_unnoticed() {
        let mut bytes = Vec::new();
        let framer = Framer {
            marker: Marker::random(),
            next_commit: 9,
        };
        framer.append(&mut bytes, (1, 3), |out| out.extend_from_slice(b"payload"));
        let header = RecordHeader::decode(&bytes).unwrap();
        assert_eq!((header.commit, header.index, header.count), (9, 1, 3));
        assert_eq!(header.length, 7);
        for bit in 0..RECORD_HEADER * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::decode(&damaged), None);
        }
    }
}
