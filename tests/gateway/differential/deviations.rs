//! Where this gateway answers otherwise than a real Pushgateway on purpose.
//!
//! A deviation explains a difference only if there is none once it is set aside, follow-on requests and all.

use super::braces;
use super::generate::Case;
use super::transcript::{Place, Transcript};
use crate::harness::compress;
use crate::harness::http::Request;

/// A deviation: why, and how to set it aside.
pub(super) struct Deviation {
    pub(super) reason: &'static str,
    /// The trial in which this deviation makes no difference, if it may have made one.
    pub(super) set_aside: fn(&Trial, &Transcript, &Transcript) -> Option<Trial>,
}

/// What is asked of us and of the peer, and what of the answers is compared.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) ours: Case,
    pub(super) peers: Case,
    mask: fn(&str) -> String,
}

pub(super) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        reason: "a metric named in braces does not depend on the line before it",
        set_aside: |trial, _, _| {
            let peers = with_texts(&trial.peers, braces::with_names_outside)?;
            let ours = trial.ours.clone();
            Some(Trial {
                ours,
                peers,
                ..*trial
            })
        },
    },
    Deviation {
        reason: "what is wrong with a metric named in braces is not told with the name of the one before it",
        set_aside: |trial, ours, theirs| {
            trial.without_requests(ours, theirs, |request, ours, theirs| {
                let Some(line) = line_of_error(ours) else {
                    return false;
                };
                let body = text(request).unwrap_or_default();
                let line_is_in_braces = (body.lines().nth(line - 1))
                    .is_some_and(|line| line.trim_start().starts_with('{'));
                line_of_error(theirs) == Some(line) && line_is_in_braces
            })
        },
    },
    Deviation {
        reason: "a request that makes the peer panic, which closes the connection, is refused",
        set_aside: |trial, ours, theirs| {
            trial.without_requests(ours, theirs, |_, ours, theirs| {
                ours.starts_with("400") && theirs.starts_with("no response")
            })
        },
    },
    Deviation {
        reason: "a compressed body is read to its end before it is parsed, so that its damage comes first",
        set_aside: |trial, ours, theirs| {
            trial.without_requests(ours, theirs, |request, ours, theirs| {
                let is_damage = ["gzip: ", "flate: ", "snappy: ", "unexpected EOF"]
                    .iter()
                    .any(|error| ours.contains(&format!("\n{error}")));
                header(request, "Content-Encoding").is_some()
                    && is_damage
                    && theirs.starts_with("400")
            })
        },
    },
    Deviation {
        reason: "colons are escaped or quoted in label names, which may not have them",
        set_aside: |trial, _, _| {
            let peers = with_texts(&trial.peers, braces::without_colons_in_label_names)?;
            let ours = with_texts(&trial.ours, braces::without_colons_in_label_names)?;
            Some(Trial {
                ours,
                peers,
                ..*trial
            })
        },
    },
    Deviation {
        reason: "of names that are the same once escaped, only one is shown",
        set_aside: |trial, _, theirs| {
            let is_doubled = |(place, text): (&Place, &String)| {
                matches!(place, Place::Seen("scrape", _)) && has_doubled_name(text)
            };
            let unescaped = "text/plain;version=0.0.4;escaping=allow-utf-8";
            let mut without = trial.clone();
            for case in [&mut without.ours, &mut without.peers] {
                case.scrape = Request::new("GET", "/metrics").header("Accept", unescaped);
            }
            theirs.entries.iter().any(is_doubled).then_some(without)
        },
    },
    Deviation {
        reason: "fields of a metric that are not known are kept also where a name is escaped",
        set_aside: |trial, ours, _| {
            let mask = |text: &str| {
                text.split_inclusive('\n')
                    .filter(|line| !is_unknown_field(line))
                    .collect()
            };
            let mut texts = ours.entries.values();
            let mut without = trial.clone();
            without.mask = mask;
            texts
                .any(|text| text.lines().any(is_unknown_field))
                .then_some(without)
        },
    },
];

impl Trial {
    pub(super) fn new(case: &Case) -> Self {
        Self {
            ours: case.clone(),
            peers: case.clone(),
            mask: str::to_owned,
        }
    }

    /// What is compared of a transcript.
    pub(super) fn masked(&self, mut transcript: Transcript) -> Transcript {
        for text in transcript.entries.values_mut() {
            *text = (self.mask)(text);
        }
        transcript
    }

    /// Without the requests that were answered differently in this way, if there are any. A refusal that leaves
    /// a trace cannot be set aside.
    fn without_requests(
        &self,
        ours: &Transcript,
        theirs: &Transcript,
        is_set_aside: fn(&Request, &str, &str) -> bool,
    ) -> Option<Self> {
        let mut without = self.clone();
        for place in ours.differences(theirs).iter().rev() {
            let (ours, theirs) = (ours.at(place), theirs.at(place));
            let leaves_trace = |answer: &str| answer.contains("\npushed metrics ");
            if let Place::Answer(number) = *place
                && !leaves_trace(ours)
                && !leaves_trace(theirs)
                && is_set_aside(&self.ours.requests[number], ours, theirs)
            {
                without.ours.requests.remove(number);
                without.peers.requests.remove(number);
            }
        }
        let is_same = without.ours.requests.len() == self.ours.requests.len();
        (!is_same).then_some(without)
    }
}

/// The case with each text body that becomes another so; rewritten bodies are not compressed.
fn with_texts(case: &Case, rewrite: fn(&str) -> String) -> Option<Case> {
    let mut case = case.clone();
    let mut is_same = true;
    for request in &mut case.requests {
        let Some(text) = text(request) else { continue };
        let rewritten = rewrite(&text);
        if rewritten != text {
            is_same = false;
            request
                .headers
                .retain(|(name, _)| name != "Content-Encoding");
            request.body = rewritten.into();
        }
    }
    (!is_same).then_some(case)
}

/// The body of a request in the text format, decompressed.
fn text(request: &Request) -> Option<String> {
    let content_type = header(request, "Content-Type").unwrap_or_default();
    if content_type.contains("delimited") {
        return None;
    }
    let body = match header(request, "Content-Encoding") {
        Some("gzip" | "GZIP") => compress::gunzip(&request.body).ok()?,
        Some("snappy") => compress::unsnappy(&request.body).ok()?,
        _ => request.body.clone(),
    };
    String::from_utf8(body).ok()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let header = request.headers.iter().find(|(found, _)| found == name);
    header.map(|(_, value)| value.as_str())
}

/// The line that a refusal by the text parser names.
fn line_of_error(answer: &str) -> Option<usize> {
    let (_, rest) = answer.split_once("\ntext format parsing error in line ")?;
    rest.split_once(':')?.0.parse().ok()
}

/// Whether a line of a protobuf scrape shows a field that has no name.
fn is_unknown_field(line: &str) -> bool {
    line.starts_with(' ') && line.trim_start().starts_with('#')
}

/// Whether a part of a scrape shows two families of one name, a metric with two labels of one name, or one series
/// twice.
fn has_doubled_name(part: &str) -> bool {
    fn starting<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
        text.lines()
            .filter(|line| line.starts_with(start))
            .collect()
    }
    let is_text = part.contains("# TYPE ");
    let samples = || {
        part.lines()
            .filter(|line| is_text && !line.starts_with('#'))
    };
    let metrics = || part.split("\nmetric: {").skip(1);
    let labels = |metric| {
        [
            starting(metric, "    name: "),
            starting(metric, "    value: "),
        ]
        .concat()
    };
    starting(part, "# TYPE ").len() > 1
        || starting(part, "name: ").len() > 1
        || metrics().any(|metric| has_doubles(starting(metric, "    name: ")))
        || has_doubles(metrics().map(labels).collect())
        || samples().map(braces::label_names).any(has_doubles)
        || has_doubles(
            samples()
                .filter_map(|line| Some(line.rsplit_once(' ')?.0))
                .collect(),
        )
}

fn has_doubles<T: Ord>(mut names: Vec<T>) -> bool {
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    names.len() < count
}

#[test]
fn doubled_names_are_found() {
    for doubled in [
        "# TYPE a counter\na 1\n# TYPE a counter\na 2\n",
        "# TYPE a counter\na{b=\"c\",b=\"d\"} 1\n",
        "# TYPE a counter\na{b=\"c\"} 1\na{b=\"c\"} 2\n",
        "name: \"a\"\nmetric: {\n  label: {\n    name: \"b\"\n    value: \"c\"\n  }\n}\nmetric: {\n  label: {\n    name: \"b\"\n    value: \"c\"\n  }\n}\n",
        "name: \"a\"\nmetric: {\n}\nname: \"a\"\nmetric: {\n}\n",
        "name: \"a\"\nmetric: {\n  label: {\n    name: \"b\"\n  }\n  label: {\n    name: \"b\"\n  }\n}\n",
    ] {
        assert!(has_doubled_name(doubled), "{doubled}");
    }
    for single in [
        "# HELP a b\n# TYPE a counter\na{b=\"c\"} 1\na{b=\"d\"} 1\n",
        "name: \"a\"\nmetric: {\n  label: {\n    name: \"b\"\n    value: \"c\"\n  }\n}\nmetric: {\n  label: {\n    name: \"b\"\n    value: \"d\"\n  }\n}\n",
    ] {
        assert!(!has_doubled_name(single), "{single}");
    }
}
