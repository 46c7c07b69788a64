//! The same random requests to this gateway and to a real Pushgateway: every answer, the JSON API and the
//! scrape have to be the same, byte for byte but for times and own metrics.
//!
//! Two copies of the peer get the requests, since it disagrees with itself now and then (map order): that
//! is the noise floor, printed beside our own disagreement. A case in which we differ is played to the peer
//! again and again; only an answer that the peer never gives counts, unless a known deviation explains it.
//!
//! `PUSHGATEWAY_DIFFERENTIAL_SEED` repeats a run, `PUSHGATEWAY_DIFFERENTIAL_CASES` sets its length.

use std::collections::BTreeMap;

use crate::harness::random::Random;
use crate::harness::{Program, peer};
use generate::{Case, Names};
use transcript::{Place, Player, Transcript};
use verdict::Verdict;

mod braces;
mod deviations;
pub(crate) mod generate;
mod protobuf_body;
mod text_body;
mod transcript;
mod values;
mod verdict;

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
        tally.count_statuses(&ours);
        if ours == self.peers[0].play(case) {
            return;
        }
        tally.ours += 1;
        match self.verdict(case) {
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
}

impl Tally {
    fn count_statuses(&mut self, transcript: &Transcript) {
        let answers = transcript.entries.iter();
        for (_, answer) in answers.filter(|(place, _)| matches!(place, Place::Answer(_))) {
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
