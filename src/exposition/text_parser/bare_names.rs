//! The bytes of names that stand without quotes.

use crate::exposition::NameKind;

/// By byte, whether it may be in a name without quotes; to look it up is faster than to compare with each range.
pub(super) fn bare_bytes(kind: NameKind) -> &'static [bool; 256] {
    static METRIC: [bool; 256] = bare_bytes_and(b':');
    static LABEL: [bool; 256] = bare_bytes_and(b'_');
    match kind {
        NameKind::Metric => &METRIC,
        NameKind::Label => &LABEL,
    }
}

/// Those that all names may have, and one more.
const fn bare_bytes_and(one_more: u8) -> [bool; 256] {
    let mut is_bare = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        is_bare[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_' || byte == one_more;
        byte += 1;
    }
    is_bare
}
