//! A server under measurement as a process of its own, which ends with its handle.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use crate::client::{ANSWER_TIMEOUT, Connection, TooSlow};

/// Between two looks at a server that is not ready: short against the fastest start.
const SHORTEST_POLL: Duration = Duration::from_micros(100);
/// For those that take longer the same share of their time, so that it is not we who keep them from work.
const POLLS_PER_START: u32 = 100;

/// A running process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    started: Instant,
}

impl Process {
    /// Starts a process in a folder, where it also logs.
    pub(crate) fn start(
        program: &Path,
        folder: &Path,
        arguments: &[String],
        environment: &[(String, String)],
    ) -> Result<Self> {
        let log = folder.join("process.log");
        let started = Instant::now();
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("running {}", program.display()))?;
        Ok(Self {
            child,
            log,
            started,
        })
    }

    /// Waits until the request is answered with success; how long that took since the start.
    pub(crate) fn wait_for(&mut self, address: SocketAddr, request: &[u8]) -> Result<Duration> {
        while Connection::open(address)
            .and_then(|mut connection| connection.exchange(request))
            .is_err()
        {
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(&self.log)?;
                bail!("ended at its start with {status}: {log}");
            }
            let elapsed = self.started.elapsed();
            if elapsed > ANSWER_TIMEOUT {
                return Err(TooSlow.into());
            }
            thread::sleep(SHORTEST_POLL.max(elapsed / POLLS_PER_START));
        }
        Ok(self.started.elapsed())
    }

    /// Whether it still runs, and the end of its log: why it may have failed to answer.
    pub(crate) fn condition(&mut self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().last().unwrap_or_default();
        match self.child.try_wait() {
            Ok(Some(status)) => format!("the server ended with {status}, its last words: {last}"),
            Ok(None) => format!("the server still runs, its last words: {last}"),
            Err(error) => format!("the server is gone: {error}"),
        }
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let pid = i32::try_from(self.child.id())?;
        let pages = procfs::process::Process::new(pid)?.statm()?.resident;
        Ok(pages * procfs::page_size())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only if the process has ended by itself, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
