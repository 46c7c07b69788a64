//! Random pushes, deletes and scrapes, mostly valid, over a few names and groups so that they meet.
//!
//! Left out on purpose is what this gateway refuses although upstream takes it and then fails to expose it:
//! `hostile.rs` tests that. So names and help are always UTF-8, no group differs from another by an empty
//! `instance` alone, `le` and `quantile` never come in a path, and the two push gauges are not pushed with a
//! value that upstream would keep.

use base64::Engine as _;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

use super::protobuf_body;
use super::text_body;
use crate::harness::compress::{gzip, snappy};
use crate::harness::http::Request;
use crate::harness::protobuf;
use crate::harness::random::Random;

/// Which names text bodies and paths may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Names {
    Legacy,
    Utf8,
}

/// Requests in order, and how the state after them is scraped.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) requests: Vec<Request>,
    pub(crate) scrape: Request,
}

const ACCEPT: [&str; 16] = [
    "*/*",
    "text/plain",
    "text/plain;version=0.0.4;escaping=allow-utf-8",
    "text/plain;version=0.0.4;escaping=dots",
    "text/plain;version=0.0.4;escaping=values",
    "text/plain;version=0.0.4;escaping=underscores",
    "text/plain;version=0.0.4;escaping=nonsense",
    "text/plain;version=1.0.0;escaping=dots",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
    "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    "application/json, text/plain;q=0.1;escaping=values",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/plain;q=x;escaping=dots,*/*;q=0.5",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
     application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;\
     escaping=allow-utf-8",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;\
     escaping=values",
];
const ACCEPT_ENCODING: [&str; 9] = [
    "gzip",
    "*",
    "identity",
    "gzip;q=0.5, identity;q=0.5",
    "gzip;q=0.6, identity;q=0.5",
    "zstd, br, deflate",
    "deflate, gzip;q=1.0",
    "GZIP",
    "gzip;q=0",
];
const JOBS: [&str; 6] = ["j", "k", "a b", "\u{fc}\u{df}", "x/y", "j+.;~"];
const GROUP_LABELS: [(&str, &[&str]); 5] = [
    ("instance", &["i1", "i2", "10.0.0.1:80"]),
    ("l", &["l1", "", "l<&>\"\\"]),
    ("zone", &["z/1", "z 2", "\u{1F60A}"]),
    ("_x", &["..", "x%41"]),
    ("job", &["other"]),
];
const UTF8_GROUP_LABELS: [(&str, &[&str]); 4] = [
    ("U__d_2e_ot", &["d1", "d2"]),
    ("d.ot", &["d1"]),
    ("U__a__b", &["u1"]),
    ("U__bad_xx_", &["u2", "\u{fc}"]),
];
const BAD_PATHS: [&str; 18] = [
    "/metrics/job/j/l",
    "/metrics/job/j/l/",
    "/metrics/job/j/l/v/",
    "/metrics/job/j/__l/v",
    "/metrics/job/j/a-b/v",
    "/metrics/job/j/1a/v",
    "/metrics/job/j/a=b/v",
    "/metrics/job/j/l@base64/a+b",
    "/metrics/job/j/l@base64/a/zone@base64/?x=y",
    "/metrics/job@base64/=",
    "/metrics/job@base64/Zm9v*",
    "/metrics/job@base64/Zm9vYh/l@base64@base64/x",
    "/metrics/job%40base64/Zm9v",
    "/metrics/job/x%2Fy",
    "/Metrics/job/J",
    "/metrics/job@Base64/Zm9v",
    "/metrics/job/",
    "/metrics/job/j/U__/v",
];
const ROUTES: [&str; 22] = [
    "/-/healthy",
    "/-/ready",
    "/-/healthy/",
    "/-/quit",
    "/nope",
    "/status/",
    "/Status",
    "/metrics/",
    "/METRICS",
    "/static",
    "/static/functions.js/",
    "/static/nope",
    "/api/v1/",
    "/api/v1/metrics",
    "/api/v1/nope",
    "/api/v1/admin/wipe",
    "/api/",
    "/favicon.ico",
    "/metrics/job",
    "/metrics/job/x/",
    "/metrics/job/x/y/z/",
    "/graph",
];

/// The next case.
pub(crate) fn case(random: &mut Random, names: Names) -> Case {
    let count = 1 + random.below(4) * random.below(2) + random.below(2);
    let requests = (0..count).map(|_| request(random, names)).collect();
    let mut scrape = Request::new("GET", "/metrics");
    if random.chance(70) {
        scrape = scrape.header("Accept", random.pick(&ACCEPT));
    }
    if random.chance(50) {
        scrape = scrape.header("Accept-Encoding", random.pick(&ACCEPT_ENCODING));
    }
    Case { requests, scrape }
}

fn request(random: &mut Random, names: Names) -> Request {
    match random.below(100) {
        0..5 => {
            let method = random.pick(&["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"]);
            Request::new(method, random.pick(&ROUTES))
        }
        5..17 => {
            let request = Request::new("DELETE", path(random, names));
            if random.chance(10) {
                encoded(random, request)
            } else {
                request
            }
        }
        _ => push(random, names),
    }
}

fn push(random: &mut Random, names: Names) -> Request {
    let method = random.pick(&["PUT", "PUT", "POST"]);
    let mut request = Request::new(method, path(random, names));
    if random.chance(40) {
        let content_type = match random.below(10) {
            0 => {
                "application/vnd.google.protobuf;encoding=\"delimited\";\
                  proto=\"io.prometheus.client.MetricFamily\";x=y"
            }
            1 => {
                "Application/VND.google.protobuf; Encoding=delimited; proto=io.prometheus.client.MetricFamily"
            }
            _ => protobuf::CONTENT_TYPE,
        };
        request = request
            .header("Content-Type", content_type)
            .body(protobuf_body::body(random));
    } else {
        if random.chance(30) {
            let content_type = random.pick(&[
                "text/plain",
                "text/plain; version=0.0.4",
                "application/x-www-form-urlencoded",
                "application/openmetrics-text; version=1.0.0",
                "application/vnd.google.protobuf",
                "nonsense",
            ]);
            request = request.header("Content-Type", content_type);
        }
        request = request.body(text_body::body(random, names));
    }
    request = encoded(random, request);
    if random.chance(10) {
        let size = random.within(1..=300);
        request = request.chunked(size);
    }
    request
}

/// The body compressed or not, and said so rightly or not.
fn encoded(random: &mut Random, request: Request) -> Request {
    let body = request.body.clone();
    match random.below(100) {
        0..8 => request.header("Content-Encoding", "gzip").body(gzip(&body)),
        8..10 => {
            let (first, second) = body.split_at(body.len() / 2);
            let members = [gzip(first), gzip(second)].concat();
            request.header("Content-Encoding", "GZip").body(members)
        }
        10..14 => request
            .header("Content-Encoding", "snappy")
            .body(snappy(&body)),
        14 => {
            let mut cut = gzip(&body);
            cut.truncate(random.below(cut.len()));
            request.header("Content-Encoding", "gzip").body(cut)
        }
        15 => {
            let mut wrong = gzip(&body);
            let at = wrong.len() - 1 - random.below(8);
            wrong[at] ^= 0x55;
            request.header("Content-Encoding", "gzip").body(wrong)
        }
        16 => request.header("Content-Encoding", "gzip"),
        17 => request.header("Content-Encoding", "snappy"),
        18 => {
            let encoding = random.pick(&["deflate", "x-gzip", "identity", "gzip, gzip", "zstd"]);
            request.header("Content-Encoding", encoding)
        }
        _ => request,
    }
}

/// A push path: now and then a wrong one.
fn path(random: &mut Random, names: Names) -> Vec<u8> {
    if random.chance(5) {
        return (random.pick(&BAD_PATHS)).into();
    }
    let mut path = b"/metrics".to_vec();
    // The first job is the most frequent, so that pushes meet.
    let job = JOBS[random.below(JOBS.len()) * random.below(2)];
    put_pair(random, &mut path, "job", job);
    for _ in 0..[0, 0, 1, 1, 2][random.below(5)] {
        let (name, values) = random.pick(&GROUP_LABELS);
        let value = random.pick(values);
        put_pair(random, &mut path, name, value);
    }
    if random.chance(if names == Names::Utf8 { 50 } else { 3 }) {
        let (name, values) = random.pick(&UTF8_GROUP_LABELS);
        let value = random.pick(values);
        put_pair(random, &mut path, name, value);
    }
    if random.chance(3) {
        path.extend_from_slice(b"?query=ignored");
    }
    path
}

/// `/name/value` in one of the forms that mean it.
fn put_pair(random: &mut Random, path: &mut Vec<u8>, name: &str, value: &str) {
    let needs_base64 = value.is_empty() || value.contains('/') || value.starts_with('.');
    path.push(b'/');
    path.extend_from_slice(name.as_bytes());
    if needs_base64 || random.chance(15) {
        let encoded = match random.below(2) {
            0 => BASE64_URL_SAFE.encode(value),
            _ => BASE64_URL_SAFE_NO_PAD.encode(value),
        };
        let encoded = if encoded.is_empty() { "=" } else { &encoded };
        path.extend_from_slice(format!("@base64/{encoded}").as_bytes());
        return;
    }
    path.push(b'/');
    for character in value.chars() {
        let is_plain = character.is_ascii_alphanumeric() || "+;:.~-_&".contains(character);
        let is_raw = !character.is_ascii() && random.chance(30);
        let mut bytes = [0; 4];
        let encoded = character.encode_utf8(&mut bytes).as_bytes();
        if is_plain || is_raw {
            path.extend_from_slice(encoded);
        } else {
            path.extend(
                encoded
                    .iter()
                    .flat_map(|byte| format!("%{byte:02X}").into_bytes()),
            );
        }
    }
}
