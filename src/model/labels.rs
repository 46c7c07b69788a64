//! Labels, and which names are valid.

use std::borrow::Cow;

/// A label of a metric: a name and a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label<'a> {
    /// The name, any UTF-8 until it was checked.
    pub name: Cow<'a, str>,
    /// The value, any UTF-8.
    pub value: Cow<'a, str>,
}

impl<'a> Label<'a> {
    /// A label of this name and value.
    pub fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// Which metric and label names a push may carry: the flag `--push.enable-utf8-names`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameScheme {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, for labels without the colon.
    Legacy,
    /// Any non-empty UTF-8.
    Utf8,
}

impl NameScheme {
    /// Whether a metric may be called so.
    pub fn allows_metric_name(self, name: &[u8]) -> bool {
        match self {
            Self::Legacy => is_legacy_metric_name(name),
            Self::Utf8 => !name.is_empty() && std::str::from_utf8(name).is_ok(),
        }
    }

    /// Whether a label may be called so, reserved names aside.
    pub fn allows_label_name(self, name: &[u8]) -> bool {
        match self {
            Self::Legacy => is_legacy_label_name(name),
            Self::Utf8 => !name.is_empty() && std::str::from_utf8(name).is_ok(),
        }
    }
}

/// Whether the name needs neither quotes nor escaping as a metric name.
pub fn is_legacy_metric_name(name: &[u8]) -> bool {
    is_made_of(&METRIC_NAME_BYTES, name)
}

/// Whether the name needs neither quotes nor escaping as a label name.
pub fn is_legacy_label_name(name: &[u8]) -> bool {
    is_made_of(&LABEL_NAME_BYTES, name)
}

/// By byte, whether it may be in a legacy metric name; to look it up is faster than to compare with each range.
pub static METRIC_NAME_BYTES: [bool; 256] = bytes_of_names_with(b':');

/// By byte, whether it may be in a legacy label name.
pub static LABEL_NAME_BYTES: [bool; 256] = bytes_of_names_with(b'_');

/// Those that all names may have, and one more.
const fn bytes_of_names_with(one_more: u8) -> [bool; 256] {
    let mut may_be = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        may_be[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_' || byte == one_more;
        byte += 1;
    }
    may_be
}

fn is_made_of(may_be: &[bool; 256], name: &[u8]) -> bool {
    let starts_well = name.first().is_some_and(|first| !first.is_ascii_digit());
    starts_well && name.iter().all(|&byte| may_be[usize::from(byte)])
}
