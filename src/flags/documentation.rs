//! The page `docs/flags.md`, made from the table of flags; `UPDATE=1` writes it.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use super::export::EXPORT_FLAGS;
use super::flag::{Flag, Group, Origin};
use super::self_test::SELF_TEST_FLAGS;
use super::table::FLAGS;
use super::value::Arity;

const PAGE: &str = "docs/flags.md";

const HEAD: &str = "\
<!-- Made from src/flags/table.rs: UPDATE=1 cargo test --lib flags::documentation -->

# Flags

The flags of the Prometheus Pushgateway keep their names, their syntax and, with one exception, their
defaults: `--persistence.interval` is `0s` here, so that a push is on disk before it is answered.

* A value follows as `--flag=value` or `--flag value`; flags may be given once, unless the table says more.
* Switches take no value: `--web.enable-lifecycle`, `--no-web.enable-lifecycle`.
* `@file` stands for the lines of the file, one argument a line; blank lines and lines that start with `#`
  are skipped.
* Nothing is read from environment variables.
* Durations are numbers with units: `ms`, `s`, `m`, `h`, `d`, `w`, as in `1h30m`. Sizes are bytes, or a number
  with `KiB`, `MiB` or `GiB`.
* A command line that makes no sense is one line on standard error and exit status 1.
* `--help` and `--version` print on standard output.

The values in force are shown on the status page and by `GET /api/v1/status`.
";

const EXPORT: &str = "
## `pushgateway export`

Writes what a persistence file holds, for a backup or for going back to the Go Pushgateway. The gateway that
uses the file must not run.
";

const SELF_TEST: &str = "
## `pushgateway self-test`

Pushes a metric to a running gateway, reads it back and deletes it, so that an image without a shell can test a
release: `helm test` of the chart does so. Each message says what was asked and what came back.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut origin = None;
    for group in Group::MAIN {
        if origin.replace(group.origin()) != Some(group.origin()) {
            page.push_str(match group.origin() {
                Origin::Upstream => "\n## Flags of the Prometheus Pushgateway\n",
                Origin::Own => "\n## Flags that only this program has\n",
            });
        }
        write!(page, "\n### {}\n", group.heading()).unwrap();
        if group == Group::Limits {
            page.push_str("\nIn brackets: the status of what is refused. A limit cannot be 0.\n");
        }
        push_table(&mut page, &FLAGS, group);
    }
    page.push_str(EXPORT);
    push_table(&mut page, &EXPORT_FLAGS, Group::Export);
    page.push_str(SELF_TEST);
    push_table(&mut page, &SELF_TEST_FLAGS, Group::SelfTest);
    page
}

fn push_table<T: Default>(page: &mut String, flags: &[Flag<T>], group: Group) {
    page.push_str("\n| flag | default | meaning |\n|---|---|---|\n");
    for flag in flags.iter().filter(|flag| flag.group == group) {
        let default = match (flag.shown_default(), flag.arity()) {
            (Some(value), _) => format!("`{value}`"),
            (None, Arity::Switch) => "off".into(),
            (None, _) => String::new(),
        };
        let usage = flag.usage().replace("[no-]", "");
        writeln!(page, "| `{usage}` | {default} | {} |", flag.help).unwrap();
    }
}

#[test]
fn the_page_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page(),
        "{PAGE} is stale; make it anew with: UPDATE=1 cargo test --lib flags::documentation"
    );
}
