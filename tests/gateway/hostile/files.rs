//! Damaged, cut and inconsistent persistence files, and a disk that fills up.

use std::fs;
use std::path::Path;

use super::check_unharmed;
use crate::harness::http::{Connection, Request};
use crate::harness::random::Random;
use crate::harness::{Program, files, peer, wait_until};

#[test]
fn a_damaged_file_is_set_aside_and_what_is_intact_is_loaded() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let program = Program::gateway().flag(format!("--persistence.file={}", path.display()));
    let gateway = program.start();
    for number in 0..30 {
        gateway.put(&format!("/metrics/job/j{number}"), format!("m{number} 1\n"));
    }
    gateway.kill();
    let mut content = fs::read(&path).unwrap();
    let needle = b"m15";
    let at = content
        .windows(3)
        .position(|window| window == needle)
        .expect("the push is there");
    content[at] ^= 0xff;
    fs::write(&path, &content).unwrap();

    let gateway = program.start();
    let scrape = gateway.scrape();
    for number in (0..30).filter(|number| *number != 15) {
        let line = format!("m{number}{{instance=\"\",job=\"j{number}\"}} 1");
        assert!(
            scrape.lines().any(|found| found == line),
            "{line} is lost:\n{scrape}"
        );
    }
    let kept = files_in(folder.path())
        .into_iter()
        .any(|content_of| content_of == content);
    assert!(kept, "the file as it was found is gone");
    assert!(gateway.stderr().contains("damage"), "{}", gateway.stderr());
    assert!(
        gateway.get("/metrics").text().contains("damage"),
        "no metric tells of the damage"
    );
    check_unharmed(&gateway, "damage");
    gateway.terminate();
    assert!(
        files_in(folder.path())
            .into_iter()
            .any(|content_of| content_of == content)
    );
}

fn files_in(folder: &Path) -> Vec<Vec<u8>> {
    let entries = folder.read_dir().unwrap();
    entries
        .filter_map(|entry| fs::read(entry.unwrap().path()).ok())
        .collect()
}

#[test]
fn a_file_cut_anywhere_loses_nothing_but_its_end() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let program = Program::gateway().flag(format!("--persistence.file={}", path.display()));
    let gateway = program.start();
    let mut lengths = Vec::new();
    for number in 0..10 {
        gateway.put(&format!("/metrics/job/j{number}"), format!("m{number} 1\n"));
        lengths.push(fs::metadata(&path).unwrap().len());
    }
    gateway.kill();
    let content = fs::read(&path).unwrap();
    let mut random = Random::new(7);
    for _ in 0..20 {
        let cut = random.within(usize::try_from(lengths[0]).unwrap()..=content.len());
        fs::write(&path, &content[..cut]).unwrap();
        let gateway = program.start();
        let scrape = gateway.scrape();
        for (number, length) in lengths.iter().enumerate() {
            let is_there = scrape.contains(&format!("m{number}{{"));
            let is_whole = *length <= cut as u64;
            assert!(
                is_there || !is_whole,
                "cut at {cut}: push {number} of {lengths:?} is lost"
            );
        }
        gateway.kill();
    }
}

#[test]
fn a_full_disk_is_said_and_recovered_from() {
    let Some(volume) = files::volume("2m") else {
        return;
    };
    let path = volume.path().join("groups");
    let program = Program::gateway().flag(format!("--persistence.file={}", path.display()));
    let gateway = program.start();
    assert_eq!(gateway.put("/metrics/job/before", "m 1\n").status, 200);
    volume.fill();
    let padding = "x".repeat(15_000);
    let mut accepted = Vec::new();
    let refusal = (0..)
        .find_map(|number| {
            let target = format!("/metrics/job/full/n/{number}");
            let response = gateway.put(&target, format!("m{{l=\"{padding}\"}} 1\n"));
            if response.status == 200 {
                accepted.push(format!("n=\"{number}\""));
                assert!(number < 1000, "the disk is never full");
                return None;
            }
            Some(response)
        })
        .unwrap();
    assert_eq!(refusal.status, 503, "{}", refusal.brief());
    assert!(refusal.header("retry-after").is_some(), "{refusal:?}");
    assert!(
        refusal.text().contains(&*path.to_string_lossy()),
        "{}",
        refusal.brief()
    );
    // What is small may still find room.
    let mut small = (0..1000).map(|number| {
        let response = gateway.put(&format!("/metrics/job/small/n/{number}"), "small 1\n");
        response.status
    });
    assert!(small.any(|status| status == 503), "the disk is never full");
    assert_eq!(gateway.get("/-/healthy").status, 200);
    assert_eq!(gateway.get("/-/ready").status, 503);
    let visible = gateway.scrape();
    assert_eq!(
        visible.matches("\nm{").count(),
        accepted.len() + 1,
        "{accepted:?}"
    );

    volume.make_room();
    wait_until("the gateway to recover by itself", || {
        gateway.put("/metrics/job/after", "m 1\n").status == 200
    });
    assert_eq!(gateway.get("/-/ready").status, 200);
    gateway.kill();
    let scrape = program.start().scrape();
    assert_eq!(scrape.matches("\nm{").count(), accepted.len() + 2);
    assert!(scrape.contains("job=\"before\"") && scrape.contains("job=\"after\""));
}

#[test]
fn nothing_partial_is_served_while_the_file_is_loaded() {
    const GROUPS: usize = 3000;
    let folder = files::folder();
    let path = folder.path().join("groups");
    let program = Program::gateway().flag(format!("--persistence.file={}", path.display()));
    let gateway = program.clone().flag("--persistence.interval=1h").start();
    let mut connection = Connection::new(gateway.address);
    for number in 0..GROUPS {
        let target = format!("/metrics/job/j/n/{number}");
        connection
            .send(&Request::new("PUT", target).body("m 1\n"))
            .unwrap();
    }
    gateway.terminate();

    let gateway = program.spawn_anywhere();
    wait_until("all groups", || {
        let Ok(scrape) = gateway.try_send(&Request::new("GET", "/metrics")) else {
            return false;
        };
        if scrape.status == 503 {
            let push = gateway.put("/metrics/job/early", "early 1\n");
            assert!(matches!(push.status, 200 | 503), "{}", push.brief());
            assert_eq!(push.status == 503, push.header("retry-after").is_some());
            return false;
        }
        let series = scrape.text().matches("\nm{").count();
        assert_eq!((scrape.status, series), (200, GROUPS));
        true
    });
}

#[test]
fn an_inconsistent_file_is_imported_and_scraped() {
    let Some(peer) = peer::pushgateway() else {
        return;
    };
    let folder = files::folder();
    let flag = format!(
        "--persistence.file={}",
        folder.path().join("groups").display()
    );
    let theirs = peer
        .flags([flag.as_str(), "--push.disable-consistency-check"])
        .start();
    theirs.put("/metrics/job/a", "# TYPE m gauge\nm 1\n");
    theirs.put("/metrics/job/b", "# TYPE m counter\nm 2\n");
    theirs.put("/metrics/job/b/instance@base64/=", "n 2\n");
    wait_until("the last push", || {
        let groups = theirs.get("/api/v1/metrics").json();
        groups["data"].as_array().unwrap().len() == 3
    });
    theirs.terminate();
    let gateway = Program::gateway().flag(flag).start();
    let scrape = gateway.get("/metrics");
    assert_eq!(scrape.status, 200, "{}", scrape.brief());
    assert!(
        scrape.text().contains("m{instance=\"\",job=\"b\"} 2\n"),
        "{}",
        scrape.text()
    );
    check_unharmed(&gateway, "an inconsistent file");
}
