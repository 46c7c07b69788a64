//! The same random requests to this gateway and to a real Pushgateway: every answer, the JSON API and the
//! scrape have to be the same, byte for byte but for times and own metrics.
//!
//! Two copies of the peer get the requests, since it disagrees with itself now and then (map order): that
//! is the noise floor, printed beside our own disagreement. A case in which we differ is played to the peer
//! again and again; only an answer that the peer never gives counts, unless it is a known deviation.
//!
//! `PUSHGATEWAY_DIFFERENTIAL_SEED` repeats a run, `PUSHGATEWAY_DIFFERENTIAL_CASES` sets its length.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::harness::http::Request;
use crate::harness::random::Random;
use crate::harness::{Program, peer};
use deviations::known_deviation;
use generate::{Case, Names};
use transcript::{Player, Transcript};

mod deviations;
pub(crate) mod generate;
mod protobuf_body;
mod text_body;
mod transcript;
mod values;

/// How often a peer is asked again before our answer counts as one that it never gives.
const REPLAYS: usize = 24;
/// Of so many cases one measures how often the peer differs from itself.
const NOISE_SAMPLE: usize = 4;
/// How many differing cases a failure shows.
const SHOWN: usize = 8;

#[test]
fn random_requests_are_answered_as_by_a_real_pushgateway() {
    let (seed, _) = Random::seeded_by("PUSHGATEWAY_DIFFERENTIAL_SEED");
    compare_with_peer(Names::Legacy, seed, cases());
}

#[test]
fn random_requests_with_utf8_names_are_answered_as_by_a_real_pushgateway() {
    let (seed, _) = Random::seeded_by("PUSHGATEWAY_DIFFERENTIAL_SEED");
    compare_with_peer(Names::Utf8, seed, cases() / 2);
}

#[test]
fn requests_of_fixed_seeds_are_answered_as_by_a_real_pushgateway() {
    for seed in 1..=3 {
        compare_with_peer(Names::Legacy, seed, 100);
        compare_with_peer(Names::Utf8, seed, 100);
    }
}

fn cases() -> usize {
    let cases = std::env::var("PUSHGATEWAY_DIFFERENTIAL_CASES");
    cases.map_or(1500, |cases| cases.parse().unwrap())
}

/// Ours, and two copies of the peer.
struct Trio {
    ours: Player,
    peers: [Player; 2],
}

#[derive(Default)]
struct Tally {
    statuses: BTreeMap<String, usize>,
    measured: usize,
    noise: usize,
    ours: usize,
    either_way: usize,
    known: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

fn compare_with_peer(names: Names, seed: u64, cases: usize) {
    let Some(peer) = peer::pushgateway() else {
        return;
    };
    let mut trio = Trio::start(&peer, names);
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    for number in 0..cases {
        let case = generate::case(&mut random, names);
        if number % NOISE_SAMPLE == 0 {
            tally.measured += 1;
            tally.noise += usize::from(trio.peer_differs_from_itself(&case));
        }
        trio.judge(&case, &mut tally);
    }
    println!("{names:?} names, seed {seed}: {}", tally.report(cases));
    let count = tally.unexplained.len();
    let shown = tally.unexplained[..count.min(SHOWN)].join("\n");
    assert!(
        count == 0,
        "{count} of {cases} cases of seed {seed} differ from the peer:\n{shown}"
    );
}

impl Trio {
    fn start(peer: &Program, names: Names) -> Self {
        let flags: &[&str] = match names {
            Names::Legacy => &["--web.enable-admin-api"],
            Names::Utf8 => &["--web.enable-admin-api", "--push.enable-utf8-names"],
        };
        // Debian's build has a persistence file by default, which two of them would share.
        let peer = peer.clone().flags(flags).flag("--persistence.file=");
        Self {
            ours: Player::start(&Program::gateway().flags(flags)),
            peers: [Player::start(&peer), Player::start(&peer)],
        }
    }

    fn peer_differs_from_itself(&mut self, case: &Case) -> bool {
        let [one, other] = self.peers.each_mut().map(|peer| peer.play(case));
        one != other
    }

    fn judge(&mut self, case: &Case, tally: &mut Tally) {
        let ours = self.ours.play(case);
        tally.count_statuses(case, &ours);
        if ours == self.peers[0].play(case) {
            return;
        }
        tally.ours += 1;
        match self.unexplained(case) {
            Verdict::Peer => tally.either_way += 1,
            Verdict::Known(reason) => *tally.known.entry(reason).or_default() += 1,
            Verdict::Differs(difference) => {
                let is_shown = tally.unexplained.len() < SHOWN;
                let difference = if is_shown {
                    self.shrink(*difference)
                } else {
                    *difference
                };
                tally.unexplained.push(difference.to_string());
            }
        }
    }

    /// Plays a case in which we differed again, and says why we do.
    fn unexplained(&mut self, case: &Case) -> Verdict {
        let ours = self.ours.play(case);
        let mut never = (0..ours.entries.len()).collect::<Vec<_>>();
        let mut theirs = Vec::new();
        for round in 0..REPLAYS {
            let transcript = self.peers[round % 2].play(case);
            let differs = ours.differences(&transcript);
            never.retain(|at| differs.contains(at));
            theirs.push(transcript);
            if never.is_empty() {
                return Verdict::Peer;
            }
        }
        let last = theirs.last().expect("there was a replay");
        match known_deviation(case, &ours, last) {
            Some(reason) => Verdict::Known(reason),
            None => Verdict::Differs(Box::new(Difference {
                case: case.clone(),
                ours,
                theirs: last.clone(),
            })),
        }
    }

    /// The same difference without what the case does not need for it.
    fn shrink(&mut self, mut smallest: Difference) -> Difference {
        let mut smaller = smaller_cases(&smallest.case).into_iter();
        while let Some(case) = smaller.next() {
            if let Verdict::Differs(difference) = self.unexplained(&case) {
                smallest = *difference;
                smaller = smaller_cases(&smallest.case).into_iter();
            }
        }
        smallest
    }
}

/// A case that we answered as the peer never does.
struct Difference {
    case: Case,
    ours: Transcript,
    theirs: Transcript,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for request in &self.case.requests {
            writeln!(f, "{request:?}")?;
        }
        for at in self.ours.differences(&self.theirs) {
            let (what, found) = &self.ours.entries[at];
            let (_, expected) = &self.theirs.entries[at];
            writeln!(f, "  {what}\n{}", line_differences(expected, found))?;
        }
        Ok(())
    }
}

enum Verdict {
    /// The peer itself answers so at times.
    Peer,
    /// We differ on purpose.
    Known(&'static str),
    /// We differ.
    Differs(Box<Difference>),
}

impl Tally {
    fn count_statuses(&mut self, case: &Case, transcript: &Transcript) {
        for (_, answer) in &transcript.entries[..case.requests.len()] {
            let status = answer.get(..3).unwrap_or_default().to_owned();
            *self.statuses.entry(status).or_default() += 1;
        }
    }

    fn report(&self, cases: usize) -> String {
        format!(
            "the peer differs from itself in {} of {} cases, we from it in {} of {cases}: \
             {} as it does itself, {:?} on purpose, {} unexplained; statuses {:?}",
            self.noise,
            self.measured,
            self.ours,
            self.either_way,
            self.known,
            self.unexplained.len(),
            self.statuses,
        )
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
