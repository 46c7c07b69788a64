//! Tells the program what it is built from: `src/build_info.rs` reads what is set here.
//!
//! The environment wins, then git, then `unknown`, so that a source tarball builds. No wall clock is read:
//! the same source and environment give the same program.

use std::env;
use std::path::Path;
use std::process::Command;

const UNKNOWN: &str = "unknown";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let git = Git::of_this_package();
    set("PUSHGATEWAY_REVISION", || git.run(&["rev-parse", "HEAD"]));
    set("PUSHGATEWAY_BRANCH", || {
        git.run(&["rev-parse", "--abbrev-ref", "HEAD"])
    });
    set("PUSHGATEWAY_BUILD_USER", || None);
    set("PUSHGATEWAY_BUILD_DATE", || build_date(&git));
    set("PUSHGATEWAY_BUILD_TAGS", || None);
    set("PUSHGATEWAY_RUSTC_VERSION", rustc_version);
    set("PUSHGATEWAY_OS", || cargo("CARGO_CFG_TARGET_OS").map(go_os));
    set("PUSHGATEWAY_ARCH", || {
        cargo("CARGO_CFG_TARGET_ARCH").map(go_arch)
    });
}

/// Hands the value to the compiler: from the environment if it is there, else as found out.
fn set(name: &str, find_out: impl FnOnce() -> Option<String>) {
    println!("cargo:rerun-if-env-changed={name}");
    let given = env::var(name).ok().filter(|value| !value.is_empty());
    let value = given.or_else(find_out);
    println!(
        "cargo:rustc-env={name}={}",
        value.as_deref().unwrap_or(UNKNOWN)
    );
}

fn cargo(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The git repository whose top is this package; none if the package lies within another repository.
struct Git {
    is_ours: bool,
}

impl Git {
    fn of_this_package() -> Self {
        let mut git = Self { is_ours: true };
        let top = git.run(&["rev-parse", "--show-toplevel"]);
        let here = cargo("CARGO_MANIFEST_DIR");
        git.is_ours = match (top, here) {
            (Some(top), Some(here)) => {
                Path::new(&top).canonicalize().ok() == Path::new(&here).canonicalize().ok()
            }
            _ => false,
        };
        // The log of HEAD grows with every commit and checkout.
        for file in ["HEAD", "logs/HEAD"] {
            if let Some(path) = git.run(&["rev-parse", "--git-path", file])
                && Path::new(&path).exists()
            {
                println!("cargo:rerun-if-changed={path}");
            }
        }
        git
    }

    fn run(&self, arguments: &[&str]) -> Option<String> {
        if !self.is_ours {
            return None;
        }
        output("git", arguments)
    }
}

/// Standard output of the program, if it succeeds and says anything.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// `rustc 1.95.0`, without the hash and date that distributions change.
fn rustc_version() -> Option<String> {
    let version = output(&cargo("RUSTC")?, &["--version"])?;
    let mut words = version.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}

/// When the source was last changed, as `20260527-15:00:00`.
///
/// See <https://reproducible-builds.org/specs/source-date-epoch/>.
fn build_date(git: &Git) -> Option<String> {
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let seconds = cargo("SOURCE_DATE_EPOCH").or_else(|| git.run(&["log", "-1", "--format=%ct"]))?;
    seconds.parse().ok().map(date_of)
}

/// The date in UTC of so many seconds after the Unix epoch.
fn date_of(seconds: u64) -> String {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let february = days_of(year) - 337;
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hours, minutes) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}{:02}{:02}-{hours:02}:{minutes:02}:{:02}",
        month + 1,
        days + 1,
        second % 60
    )
}

fn days_of(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    365 + u64::from(leap)
}

/// Go's name of the operating system, as the Prometheus programs print it.
fn go_os(os: String) -> String {
    if os == "macos" { "darwin".into() } else { os }
}

/// Go's name of the processor architecture, as the Prometheus programs print it.
fn go_arch(arch: String) -> String {
    let little = cargo("CARGO_CFG_TARGET_ENDIAN").as_deref() == Some("little");
    match (arch.as_str(), little) {
        ("x86_64", _) => "amd64".into(),
        ("x86", _) => "386".into(),
        ("aarch64", _) => "arm64".into(),
        ("powerpc64", true) => "ppc64le".into(),
        ("powerpc64", false) => "ppc64".into(),
        ("loongarch64", _) => "loong64".into(),
        _ => arch,
    }
}
