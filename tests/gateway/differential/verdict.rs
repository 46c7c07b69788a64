//! Why a case was answered otherwise than by the peer: the peer itself answers so at times, a known deviation,
//! or neither.

use std::fmt::{self, Write as _};

use super::Trio;
use super::deviations::{DEVIATIONS, Trial};
use super::generate::Case;
use super::transcript::Transcript;
use crate::harness::http::Request;

/// How often a peer is asked again before our answer counts as one that it never gives: first seldom, which
/// does for most, then often. One of two helps, say, is shown only every eighth time.
const REPLAYS: [usize; 2] = [24, 400];

/// What became of a case that we answered otherwise than the peer.
pub(super) enum Verdict {
    /// The peer itself answers so at times.
    Peer,
    /// We differ on purpose.
    Known(&'static str),
    /// We differ.
    Differs(Box<Difference>),
}

/// A case that we answered as the peer never does.
pub(super) struct Difference {
    case: Case,
    ours: Transcript,
    theirs: Transcript,
}

impl Trio {
    pub(super) fn verdict(&mut self, case: &Case) -> Verdict {
        match self.verdict_after(case, REPLAYS[0]) {
            Verdict::Differs(_) => self.verdict_after(case, REPLAYS[1]),
            verdict => verdict,
        }
    }

    /// Sets aside one known deviation after the other until both answer alike.
    fn verdict_after(&mut self, case: &Case, replays: usize) -> Verdict {
        let mut trial = Trial::new(case);
        let Some((ours, theirs)) = self.disagreement(&trial, replays) else {
            return Verdict::Peer;
        };
        let mut last = (ours.clone(), theirs.clone());
        for deviation in DEVIATIONS {
            let Some(without) = (deviation.set_aside)(&trial, &last.0, &last.1) else {
                continue;
            };
            trial = without;
            match self.disagreement(&trial, replays) {
                Some(disagreement) => last = disagreement,
                None => return Verdict::Known(deviation.reason),
            }
        }
        Verdict::Differs(Box::new(Difference {
            case: case.clone(),
            ours,
            theirs,
        }))
    }

    /// What we answer and the peer's last answer, if in some place the peer never answered as we do.
    fn disagreement(&mut self, trial: &Trial, replays: usize) -> Option<(Transcript, Transcript)> {
        let ours = trial.masked(self.ours.play(&trial.ours));
        let mut theirs = trial.masked(self.peers[0].play(&trial.peers));
        let mut never = ours.differences(&theirs);
        for round in 1..replays {
            if never.is_empty() {
                return None;
            }
            theirs = trial.masked(self.peers[round % 2].play(&trial.peers));
            let differs = ours.differences(&theirs);
            never.retain(|place| differs.contains(place));
        }
        (!never.is_empty()).then_some((ours, theirs))
    }

    /// The same difference without what the case does not need for it.
    pub(super) fn shrink(&mut self, mut smallest: Difference) -> Difference {
        let mut smaller = smaller_cases(&smallest.case).into_iter();
        while let Some(case) = smaller.next() {
            if let Verdict::Differs(difference) = self.verdict(&case) {
                smallest = *difference;
                smaller = smaller_cases(&smallest.case).into_iter();
            }
        }
        smallest
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for request in &self.case.requests {
            writeln!(f, "{request:?}")?;
        }
        for place in self.ours.differences(&self.theirs) {
            let (expected, found) = (self.theirs.at(&place), self.ours.at(&place));
            writeln!(f, "  {place}\n{}", line_differences(expected, found))?;
        }
        Ok(())
    }
}

/// Each case that has one request, or one line of a text body, less.
fn smaller_cases(case: &Case) -> Vec<Case> {
    let mut smaller = Vec::new();
    let mut with = |requests: Vec<Request>| {
        let scrape = case.scrape.clone();
        smaller.push(Case { requests, scrape });
    };
    for at in 0..case.requests.len() {
        let mut requests = case.requests.clone();
        requests.remove(at);
        with(requests);
    }
    for (at, request) in case.requests.iter().enumerate() {
        let is_text = request.body.is_ascii() || std::str::from_utf8(&request.body).is_ok();
        let lines: Vec<&[u8]> = request
            .body
            .split_inclusive(|byte| *byte == b'\n')
            .collect();
        if !is_text
            || request
                .headers
                .iter()
                .any(|(name, _)| name == "Content-Encoding")
        {
            continue;
        }
        for line in 0..lines.len() {
            let mut requests = case.requests.clone();
            let kept = lines
                .iter()
                .enumerate()
                .filter(|(number, _)| *number != line);
            requests[at].body = kept.flat_map(|(_, line)| line.iter().copied()).collect();
            with(requests);
        }
    }
    smaller
}

/// The lines in which two texts differ: `-` the peer's, `+` ours.
fn line_differences(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let only = |lines: &[&str], others: &[&str], sign: &str| {
        let mut text = String::new();
        for line in lines.iter().filter(|line| !others.contains(line)) {
            writeln!(text, "    {sign} {line}").unwrap();
        }
        text
    };
    let text = only(&expected, &found, "-") + &only(&found, &expected, "+");
    if text.is_empty() {
        return format!("    another order: {expected:#?} and ours {found:#?}");
    }
    text
}
