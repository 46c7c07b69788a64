//! What a scrape gets instead of names that its client may not understand.

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::{
    LABEL_NAME_BYTES, METRIC_NAME_BYTES, is_legacy_label_name, is_legacy_metric_name,
};

/// How names that are not legacy names are exposed; a scrape asks for one of these in its `Accept` header.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Escaping {
    /// `underscores`: each character that is not allowed becomes an underscore.
    #[default]
    Underscores,
    /// `dots`: dots become `_dot_`, underscores are doubled, anything else becomes two underscores.
    Dots,
    /// `values`: reversible; `U__`, then doubled underscores and code points in hexadecimal.
    Values,
    /// `allow-utf-8`: names stay as they are and are quoted.
    AllowUtf8,
}

/// What a name names. Metric names may have colons where label names may not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameKind {
    /// A metric family.
    Metric,
    /// A label.
    Label,
}

impl Escaping {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Underscores, Self::Dots, Self::Values, Self::AllowUtf8];

    /// The name in `Accept` and `Content-Type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
            Self::AllowUtf8 => "allow-utf-8",
        }
    }
}

impl NameKind {
    /// Whether the name needs neither quotes nor escaping.
    pub fn is_legacy(self, name: &str) -> bool {
        match self {
            Self::Metric => is_legacy_metric_name(name.as_bytes()),
            Self::Label => is_legacy_label_name(name.as_bytes()),
        }
    }

    /// By byte, whether it may be in such a name.
    pub(super) fn legacy_bytes(self) -> &'static [bool; 256] {
        match self {
            Self::Metric => &METRIC_NAME_BYTES,
            Self::Label => &LABEL_NAME_BYTES,
        }
    }

    fn allows(self, character: char, at: usize) -> bool {
        match character {
            'a'..='z' | 'A'..='Z' | '_' => true,
            ':' => self == Self::Metric,
            '0'..='9' => at > 0,
            _ => false,
        }
    }
}

/// The name as it is exposed under this escaping. Legacy names stay as they are.
///
/// The Pushgateway takes label names with colons for legacy names and exposes them bare, whereupon Prometheus
/// refuses the whole scrape; here they are escaped.
pub fn escape_name(name: &str, escaping: Escaping, kind: NameKind) -> Cow<'_, str> {
    if escaping == Escaping::AllowUtf8 || kind.is_legacy(name) {
        return Cow::Borrowed(name);
    }
    let mut escaped = String::with_capacity(name.len() + 8);
    if escaping == Escaping::Values {
        escaped.push_str("U__");
    }
    for (at, character) in name.char_indices() {
        match (escaping, character) {
            (Escaping::Dots | Escaping::Values, '_') => escaped.push_str("__"),
            _ if kind.allows(character, at) => escaped.push(character),
            (Escaping::Dots, '.') => escaped.push_str("_dot_"),
            (Escaping::Dots, _) => escaped.push_str("__"),
            (Escaping::Values, _) => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "_{:x}_", u32::from(character));
            }
            (Escaping::Underscores | Escaping::AllowUtf8, _) => escaped.push('_'),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, kind: NameKind, [underscores, dots, values]: [&str; 3]) {
        let escaped = |escaping| escape_name(name, escaping, kind);
        assert_eq!(escaped(Escaping::Underscores), underscores);
        assert_eq!(escaped(Escaping::Dots), dots);
        assert_eq!(escaped(Escaping::Values), values);
        assert_eq!(escaped(Escaping::AllowUtf8), name);
    }

    #[test]
    fn leaves_legacy_names_alone() {
        for name in ["a", "_a_b", "A9", "U__x", "a_dot_b"] {
            check(name, NameKind::Metric, [name; 3]);
            check(name, NameKind::Label, [name; 3]);
        }
        check("a:b", NameKind::Metric, ["a:b"; 3]);
    }

    #[test]
    fn escapes_by_character() {
        check("a.b", NameKind::Metric, ["a_b", "a_dot_b", "U__a_2e_b"]);
        check(
            "h.x_y",
            NameKind::Label,
            ["h_x_y", "h_dot_x__y", "U__h_2e_x__y"],
        );
        check("ü", NameKind::Metric, ["_", "__", "U___fc_"]);
        check("a😊", NameKind::Metric, ["a_", "a__", "U__a_1f60a_"]);
        check(
            "a\"b\\c\nd",
            NameKind::Metric,
            ["a_b_c_d", "a__b__c__d", "U__a_22_b_5c_c_a_d"],
        );
    }

    #[test]
    fn escapes_leading_digits() {
        check("1a2", NameKind::Metric, ["_a2", "__a2", "U___31_a2"]);
    }

    #[test]
    fn escapes_colons_in_label_names_only() {
        check("a:b", NameKind::Label, ["a_b", "a__b", "U__a_3a_b"]);
        check("a:.b", NameKind::Metric, ["a:_b", "a:_dot_b", "U__a:_2e_b"]);
    }
}
