//! The gateways: which programs they are, and each as a running process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::process::{Process, free_address};
use crate::workload;

/// A program under measurement.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) file: PathBuf,
    pub(crate) version: String,
    /// Variables that it is started with.
    environment: Vec<(String, String)>,
}

/// A running gateway, killed when dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    process: Process,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first 200 of `/-/ready`.
    pub(crate) ready_after: Duration,
}

impl Program {
    /// The gateway of this repository as it is shipped, or what `PUSHGATEWAY_BIN` names.
    pub(crate) fn ours() -> Result<Self> {
        let given = env::var_os("PUSHGATEWAY_BIN").map(PathBuf::from);
        let program = Self::named(given.map_or_else(build_as_shipped, Ok)?)?;
        Ok(Self {
            environment: image_environment()?,
            ..program
        })
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

    /// Writes what one persistence file holds into another, which the Go Pushgateway reads.
    pub(crate) fn export_gob(&self, from: &Path, to: &Path) -> Result<()> {
        let status = Command::new(&self.file)
            .arg("export")
            .arg("--format=gob")
            .arg(format!("--persistence.file={}", from.display()))
            .arg(format!("--output={}", to.display()))
            .status()?;
        ensure!(status.success(), "the export to {} failed", to.display());
        Ok(())
    }

    fn named(file: PathBuf) -> Result<Self> {
        let output = Command::new(&file)
            .arg("--version")
            .output()
            .with_context(|| format!("running {}", file.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // "pushgateway, version 1.11.2 (branch: …".
        let version = text.split_whitespace().nth(2).unwrap_or("unknown").into();
        Ok(Self {
            file,
            version,
            environment: Vec::new(),
        })
    }
}

impl Gateway {
    /// Starts a program with default flags but for these, and waits until it is ready.
    pub(crate) fn start(program: &Program, folder: &Path, flags: &[String]) -> Result<Self> {
        let address = free_address()?;
        let listen = format!("--web.listen-address={address}");
        let arguments = [&[listen], flags].concat();
        let mut process = Process::start(&program.file, folder, &arguments, &program.environment)?;
        let ready_after = process.wait_for(address, &workload::get("/-/ready"))?;
        Ok(Self {
            process,
            address,
            ready_after,
        })
    }

    /// Whether it still runs, and the end of its log.
    pub(crate) fn condition(&mut self) -> String {
        self.process.condition()
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        self.process.resident_bytes()
    }
}

/// The flag that has a gateway keep everything in a file, or start with what is in it.
pub(crate) fn persistence(file: &Path) -> String {
    format!("--persistence.file={}", file.display())
}

/// What the Dockerfile sets for the gateway to run in.
fn image_environment() -> Result<Vec<(String, String)>> {
    let dockerfile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile"))?;
    let tunables = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("ENV GLIBC_TUNABLES="))
        .context("the Dockerfile sets no GLIBC_TUNABLES")?;
    Ok(vec![("GLIBC_TUNABLES".to_owned(), tunables.to_owned())])
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
