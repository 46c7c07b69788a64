//! Gzip: one or more members, with the errors of Go's reader.

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::{BodyError, EncodingError, Gathered};

const FIXED_HEADER_LEN: usize = 10;
const TRAILER_LEN: usize = 8;
/// Longer file names and comments are refused.
const MAX_STRING_LEN: usize = 512;
const WINDOW_LEN: usize = 32 << 10;

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;

/// How long the header at the start of the bytes is; `None` if it goes on behind them.
pub(super) fn header_len(bytes: &[u8]) -> Result<Option<usize>, EncodingError> {
    let Some((fixed, mut rest)) = bytes.split_at_checked(FIXED_HEADER_LEN) else {
        return Ok(None);
    };
    let [0x1f, 0x8b, 8, flags, ..] = *fixed else {
        return Err(EncodingError::GzipHeader);
    };
    if flags & FLAG_EXTRA != 0 {
        let Some((&len, behind)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let Some(behind) = behind.get(usize::from(u16::from_le_bytes(len))..) else {
            return Ok(None);
        };
        rest = behind;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let window = &rest[..rest.len().min(MAX_STRING_LEN)];
            match memchr::memchr(0, window) {
                Some(end) => rest = &rest[end + 1..],
                None if rest.len() < MAX_STRING_LEN => return Ok(None),
                None => return Err(EncodingError::GzipHeader),
            }
        }
    }
    let mut len = bytes.len() - rest.len();
    if flags & FLAG_HEADER_CRC != 0 {
        let Some(&sum) = rest.first_chunk() else {
            return Ok(None);
        };
        if u32::from(u16::from_le_bytes(sum)) != crc32fast::hash(&bytes[..len]) & 0xffff {
            return Err(EncodingError::GzipHeader);
        }
        len += sum.len();
    }
    Ok(Some(len))
}

/// What is wrong with a header that the input ended in.
pub(super) fn header_broken_off(bytes: &[u8]) -> EncodingError {
    if bytes.is_empty() {
        EncodingError::GzipEmpty
    } else {
        EncodingError::Truncated
    }
}

/// Inflates all members into `output`.
pub(super) fn inflate(mut input: &[u8], mut output: Gathered) -> Result<Gathered, BodyError> {
    // Made once: a body may consist of millions of empty members.
    let mut deflate = Decompress::new(false);
    let mut window = vec![0; WINDOW_LEN];
    loop {
        let Some(header_len) = header_len(input)? else {
            return Err(header_broken_off(input).into());
        };
        input = &input[header_len..];
        deflate.reset(false);
        let checksum = inflate_data(&mut deflate, &mut window, input, &mut output)?;
        input = check_trailer(&input[as_usize(deflate.total_in())..], checksum)?;
        if input.is_empty() {
            return Ok(output);
        }
    }
}

/// Inflates the data of a member, of which it returns the checksum.
fn inflate_data(
    deflate: &mut Decompress,
    window: &mut [u8],
    input: &[u8],
    output: &mut Gathered,
) -> Result<Hasher, BodyError> {
    let mut checksum = Hasher::new();
    loop {
        let consumed = as_usize(deflate.total_in());
        let produced = deflate.total_out();
        let status = deflate.decompress(&input[consumed..], window, FlushDecompress::None);
        let Ok(status) = status else {
            let offset = deflate.total_in();
            return Err(EncodingError::Deflate { offset }.into());
        };
        let inflated = &window[..as_usize(deflate.total_out() - produced)];
        checksum.update(inflated);
        output.append(inflated)?;
        if status == Status::StreamEnd {
            return Ok(checksum);
        }
        if inflated.is_empty() && as_usize(deflate.total_in()) == input.len() {
            return Err(EncodingError::Truncated.into());
        }
    }
}

/// Compares the end of a member with its data; what follows it is returned.
fn check_trailer(input: &[u8], checksum: Hasher) -> Result<&[u8], EncodingError> {
    let Some((trailer, behind)) = input.split_first_chunk::<TRAILER_LEN>() else {
        return Err(EncodingError::Truncated);
    };
    let [c0, c1, c2, c3, l0, l1, l2, l3] = *trailer;
    let len = u32::from_le_bytes([l0, l1, l2, l3]);
    let sum = u32::from_le_bytes([c0, c1, c2, c3]);
    if checksum.total_len() & 0xffff_ffff != u64::from(len) || checksum.finalize() != sum {
        return Err(EncodingError::GzipChecksum);
    }
    Ok(behind)
}

/// For counts of bytes that are in memory.
fn as_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
