//! No push, however odd, costs Prometheus the target or a single sample of another group.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{FORMS, Prometheus};
use crate::parts::samples;
use crate::parts::server::{Response, Server};
use crate::parts::until;

mod pushes;

/// Where hostile pushes go; some need labels behind it.
const GROUP: &str = "/metrics/job/hostile";

/// A push that is made to break a scrape.
struct Hostile {
    /// What is wrong with it.
    what: &'static str,
    path: String,
    headers: &'static [&'static str],
    body: Vec<u8>,
    outcome: Outcome,
}

/// How the gateway may answer a hostile push.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    /// It must be refused as the client's mistake.
    Refused,
    /// It must be taken, since it does no harm if exposed as it should be.
    Accepted,
    /// Either, as long as no scrape suffers.
    Either,
}

#[test]
fn prometheus_2_keeps_all_samples_whatever_is_pushed() {
    check("prometheus-trixie", &[], &pushes::refusable());
}

#[test]
fn prometheus_3_keeps_all_samples_whatever_is_pushed() {
    check("prometheus-sid", &[], &pushes::refusable());
}

#[test]
fn prometheus_2_keeps_all_samples_whatever_is_pushed_unchecked() {
    let flags = ["--push.disable-consistency-check"];
    check("prometheus-trixie", &flags, &pushes::unchecked());
}

#[test]
fn prometheus_3_keeps_all_samples_whatever_is_pushed_unchecked() {
    let flags = [
        "--push.disable-consistency-check",
        "--push.enable-utf8-names",
    ];
    check("prometheus-sid", &flags, &pushes::unchecked());
}

fn check(part: &str, flags: &[&str], pushes: &[Hostile]) {
    let gateway = Server::gateway(flags);
    let Some(prometheus) = Prometheus::start(part, &gateway) else {
        return;
    };
    let mut victims = Victims {
        gateway,
        prometheus,
        round: 0,
    };
    victims.suffer_nothing().expect("all is well at first");
    let mut failures = String::new();
    for hostile in pushes {
        let outcome = victims.check_one(hostile);
        victims.request("DELETE", hostile, b"");
        if let Err(why) = outcome {
            writeln!(failures, "- {}: {why}", hostile.what).unwrap();
            // The harm must be gone before the next push is judged.
            if let Err(why) = until(|| victims.await_sentinels()) {
                writeln!(failures, "- and for good: {why}").unwrap();
                break;
            }
        }
    }
    assert!(failures.is_empty(), "harm was done by\n{failures}");
}

/// Who could be harmed.
struct Victims {
    gateway: Server,
    prometheus: Prometheus,
    round: u32,
}

impl Victims {
    fn check_one(&mut self, hostile: &Hostile) -> Result<(), String> {
        let answer = self.request("PUT", hostile, &hostile.body);
        self.suffer_nothing()?;
        samples::parse(&self.gateway.get("/metrics"))?;
        let as_it_should = match hostile.outcome {
            Outcome::Refused => matches!(answer.status, 400 | 413 | 422),
            Outcome::Accepted => matches!(answer.status, 200 | 202),
            Outcome::Either => true,
        };
        if as_it_should {
            Ok(())
        } else {
            Err(format!("answered {} {}", answer.status, answer.body.trim()))
        }
    }

    fn request(&self, method: &str, hostile: &Hostile, body: &[u8]) -> Response {
        self.gateway
            .request(method, &hostile.path, hostile.headers, body)
    }

    /// Checks that Prometheus gets all samples and leaves out none. Those that it leaves out once, after a scrape
    /// that a busy machine missed, are not counted.
    fn suffer_nothing(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            let left_out = self.prometheus.left_out_samples();
            self.await_sentinels()?;
            if self.prometheus.left_out_samples() <= left_out {
                return Ok(());
            }
        }
        Err("Prometheus leaves out samples".to_owned())
    }

    /// Pushes a group of all types whose values are the number of the round, and waits for the next scrape in each
    /// form, which must have all of it: from the first line to the last.
    fn await_sentinels(&mut self) -> Result<(), String> {
        self.round += 1;
        let body = sentinels(self.round);
        let answer = self
            .gateway
            .request("PUT", "/metrics/job/sentinel", &[], body.as_bytes());
        if !matches!(answer.status, 200 | 202) {
            return Err(format!(
                "the next group is answered {} {}",
                answer.status, answer.body
            ));
        }
        let pushed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let scraped = |form| until(|| self.scraped(form, pushed.as_secs_f64()));
        FORMS.into_iter().try_for_each(|form| scraped(form)?)
    }

    /// What the first scrape after a time has stored of this round's sentinels, or why it is not known yet.
    fn scraped(&self, form: &str, pushed: f64) -> Result<Result<(), String>, String> {
        let scrape = self
            .prometheus
            .number(&format!("timestamp(up{{form='{form}'}})"))?;
        if scrape <= pushed {
            return Err(format!("no {form} scrape since"));
        }
        let selector = format!("{{job='sentinel',__name__=~'.+_sentinel.*',form='{form}'}}");
        let stored = self
            .prometheus
            .query(&format!("{selector} == {}", self.round))?
            .len();
        match self.prometheus.trouble() {
            _ if stored == SENTINELS => Ok(Ok(())),
            // A busy machine may miss a scrape.
            Some(trouble) if trouble.contains("deadline exceeded") => Err(trouble),
            trouble => {
                let trouble = trouble.unwrap_or_default();
                Ok(Err(format!(
                    "{stored} of {SENTINELS} samples as {form}; {trouble}"
                )))
            }
        }
    }
}

/// How many samples [`sentinels`] has.
const SENTINELS: usize = 9;

/// Families of all types, first and last among all that are exposed and in between.
fn sentinels(value: u32) -> String {
    format!(
        "# TYPE a_sentinel counter\na_sentinel {value}\n\
         # TYPE h_sentinel histogram\nh_sentinel_bucket{{le=\"1\"}} {value}\n\
         h_sentinel_bucket{{le=\"+Inf\"}} {value}\nh_sentinel_sum {value}\nh_sentinel_count {value}\n\
         # TYPE s_sentinel summary\ns_sentinel{{quantile=\"0.5\"}} {value}\n\
         s_sentinel_sum {value}\ns_sentinel_count {value}\n\
         # TYPE z_sentinel gauge\nz_sentinel {value}\n"
    )
}
