//! The files of the status page, built into the program.

use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

use super::answer;
use crate::model::Timestamp;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "favicon.ico",
        content_type: "image/x-icon",
        content: include_bytes!("assets/favicon.ico"),
    },
    Asset {
        name: "functions.js",
        content_type: "application/javascript",
        content: include_bytes!("assets/functions.js"),
    },
    Asset {
        name: "prometheus.css",
        content_type: "text/css",
        content: include_bytes!("assets/prometheus.css"),
    },
];

/// GET `/static/<name>`; without a name, the list of them. Files count as modified when the gateway started.
pub(super) fn asset(name: &[u8], headers: &HeaderMap, started: Timestamp) -> Response {
    if name.is_empty() {
        return listing();
    }
    let Some(asset) = ASSETS.iter().find(|asset| asset.name.as_bytes() == name) else {
        return answer::not_found();
    };
    let modified_at =
        jiff::Timestamp::from_second(started.as_nanos() / 1_000_000_000).unwrap_or_default();
    let tag = format!("\"{:08x}\"", crc32fast::hash(asset.content));
    let mut response = if is_unchanged(headers, &tag, modified_at) {
        answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        content(asset, headers, &tag)
    };
    let modified_at = DateTimePrinter::new().timestamp_to_rfc9110_string(&modified_at);
    let validators = [
        (header::LAST_MODIFIED, modified_at.unwrap_or_default()),
        (header::ETAG, tag),
    ];
    for (name, value) in validators {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn listing() -> Response {
    let link = |asset: &Asset| format!("<a href=\"{0}\">{0}</a>\n", asset.name);
    let links: String = ASSETS.iter().map(link).collect();
    let page = format!(
        "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n{links}</pre>\n"
    );
    ([(header::CONTENT_TYPE, answer::HTML)], page).into_response()
}

/// RFC 9110: the tag decides if the client has one, else the time.
fn is_unchanged(headers: &HeaderMap, tag: &str, modified_at: jiff::Timestamp) -> bool {
    if let Some(known) = text(headers, &header::IF_NONE_MATCH) {
        let mut known = known.split(',').map(str::trim);
        return known.any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    }
    let since = text(headers, &header::IF_MODIFIED_SINCE);
    let since = since.and_then(|since| DateTimeParser::new().parse_timestamp(since).ok());
    since.is_some_and(|since| modified_at <= since)
}

fn content(asset: &Asset, headers: &HeaderMap, tag: &str) -> Response {
    let content = asset.content;
    let mut response = match range(headers, tag, content.len()) {
        Range::All => content.into_response(),
        Range::Part { first, behind } => {
            let range = format!("bytes {first}-{}/{}", behind - 1, content.len());
            let range = [(header::CONTENT_RANGE, range)];
            (StatusCode::PARTIAL_CONTENT, range, &content[first..behind]).into_response()
        }
        Range::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{}", content.len()))];
            let refusal = answer::refusal(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "invalid range: failed to overlap",
            );
            return (range, refusal).into_response();
        }
    };
    let fixed = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Debug, Eq, PartialEq)]
enum Range {
    All,
    Part { first: usize, behind: usize },
    Unsatisfiable,
}

/// Several ranges, or none that is understood, mean the whole.
fn range(headers: &HeaderMap, tag: &str, len: usize) -> Range {
    let is_stale = text(headers, &header::IF_RANGE).is_some_and(|known| known != tag);
    let range = text(headers, &header::RANGE).and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.filter(|_| !is_stale).and_then(|r| r.split_once('-')) else {
        return Range::All;
    };
    let (first, behind) = match (first.trim().parse(), last.trim().parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(len)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, len),
        (Err(_), Ok(count)) if first.trim().is_empty() => (len.saturating_sub(count), len),
        _ => return Range::All,
    };
    if first < behind {
        Range::Part { first, behind }
    } else {
        Range::Unsatisfiable
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: Timestamp = Timestamp::from_nanos(1_763_715_134_500_000_000);

    fn get(name: &str, headers: &[(header::HeaderName, &str)]) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, HeaderValue::from_str(value).unwrap());
        }
        asset(name.as_bytes(), &map, STARTED)
    }

    fn check(response: &Response, status: u16, headers: &[(header::HeaderName, &str)]) {
        assert_eq!(response.status(), status);
        for (name, value) in headers {
            assert_eq!(response.headers().get(name).unwrap(), value, "{name}");
        }
    }

    #[test]
    fn files_have_the_type_of_their_extension_and_validators() {
        let modified = (header::LAST_MODIFIED, "Fri, 21 Nov 2025 08:52:14 GMT");
        for (name, content_type) in [
            ("favicon.ico", "image/x-icon"),
            ("functions.js", "application/javascript"),
            ("prometheus.css", "text/css"),
        ] {
            let content_type = (header::CONTENT_TYPE, content_type);
            let ranges = (header::ACCEPT_RANGES, "bytes");
            check(
                &get(name, &[]),
                200,
                &[content_type, ranges, modified.clone()],
            );
        }
        check(&get("nope.css", &[]), 404, &[]);
        check(
            &get("", &[]),
            200,
            &[(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        );
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let first = get("functions.js", &[]);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let check = |name, value: &str, status| {
            check(&get("functions.js", &[(name, value)]), status, &[]);
        };
        check(header::IF_NONE_MATCH, &tag, 304);
        check(header::IF_NONE_MATCH, &format!("\"x\", W/{tag}"), 304);
        check(header::IF_NONE_MATCH, "\"x\"", 200);
        check(
            header::IF_MODIFIED_SINCE,
            "Fri, 21 Nov 2025 08:52:14 GMT",
            304,
        );
        check(
            header::IF_MODIFIED_SINCE,
            "Fri, 21 Nov 2025 08:52:13 GMT",
            200,
        );
        check(header::IF_MODIFIED_SINCE, "yesterday", 200);
    }

    #[test]
    fn one_range_is_sent_alone() {
        let check = |sent: &str, expected: Range| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_str(sent).unwrap());
            assert_eq!(range(&headers, "\"tag\"", 100), expected, "{sent}");
        };
        let part = |first, behind| Range::Part { first, behind };
        check("bytes=0-9", part(0, 10));
        check("bytes=90-", part(90, 100));
        check("bytes=90-1000", part(90, 100));
        check("bytes=-5", part(95, 100));
        check("bytes=-500", part(0, 100));
        check("bytes=100-", Range::Unsatisfiable);
        check("bytes=-0", Range::Unsatisfiable);
        check("bytes=5-3", Range::All);
        check("bytes=0-1,3-4", Range::All);
        check("bytes=x", Range::All);
        check("lines=0-1", Range::All);
        let answer = get("functions.js", &[(header::RANGE, "bytes=0-3")]);
        assert_eq!(answer.status(), 206);
    }
}
