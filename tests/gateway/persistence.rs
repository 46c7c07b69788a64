//! The persistence file over restarts, and to and from the Go Pushgateway.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::differential::generate::{self, Names};
use crate::harness::http::Request;
use crate::harness::random::Random;
use crate::harness::{Gateway, Program, files, peer, protobuf, scrape, wait_until};

/// A file written by prometheus/pushgateway 1.11.3 when it ended.
const UPSTREAM_FILE: &str = include_str!("../data/upstream-1.11.3.gob.base64");
/// Everything there is to keep: each type, native histograms, exemplars, odd names and values.
const TEXT: &str = "# HELP c A counter \\\\ with\\nlines.\n# TYPE c counter\nc{l=\"\\\"x\\\\\"} 1e+21\n\
                    # TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_sum -0\ns_count 7\n\
                    # TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 2\nh_count 3\n\
                    # TYPE g gauge\ng{instance=\"i\"} -Inf\nu 5e-324\n";

fn with_file(program: Program, path: &Path) -> Program {
    program.flag(format!("--persistence.file={}", path.display()))
}

/// Pushes, refused pushes and deletes of all kinds.
fn fill(gateway: &Gateway) {
    assert_eq!(gateway.put("/metrics/job/text/l/v", TEXT).status, 200);
    assert_eq!(gateway.post("/metrics/job/text/l/v", "m 2\n").status, 200);
    assert_eq!(
        gateway
            .put("/metrics/job@base64/L3Zhci90bXA=", native_body())
            .status,
        400
    );
    let native = Request::new("PUT", "/metrics/job@base64/L3Zhci90bXA=/e@base64/=")
        .header("Content-Type", protobuf::CONTENT_TYPE)
        .body(native_body());
    assert_eq!(gateway.send(&native).status, 200);
    assert_eq!(gateway.put("/metrics/job/empty", "").status, 200);
    assert_eq!(gateway.put("/metrics/job/failed", "m 1 1\n").status, 400);
    assert_eq!(gateway.put("/metrics/job/deleted", "m 1\n").status, 200);
    assert_eq!(gateway.delete("/metrics/job/deleted").status, 202);
    wait_until("the delete", || !gateway.scrape().contains("deleted"));
}

/// A native histogram with an exemplar, under a name of UTF-8.
fn native_body() -> Vec<u8> {
    use protobuf::Message;
    let exemplar = Message::new().label("trace_id", "abc").double(2, 0.5);
    let span = Message::new().signed(1, -1).varint(2, 2);
    let histogram = Message::new()
        .varint(1, 6)
        .double(2, 1.5)
        .signed(5, 3)
        .double(6, 0.001)
        .varint(7, 1)
        .message(12, &span)
        .signed(13, 2)
        .signed(13, 1)
        .message(16, &exemplar);
    let metric = Message::new().label("l\u{fc}", "v").message(7, &histogram);
    protobuf::family("nati.ve", protobuf::HISTOGRAM, &[metric]).delimited()
}

/// All that can be asked about pushed groups, with the times.
fn everything(gateway: &Gateway) -> Vec<String> {
    let accept = format!("{};escaping=allow-utf-8", protobuf::CONTENT_TYPE);
    let binary = gateway.send(&Request::new("GET", "/metrics").header("Accept", accept));
    let families = protobuf::read_families(&binary.body).unwrap();
    let mut everything: Vec<String> = families
        .into_iter()
        .filter(|family| !scrape::is_own(&family.name))
        .map(|family| family.text)
        .collect();
    let text = gateway.get("/metrics").text();
    let is_pushed = |line: &&str| line.contains("job=\"");
    everything.extend(text.lines().filter(is_pushed).map(str::to_owned));
    everything.extend(groups(gateway));
    everything
}

/// The groups as the API tells them, with the times.
fn groups(gateway: &Gateway) -> Vec<String> {
    let api = gateway.get("/api/v1/metrics").json();
    let groups = api["data"].as_array().unwrap().iter();
    let mut groups: Vec<String> = groups.map(ToString::to_string).collect();
    groups.sort();
    groups
}

fn check_same(before: &[String], after: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let mut lines: Vec<_> = these
            .iter()
            .filter(|line| !those.contains(line))
            .cloned()
            .collect();
        lines.truncate(5);
        lines
    };
    let (missing, added) = (only(before, after), only(after, before));
    assert!(
        before == after,
        "among others, missing: {missing:#?}\nadded: {added:#?}"
    );
}

#[test]
fn everything_is_the_same_after_an_orderly_restart() {
    let folder = files::folder();
    let program = with_file(Program::gateway(), &folder.path().join("groups"));
    let gateway = program.start();
    fill(&gateway);
    let before = everything(&gateway);
    assert_eq!(gateway.terminate().code, Some(0));
    check_same(&before, &everything(&program.start()));
}

#[test]
fn everything_is_the_same_after_a_kill() {
    let folder = files::folder();
    let program = with_file(Program::gateway(), &folder.path().join("groups"));
    let gateway = program.start();
    fill(&gateway);
    let before = everything(&gateway);
    gateway.kill();
    check_same(&before, &everything(&program.start()));
}

/// Sends what many cases of the comparison with a real Pushgateway send.
fn fill_randomly(gateway: &Gateway) {
    let (_, mut random) = Random::seeded_by("PUSHGATEWAY_DIFFERENTIAL_SEED");
    for names in [Names::Legacy, Names::Utf8] {
        for _ in 0..200 {
            for request in generate::case(&mut random, names).requests {
                if request.target != b"/api/v1/admin/wipe" {
                    gateway.send(&request);
                }
            }
        }
    }
}

#[test]
fn random_pushes_are_the_same_after_a_kill() {
    let folder = files::folder();
    let program = with_file(Program::gateway(), &folder.path().join("groups"));
    let gateway = program.start();
    fill_randomly(&gateway);
    let before = everything(&gateway);
    gateway.kill();
    check_same(&before, &everything(&program.start()));
}

#[test]
fn help_and_type_come_from_the_latest_group_that_is_left_before_and_after_a_restart() {
    for help in ["# HELP h From JOB.\n", ""] {
        let folder = files::folder();
        let program = with_file(Program::gateway(), &folder.path().join("groups"));
        let gateway = program.start();
        for (job, metric_type) in [
            ("a", "gauge_histogram"),
            ("b", "histogram"),
            ("c", "gauge_histogram"),
        ] {
            let help = help.replace("JOB", job);
            let body = format!("{help}# TYPE h {metric_type}\nh_count 1\n");
            assert_eq!(
                gateway.put(&format!("/metrics/job/{job}"), body).status,
                200
            );
        }
        gateway.delete("/metrics/job/c");
        let before = everything(&gateway);
        gateway.kill();
        check_same(&before, &everything(&program.start()));
    }
}

#[test]
fn random_pushes_are_the_same_in_a_real_pushgateway_after_an_export() {
    let Some(peer) = peer::pushgateway() else {
        return;
    };
    let folder = files::folder();
    let gob = folder.path().join("groups.gob");
    let gateway = Program::gateway().flag("--web.enable-admin-api").start();
    fill_randomly(&gateway);
    fs::write(&gob, gateway.get("/api/v1/admin/export?format=gob").body).unwrap();
    check_same(&groups(&gateway), &groups(&with_file(peer, &gob).start()));
}

#[test]
fn without_a_persistence_file_nothing_is_kept() {
    let program = Program::gateway();
    let gateway = program.start();
    gateway.put("/metrics/job/j", "m 1\n");
    gateway.terminate();
    assert_eq!(program.start().scrape(), "");
}

#[test]
fn with_a_persistence_interval_an_orderly_end_still_keeps_everything() {
    let folder = files::folder();
    let program = with_file(Program::gateway(), &folder.path().join("groups"));
    let program = program.flag("--persistence.interval=1h");
    let gateway = program.start();
    fill(&gateway);
    let before = everything(&gateway);
    assert_eq!(gateway.terminate().code, Some(0));
    check_same(&before, &everything(&program.start()));
}

#[test]
fn with_a_short_persistence_interval_the_file_is_written_soon() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let program = with_file(Program::gateway(), &path).flag("--persistence.interval=10ms");
    let gateway = program.start();
    gateway.put("/metrics/job/needle", "m 1\n");
    wait_until("the push to be in the file", || {
        let content = fs::read(&path).unwrap_or_default();
        content.windows(6).any(|window| window == b"needle")
    });
    gateway.kill();
    assert!(program.start().scrape().contains("needle"));
}

#[test]
fn a_file_of_upstream_is_imported() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let content = BASE64_STANDARD
        .decode(UPSTREAM_FILE.replace('\n', ""))
        .unwrap();
    fs::write(&path, &content).unwrap();
    let program = with_file(Program::gateway(), &path);
    let gateway = program.start();
    let scrape = gateway.scrape();
    for line in [
        "c{instance=\"i1\",job=\"alpha\"} 42",
        "# HELP g A gauge.",
        "g{instance=\"i1\",job=\"alpha\",l=\"v\"} 1.5",
        "h_bucket{instance=\"i1\",job=\"alpha\",le=\"1\"} 2",
        "h_bucket{instance=\"i1\",job=\"alpha\",le=\"+Inf\"} 3",
        "h_sum{instance=\"i1\",job=\"alpha\"} 5",
        "s{instance=\"i1\",job=\"alpha\",quantile=\"0.5\"} 7",
        "s_count{instance=\"i1\",job=\"alpha\"} 9",
        "u{instance=\"i1\",job=\"alpha\"} -Inf",
        "push_time_seconds{instance=\"\",job=\"beta\"} 0",
        "push_failure_time_seconds{instance=\"\",job=\"beta\"} <unix-seconds>",
    ] {
        assert!(
            scrape.lines().any(|found| found == line),
            "{line:?} is not in:\n{scrape}"
        );
    }
    // It is kept as it was, beside its successor.
    let beside = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let kept = beside
        .into_iter()
        .any(|path| fs::read(path).unwrap_or_default() == content);
    assert!(kept, "the imported file is gone");

    gateway.put("/metrics/job/gamma", "m 1\n");
    let before = everything(&gateway);
    gateway.kill();
    check_same(&before, &everything(&program.start()));
}

#[test]
fn a_file_of_a_real_pushgateway_is_imported_with_the_same_scrape() {
    let Some(peer) = peer::pushgateway() else {
        return;
    };
    let folder = files::folder();
    let path = folder.path().join("groups");
    let theirs = with_file(peer, &path).start();
    fill(&theirs);
    let before = everything(&theirs);
    assert_eq!(theirs.terminate().code, Some(0));
    check_same(
        &before,
        &everything(&with_file(Program::gateway(), &path).start()),
    );
}

/// A real Pushgateway with this file has everything that ours had.
fn check_way_back(peer: Program, gob: &Path, before: &[String]) {
    let theirs = with_file(peer, gob).start();
    check_same(before, &everything(&theirs));
    let log = theirs.terminate().stderr;
    assert!(!log.contains("could not load"), "{log}");
}

#[test]
fn an_exported_file_is_read_by_a_real_pushgateway() {
    let Some(peer) = peer::pushgateway() else {
        return;
    };
    let folder = files::folder();
    let (path, gob) = (
        folder.path().join("groups"),
        folder.path().join("groups.gob"),
    );
    let gateway = with_file(Program::gateway(), &path).start();
    fill(&gateway);
    let before = everything(&gateway);
    gateway.terminate();
    let export = Program::gateway().flag("export").flags(["--format=gob"]);
    let export = with_file(export, &path)
        .flag(format!("--output={}", gob.display()))
        .run();
    assert_eq!(export.code, Some(0), "{export:#?}");
    check_way_back(peer, &gob, &before);
}

#[test]
fn the_export_of_a_running_gateway_is_read_by_a_real_pushgateway() {
    let Some(peer) = peer::pushgateway() else {
        return;
    };
    let folder = files::folder();
    let gob = folder.path().join("groups.gob");
    let gateway = Program::gateway().flag("--web.enable-admin-api").start();
    fill(&gateway);
    let export = gateway.get("/api/v1/admin/export?format=gob");
    assert_eq!(export.status, 200, "{export:?}");
    fs::write(&gob, export.body).unwrap();
    check_way_back(peer, &gob, &everything(&gateway));
}

#[test]
fn an_export_is_imported_by_another_gateway() {
    for target in ["/api/v1/admin/export", "/api/v1/admin/export?format=gob"] {
        let program = Program::gateway().flag("--web.enable-admin-api");
        let first = program.start();
        fill(&first);
        let export = first.get(target);
        assert_eq!(export.status, 200, "{export:?}");
        let second = program.start();
        let import = second.put("/api/v1/admin/import", export.body);
        assert!(
            matches!(import.status, 200 | 202),
            "{target}: {}",
            import.brief()
        );
        check_same(&everything(&first), &everything(&second));
    }
}

#[test]
fn a_native_export_is_a_persistence_file() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let gateway = Program::gateway().flag("--web.enable-admin-api").start();
    fill(&gateway);
    fs::write(&path, gateway.get("/api/v1/admin/export").body).unwrap();
    check_same(
        &everything(&gateway),
        &everything(&with_file(Program::gateway(), &path).start()),
    );
}

#[test]
fn export_and_import_need_the_admin_api() {
    let gateway = Program::gateway().start();
    assert_eq!(gateway.get("/api/v1/admin/export").status, 404);
    assert_eq!(gateway.put("/api/v1/admin/import", "").status, 404);
    assert_eq!(gateway.put("/api/v1/admin/wipe", "").status, 404);
}

#[test]
fn an_import_of_garbage_changes_nothing() {
    let gateway = Program::gateway().flag("--web.enable-admin-api").start();
    fill(&gateway);
    let before = everything(&gateway);
    let cut_off = gateway.get("/api/v1/admin/export?format=gob").body;
    for body in [b"garbage".as_slice(), &cut_off[..cut_off.len() / 2]] {
        let response = gateway.put("/api/v1/admin/import", body);
        assert_eq!(response.status, 400, "{}", response.brief());
    }
    check_same(&before, &everything(&gateway));
}

#[test]
fn export_writes_to_standard_output() {
    let folder = files::folder();
    let path = folder.path().join("groups");
    let gateway = with_file(Program::gateway(), &path).start();
    gateway.put("/metrics/job/needle", "m 1\n");
    gateway.terminate();
    let export = with_file(Program::gateway().flag("export"), &path)
        .flag("--output=-")
        .run();
    assert_eq!(export.code, Some(0), "{export:#?}");
    assert!(export.stdout.contains("needle"));
}
