//! The texts of `--help`.

use std::fmt::Write;

use super::export::EXPORT_FLAGS;
use super::flag::{Flag, Group, Origin};
use super::self_test::SELF_TEST_FLAGS;
use super::table::FLAGS;
use super::typed::Flags;

const WIDTH: usize = 90;
const HELP_INDENT: usize = 8;

const INTRODUCTION: &str = "\
Takes metrics that jobs push, keeps them in groups, and lets Prometheus scrape them. Works
like the Prometheus Pushgateway, and keeps what it has acknowledged: with a persistence
file, a push is answered once it is on disk.
";

const EXAMPLES: &str = "\
Examples:
  pushgateway --persistence.file=/var/lib/pushgateway/metrics
        Listen on port 9091, keep pushes through restarts.
  pushgateway --web.listen-address=127.0.0.1:9091 --web.listen-address='[::1]:9091'
        Serve this machine only.
  pushgateway --web.external-url=https://example.org/pushgateway/
        Run behind a reverse proxy that passes on /pushgateway/.
  pushgateway --web.config.file=web.yml --web.probe-listen-address=:9092
        Ask for TLS and passwords as web.yml says, but let a kubelet probe port 9092.
  pushgateway @/etc/pushgateway/args --log.level=debug
        Take further arguments from a file, one a line.

  echo 'backup_bytes 42' | curl --data-binary @- http://localhost:9091/metrics/job/backup
        Push a metric.
";

const EXPORT_INTRODUCTION: &str = "\
Writes what a persistence file holds, for a backup or for going back to the Go
Pushgateway. The gateway that uses the file must not run.

Example:
  pushgateway export --persistence.file=metrics --format=gob --output=metrics.gob
";

const SELF_TEST_INTRODUCTION: &str = "\
Pushes a metric to a running gateway, reads it back and deletes it: the group with the job
helm-test. Says what went wrong, with exit status 1.

Example:
  pushgateway self-test --url=http://localhost:9091
";

/// What `--help` prints.
pub(super) fn main_help(program: &str) -> String {
    let mut text = format!(
        "usage: {program} [<flags>]\n       {program} export --persistence.file=FILE [<flags>]\n       \
         {program} self-test --url=URL [<flags>]\n\n\
         {INTRODUCTION}\n{EXAMPLES}"
    );
    let mut origin = None;
    for group in Group::MAIN {
        if origin.replace(group.origin()) != Some(group.origin()) {
            text.push_str(match group.origin() {
                Origin::Upstream => "\nFlags of the Prometheus Pushgateway\n",
                Origin::Own => "\nFlags that only this program has\n",
            });
        }
        push_group(&mut text, group);
    }
    text.push_str("\nOther:\n");
    push_flag(&mut text, "-h, --help", "Show this help.", None);
    push_flag(&mut text, "--version", "Show the version.", None);
    text
}

/// What `export --help` prints.
pub(super) fn export_help(program: &str) -> String {
    let mut text = format!(
        "usage: {program} export --persistence.file=FILE [<flags>]\n\n{EXPORT_INTRODUCTION}\nFlags:\n"
    );
    push_flags(&mut text, &EXPORT_FLAGS, Group::Export);
    push_flag(&mut text, "-h, --help", "Show this help.", None);
    text
}

/// What `self-test --help` prints.
pub(super) fn self_test_help(program: &str) -> String {
    let mut text = format!(
        "usage: {program} self-test --url=URL [<flags>]\n\n{SELF_TEST_INTRODUCTION}\nFlags:\n"
    );
    push_flags(&mut text, &SELF_TEST_FLAGS, Group::SelfTest);
    push_flag(&mut text, "-h, --help", "Show this help.", None);
    text
}

fn push_group(text: &mut String, group: Group) {
    text.push('\n');
    text.push_str(group.heading());
    text.push_str(match group {
        Group::Limits => " (with the status of what is refused):\n",
        _ => ":\n",
    });
    push_flags::<Flags>(text, &FLAGS, group);
}

fn push_flags<T: Default>(text: &mut String, flags: &[Flag<T>], group: Group) {
    for flag in flags.iter().filter(|flag| flag.group == group) {
        push_flag(text, &flag.usage(), flag.help, flag.shown_default());
    }
}

fn push_flag(text: &mut String, usage: &str, help: &str, default: Option<&str>) {
    let default = default.map(|value| format!(" (default {value})"));
    let _infallible = writeln!(text, "  {usage}{}", default.unwrap_or_default());
    push_wrapped(text, help);
}

fn push_wrapped(text: &mut String, help: &str) {
    let mut lines = vec![String::new()];
    for word in help.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if HELP_INDENT + line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    for line in lines {
        let _infallible = writeln!(text, "{:HELP_INDENT$}{line}", "");
    }
}
