//! The URL under which the world sees the gateway, of which only the path matters.

use percent_encoding::percent_decode_str;

use super::value::InvalidValue;

/// `--web.external-url`: as typed, and its path.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct ExternalUrl {
    typed: String,
    path: String,
}

impl ExternalUrl {
    /// Reads a URL as Go's `net/url` does, and refuses in its words.
    ///
    /// So `x.example` is a path, `host:9091` has a scheme and no path, and `10.0.0.1:9091` is an error.
    pub(super) fn parse(typed: &str) -> Result<Self, InvalidValue> {
        let (url, fragment) = typed.split_once('#').unwrap_or((typed, ""));
        let refuse = |url: &str, reason: String| {
            InvalidValue::AsGo(format!("invalid URL: parse {url:?}: {reason}"))
        };
        let path = path_of(url).map_err(|reason| refuse(url, reason))?;
        check_escapes(fragment).map_err(|reason| refuse(typed, reason))?;
        Ok(Self {
            typed: typed.to_owned(),
            path,
        })
    }

    pub(super) fn as_typed(&self) -> &str {
        &self.typed
    }

    /// The percent-decoded path; may be empty, and may lack the leading slash.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

fn path_of(url: &str) -> Result<String, String> {
    if url.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".into());
    }
    let (scheme, rest) = split_scheme(url)?;
    let (rest, _query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        if scheme.is_some() {
            // Opaque, such as `mailto:someone`: no path.
            return Ok(String::new());
        }
        let segment = rest.split('/').next().unwrap_or_default();
        if segment.contains(':') {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    let has_authority = rest.starts_with("//") && (scheme.is_some() || !rest.starts_with("///"));
    if !has_authority {
        return unescape(rest);
    }
    let authority_and_path = &rest[2..];
    let slash = authority_and_path.find('/');
    let (authority, path) = authority_and_path.split_at(slash.unwrap_or(authority_and_path.len()));
    check_authority(authority)?;
    unescape(path)
}

/// The scheme, if there is one, and what follows its colon.
fn split_scheme(url: &str) -> Result<(Option<&str>, &str), String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let end = url.find(|c| !is_part(c)).unwrap_or(url.len());
    match (url[..end].bytes().next(), url[end..].strip_prefix(':')) {
        (None, Some(_)) => Err("missing protocol scheme".into()),
        (Some(first), Some(rest)) if first.is_ascii_alphabetic() => Ok((Some(&url[..end]), rest)),
        _ => Ok((None, url)),
    }
}

fn check_authority(authority: &str) -> Result<(), String> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_user = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !user.chars().all(is_user) {
        return Err("net/url: invalid userinfo".into());
    }
    check_escapes(user)?;
    let port = if host.contains('[') {
        let end = host.rfind(']').ok_or("missing ']' in host")?;
        &host[end + 1..]
    } else {
        host.rfind(':').map_or("", |colon| &host[colon..])
    };
    let digits = port.strip_prefix(':').unwrap_or_default();
    let is_port = port.is_empty() || port.starts_with(':');
    if !is_port || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("invalid port {port:?} after host"));
    }
    check_host(host)
}

/// Escapes in hosts are for bytes beyond ASCII, and for the percent sign of a zone.
fn check_host(host: &str) -> Result<(), String> {
    check_escapes(host)?;
    for (at, _) in host.match_indices('%') {
        let escape = &host[at..at + 3];
        if escape.as_bytes()[1] < b'8' && escape != "%25" {
            return Err(format!("invalid URL escape {escape:?}"));
        }
    }
    match host.chars().find(|c| " \\^`{|}".contains(*c)) {
        Some(c) => Err(format!(
            "invalid character {:?} in host name",
            c.to_string()
        )),
        None => Ok(()),
    }
}

/// Each percent sign has two hexadecimal digits behind it.
fn check_escapes(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('%') {
        let digits = text.as_bytes()[at + 1..].iter().take(2);
        if digits.filter(|byte| byte.is_ascii_hexdigit()).count() < 2 {
            let shown: String = text[at..].chars().take(3).collect();
            return Err(format!("invalid URL escape {shown:?}"));
        }
    }
    Ok(())
}

fn unescape(text: &str) -> Result<String, String> {
    check_escapes(text)?;
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| format!("{text:?} is not UTF-8 when unescaped"))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_path(typed: &str, path: &str) {
        let url = ExternalUrl::parse(typed).unwrap();
        assert_eq!((url.as_typed(), url.path()), (typed, path));
    }

    #[track_caller]
    fn check_refusal(typed: &str, reason: &str) {
        let refusal = ExternalUrl::parse(typed).unwrap_err();
        let expected = InvalidValue::AsGo(format!("invalid URL: parse {reason}"));
        assert_eq!(refusal, expected);
    }

    #[test]
    fn finds_the_path() {
        check_path("", "");
        check_path("http://h", "");
        check_path("http://h/ext/", "/ext/");
        check_path("https://user:pw@h.example:8443/a/b?q=/x#/y", "/a/b");
        check_path("http://[::1]:9091/p", "/p");
        check_path("http://h/a%20b%2Fc", "/a b/c");
        check_path("/ext", "/ext");
        check_path("ext", "ext");
        check_path("x.example", "x.example");
        check_path("x.example/a:b", "x.example/a:b");
        check_path("//h/p", "/p");
        check_path("///p", "///p");
        check_path("?q", "");
    }

    #[test]
    fn takes_a_host_with_a_port_for_a_scheme_as_go_does() {
        check_path("host:9091", "");
        check_path("host:9091/p", "");
    }

    #[test]
    fn refuses_in_the_words_of_go() {
        check_refusal("http://[::1", r#""http://[::1": missing ']' in host"#);
        check_refusal(":x", r#"":x": missing protocol scheme"#);
        check_refusal(
            "10.0.0.1:9091",
            r#""10.0.0.1:9091": first path segment in URL cannot contain colon"#,
        );
        check_refusal(
            "http://h:x/",
            r#""http://h:x/": invalid port ":x" after host"#,
        );
        check_refusal(
            "http://[::1]9/",
            r#""http://[::1]9/": invalid port "9" after host"#,
        );
        check_refusal(
            "http://a b/",
            r#""http://a b/": invalid character " " in host name"#,
        );
        check_refusal(
            "http://h/%zz",
            r#""http://h/%zz": invalid URL escape "%zz""#,
        );
        check_refusal("/%", r#""/%": invalid URL escape "%""#);
        check_refusal(
            "http://h/\n",
            r#""http://h/\n": net/url: invalid control character in URL"#,
        );
        check_refusal(
            "http://a%20b/",
            r#""http://a%20b/": invalid URL escape "%20""#,
        );
        check_refusal(
            "http://h#%zz",
            r#""http://h#%zz": invalid URL escape "%zz""#,
        );
        check_refusal(
            "http://u<@h/",
            r#""http://u<@h/": net/url: invalid userinfo"#,
        );
    }
}
