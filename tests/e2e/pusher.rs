//! Jobs that never stop pushing, and what became of each of their pushes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::http;

/// How many jobs push at a time, each to a group of its own.
pub(crate) const JOBS: usize = 8;
/// Between two pushes of a job: enough of them a second to hit every moment, few enough to leave the machine to others.
const PAUSE: Duration = Duration::from_millis(10);
/// After how long a job whose push failed tries once more, as `curl --retry 1 --retry-delay 10` does.
const RETRY: Duration = Duration::from_secs(10);

/// Jobs at work.
#[derive(Debug)]
pub(crate) struct Pushers {
    stop: Arc<AtomicBool>,
    jobs: Vec<JoinHandle<Job>>,
    /// Pushes all the time, failing or not.
    probe: JoinHandle<Duration>,
}

/// What the jobs saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Pushes that were answered with a success, retries included.
    pub(crate) acknowledged: u64,
    /// Pushes that failed at first.
    pub(crate) refused: u64,
    /// Pushes that failed on their retry too.
    pub(crate) lost: u64,
    /// The longest time in which no push was acknowledged, however often tried.
    pub(crate) outage: Duration,
    jobs: BTreeMap<String, Job>,
}

#[derive(Debug, Default)]
struct Job {
    group: String,
    acknowledged: u64,
    refused: u64,
    lost: u64,
    /// The number that it pushed last with success, and the one that it tried last.
    last_acknowledged: u64,
    last_tried: u64,
}

impl Pushers {
    /// Starts jobs of this name.
    pub(crate) fn start(gateway: SocketAddr, name: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let jobs = (0..JOBS).map(|number| {
            let stop = Arc::clone(&stop);
            let group = format!("job/{name}/instance/{number}");
            thread::spawn(move || work(gateway, group, &stop))
        });
        let jobs = jobs.collect();
        let probe = thread::spawn({
            let (stop, group) = (Arc::clone(&stop), format!("job/{name}/instance/probe"));
            move || probe(gateway, &group, &stop)
        });
        Self { stop, jobs, probe }
    }

    /// Lets every job end its push, with its retry if it needs one.
    pub(crate) fn stop(self) -> Result<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        for job in self.jobs {
            let job = job.join().ok().context("a job panicked")?;
            tally.acknowledged += job.acknowledged;
            tally.refused += job.refused;
            tally.lost += job.lost;
            tally.jobs.insert(job.group.clone(), job);
        }
        tally.outage = self.probe.join().ok().context("the probe panicked")?;
        Ok(tally)
    }
}

impl Tally {
    /// Checks that every job's last acknowledged push, or one that it tried after it, is what the gateway shows.
    pub(crate) fn verify(&self, gateway: SocketAddr) -> Result<()> {
        let scrape = http::text(gateway, "/metrics")?;
        for job in self.jobs.values() {
            let mut words = job.group.split('/').skip(1).step_by(2);
            let (name, instance) = (
                words.next().unwrap_or_default(),
                words.next().unwrap_or_default(),
            );
            let series = format!("pushed_number{{instance=\"{instance}\",job=\"{name}\"}} ");
            let shown = scrape
                .lines()
                .find_map(|line| line.strip_prefix(&series))
                .with_context(|| {
                    format!(
                        "{series}is gone, {} was acknowledged",
                        job.last_acknowledged
                    )
                })?;
            let shown = shown.parse::<f64>()?;
            #[expect(clippy::cast_precision_loss, reason = "no run pushes 2^53 times")]
            let (least, most) = (job.last_acknowledged as f64, job.last_tried as f64);
            ensure!(
                (least..=most).contains(&shown),
                "{series}is {shown}; {least} was acknowledged, {most} tried last"
            );
        }
        Ok(())
    }
}

fn work(gateway: SocketAddr, group: String, stop: &AtomicBool) -> Job {
    let mut job = Job {
        group,
        ..Job::default()
    };
    while !stop.load(Ordering::Relaxed) {
        job.last_tried += 1;
        let body = format!("pushed_number {}\n", job.last_tried);
        let mut pushed = http::push(gateway, &job.group, &body);
        if pushed.is_err() {
            job.refused += 1;
            thread::sleep(RETRY);
            pushed = http::push(gateway, &job.group, &body);
        }
        if pushed.is_ok() {
            job.acknowledged += 1;
            job.last_acknowledged = job.last_tried;
        } else {
            job.lost += 1;
        }
        thread::sleep(PAUSE);
    }
    job
}

fn probe(gateway: SocketAddr, group: &str, stop: &AtomicBool) -> Duration {
    let (mut outage, mut last_success) = (Duration::ZERO, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        if http::push(gateway, group, "probed 1\n").is_ok() {
            outage = outage.max(last_success.elapsed());
            last_success = Instant::now();
        }
        thread::sleep(PAUSE);
    }
    outage.max(last_success.elapsed())
}
