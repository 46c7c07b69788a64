//! What is measured, in which order, and for how long.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::gateway::{Gateway, Program};
use crate::subject::Subject;
use crate::timing::{self, Pair, Spread};
use crate::workload::{self, Encoding};

const STARTS: usize = 20;
const PUSH_TURN: Duration = Duration::from_millis(600);
const SCRAPE_TURN: Duration = Duration::from_millis(500);
const FLOOR_TURN: Duration = Duration::from_millis(100);
const PARALLEL_TIME: Duration = Duration::from_secs(4);

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Numbers of groups at which to measure.
    pub(crate) steps: &'static [usize],
    /// For all fills together: a Go Pushgateway gets slow. If it runs out, the last step is as far as they got.
    pub(crate) fill_time: Duration,
}

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) start: Pair<Spread>,
    pub(crate) binary_bytes: Pair<u64>,
    pub(crate) steps: Vec<Step>,
    pub(crate) floor: Pair<Spread>,
    pub(crate) full: Full,
    pub(crate) durable: Durable,
}

/// What is measured at each number of groups.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) groups: usize,
    pub(crate) push: Pair<Spread>,
    pub(crate) scrape: Pair<Spread>,
}

/// What is measured at the largest number of groups only.
#[derive(Debug)]
pub(crate) struct Full {
    pub(crate) page_bytes: u64,
    pub(crate) unchanged: Pair<Spread>,
    pub(crate) unchanged_gzip: Pair<Spread>,
    pub(crate) changed: Pair<Spread>,
    pub(crate) changed_gzip: Pair<Spread>,
    pub(crate) resident_after_fill: Pair<u64>,
    pub(crate) resident_after_scrapes: Pair<u64>,
    pub(crate) pushes_per_second: Pair<f64>,
}

/// Ours with a persistence file, and the disk without us.
#[derive(Debug)]
pub(crate) struct Durable {
    pub(crate) push: Spread,
    pub(crate) sync: Spread,
    pub(crate) synced_bytes: usize,
    pub(crate) pushes_per_second: f64,
}

impl Results {
    pub(crate) fn take(plan: Plan, programs: &Pair<Program>, folder: &Path) -> Result<Self> {
        let folders = Pair {
            go: made(folder.join("go"))?,
            ours: made(folder.join("ours"))?,
        };
        println!("starting each {STARTS} times");
        let start = start(programs, &folders)?;
        let mut subjects = Pair {
            go: Subject::in_memory(&programs.go, &folders.go)?,
            ours: Subject::in_memory(&programs.ours, &folders.ours)?,
        };
        let steps = climb(plan, &mut subjects)?;
        println!("scraping");
        let groups = steps.last().map_or(0, |step| step.groups);
        let floor = both(FLOOR_TURN, &mut subjects, Subject::healthy)?;
        let full = full(groups, &mut subjects)?;
        drop(subjects);
        println!("pushing durably");
        Ok(Self {
            start,
            binary_bytes: Pair {
                go: programs.go.bytes()?,
                ours: programs.ours.bytes()?,
            },
            steps,
            floor,
            full,
            durable: durable(groups, &programs.ours, &made(folder.join("durable"))?)?,
        })
    }
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn both(
    turn: Duration,
    subjects: &mut Pair<Subject>,
    operation: impl Fn(&mut Subject) -> Result<Duration>,
) -> Result<Pair<Spread>> {
    let Pair { go, ours } = subjects;
    let [go, ours] = timing::in_turns(turn, [&mut || operation(go), &mut || operation(ours)])?;
    Ok(Pair { go, ours })
}

/// From the start of the process to its first 200 of `/-/ready`, with an empty store.
fn start(programs: &Pair<Program>, folders: &Pair<PathBuf>) -> Result<Pair<Spread>> {
    let (mut go, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        go.push(Gateway::start(&programs.go, &folders.go)?.ready_after);
        ours.push(Gateway::start(&programs.ours, &folders.ours)?.ready_after);
    }
    Ok(Pair {
        go: Spread::of(go),
        ours: Spread::of(ours),
    })
}

/// Fills both to one number of groups after the other and measures at each.
fn climb(plan: Plan, subjects: &mut Pair<Subject>) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut left = plan.fill_time;
    for &wanted in plan.steps {
        println!("filling both to {wanted} groups");
        let started = Instant::now();
        let groups = subjects.go.fill(wanted, started + left)?;
        left = left.saturating_sub(started.elapsed());
        subjects.ours.fill(groups, started + plan.fill_time)?;
        steps.push(Step {
            groups,
            push: both(PUSH_TURN, subjects, Subject::push)?,
            scrape: both(SCRAPE_TURN, subjects, |subject| {
                subject.scrape_after_push(Encoding::Gzip)
            })?,
        });
        if groups < wanted {
            break;
        }
    }
    Ok(steps)
}

fn full(groups: usize, subjects: &mut Pair<Subject>) -> Result<Full> {
    let resident_after_fill = resident_bytes(subjects)?;
    subjects.go.verify()?;
    let page_bytes = subjects.ours.verify()?;
    let mut scrape =
        |operation: fn(&mut Subject) -> Result<Duration>| both(SCRAPE_TURN, subjects, operation);
    let unchanged = scrape(|subject| subject.scrape(Encoding::Identity))?;
    let unchanged_gzip = scrape(|subject| subject.scrape(Encoding::Gzip))?;
    let changed = scrape(|subject| subject.scrape_after_push(Encoding::Identity))?;
    let changed_gzip = scrape(|subject| subject.scrape_after_push(Encoding::Gzip))?;
    let resident_after_scrapes = resident_bytes(subjects)?;
    Ok(Full {
        page_bytes,
        unchanged,
        unchanged_gzip,
        changed,
        changed_gzip,
        resident_after_fill,
        resident_after_scrapes,
        pushes_per_second: Pair {
            go: subjects.go.push_in_parallel(groups, PARALLEL_TIME)?,
            ours: subjects.ours.push_in_parallel(groups, PARALLEL_TIME)?,
        },
    })
}

fn resident_bytes(subjects: &Pair<Subject>) -> Result<Pair<u64>> {
    Ok(Pair {
        go: subjects.go.gateway.resident_bytes()?,
        ours: subjects.ours.gateway.resident_bytes()?,
    })
}

fn durable(groups: usize, program: &Program, folder: &Path) -> Result<Durable> {
    let mut subject = Subject::durable(program, folder)?;
    // Fills it, and warms it up.
    subject.push_in_parallel(groups, PARALLEL_TIME)?;
    let pushes_per_second = subject.push_in_parallel(groups, PARALLEL_TIME)?;
    let mut file = append_only(&folder.join("plain"))?;
    let bytes = workload::body(0).into_bytes();
    let [push, sync] = timing::in_turns(
        PUSH_TURN,
        [&mut || subject.push(), &mut || {
            append_and_sync(&mut file, &bytes)
        }],
    )?;
    Ok(Durable {
        push,
        sync,
        synced_bytes: bytes.len(),
        pushes_per_second,
    })
}

fn append_only(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}

/// What a disk asks at least for keeping something.
fn append_and_sync(file: &mut File, bytes: &[u8]) -> Result<Duration> {
    let started = Instant::now();
    file.write_all(bytes)?;
    file.sync_data()?;
    Ok(started.elapsed())
}
