//! The protobuf wire format: numbers, fields and nested messages.

/// Groups may be nested this deep, as in Go.
const MAX_GROUP_DEPTH: usize = 10_000;
const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;

/// The bytes are not what the wire format allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WireError {
    /// They end too early.
    Truncated,
    /// A number has more than 64 bits.
    Overflow,
    /// A field has a number or wire type that does not exist, or a group ends that did not begin.
    BadField,
}

/// What is left of a message.
#[derive(Clone, Copy, Default)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// What stands in front of a value: the number of the field and the wire type of the value. Neither is checked; a
/// decoder [skips](Reader::skip) those that it does not know.
#[derive(Clone, Copy)]
pub(super) struct Key(pub(super) u64, pub(super) u64);

pub(super) const VARINT: u64 = 0;
pub(super) const FIXED64: u64 = 1;
pub(super) const BYTES: u64 = 2;
const GROUP: u64 = 3;
const GROUP_END: u64 = 4;
const FIXED32: u64 = 5;

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The key of the next field, whose value is to be taken or skipped.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Key, WireError> {
        let key = self.varint()?;
        Ok(Key(key >> 3, key & 7))
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, WireError> {
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x80
        {
            self.rest = rest;
            return Ok(byte.into());
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut number = 0;
        for (at, &byte) in self.rest.iter().enumerate().take(10) {
            if at == 9 && byte > 1 {
                return Err(WireError::Overflow);
            }
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(number);
            }
        }
        Err(WireError::Truncated)
    }

    /// The bytes behind their length.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| WireError::Truncated)?;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(super) fn double(&mut self) -> Result<f64, WireError> {
        Ok(f64::from_le_bytes(*self.array()?))
    }

    /// Passes the value behind this key.
    pub(super) fn skip(&mut self, Key(number, wire_type): Key) -> Result<(), WireError> {
        if !is_field_number(number) {
            return Err(WireError::BadField);
        }
        match wire_type {
            VARINT => self.varint().map(|_| ()),
            FIXED64 => self.array::<8>().map(|_| ()),
            BYTES => self.bytes().map(|_| ()),
            GROUP => self.skip_group(number),
            FIXED32 => self.array::<4>().map(|_| ()),
            _ => Err(WireError::BadField),
        }
    }

    /// Passes the rest of a group. Groups are not in use; a loop, as recursion would follow the input.
    #[cold]
    fn skip_group(&mut self, number: u64) -> Result<(), WireError> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            match self.key()? {
                Key(number, GROUP) if is_field_number(number) && open.len() < MAX_GROUP_DEPTH => {
                    open.push(number);
                }
                Key(_, GROUP) => return Err(WireError::BadField),
                Key(number, GROUP_END) if number == innermost => {
                    open.pop();
                }
                key => self.skip(key)?,
            }
        }
        Ok(())
    }
}

fn is_field_number(number: u64) -> bool {
    (1..=MAX_FIELD_NUMBER).contains(&number)
}

/// Numbers of 32 bits are sent as numbers of 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
pub(super) fn low_32_bits(number: u64) -> u32 {
    number as u32
}

pub(super) fn from_zigzag_32(zigzag: u64) -> i32 {
    let zigzag = low_32_bits(zigzag);
    (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
}

/// The number that the zigzag form of a signed number stands for.
pub(super) fn from_zigzag(zigzag: u64) -> i64 {
    (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
}

/// The form of a signed number that is short for small ones.
pub(super) fn to_zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// Seven bits a byte, the lowest first.
fn write_varint(buffer: &mut [u8; 10], mut number: u64) -> &[u8] {
    let mut length = 0;
    while number >= 0x80 {
        buffer[length] = (number & 0x7f) as u8 | 0x80;
        number >>= 7;
        length += 1;
    }
    buffer[length] = (number & 0x7f) as u8;
    &buffer[..=length]
}

pub(super) fn append_varint(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(write_varint(&mut [0; 10], number));
}

pub(super) fn append_varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    append_tag(out, number, 0);
    append_varint(out, value);
}

pub(super) fn append_double_field(out: &mut Vec<u8>, number: u32, value: f64) {
    append_tag(out, number, 1);
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn append_bytes_field(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    append_tag(out, number, 2);
    append_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a nested message. Its length goes in front of it and is known only behind it; mostly it has one byte,
/// otherwise the message moves.
pub(super) fn append_message_field(
    out: &mut Vec<u8>,
    number: u32,
    append_fields: impl FnOnce(&mut Vec<u8>),
) {
    append_tag(out, number, 2);
    let length_at = out.len();
    out.push(0);
    append_fields(out);
    let end = out.len();
    let mut buffer = [0; 10];
    let length = write_varint(&mut buffer, (end - length_at - 1) as u64);
    if length.len() > 1 {
        out.resize(end + length.len() - 1, 0);
        out.copy_within(length_at + 1..end, length_at + length.len());
    }
    out[length_at..length_at + length.len()].copy_from_slice(length);
}

fn append_tag(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    append_varint(out, u64::from((number << 3) | wire_type));
}
