//! Request paths: decoding, encoding and cleaning them, as Go's `net/url` and `path` do.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What is escaped in a path that is written anew: all but unreserved characters and `$&+,/:;=@`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// The bytes that an escaped path stands for; `None` if an escape is malformed.
pub(super) fn decode(escaped: &str) -> Option<Vec<u8>> {
    let mut parts = escaped.as_bytes().split(|&byte| byte == b'%');
    parts.next();
    let is_escape = |part: &[u8]| part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit);
    if !parts.all(is_escape) {
        return None;
    }
    let mut decoded = Vec::with_capacity(escaped.len());
    decoded.extend(percent_decode_str(escaped));
    Some(decoded)
}

/// The path as it may stand in a header or a link.
pub(super) fn encode(path: &[u8]) -> String {
    percent_encode(path, ESCAPED).to_string()
}

/// The escaped path as sent, or encoded anew if it holds what no path may hold unescaped.
///
/// So a redirect never repeats such bytes: a browser takes `/\host` for `//host`.
pub(super) fn normalize<'a>(sent: &'a str, decoded: &[u8]) -> Cow<'a, str> {
    if sent.bytes().all(may_stand) {
        Cow::Borrowed(sent)
    } else {
        Cow::Owned(encode(decoded))
    }
}

/// Whether a path may hold the byte unescaped.
fn may_stand(byte: u8) -> bool {
    // From `$` to `;` are digits and marks, all of which may.
    byte.is_ascii_alphabetic()
        || matches!(
            byte,
            b'$'..=b';' | b'!' | b'=' | b'@' | b'[' | b']' | b'_' | b'~'
        )
}

/// The rooted path without empty, `.` and `..` segments; a trailing slash stays.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let mut cleaned = Vec::with_capacity(path.len() + 1);
    for segment in path.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                let parent = cleaned.iter().rposition(|&byte| byte == b'/');
                cleaned.truncate(parent.unwrap_or(0));
            }
            _ => {
                cleaned.push(b'/');
                cleaned.extend_from_slice(segment);
            }
        }
    }
    if cleaned.is_empty() || path.ends_with(b"/") {
        cleaned.push(b'/');
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_of_any_case_and_refuses_broken_ones() {
        assert_eq!(decode("/a%2Fb%2f%c3%A4").unwrap(), "/a/b/ä".as_bytes());
        for malformed in ["%", "%2", "%zz", "/a%2g", "%%41"] {
            assert_eq!(decode(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn encodes_what_go_encodes() {
        assert_eq!(encode(b"/a b/$&+,:;=@-_.~"), "/a%20b/$&+,:;=@-_.~");
        assert_eq!(encode(b"/!'()*[]?%\xff"), "/%21%27%28%29%2A%5B%5D%3F%25%FF");
    }

    #[test]
    fn normalizes_only_what_no_path_may_hold() {
        assert_eq!(normalize("/a%2fb!", b"/a/b!"), "/a%2fb!");
        assert_eq!(normalize("/\\host", b"/\\host"), "/%5Chost");
    }

    #[test]
    fn cleans_segments_and_keeps_a_trailing_slash() {
        let check = |path: &str, expected: &str| {
            assert_eq!(clean(path.as_bytes()), expected.as_bytes(), "{path}");
        };
        check("", "/");
        check("/", "/");
        check("//", "/");
        check("/a//b/", "/a/b/");
        check("/a/./b/../c", "/a/c");
        check("/a/..", "/");
        check("/a/b/..", "/a");
        check("/../..//x", "/x");
        check("*", "/*");
    }
}
