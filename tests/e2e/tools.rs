//! The programs that a user has: kubectl, helm, a shell; and how we wait for what they show.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Where the node keeps its configuration and sockets; short, because a socket's path must be.
pub(crate) const WORK: &str = "/run/e2e";

/// How long anything may take before the run gives up. Nothing is asserted about times below it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// Between two looks.
const POLL: Duration = Duration::from_millis(100);

/// The folder of a part of the tests; scripts/e2e has fetched them all.
pub(crate) fn part(name: &str) -> PathBuf {
    let link = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(".cache")
        .join(name);
    link.canonicalize().unwrap_or(link)
}

/// The administrator's kubeconfig.
pub(crate) fn kubeconfig() -> PathBuf {
    Path::new(WORK).join("kubeconfig")
}

/// What the program printed; an error with its error output if it fails.
pub(crate) fn run<I, S>(program: impl AsRef<OsStr>, arguments: I) -> Result<String>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    output(Command::new(program).args(arguments), "")
}

/// The same, of kubectl as the administrator; words are separated by spaces.
pub(crate) fn kubectl(arguments: &str) -> Result<String> {
    kubectl_with(&arguments.split(' ').collect::<Vec<_>>(), "")
}

/// The same for arguments with spaces in them and something on standard input.
pub(crate) fn kubectl_with(arguments: &[&str], input: &str) -> Result<String> {
    let mut command = Command::new(part("kubectl").join("kubectl"));
    output(
        command
            .arg("--kubeconfig")
            .arg(kubeconfig())
            .args(arguments),
        input,
    )
}

/// An object as JSON.
pub(crate) fn get(what: &str) -> Result<Value> {
    Ok(serde_json::from_str(&kubectl(&format!(
        "get {what} -o json"
    ))?)?)
}

/// Applies objects, in YAML or JSON.
pub(crate) fn apply(objects: &str) -> Result<String> {
    kubectl_with(&["apply", "--server-side", "-f", "-"], objects)
}

/// What Helm printed.
pub(crate) fn helm(arguments: &str) -> Result<String> {
    let mut command = Command::new(part("helm").join("helm"));
    command
        .args(arguments.split(' '))
        .env("KUBECONFIG", kubeconfig());
    output(&mut command, "")
}

/// Runs a script as a reader of our documents would: in the checkout, with kubectl and helm at hand.
pub(crate) fn shell(script: &str) -> Result<String> {
    let path = std::env::join_paths([part("kubectl"), part("helm")].into_iter().chain(
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()),
    ))?;
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", path)
        .env("KUBECONFIG", kubeconfig());
    output(&mut command, "")
}

/// Asks until there is an answer; says what for if there never is one.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        let answer = ask();
        if let Ok(Some(answer)) = answer {
            return Ok(answer);
        }
        if started.elapsed() > PATIENCE {
            let last = answer
                .err()
                .map_or_else(String::new, |error| format!(": {error:#}"));
            bail!("waited {PATIENCE:?} for {what}{last}");
        }
        thread::sleep(POLL);
    }
}

fn output(command: &mut Command, input: &str) -> Result<String> {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| shown.clone())?;
    child
        .stdin
        .take()
        .context("standard input is piped")?
        .write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "{shown}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
