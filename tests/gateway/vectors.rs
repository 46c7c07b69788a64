//! Replays requests recorded from prometheus/pushgateway 1.11.3 and compares every answer and the state after.
//!
//! `tests/data/vectors.jsonl` holds one vector a line: requests in order against a wiped gateway, what each
//! answered, and `then` the groups and the scrape. Cases in which this gateway differs on purpose are not
//! among them, but for one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::harness::http::{Connection, Request, Response};
use crate::harness::{Program, scrape, wait_until};

const VECTORS: &str = include_str!("../data/vectors.jsonl");
/// Refusals begin with it; the rest depended on map order and an unstable text form.
const INCONSISTENT: &str = "pushed metrics are invalid or inconsistent with existing metrics: ";
/// Headers that a response has if and only if the recorded one had it.
const BOTH_WAYS: [&str; 10] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "content-type",
    "location",
    "www-authenticate",
    "x-content-type-options",
];

/// Vectors in which this gateway differs on purpose, and why.
const DEVIATIONS: [(&str, &str); 1] = [(
    "semantics-0383",
    "a push_failure_time_seconds sent by a client is discarded whatever the group holds",
)];

#[derive(Deserialize)]
struct Vector {
    id: String,
    server_flags: Vec<String>,
    requests: Vec<RecordedRequest>,
    then: State,
}

#[derive(Deserialize)]
struct RecordedRequest {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
    expect: Expected,
}

#[derive(Deserialize)]
struct Expected {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    body_exact: bool,
}

#[derive(Deserialize)]
struct State {
    groups: Vec<Value>,
    scrape_status: u16,
    pushed_lines: Vec<String>,
    #[serde(default)]
    scrape_headers: BTreeMap<String, String>,
}

#[test]
fn every_recorded_request_is_answered_as_by_upstream() {
    let mut by_flags: BTreeMap<Vec<String>, Vec<Vector>> = BTreeMap::new();
    for line in VECTORS.lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        by_flags
            .entry(vector.server_flags.clone())
            .or_default()
            .push(vector);
    }
    let mut failures = BTreeMap::new();
    for (flags, vectors) in &by_flags {
        let gateway = Program::gateway().flags(flags).start();
        let mut connection = Connection::new(gateway.address);
        for vector in vectors {
            let differences = vector.replay(&mut connection);
            let is_on_purpose = DEVIATIONS.iter().any(|(id, _)| *id == vector.id);
            if differences.is_empty() == is_on_purpose {
                failures.insert(&vector.id, differences);
            }
        }
    }
    let total = VECTORS.lines().count();
    let ids: Vec<_> = failures.keys().map(|id| id.as_str()).collect();
    let mut report = String::new();
    for (id, differences) in &failures {
        write!(report, "\n{id}\n{differences}").unwrap();
    }
    assert!(
        ids.is_empty(),
        "{} of {total} vectors fail: {ids:?}{report}",
        ids.len()
    );
}

impl Vector {
    /// What differs from the record, one line each; empty if nothing.
    fn replay(&self, connection: &mut Connection) -> String {
        wipe(connection);
        let mut differences = String::new();
        for recorded in &self.requests {
            match connection.send(&recorded.request()) {
                Ok(response) => recorded.expect.compare(&response, &mut differences),
                Err(error) => writeln!(differences, "  no response: {error}").unwrap(),
            }
        }
        let is_asynchronous = self
            .requests
            .iter()
            .any(|request| request.expect.status == 202);
        let mut state = self.then.differences(connection);
        if is_asynchronous && !state.is_empty() {
            state = self.then.settled_differences(connection);
        }
        if !(differences.is_empty() && state.is_empty()) {
            let requests = self.requests.iter().map(RecordedRequest::request);
            let mut report = String::new();
            for request in requests {
                writeln!(report, "  {request:?}").unwrap();
            }
            return report + &differences + &state;
        }
        String::new()
    }
}

impl RecordedRequest {
    fn request(&self) -> Request {
        let body = match (&self.body, &self.body_base64) {
            (Some(body), _) => body.clone().into_bytes(),
            (None, Some(encoded)) => BASE64_STANDARD.decode(encoded).unwrap(),
            (None, None) => Vec::new(),
        };
        let request = Request::new(&self.method, self.path.as_str()).body(body);
        self.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    }
}

impl Expected {
    fn compare(&self, response: &Response, differences: &mut String) {
        let mut check = |what: &str, expected: &str, found: &str| {
            if expected != found {
                writeln!(differences, "  {what}: {found:?} instead of {expected:?}").unwrap();
            }
        };
        check(
            "status",
            &self.status.to_string(),
            &response.status.to_string(),
        );
        for (name, expected) in &self.headers {
            check(name, expected, response.header(name).unwrap_or("<absent>"));
        }
        for name in BOTH_WAYS {
            if !self.headers.contains_key(name) {
                check(
                    name,
                    "<absent>",
                    response.header(name).unwrap_or("<absent>"),
                );
            }
        }
        let found = response.text();
        if self.body_exact {
            check("body", &self.body, &found);
        } else if self.body.starts_with(INCONSISTENT) {
            let length = INCONSISTENT.len().min(found.len());
            check(
                "start of body",
                INCONSISTENT,
                &found[..found.floor_char_boundary(length)],
            );
        } else {
            check("body", &single_spaced(&self.body), &single_spaced(&found));
        }
    }
}

impl State {
    /// Compares the state now.
    fn differences(&self, connection: &mut Connection) -> String {
        let mut differences = String::new();
        let api = connection
            .send(&Request::new("GET", "/api/v1/metrics"))
            .unwrap();
        let groups = scrape::groups(&api.json());
        let mut expected = self.groups.clone();
        expected.sort_by_key(Value::to_string);
        if groups != expected {
            writeln!(differences, "  groups: {groups:?} instead of {expected:?}").unwrap();
        }
        let request = Request::new("GET", "/metrics");
        let headers = self.scrape_headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        let response = connection.send(&request).unwrap();
        if response.status != self.scrape_status {
            writeln!(differences, "  scrape: {}", response.brief()).unwrap();
        }
        let lines = scrape::pushed_lines(&response.text());
        differences + &line_differences(&self.pushed_lines, &lines)
    }

    /// What still differs after a while: a delete may be applied after it was answered.
    fn settled_differences(&self, connection: &mut Connection) -> String {
        for _ in 0..200 {
            let differences = self.differences(connection);
            if differences.is_empty() {
                return differences;
            }
        }
        self.differences(connection)
    }
}

fn wipe(connection: &mut Connection) {
    let response = connection
        .send(&Request::new("PUT", "/api/v1/admin/wipe"))
        .unwrap();
    assert_eq!(response.status, 202, "wipe: {response:?}");
    wait_until("the wipe", || {
        let api = connection
            .send(&Request::new("GET", "/api/v1/metrics"))
            .unwrap();
        scrape::groups(&api.json()).is_empty()
    });
}

/// The lines in which two texts differ: `-` expected, `+` found.
fn line_differences(expected: &[String], found: &[String]) -> String {
    if expected == found {
        return String::new();
    }
    let mut differences = String::new();
    for line in expected.iter().filter(|line| !found.contains(line)) {
        writeln!(differences, "  - {line}").unwrap();
    }
    for line in found.iter().filter(|line| !expected.contains(line)) {
        writeln!(differences, "  + {line}").unwrap();
    }
    if differences.is_empty() {
        return format!("  same lines in another order: {found:#?}\n");
    }
    differences
}

/// Upstream varies the spaces of some protobuf errors on purpose.
fn single_spaced(text: &str) -> String {
    let spaced = text.replace('\u{a0}', " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
