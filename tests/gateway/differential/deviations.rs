//! Where this gateway answers otherwise than a real Pushgateway on purpose.

use super::generate::Case;
use super::transcript::Transcript;
use crate::harness::http::Request;

/// A deviation: why, and whether a difference is of its kind.
struct Deviation {
    reason: &'static str,
    explains: fn(&Case, &Transcript, &Transcript) -> bool,
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        reason: "a compressed body is read to its end before it is parsed, so that its damage comes first",
        explains: |case, ours, peers| {
            let mut differing = differing_answers(case, ours, peers).peekable();
            differing.peek().is_some()
                && differing.all(|(request, ours, peers)| {
                    let is_compressed = request
                        .headers
                        .iter()
                        .any(|(name, _)| name == "Content-Encoding");
                    let is_damage = ["gzip: ", "flate: ", "snappy: ", "unexpected EOF"]
                        .iter()
                        .any(|error| ours.contains(&format!("\n{error}")));
                    is_compressed && is_damage && peers.starts_with("400")
                })
        },
    },
    Deviation {
        reason: "a request that makes the peer panic, which closes the connection, is refused",
        explains: |case, ours, peers| {
            let mut differing = differing_answers(case, ours, peers).peekable();
            differing.peek().is_some()
                && differing.all(|(_, ours, peers)| {
                    ours.starts_with("400") && peers.starts_with("no response")
                })
        },
    },
    Deviation {
        reason: "a metric named in braces does not depend on the line before it",
        explains: |case, ours, peers| {
            let mut differing = differing_answers(case, ours, peers).peekable();
            differing.peek().is_some()
                && differing.all(|(request, ours, peers)| {
                    let body = String::from_utf8_lossy(&request.body);
                    let in_braces = |line: &str| line.trim_start().starts_with('{');
                    match (line_of_error(ours), line_of_error(peers)) {
                        (Some(line), other) if Some(line) == other => {
                            body.lines().nth(line - 1).is_some_and(in_braces)
                        }
                        _ => {
                            let is_taken = ours.starts_with("200") && peers.starts_with("400");
                            is_taken && body.contains("# TYPE") && body.lines().any(in_braces)
                        }
                    }
                })
        },
    },
    Deviation {
        reason: "fields of a metric that are not known are kept also where a name is escaped",
        explains: |case, ours, peers| {
            let is_known =
                |line: &&str| !line.trim_start().starts_with('#') || line.starts_with('#');
            let known = |text: &str| text.lines().filter(is_known).collect::<String>();
            let is_answered_alike = differing_answers(case, ours, peers).next().is_none();
            let mut pairs = ours.entries.iter().zip(&peers.entries);
            is_answered_alike && pairs.all(|((_, ours), (_, peers))| known(ours) == known(peers))
        },
    },
];

/// The line that a refusal by the text parser names.
fn line_of_error(answer: &str) -> Option<usize> {
    let (_, rest) = answer.split_once("\ntext format parsing error in line ")?;
    rest.split_once(':')?.0.parse().ok()
}

/// The requests whose answers differ, our answer, and the peer's.
fn differing_answers<'a>(
    case: &'a Case,
    ours: &'a Transcript,
    peers: &'a Transcript,
) -> impl Iterator<Item = (&'a Request, &'a str, &'a str)> {
    let answers = ours.entries.iter().zip(&peers.entries);
    let answers = case.requests.iter().zip(answers);
    answers
        .filter(|(_, (ours, peers))| ours != peers)
        .map(|(request, (ours, peers))| (request, ours.1.as_str(), peers.1.as_str()))
}

/// Why we differ in this case, if that is known.
pub(crate) fn known_deviation(
    case: &Case,
    ours: &Transcript,
    peers: &Transcript,
) -> Option<&'static str> {
    let explains = |deviation: &&Deviation| (deviation.explains)(case, ours, peers);
    DEVIATIONS
        .iter()
        .find(explains)
        .map(|deviation| deviation.reason)
}
