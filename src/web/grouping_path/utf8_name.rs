//! UTF-8 label names within a path: the `U__` escaping of Prometheus.

use std::borrow::Cow;

use crate::model::is_legacy_label_name;

const PREFIX: &str = "U__";
/// More digits are not read, so nothing beyond U+FFFFF can be escaped.
const MAX_DIGITS: usize = 5;

/// The name that this one stands for; itself if it is not escaped, or not properly.
pub(super) fn unescape(name: &str) -> String {
    let escaped = name.strip_prefix(PREFIX);
    escaped
        .and_then(try_unescape)
        .unwrap_or_else(|| name.to_owned())
}

fn try_unescape(mut escaped: &str) -> Option<String> {
    let mut name = String::with_capacity(escaped.len());
    while let Some((plain, after)) = escaped.split_once('_') {
        name.push_str(plain);
        let (digits, rest) = after.split_once('_')?;
        name.push(if digits.is_empty() {
            '_'
        } else {
            code_point(digits)?
        });
        escaped = rest;
    }
    name.push_str(escaped);
    Some(name)
}

fn code_point(digits: &str) -> Option<char> {
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || digits.len() > MAX_DIGITS {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// The name as a server that unescapes must be sent it.
pub(super) fn escape(name: &str) -> Cow<'_, str> {
    if is_legacy_label_name(name.as_bytes()) && !name.starts_with(PREFIX) {
        return Cow::Borrowed(name);
    }
    let mut escaped = String::from(PREFIX);
    for c in name.chars() {
        match c {
            '_' => escaped.push_str("__"),
            c if c.is_ascii_alphanumeric() || c > '\u{fffff}' => escaped.push(c),
            c => escaped.extend([format!("_{:x}_", u32::from(c))]),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescapes_or_leaves_the_whole_name() {
        let check = |sent: &str, expected: &str| assert_eq!(unescape(sent), expected, "{sent}");
        check("U__a_2e_b", "a.b");
        check("U__a_2E_b", "a.b");
        check("a.b", "a.b");
        check("U__a_1F60A_", "a😊");
        check("U___55_____", "U__");
        check("U___55_____foo__2e__bar", "U__foo_2e_bar");
        check("U__a__b", "a_b");
        check("U__a", "a");
        check("U__", "");
        check("U____", "_");
        check("U__a_0_b", "a\0b");
        check("U__ä_2e_", "ä.");
        for kept in [
            "U__in_xxx_valid",
            "U__a_",
            "U__a_41",
            "U__a_d800_",
            "U__a_110000_",
            "U__a_000041_",
            "U__a_+41_",
            "U___",
        ] {
            check(kept, kept);
        }
    }

    #[test]
    fn escapes_what_unescaping_gives_back() {
        for name in [
            "a",
            "U__",
            "U__a_2e_b",
            "a/b",
            "ä.☃",
            "1a",
            "_",
            "a@base64",
            "\u{10ffff}/",
        ] {
            assert_eq!(unescape(&escape(name)), name);
        }
        assert_eq!(escape("a_b"), "a_b");
        assert_eq!(escape("a.b_c"), "U__a_2e_b__c");
    }
}
