//! The primitives of Go's gob encoding.

/// What is wrong with a gob stream, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed {
    pub(super) at: usize,
    pub(super) problem: &'static str,
}

/// Goes through the bytes of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn malformed<T>(&self, problem: &'static str) -> Result<T, Malformed> {
        Err(Malformed {
            at: self.at,
            problem,
        })
    }

    /// An unsigned integer: one byte below 128, or the negated number of big-endian bytes that follow.
    pub(super) fn uint(&mut self) -> Result<u64, Malformed> {
        let first = self.take(1)?[0];
        if first < 128 {
            return Ok(first.into());
        }
        let length = usize::from(first.wrapping_neg());
        if length > size_of::<u64>() {
            return self.malformed("an integer is too long");
        }
        let bytes = self.take(length)?;
        Ok(bytes
            .iter()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    /// A signed integer: its sign is the lowest bit.
    pub(super) fn int(&mut self) -> Result<i64, Malformed> {
        let bits = self.uint()?;
        let value = (bits >> 1).cast_signed();
        Ok(if bits & 1 == 0 { value } else { !value })
    }

    /// Bytes behind their length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.uint()?;
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => self.malformed("a length is too great"),
        }
    }

    /// The field that follows field number `last` of a struct (-1 before the first), unless the struct ends.
    pub(super) fn next_field(&mut self, last: i64) -> Result<Option<i64>, Malformed> {
        let delta = self.uint()?;
        match i64::try_from(delta)
            .ok()
            .and_then(|delta| last.checked_add(delta))
        {
            Some(field) if field == last => Ok(None),
            Some(field) => Ok(Some(field)),
            None => self.malformed("a field number is too great"),
        }
    }

    /// A message of the stream, or what there is of it if the stream ends early.
    pub(super) fn message(&mut self) -> Result<Self, Malformed> {
        let length = self.uint()?;
        let there = self.bytes.len() - self.at;
        let end = self.at + usize::try_from(length).map_or(there, |length| length.min(there));
        let message = Self {
            bytes: &self.bytes[..end],
            at: self.at,
        };
        self.at = end;
        Ok(message)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let Some(taken) = self.bytes[self.at..].get(..length) else {
            return self.malformed("it ends too early");
        };
        self.at += length;
        Ok(taken)
    }
}

pub(super) fn put_uint(value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    if value < 128 {
        out.push(bytes[7]);
        return;
    }
    let skipped = value.leading_zeros() as usize / 8;
    let length = u8::try_from(bytes.len() - skipped).unwrap_or(8);
    out.push(length.wrapping_neg());
    out.extend_from_slice(&bytes[skipped..]);
}

pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_uint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
