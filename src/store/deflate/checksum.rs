//! The checksum of gzip, which pieces bring with them and which is joined without looking at their bytes again.
//!
//! A CRC is a remainder of polynomials over two elements: that of two texts in a row is the first one's times x to the
//! bits of the second, plus the second one's. Finding that power is most of the work, so a piece keeps it; what is left
//! at a scrape is one multiplication for each piece.

/// The polynomial of CRC-32 (RFC 1952, 8), its lowest power in the highest bit.
const POLYNOMIAL: u32 = 0xedb8_8320;
/// x to the power of zero, written likewise.
const ONE: u32 = 1 << 31;
/// x to the power of eight: one byte.
const BYTE: u32 = ONE >> 8;

/// The checksum of a text, and what it takes to put it behind another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Checksum {
    remainder: u32,
    /// x to the number of bits of the text.
    shift: u32,
}

impl Checksum {
    /// Of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            remainder: crc32fast::hash(bytes),
            shift: bytes_power(bytes.len()),
        }
    }

    /// Of texts in a row, which have so many bytes together.
    pub(super) fn of_all(texts: impl Iterator<Item = Self>, bytes: usize) -> Self {
        Self {
            remainder: texts.fold(0, |before, text| text.behind(before)),
            shift: bytes_power(bytes),
        }
    }

    /// As gzip writes it, of this text behind others, of which it is `before`. Of no text it is zero.
    pub(super) fn behind(self, before: u32) -> u32 {
        product(self.shift, before) ^ self.remainder
    }
}

/// The product of two polynomials, as a remainder.
fn product(a: u32, mut b: u32) -> u32 {
    let mut sum = 0;
    for power in 0..32 {
        if a & (ONE >> power) != 0 {
            sum ^= b;
        }
        let carry = if b & 1 == 0 { 0 } else { POLYNOMIAL };
        b = (b >> 1) ^ carry;
    }
    sum
}

/// x to the bits of so many bytes.
fn bytes_power(mut bytes: usize) -> u32 {
    let (mut power, mut square) = (ONE, BYTE);
    while bytes > 0 {
        if bytes & 1 == 1 {
            power = product(power, square);
        }
        square = product(square, square);
        bytes >>= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn joined_is_as_of_the_whole(texts in vec(vec(any::<u8>(), 0..2000), 0..8)) {
            let (whole, checksums) = (texts.concat(), texts.iter().map(|text| Checksum::of(text)));
            let joined = Checksum::of_all(checksums.clone(), whole.len());
            prop_assert_eq!(joined, Checksum::of(&whole));
            let value = checksums.fold(0, |before, text| text.behind(before));
            prop_assert_eq!(value, crc32fast::hash(&whole));
        }
    }
}
