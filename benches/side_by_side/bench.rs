//! What every family of rows needs: the programs, how far to go, and folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::content;
use crate::gateway::{Gateway, Program, persistence};
use crate::nginx::Nginx;
use crate::subject::Subject;

/// How far to go and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Starts of each gateway.
    pub(crate) starts: usize,
    /// Numbers of groups at which pushes are timed.
    pub(crate) pushed_groups: &'static [usize],
    /// Numbers of groups at which scrapes are timed and memory is looked at.
    pub(crate) scraped_groups: &'static [usize],
    /// The number of groups to which many connections push, enough for no two to meet.
    pub(crate) loaded_groups: usize,
    /// The one of `scraped_groups` at which changes, and pushes beside scrapes, are looked at.
    pub(crate) changed_groups: usize,
    /// Pushes that replace, to see whether memory grows.
    pub(crate) replacing_pushes: u32,
    /// Rounds that count when several are measured in turns.
    pub(crate) rounds: usize,
    /// A turn over one connection.
    pub(crate) turn: Duration,
    /// A turn over many connections.
    pub(crate) load_turn: Duration,
    /// For the pushes of the Go Pushgateway altogether, and for its scrapes at each size.
    pub(crate) go_time: Duration,
    /// Repetitions of what takes seconds to prepare.
    pub(crate) repetitions: usize,
    /// Operations of the costliest kind that are counted in instructions.
    pub(crate) counted_operations: u32,
}

/// The whole run.
pub(crate) const FULL: Plan = Plan {
    starts: 20,
    pushed_groups: &[10, 100, 1000, 3000, 10_000, 100_000],
    scraped_groups: &[3000, 30_000, 100_000],
    loaded_groups: 3000,
    changed_groups: 30_000,
    replacing_pushes: 1_000_000,
    rounds: 5,
    turn: Duration::from_millis(500),
    load_turn: Duration::from_millis(1500),
    go_time: Duration::from_mins(1),
    repetitions: 3,
    counted_operations: 100,
};

/// To see that everything works.
pub(crate) const QUICK: Plan = Plan {
    starts: 3,
    pushed_groups: &[10, 100, 1000],
    scraped_groups: &[100, 1000],
    loaded_groups: 300,
    changed_groups: 1000,
    replacing_pushes: 5000,
    rounds: 1,
    turn: Duration::from_millis(50),
    load_turn: Duration::from_millis(200),
    go_time: Duration::from_secs(2),
    repetitions: 1,
    counted_operations: 20,
};

/// The programs under measurement and their peers.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) ours: Program,
    pub(crate) go: Program,
    pub(crate) nginx: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) programs: Programs,
    pub(crate) plan: Plan,
    folder: PathBuf,
}

impl Programs {
    pub(crate) fn find() -> Result<Self> {
        Ok(Self {
            go: Program::go()?,
            nginx: Nginx::program()?,
            ours: Program::ours()?,
        })
    }
}

impl Bench {
    pub(crate) fn new(plan: Plan, programs: Programs, folder: &Path) -> Self {
        Self {
            programs,
            plan,
            folder: folder.to_owned(),
        }
    }

    /// A folder of this name, empty at first.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Our gateway, empty, with these flags.
    pub(crate) fn ours(&self, flags: &[String]) -> Result<Subject> {
        let folder = self.folder("ours")?;
        Subject::new(Gateway::start(&self.programs.ours, &folder, flags)?, 0)
    }

    /// Our gateway in memory, filled by pushes.
    pub(crate) fn ours_with(&self, groups: usize) -> Result<Subject> {
        let mut ours = self.ours(&[])?;
        ours.fill(groups)?;
        Ok(ours)
    }

    /// The Go Pushgateway, filled through a file, since pushes would take it hours. It won't write while it is measured.
    pub(crate) fn go_with(&self, groups: usize) -> Result<Subject> {
        let file = content::gob_file(&self.folder("files")?, groups, &self.programs.ours)?;
        let flags = [persistence(&file), "--persistence.interval=24h".into()];
        let folder = self.folder("go")?;
        Subject::new(Gateway::start(&self.programs.go, &folder, &flags)?, groups)
    }

    /// The Go Pushgateway in memory, filled by the same pushes as ours: two minutes for 3000 groups.
    pub(crate) fn go_pushed(&self, groups: usize) -> Result<Subject> {
        let folder = self.folder("go")?;
        let mut go = Subject::new(Gateway::start(&self.programs.go, &folder, &[])?, 0)?;
        go.fill(groups)?;
        Ok(go)
    }

    /// A persistence file of ours.
    pub(crate) fn native_file(&self, groups: usize) -> Result<PathBuf> {
        content::native_file(&self.folder("files")?, groups)
    }
}
