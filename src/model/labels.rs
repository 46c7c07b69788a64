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
    is_made_of(IN_METRIC_NAME, name)
}

/// Whether the name needs neither quotes nor escaping as a label name.
pub fn is_legacy_label_name(name: &[u8]) -> bool {
    is_made_of(IN_LABEL_NAME, name)
}

/// May stand in a metric name.
const IN_METRIC_NAME: u8 = 1;
/// May stand in a label name.
const IN_LABEL_NAME: u8 = 2;

/// Where each byte may stand. Every push has its names looked at, byte by byte.
const LEGACY: [u8; 256] = {
    let mut places = [0; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        places[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => IN_METRIC_NAME | IN_LABEL_NAME,
            b':' => IN_METRIC_NAME,
            _ => 0,
        };
        byte += 1;
    }
    places
};

/// Whether all bytes may stand in such a name, the first one at its beginning.
fn is_made_of(place: u8, name: &[u8]) -> bool {
    let starts_well = name.first().is_some_and(|first| !first.is_ascii_digit());
    starts_well
        && name
            .iter()
            .all(|&byte| LEGACY[usize::from(byte)] & place != 0)
}
