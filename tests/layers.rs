//! The floors hold: which module may name which of its siblings and which outside crates.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

/// A module of `src` and all that it may name.
struct Module {
    name: &'static str,
    siblings: &'static [&'static str],
    crates: &'static [&'static str],
}

const MODULES: [Module; 14] = [
    // Floor 0: words.
    Module {
        name: "model",
        siblings: &[],
        crates: &["smallvec", "thiserror"],
    },
    // Floor 1: wire forms, synchronous, without IO.
    Module {
        name: "exposition",
        siblings: &["model"],
        crates: &["bytes", "flate2", "memchr", "thiserror", "zmij"],
    },
    // Floor 2: state, synchronous; it is told the time.
    Module {
        name: "store",
        siblings: &["exposition", "model"],
        crates: &[
            "bytes",
            "crc32fast",
            "flate2",
            "imbl",
            "memchr",
            "parking_lot",
            "smallvec",
            "thiserror",
            "tracing",
        ],
    },
    // Floor 3: HTTP.
    Module {
        name: "web",
        siblings: &[
            "build_info",
            "exposition",
            "instrumentation",
            "model",
            "store",
            "telemetry",
            "web_config",
        ],
        crates: &[
            "axum",
            "base64",
            "bcrypt",
            "bytes",
            "crc32fast",
            "flate2",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "jiff",
            "memchr",
            "percent_encoding",
            "ring",
            "serde",
            "serde_json",
            "snap",
            "subtle",
            "thiserror",
            "tokio",
            "tracing",
        ],
    },
    // Beside the floors.
    Module {
        name: "build_info",
        siblings: &[],
        crates: &[],
    },
    Module {
        name: "flags",
        siblings: &["build_info", "model", "telemetry"],
        crates: &["http", "percent_encoding", "thiserror"],
    },
    Module {
        name: "instrumentation",
        siblings: &["build_info", "model"],
        crates: &["procfs", "prometheus", "rustix", "thiserror"],
    },
    // Of the gateway, the operator knows what both programs need; it speaks to gateways by flags and files.
    Module {
        name: "operator",
        siblings: &[
            "build_info",
            "server",
            "shutdown",
            "telemetry",
            "web_config",
        ],
        crates: &[
            "axum",
            "futures",
            "http",
            "jiff",
            "k8s_openapi",
            "kube",
            "prometheus",
            "schemars",
            "serde",
            "serde_json",
            "serde_yaml",
            "thiserror",
            "tokio",
            "tracing",
        ],
    },
    // A client, which knows of a gateway only its URL.
    Module {
        name: "self_test",
        siblings: &[],
        crates: &[
            "base64",
            "bytes",
            "http",
            "http_body_util",
            "hyper",
            "hyper_util",
            "ring",
            "rustls",
            "thiserror",
            "tokio",
            "tokio_rustls",
        ],
    },
    Module {
        name: "server",
        siblings: &["shutdown", "web_config"],
        crates: &[
            "axum",
            "bytes",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "hyper_util",
            "listenfd",
            "memchr",
            "ring",
            "rustls",
            "socket2",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tracing",
            "x509_parser",
        ],
    },
    Module {
        name: "shutdown",
        siblings: &[],
        crates: &["tokio", "tracing"],
    },
    Module {
        name: "telemetry",
        siblings: &[],
        crates: &[
            "jiff",
            "serde_json",
            "thiserror",
            "tracing",
            "tracing_subscriber",
        ],
    },
    Module {
        name: "web_config",
        siblings: &[],
        crates: &[
            "bcrypt",
            "http",
            "rustls",
            "serde",
            "serde_yaml",
            "thiserror",
            "tokio",
            "tracing",
        ],
    },
    // The program ties all together.
    Module {
        name: "bin",
        siblings: &["*"],
        crates: &["anyhow", "axum", "clap", "jiff", "kube", "tokio", "tracing"],
    },
];

/// What only some modules may say.
const WORDS: [(&str, &[&str]); 4] = [
    ("SystemTime::now", &["web", "server", "operator", "bin"]),
    ("Instant::now", &["web", "server", "operator", "bin"]),
    ("std::env", &["flags", "bin"]),
    ("static mut ", &[]),
];

/// Parts of modules that compute and do nothing else, and what they may not say.
const PURE: [&str; 3] = [
    "src/operator/build",
    "src/operator/render",
    "src/operator/validate",
];
const IMPURE_WORDS: [&str; 8] = [
    "async ",
    ".await",
    "kube::Client",
    "kube::runtime",
    "Client,",
    "tokio::",
    "tracing::",
    "Instant::now",
];

/// Names that tell nothing about what is in a file.
const EMPTY_NAMES: [&str; 5] = ["util", "common", "helpers", "types", "manager"];

#[test]
fn modules_name_only_what_is_below_them() {
    let crates = dependencies();
    let mut broken = Vec::new();
    for path in sources(&root().join("src")) {
        let relative = path.strip_prefix(root()).unwrap();
        let top = top_module(relative);
        if top == "lib" {
            continue;
        }
        let Some(module) = MODULES.iter().find(|module| module.name == top) else {
            broken.push(format!(
                "{}: say in MODULES what it may name",
                relative.display()
            ));
            continue;
        };
        for (number, line) in code(&path) {
            let found = module.broken_rules(&line, &crates);
            let place = format!("{}:{number}", relative.display());
            broken.extend(found.iter().map(|rule| format!("{place}: {rule}")));
        }
    }
    assert!(
        broken.is_empty(),
        "move the code, pass a value or, if the floors are wrong, change tests/layers.rs:\n{}",
        broken.join("\n")
    );
}

#[test]
fn pure_parts_neither_wait_nor_ask_nor_log() {
    let is_pure = |path: &&PathBuf| {
        let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
        PURE.iter().any(|part| {
            let rest = relative.strip_prefix(part);
            rest.is_some_and(|rest| rest.starts_with(['.', '/']))
        })
    };
    let sources = sources(&root().join("src"));
    let pure: Vec<_> = sources.iter().filter(is_pure).collect();
    assert!(pure.len() > PURE.len(), "PURE names no files: {pure:?}");
    for path in pure {
        for (number, line) in code(path) {
            let found = IMPURE_WORDS.iter().find(|word| line.contains(**word));
            assert_eq!(found, None, "{}:{number}: {line}", path.display());
        }
    }
}

#[test]
fn files_are_named_for_what_they_own() {
    for path in sources(&root().join("src")) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            !EMPTY_NAMES.contains(&stem),
            "{} says nothing",
            path.display()
        );
        assert_ne!(stem, "mod", "{} is foo.rs beside foo/ here", path.display());
    }
}

#[test]
fn a_broken_floor_is_told() {
    let store = MODULES
        .iter()
        .find(|module| module.name == "store")
        .unwrap();
    let check = |line| store.broken_rules(line, &["tokio".to_owned()]);
    for line in ["use crate::web;", "tokio::spawn(f)", "SystemTime::now()"] {
        assert_eq!(check(line).len(), 1, "{line}");
    }
    for line in [
        "use crate::model::Labels;",
        "self.tokio::<u8>()",
        "crate::store::webs()",
    ] {
        assert_eq!(check(line).len(), 0, "{line}");
    }
}

impl Module {
    /// The rules that a line of the module breaks.
    fn broken_rules(&self, line: &str, crates: &[String]) -> Vec<String> {
        let mut broken = Vec::new();
        let own = |sibling: &str| sibling == self.name || self.siblings.contains(&sibling);
        for sibling in MODULES.iter().map(|module| module.name) {
            let named = names(line, &format!("crate::{sibling}"))
                || names(line, &format!("pushgateway::{sibling}"));
            if named && !own(sibling) && self.siblings != ["*"] {
                broken.push(format!(
                    "{} may not name {sibling}, only {:?}",
                    self.name, self.siblings
                ));
            }
        }
        for name in crates
            .iter()
            .filter(|name| names(line, &format!("{name}::")))
        {
            if !self.crates.contains(&name.as_str()) {
                broken.push(format!(
                    "{} may not name the crate {name}, only {:?}",
                    self.name, self.crates
                ));
            }
        }
        for (word, modules) in WORDS {
            if line.contains(word) && !modules.contains(&self.name) {
                broken.push(format!(
                    "{word:?} is for {modules:?}, not for {}",
                    self.name
                ));
            }
        }
        broken
    }
}

/// Whether a line has the path, not as a part of a longer name or path.
fn names(line: &str, path: &str) -> bool {
    let is_name = |char: char| char.is_alphanumeric() || char == '_';
    line.match_indices(path).any(|(at, _)| {
        let before = &line[..at];
        let after = line[at + path.len()..].chars().next();
        let starts =
            !before.ends_with(is_name) && !before.ends_with("::") && !before.ends_with('.');
        starts && (path.ends_with("::") || !after.is_some_and(is_name))
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The module below `src` that a file belongs to.
fn top_module(relative: &Path) -> &str {
    let below_src = relative.iter().nth(1).unwrap().to_str().unwrap();
    below_src.trim_end_matches(".rs")
}

/// All outside crates that the package depends on, as they are written in code.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let entries = section.lines().take_while(|line| !line.starts_with('['));
    let names = entries.filter_map(|line| line.split_once([' ', '.', '=']));
    names.map(|(name, _)| name.replace('-', "_")).collect()
}

/// All source files below a folder but those with tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The numbered lines of a file without comments and without the tests at its end.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let without_comment = |line: &str| line.split("//").next().unwrap().to_owned();
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, without_comment(line)))
        .collect()
}
