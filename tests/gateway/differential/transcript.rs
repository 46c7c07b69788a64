//! What a program answered to a case, with everything masked that differs from run to run or that is free:
//! times, own metrics, the order of groups in JSON, and the reasons of a refusal after their fixed beginning.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use crate::differential::generate::Case;
use crate::harness::compress::gunzip;
use crate::harness::http::{Connection, Request, Response};
use crate::harness::{Gateway, Program, protobuf, scrape};

/// Refusals begin with it; upstream varies the rest by map order and random spaces.
const INCONSISTENT: &str = "pushed metrics are invalid or inconsistent with existing metrics: ";
const COMPARED_HEADERS: [&str; 5] = [
    "allow",
    "content-encoding",
    "content-type",
    "location",
    "x-content-type-options",
];

/// A running program that plays cases.
#[derive(Debug)]
pub(crate) struct Player {
    connection: Connection,
    _gateway: Gateway,
}

/// What was answered to each request, and what is seen after them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Transcript {
    pub(crate) entries: BTreeMap<Place, String>,
}

/// What an entry of a transcript is about. Small enough that what a peer does at random in one place, like
/// which help it shows, does not have to coincide with what it does at random in another.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Place {
    /// The answer to the request of this number.
    Answer(usize),
    /// A part of what is seen in this way after all requests.
    Seen(&'static str, String),
}

impl Player {
    pub(crate) fn start(program: &Program) -> Self {
        let gateway = program.start();
        Self {
            connection: Connection::new(gateway.address),
            _gateway: gateway,
        }
    }

    /// Wipes, sends the requests of a case, and looks at the state.
    pub(crate) fn play(&mut self, case: &Case) -> Transcript {
        self.answer(&Request::new("PUT", "/api/v1/admin/wipe"));
        let mut entries = BTreeMap::new();
        for (number, request) in case.requests.iter().enumerate() {
            entries.insert(Place::Answer(number), self.answer(request));
        }
        if case
            .requests
            .iter()
            .any(|request| request.method == "DELETE")
        {
            // A delete is applied after it was answered, but before the next push is.
            self.answer(&Request::new("PUT", "/metrics/job/settle"));
        }
        for (what, request) in observations(case) {
            for (part, text) in parts(&self.answer(&request)) {
                entries.insert(Place::Seen(what, part), text);
            }
        }
        Transcript { entries }
    }

    /// A request's response as comparable text.
    fn answer(&mut self, request: &Request) -> String {
        match self.connection.send(request) {
            Ok(response) => answer(request, &response),
            Err(error) => format!("no response: {}", error.kind()),
        }
    }
}

impl Transcript {
    /// Where the two differ.
    pub(crate) fn differences(&self, other: &Self) -> BTreeSet<Place> {
        let places = self.entries.keys().chain(other.entries.keys());
        places
            .filter(|place| self.entries.get(place) != other.entries.get(place))
            .cloned()
            .collect()
    }

    /// The entry, empty if there is none.
    pub(crate) fn at(&self, place: &Place) -> &str {
        self.entries.get(place).map_or("", String::as_str)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(number) => write!(f, "answer {}", number + 1),
            Self::Seen(what, part) => write!(f, "{what}: {part}"),
        }
    }
}

/// An answer cut into families or groups, under their names; the head and the order they came in are first.
fn parts(answer: &str) -> BTreeMap<String, String> {
    let (head, body) = answer.split_once('\n').unwrap_or((answer, ""));
    let name_in: fn(&str) -> Option<String> = if head.contains("application/vnd.google.protobuf") {
        |line| line.strip_prefix("name: ").map(str::to_owned)
    } else if head.contains("application/json") {
        |line| Some(scrape::labels_of(line))
    } else {
        |line| family_of_comment(line).map(str::to_owned)
    };
    let mut parts = BTreeMap::from([(String::new(), format!("{head}\n"))]);
    let mut current = String::new();
    for line in body.lines() {
        if let Some(name) = name_in(line).filter(|name| *name != current) {
            writeln!(parts.entry(String::new()).or_default(), "{name}").unwrap();
            current = name;
        }
        writeln!(parts.entry(current.clone()).or_default(), "{line}").unwrap();
    }
    parts
}

/// The family that a HELP or TYPE line is about.
fn family_of_comment(line: &str) -> Option<&str> {
    let name = line
        .strip_prefix("# HELP ")
        .or_else(|| line.strip_prefix("# TYPE "))?;
    let end = match name.strip_prefix('"') {
        Some(rest) => rest.find("\" ")? + 2,
        None => name.find(' ')?,
    };
    Some(&name[..end])
}

fn observations(case: &Case) -> [(&'static str, Request); 3] {
    let protobuf = format!("{};escaping=allow-utf-8", protobuf::CONTENT_TYPE);
    [
        ("api", Request::new("GET", "/api/v1/metrics")),
        (
            "protobuf scrape",
            Request::new("GET", "/metrics").header("Accept", protobuf),
        ),
        ("scrape", case.scrape.clone()),
    ]
}

/// A response as comparable text.
fn answer(request: &Request, response: &Response) -> String {
    let mut text = status(request, response).to_string();
    for name in COMPARED_HEADERS {
        if let Some(value) = response.header(name) {
            write!(text, " [{name}: {}]", header(name, value)).unwrap();
        }
    }
    text.push('\n');
    text.push_str(&body(request, response));
    text
}

/// A peer built with an older Go answers 301 where a path is cleaned, a newer one 307.
fn status(request: &Request, response: &Response) -> u16 {
    match response.status {
        301 if request.method != "GET" => 307,
        status => status,
    }
}

/// A peer escapes the location of a cleaned path a second time.
fn header(name: &str, value: &str) -> String {
    if name == "location" {
        return value.replace("%25", "%");
    }
    value.to_owned()
}

fn body(request: &Request, response: &Response) -> String {
    let body = match response.header("content-encoding") {
        Some("gzip") => {
            gunzip(&response.body).unwrap_or_else(|error| format!("not gzip: {error}").into())
        }
        _ => response.body.clone(),
    };
    let text = String::from_utf8_lossy(&body);
    let content_type = response.header("content-type").unwrap_or_default();
    if response.status == 200 && request.target == b"/api/v1/metrics" {
        return scrape::normal_json(&text);
    }
    if response.status == 200 && content_type.starts_with("application/vnd.google.protobuf") {
        return families(&body);
    }
    if response.status == 200 && request.target == b"/metrics" {
        return scrape::pushed_lines(&text).join("\n");
    }
    if text.starts_with(INCONSISTENT) {
        return INCONSISTENT.to_owned();
    }
    // The space after it varies on purpose.
    text.replace("proto:\u{a0}", "proto: ")
}

fn families(body: &[u8]) -> String {
    match protobuf::read_families(body) {
        Ok(families) => families
            .into_iter()
            .filter(|family| !scrape::is_own(&family.name))
            .map(|family| without_zeros(&family.text))
            .collect(),
        Err(error) => format!("not protobuf: {error}"),
    }
}

/// A field that is absent means the same as one that is zero or empty: which of the two a client sent is kept
/// by a peer, but not here.
fn without_zeros(family: &str) -> String {
    let is_zero = |line: &str| {
        [": 0", ": 0.0", ": \"\""]
            .iter()
            .any(|end| line.ends_with(end))
    };
    let mut text = String::new();
    for line in family.lines().filter(|line| !is_zero(line)) {
        writeln!(text, "{line}").unwrap();
    }
    text
}
