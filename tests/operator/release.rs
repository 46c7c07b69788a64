//! What a release is made by: scripts that the workflow runs.

use std::process::{Command, Output};

fn run(script: &str, argument: &str) -> Output {
    let root = env!("CARGO_MANIFEST_DIR");
    Command::new(format!("{root}/scripts/{script}"))
        .arg(argument)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn all_that_names_a_version_names_this_one() {
    let checked = run("release-version", concat!("v", env!("CARGO_PKG_VERSION")));
    let faults = text(&checked.stderr).lines();
    // The changelog gets its version with the release.
    let faults: Vec<_> = faults
        .filter(|line| !line.contains("CHANGELOG.md"))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn another_version_is_refused() {
    let checked = run("release-version", "v987.6.5");
    assert!(!checked.status.success());
    let said = text(&checked.stderr);
    for place in [
        "Cargo.toml says",
        "charts/pushgateway-operator/Chart.yaml, version says",
        "charts/pushgateway-operator/Chart.yaml, appVersion says",
        "manifests/install.yaml says",
        "CHANGELOG.md says",
    ] {
        assert!(said.contains(place), "{place}: {said}");
    }
    assert!(!said.contains("Cargo.toml says nothing"), "{said}");
    assert!(!said.contains("install.yaml says nothing"), "{said}");
}

#[test]
fn notes_are_what_the_changelog_says() {
    let notes = run("release-notes", "Unreleased");
    let said = text(&notes.stdout);
    assert!(notes.status.success());
    assert!(said.trim_start().starts_with("### "), "{said}");
    assert!(!said.contains("\n## ") && !said.contains("\n["), "{said}");
    assert!(!run("release-notes", "987.6.5").status.success());
}
