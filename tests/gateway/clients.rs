//! Each client library that people push with: what it pushed is what a scrape returns.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::parts::find;
use crate::parts::samples::{self, Sample};
use crate::parts::server::Server;

const SPACES: &str = "two  words";
const UNICODE: &str = "Grüße ☃";
const SLASHES: &str = "/var//tmp/";
const PUNCTUATION: &str = "a=b&c%2Fd?e#f;g+h@base64";
const EMPTY: &str = "";

/// What there is to know of a client library.
struct Library {
    part: &'static str,
    /// The ways in which it can send a push.
    forms: &'static [&'static str],
    /// The odd values that it is able to send at all.
    sends: &'static [&'static str],
    /// What its way of escaping makes of a blank; the gateway takes a plus in a path as a plus.
    blank: &'static str,
    /// Whether it can delete a group.
    deletes: bool,
}

#[test]
fn python_gets_back_what_it_pushed() {
    check(&Library {
        part: "client-python",
        forms: &["default", "gzip"],
        sends: &[SPACES, UNICODE, SLASHES, PUNCTUATION, EMPTY],
        blank: " ",
        deletes: true,
    });
}

#[test]
fn node_gets_back_what_it_pushed() {
    check(&Library {
        part: "client-node",
        forms: &["default", "gzip"],
        // It escapes a slash as %2F, which is a slash again for the gateway, and knows no base64.
        sends: &[SPACES, UNICODE, EMPTY],
        blank: " ",
        deletes: true,
    });
}

#[test]
fn go_gets_back_what_it_pushed() {
    check(&Library {
        part: "client-go",
        forms: &["default", "text"],
        sends: &[SPACES, UNICODE, SLASHES, EMPTY],
        blank: "+",
        deletes: true,
    });
}

#[test]
fn java_gets_back_what_it_pushed() {
    check(&Library {
        part: "client-java",
        forms: &["default", "text"],
        sends: &[SPACES, UNICODE, SLASHES, EMPTY],
        blank: "+",
        deletes: true,
    });
}

#[test]
fn rust_gets_back_what_it_pushed() {
    check(&Library {
        part: "client-rust",
        forms: &["default"],
        // It refuses slashes and escapes nothing but what no URL can hold.
        sends: &[SPACES, UNICODE, EMPTY],
        blank: " ",
        deletes: false,
    });
}

#[test]
fn curl_gets_back_what_it_pushed() {
    check(&Library {
        part: "client-curl",
        forms: &["default", "gzip"],
        sends: &[SPACES, UNICODE, SLASHES, PUNCTUATION, EMPTY],
        blank: " ",
        deletes: true,
    });
}

fn check(library: &Library) {
    let Some(mut session) = Session::start(library) else {
        return;
    };
    for form in library.forms {
        session.perform("put", form, "all", "every type", &[("instance", form)]);
    }
    for value in library.sends {
        session.perform("put", "default", "first", "odd label", &[("x", value)]);
    }
    for value in library.sends.iter().filter(|value| !value.is_empty()) {
        session.perform("put", "default", "first", value, &[]);
    }
    let key = ("merged and replaced", [("x", "1")]);
    session.perform("put", "default", "first", key.0, &key.1);
    session.perform("post", "default", "second", key.0, &key.1);
    session.perform("put", "default", "second", key.0, &key.1);
    session.perform("put", "default", "none", key.0, &key.1);
    if library.deletes {
        for value in library.sends {
            session.perform("delete", "default", "none", "odd label", &[("x", value)]);
        }
        session.perform("delete", "default", "none", key.0, &key.1);
    }
}

/// The labels that all samples of a group have.
type GroupLabels = BTreeMap<String, String>;

/// A client at work on a gateway, and what the gateway must hold by now.
struct Session<'a> {
    pushed_by: &'a Library,
    gateway: Server,
    client: Client,
    groups: BTreeMap<GroupLabels, BTreeSet<Sample>>,
}

impl<'a> Session<'a> {
    fn start(library: &'a Library) -> Option<Self> {
        let part = find(library.part)?;
        let gateway = Server::gateway(&[]);
        let client =
            Client::start(Command::new(part.join("run")).arg(gateway.address().to_string()));
        Some(Self {
            pushed_by: library,
            gateway,
            client,
            groups: BTreeMap::new(),
        })
    }

    /// Has the client send one request, then compares all that is scraped with all that was pushed so far.
    fn perform(&mut self, verb: &str, form: &str, which: &str, job: &str, labels: &[(&str, &str)]) {
        let labelled = labels.iter().map(|(name, value)| format!("{name}={value}"));
        let fields = [verb, form, which, job].map(str::to_owned);
        let command = fields
            .into_iter()
            .chain(labelled)
            .collect::<Vec<_>>()
            .join("\t");
        let pushed = self.client.perform(&command);
        let group = self.group_labels(job, labels);
        if verb == "delete" {
            self.groups.remove(&group);
        } else {
            let samples = samples::parse(&pushed).unwrap().into_iter();
            let samples = samples.map(|sample| sample.labelled(&group)).collect();
            let stored = self.groups.entry(group).or_default();
            match verb {
                "post" => stored.extend(samples),
                _ => *stored = samples,
            }
        }
        self.compare(&command);
    }

    fn group_labels(&self, job: &str, labels: &[(&str, &str)]) -> GroupLabels {
        let stored = |value: &str| value.replace(' ', self.pushed_by.blank);
        let mut group = GroupLabels::from([("instance".to_owned(), String::new())]);
        group.extend(
            labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), stored(value))),
        );
        group.insert("job".to_owned(), stored(job));
        group
    }

    fn compare(&self, command: &str) {
        let expected: BTreeSet<&Sample> = self.groups.values().flatten().collect();
        let scraped = samples::parse(&self.gateway.get("/metrics")).unwrap();
        let gauges = ["push_time_seconds", "push_failure_time_seconds"];
        let pushed = |sample: &&Sample| {
            sample.labels.contains_key("job") && !gauges.contains(&sample.name.as_str())
        };
        let scraped: BTreeSet<&Sample> = scraped.iter().filter(pushed).collect();
        let show = |samples: Vec<&&Sample>| {
            let lines: Vec<String> = samples.iter().map(ToString::to_string).collect();
            lines.join("\n")
        };
        assert!(
            scraped == expected,
            "after {command:?}\nmissing:\n{}\nunexpected:\n{}",
            show(expected.difference(&scraped).collect()),
            show(scraped.difference(&expected).collect()),
        );
    }
}

/// A client program of `tests/clients`, which tells the language that it speaks.
struct Client {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            commands: child.stdin.take().expect("it is piped"),
            answers: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
        }
    }

    /// Sends a command; returns the exposition of what was pushed.
    fn perform(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}").unwrap();
        let mut pushed = String::new();
        for line in (&mut self.answers).lines() {
            let line = line.unwrap();
            assert!(!line.starts_with("failed: "), "{command:?}: {line}");
            if line == "done" {
                return pushed;
            }
            pushed.push_str(&line);
            pushed.push('\n');
        }
        panic!("the client ended at {command:?}");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
