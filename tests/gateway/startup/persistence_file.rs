//! Persistence files that the program must not start with, and must not touch.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{check_refusal, refused};
use crate::harness::{Program, files};

/// Starts with this persistence file, is refused with these words, and leaves the file as it was.
fn check_untouched(path: &Path, words: &[&str]) {
    let before = fs::read(path).unwrap();
    let flag = format!("--persistence.file={}", path.display());
    let exit = refused(&Program::gateway().flag(flag));
    let name = path.to_string_lossy();
    check_refusal(&exit, &[&[&*name], words].concat());
    assert!(
        before == fs::read(path).unwrap(),
        "{} was changed",
        path.display()
    );
}

#[test]
fn a_persistence_file_in_use_is_refused() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let flag = format!("--persistence.file={}", path.display());
    let gateway = Program::gateway().flag(flag).start();
    gateway.put("/metrics/job/j", "m 1\n");
    check_untouched(&path, &["in use", "--persistence.file"]);
    assert_eq!(gateway.put("/metrics/job/k", "m 2\n").status, 200);
}

#[test]
fn a_program_as_persistence_file_is_refused() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    fs::write(&path, b"\x7fELF\x02\x01\x01").unwrap();
    check_untouched(&path, &["--persistence.file"]);
}

#[test]
fn a_persistence_file_of_no_known_kind_is_set_aside() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let flag = format!("--persistence.file={}", path.display());
    let letter = "this is a letter to my aunt\n".repeat(50);
    for content in [letter.as_bytes(), b"\0"] {
        fs::write(&path, content).unwrap();
        let gateway = Program::gateway().flag(&flag).start();
        assert_eq!(gateway.put("/metrics/job/j", "m 1\n").status, 200);
        let log = gateway.stderr();
        assert!(log.contains("persistence file was damaged"), "{log}");
        gateway.terminate();
        let mut beside = folder
            .path()
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let kept = beside.any(|path| fs::read(path).unwrap() == content);
        assert!(kept, "the file is gone: {}", content.escape_ascii());
    }
}

#[test]
fn a_persistence_file_of_a_newer_format_is_refused() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let flag = format!("--persistence.file={}", path.display());
    Program::gateway().flag(flag).start().terminate();
    let mut content = fs::read(&path).unwrap();
    // The two copies of the header have the version in their ninth byte.
    for at in [8, 40] {
        assert_eq!(content[at], 1);
        content[at] = 2;
    }
    fs::write(&path, content).unwrap();
    check_untouched(&path, &["version 2", "--persistence.file"]);
}

#[test]
fn a_persistence_file_in_a_missing_folder_is_refused() {
    let folder = files::folder();
    let path = folder.path().join("missing/groups");
    let flag = format!("--persistence.file={}", path.display());
    let exit = refused(&Program::gateway().flag(flag));
    check_refusal(&exit, &[&path.parent().unwrap().to_string_lossy()]);
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn a_folder_as_persistence_file_is_refused() {
    let folder = files::folder();
    let flag = format!("--persistence.file={}", folder.path().display());
    let exit = refused(&Program::gateway().flag(flag));
    check_refusal(&exit, &[&folder.path().to_string_lossy()]);
}

#[test]
fn a_persistence_file_on_a_read_only_volume_is_refused() {
    let Some(volume) = files::volume("1m") else {
        return;
    };
    let path = volume.path().join("groups");
    let flag = format!("--persistence.file={}", path.display());
    let gateway = Program::gateway().flag(&flag).start();
    gateway.put("/metrics/job/j", "m 1\n");
    gateway.terminate();
    volume.remount_read_only();
    check_untouched(&path, &["--persistence.file"]);
}

#[test]
fn a_persistence_file_on_a_full_volume_is_refused() {
    let Some(volume) = files::volume("1m") else {
        return;
    };
    let path = volume.path().join("groups");
    volume.fill();
    let flag = format!("--persistence.file={}", path.display());
    let exit = refused(&Program::gateway().flag(flag));
    check_refusal(&exit, &["full", &path.to_string_lossy()]);
}

#[test]
fn the_persistence_file_is_for_its_owner_only() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let flag = format!("--persistence.file={}", path.display());
    let gateway = Program::gateway().flag(flag).start();
    gateway.put("/metrics/job/j", "m 1\n");
    gateway.terminate();
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "mode {mode:o}");
}
