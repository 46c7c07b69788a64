//! Compressed pieces of a scrape that can be joined into one gzip member.
//!
//! Each piece is compressed by itself, ends on a byte, and refers to nothing before it, so pieces may be put
//! together in any order. Several gzip members in a row would be simpler, but many clients read only the first.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

mod checksum;

use checksum::Checksum;

/// Speed before size: a scrape is read once and thrown away.
const LEVEL: Compression = Compression::new(4);
/// A gzip header (RFC 1952) without name and time, from an unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// Pieces up to this size are not compressed: starting the compressor costs more than the few bytes are worth.
const STORED_BYTES: usize = 256;
/// The same for pieces that are made for one scrape: what stands above a family, and the gateway's own metrics.
const STORED_ONCE_BYTES: usize = 8 << 10;
/// So many pieces that are compressed together lie behind each other in memory, and are sent as one buffer: mostly less
/// than a kilobyte each, they would take longer to look up than to send.
const CHUNK_PIECES: usize = 64;
/// The last block of a deflate stream (RFC 1951): empty, with fixed codes.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// A piece of a scrape, plain and, once a scrape asked for it, compressed.
#[derive(Debug)]
pub(super) struct Piece<T = Bytes> {
    plain: T,
    deflated: OnceLock<Deflated>,
}

impl<T: AsRef<[u8]>> Piece<T> {
    pub(super) fn new(plain: T) -> Self {
        Self {
            plain,
            deflated: OnceLock::new(),
        }
    }

    /// As it is.
    pub(super) fn plain(&self) -> &T {
        &self.plain
    }

    /// The same, to change it.
    pub(super) fn plain_mut(&mut self) -> &mut T {
        self.deflated = OnceLock::new();
        &mut self.plain
    }

    /// Compressed, now or by a scrape before.
    pub(super) fn deflated(&self, deflater: &mut Deflater) -> &Deflated {
        let plain = self.plain.as_ref();
        self.deflated.get_or_init(|| deflater.deflate(plain))
    }
}

/// Something compressed, with what is needed to join it to others: a piece, or a [`Run`] of them.
#[derive(Clone, Debug)]
pub(super) struct Deflated<B = Bytes> {
    pub(super) bytes: B,
    /// Of the piece before compression.
    checksum: Checksum,
    length: usize,
}

/// Buffers whose contents follow each other.
pub type Run = Arc<[Bytes]>;

impl From<Deflated> for Deflated<Run> {
    fn from(piece: Deflated) -> Self {
        Self {
            bytes: [piece.bytes].into(),
            checksum: piece.checksum,
            length: piece.length,
        }
    }
}

/// Compresses pieces one after the other, in one workspace.
#[derive(Debug, Default)]
pub(super) struct Deflater {
    /// Made for the first piece that needs it: clearing it costs more than a scrape does that finds all compressed.
    compress: Option<Compress>,
}

impl Deflater {
    /// Compresses pieces that follow each other, as far as no scrape before has.
    pub(super) fn deflate_all<T: AsRef<[u8]>>(&mut self, pieces: &[&Piece<T>]) -> Deflated<Run> {
        let is_any_deflated = pieces.iter().any(|piece| piece.deflated.get().is_some());
        let chunks = (!is_any_deflated).then(|| self.deflate_together(pieces));
        let deflated = pieces.iter().map(|piece| piece.deflated(self));
        let deflated: Vec<_> = deflated.collect();
        let each = || deflated.iter().map(|piece| piece.bytes.clone()).collect();
        let length = deflated.iter().map(|piece| piece.length).sum();
        let checksums = deflated.iter().map(|piece| piece.checksum);
        Deflated {
            bytes: chunks.unwrap_or_else(each),
            checksum: Checksum::of_all(checksums, length),
            length,
        }
    }

    /// Compresses pieces into chunks, of which each piece has its part.
    ///
    /// Only while none of them is compressed: so what the chunks hold of pieces that are gone is never more than all
    /// pieces take.
    fn deflate_together<T: AsRef<[u8]>>(&mut self, pieces: &[&Piece<T>]) -> Run {
        let mut chunk = Vec::new();
        let chunks = pieces.chunks(CHUNK_PIECES).map(|pieces| {
            chunk.clear();
            let append = |piece: &&Piece<T>| {
                let start = chunk.len();
                self.append(STORED_BYTES, piece.plain.as_ref(), &mut chunk);
                start..chunk.len()
            };
            let ranges: Vec<_> = pieces.iter().map(append).collect();
            let bytes = Bytes::copy_from_slice(&chunk);
            for (piece, range) in pieces.iter().zip(ranges) {
                let plain = piece.plain.as_ref();
                // If another scrape was faster, it has made the same.
                let _ = piece.deflated.set(Deflated {
                    bytes: bytes.slice(range),
                    checksum: Checksum::of(plain),
                    length: plain.len(),
                });
            }
            bytes
        });
        chunks.collect()
    }

    fn deflate(&mut self, plain: &[u8]) -> Deflated {
        let mut bytes = Vec::new();
        self.append(STORED_BYTES, plain, &mut bytes);
        Deflated {
            bytes: Bytes::copy_from_slice(&bytes),
            checksum: Checksum::of(plain),
            length: plain.len(),
        }
    }

    /// Appends what becomes of a piece, which is not compressed up to so many bytes.
    fn append(&mut self, stored_bytes: usize, plain: &[u8], bytes: &mut Vec<u8>) {
        if plain.len() <= stored_bytes {
            return append_stored(bytes, plain);
        }
        let new = || Compress::new(LEVEL, false);
        let compress = self.compress.get_or_insert_with(new);
        compress.reset();
        bytes.reserve(plain.len() / 6 + 64);
        loop {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "no more than the length of a slice"
            )]
            let from = compress.total_in() as usize;
            // Deflating from memory to memory has no error that could occur here.
            let _ = compress.compress_vec(&plain[from..], bytes, FlushCompress::Full);
            // All pages of a gateway may take seconds: whoever waits for a core goes first.
            std::thread::yield_now();
            if bytes.len() < bytes.capacity() {
                break;
            }
            bytes.reserve(bytes.capacity());
        }
    }
}

/// A block that is not compressed (RFC 1951, 3.2.4).
#[expect(
    clippy::cast_possible_truncation,
    reason = "at most as long as STORED_ONCE_BYTES"
)]
fn append_stored(block: &mut Vec<u8>, plain: &[u8]) {
    let length = plain.len() as u16;
    block.reserve_exact(5 + plain.len());
    block.push(0);
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend_from_slice(plain);
}

/// One gzip member (RFC 1952) in the making.
#[derive(Debug)]
pub(super) struct Member {
    deflater: Deflater,
    runs: Vec<Run>,
    /// Of all so far.
    checksum: u32,
    length: usize,
}

impl Member {
    pub(super) fn new() -> Self {
        Self {
            deflater: Deflater::default(),
            runs: vec![Run::from([Bytes::from_static(&GZIP_HEADER)])],
            checksum: 0,
            length: 0,
        }
    }

    /// Adds something that is compressed now or was before.
    pub(super) fn push(&mut self, deflated: impl FnOnce(&mut Deflater) -> Deflated<Run>) {
        let deflated = deflated(&mut self.deflater);
        self.checksum = deflated.checksum.behind(self.checksum);
        self.length = self.length.wrapping_add(deflated.length);
        self.runs.push(deflated.bytes);
    }

    /// Adds a piece that was made for this scrape. Its checksum goes on from that of what is before it, which is less work
    /// than one that can stand anywhere.
    pub(super) fn push_once(&mut self, plain: &[u8]) {
        let mut checksum = Hasher::new_with_initial(self.checksum);
        checksum.update(plain);
        self.checksum = checksum.finalize();
        self.length = self.length.wrapping_add(plain.len());
        let mut bytes = Vec::new();
        self.deflater.append(STORED_ONCE_BYTES, plain, &mut bytes);
        self.runs.push(Run::from([bytes.into()]));
    }

    /// All of it.
    pub(super) fn finish(mut self) -> Vec<Run> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the trailer holds the length modulo 2^32"
        )]
        let length = self.length as u32;
        let end = [
            &LAST_BLOCK[..],
            &u32::to_le_bytes(self.checksum),
            &length.to_le_bytes(),
        ]
        .concat();
        self.runs.push(Run::from([end.into()]));
        self.runs
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn check(pieces: &[&[u8]]) {
        let mut member = Member::new();
        for piece in pieces {
            member.push_once(piece);
            member.push(|deflater| deflater.deflate(piece).into());
        }
        let member = member.finish().concat().concat();
        let mut decoder = GzDecoder::new(member.as_slice());
        let mut plain = Vec::new();
        decoder.read_to_end(&mut plain).unwrap();
        let twice: Vec<_> = pieces.iter().flat_map(|piece| [*piece; 2]).collect();
        assert_eq!(plain, twice.concat());
        assert!(decoder.into_inner().is_empty(), "all of it is one member");
    }

    #[test]
    fn pieces_join_into_one_member() {
        check(&[]);
        check(&[b"a"]);
        check(&[b"", b"some_metric 1\n", b"", b"other_metric 2\n"]);
        check(&[&[b'a'; STORED_BYTES], &[b'b'; STORED_BYTES + 1], b"c"]);
    }

    #[test]
    fn pieces_that_are_compressed_together_are_as_each_by_itself() {
        let piece = |at: usize| Piece::new(format!("metric {at} ").repeat(1 + at % 50));
        let pieces: Vec<_> = (0..=2 * CHUNK_PIECES).map(piece).collect();
        let pieces: Vec<_> = pieces.iter().collect();
        let mut deflater = Deflater::default();
        let together = deflater.deflate_all(&pieces);
        assert_eq!(together.bytes.len(), 3);
        let again = deflater.deflate_all(&pieces);
        assert_eq!(again.bytes.len(), pieces.len());
        let alone = pieces
            .iter()
            .map(|piece| deflater.deflate(piece.plain.as_ref()).bytes);
        let alone: Vec<_> = alone.collect();
        assert_eq!(together.bytes.concat(), alone.concat());
        assert_eq!(again.bytes.concat(), alone.concat());
        assert_eq!(
            (together.checksum, together.length),
            (again.checksum, again.length)
        );
    }

    #[test]
    fn pieces_that_do_not_compress_come_out_whole() {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(100_000)
        .collect();
        check(&[&noise, b"between", &noise[..5000]]);
    }
}
