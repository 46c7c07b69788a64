//! The `Authorization` header of the Basic scheme: RFC 7617.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;

/// A user name and a password as a client gives them.
pub(super) struct Credentials {
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
}

impl Credentials {
    /// Takes the header apart; none if it is of another scheme or malformed.
    pub(super) fn parse(header: &HeaderValue) -> Option<Self> {
        let (scheme, encoded) = header.as_bytes().split_at_checked(b"Basic ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Basic ") {
            return None;
        }
        let mut user = BASE64_STANDARD.decode(encoded).ok()?;
        let colon = memchr::memchr(b':', &user)?;
        let password = user.split_off(colon + 1);
        user.truncate(colon);
        Some(Self { user, password })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<credentials>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &'static str, expected: Option<(&str, &str)>) {
        let parsed = Credentials::parse(&HeaderValue::from_static(header));
        let parsed = parsed.map(|given| (given.user, given.password));
        let expected = expected.map(|(user, password)| (user.into(), password.into()));
        assert_eq!(parsed, expected, "{header}");
    }

    #[test]
    fn the_first_colon_separates() {
        check("Basic YWxpY2U6c2VjcmV0", Some(("alice", "secret")));
        check("basic YWxpY2U6YTpi", Some(("alice", "a:b")));
        check("BASIC Og==", Some(("", "")));
    }

    #[test]
    fn anything_else_is_none() {
        for header in [
            "",
            "Basic",
            "Basic ",
            "Basic !",
            "Basic YWxpY2U=",
            "Bearer YWxpY2U6c2VjcmV0",
        ] {
            check(header, None);
        }
    }
}
