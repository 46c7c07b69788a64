//! A gateway as a process of its own: started, asked for its memory, and gone with its handle.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail, ensure};

use crate::client::Connection;
use crate::workload;

const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks at a gateway that is not ready; short against the fastest start.
const READY_POLL: Duration = Duration::from_micros(100);

/// A program under measurement.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) file: PathBuf,
    pub(crate) version: String,
}

/// A running gateway, killed when dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    process: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first 200 of `/-/ready`.
    pub(crate) ready_after: Duration,
}

impl Program {
    /// The gateway of this repository as it is shipped, or what `PUSHGATEWAY_BIN` names.
    pub(crate) fn ours() -> Result<Self> {
        let given = env::var_os("PUSHGATEWAY_BIN").map(PathBuf::from);
        Self::named(given.map_or_else(build_as_shipped, Ok)?)
    }

    /// The Go Pushgateway that `tests/parts/fetch` put into `.cache`, the newer one if both are there.
    pub(crate) fn go() -> Result<Self> {
        let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache");
        let file = ["pushgateway-sid", "pushgateway-trixie"]
            .map(|part| parts.join(part).join("pushgateway"))
            .into_iter()
            .find(|file| file.exists())
            .context(
                "there is no Go Pushgateway in .cache; run tests/parts/fetch pushgateway-sid",
            )?;
        Self::named(file)
    }

    pub(crate) fn bytes(&self) -> Result<u64> {
        Ok(fs::metadata(&self.file)?.len())
    }

    fn named(file: PathBuf) -> Result<Self> {
        let output = Command::new(&file)
            .arg("--version")
            .output()
            .with_context(|| format!("running {}", file.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // "pushgateway, version 1.11.2 (branch: …".
        let version = text.split_whitespace().nth(2).unwrap_or("unknown").into();
        Ok(Self { file, version })
    }
}

impl Gateway {
    /// Starts a program that keeps everything in memory.
    pub(crate) fn start(program: &Program, folder: &Path) -> Result<Self> {
        Self::start_with(program, folder, &[])
    }

    /// Starts a program that keeps everything in a file in the folder.
    pub(crate) fn start_durable(program: &Program, folder: &Path) -> Result<Self> {
        let file = folder.join("pushgateway.data");
        let argument = format!("--persistence.file={}", file.display());
        Self::start_with(program, folder, &[argument])
    }

    fn start_with(program: &Program, folder: &Path, arguments: &[String]) -> Result<Self> {
        let address = free_address()?;
        let log = folder.join("gateway.log");
        let started = Instant::now();
        let process = Command::new(&program.file)
            .arg(format!("--web.listen-address={address}"))
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut gateway = Self {
            process,
            address,
            ready_after: Duration::ZERO,
        };
        gateway
            .wait_until_ready(started)
            .with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        gateway.ready_after = started.elapsed();
        Ok(gateway)
    }

    fn wait_until_ready(&mut self, started: Instant) -> Result<()> {
        let ready = workload::get("/-/ready");
        while Connection::open(self.address)
            .and_then(|mut connection| connection.exchange(&ready))
            .is_err()
        {
            if let Some(status) = self.process.try_wait()? {
                bail!("the gateway ended at its start with {status}");
            }
            ensure!(
                started.elapsed() < READY_TIMEOUT,
                "the gateway is not ready after {READY_TIMEOUT:?}"
            );
            thread::sleep(READY_POLL);
        }
        Ok(())
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let pid = i32::try_from(self.process.id())?;
        let pages = procfs::process::Process::new(pid)?.statm()?.resident;
        Ok(pages * procfs::page_size())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Either fails only if the process has ended by itself, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program that `scripts/build-static` makes for the image; what cargo made for this bench is linked otherwise.
fn build_as_shipped() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/build-static");
    let output = Command::new(script)
        .arg("pushgateway")
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "scripts/build-static failed");
    let text = String::from_utf8(output.stdout)?;
    let (file, _bytes) = text
        .split_once('\t')
        .context("scripts/build-static names no file")?;
    Ok(file.into())
}

/// An address that nobody listens on now.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
