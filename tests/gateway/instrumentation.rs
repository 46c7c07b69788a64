//! The program's own metrics after the same requests to it and to a real Pushgateway.

use crate::harness::http::Request;
use crate::harness::{Gateway, Program, peer};

/// Requests of all handlers, accepted and refused, and some that no handler counts.
fn send_some_of_each(gateway: &Gateway) {
    gateway.put("/metrics/job/j", "m 1\n");
    gateway.put("/metrics/job/j", "m\n");
    gateway.put("/metrics/job/j/odd", "m 1\n");
    gateway.post("/metrics/job/j", "n 1\n");
    gateway.post("/metrics/job/k", "n 1 1\n");
    gateway.put("/metrics//job/j", "m 1\n");
    gateway.delete("/metrics/job/j");
    gateway.delete("/metrics/job/j/odd");
    gateway.get("/-/healthy");
    gateway.get("/-/healthy");
    gateway.get("/static/nope");
    gateway.get("/api/v1/status");
    gateway.get("/api/v1/metrics");
    gateway.get("/nope");
    gateway.get("/metrics/job/j");
    gateway.get("/metrics");
    gateway.send(&Request::new("OPTIONS", "/api/v1/metrics"));
    gateway.send(&Request::new("OPTIONS", "/metrics/job/j"));
    gateway.send(&Request::new("PUT", "/api/v1/admin/wipe"));
    gateway.send(&Request::new("POST", "/-/quit"));
    let not_gzip = Request::new("PUT", "/metrics/job/j")
        .header("Content-Encoding", "gzip")
        .body("m 1\n");
    gateway.send(&not_gzip);
}

/// Lines about requests: durations masked, and the probes that the harness sent left out.
fn request_metrics(gateway: &Gateway) -> Vec<String> {
    let scrape = gateway.get("/metrics").text();
    let mask = |line: &str| match line.rsplit_once(' ') {
        Some((series, _)) if line.starts_with("pushgateway_http_push_duration_seconds") => {
            let is_count = series.contains("_count");
            if is_count {
                line.to_owned()
            } else {
                format!("{series} <seconds>")
            }
        }
        _ => line.to_owned(),
    };
    scrape
        .lines()
        .filter(|line| line.contains("pushgateway_http_") && !line.contains("handler=\"ready\""))
        .map(mask)
        .collect()
}

#[test]
fn requests_are_counted_like_upstream_does() {
    let Some(peer) = peer::pushgateway() else {
        return;
    };
    let flag = "--web.enable-admin-api";
    let ours = Program::gateway().flag(flag).start();
    let theirs = peer.flags([flag, "--persistence.file="]).start();
    send_some_of_each(&ours);
    send_some_of_each(&theirs);
    assert_eq!(request_metrics(&ours), request_metrics(&theirs));
}

#[test]
fn the_process_and_the_build_are_described() {
    let gateway = Program::gateway().start();
    let scrape = gateway.get("/metrics").text();
    for name in [
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
        "process_virtual_memory_max_bytes",
        "process_network_receive_bytes_total",
        "process_network_transmit_bytes_total",
    ] {
        let is_there = scrape
            .lines()
            .any(|line| line.starts_with(&format!("{name} ")));
        assert!(is_there, "{name} is not in {scrape}");
    }
    let build = scrape
        .lines()
        .find(|line| line.starts_with("pushgateway_build_info{"))
        .unwrap();
    let labels = [
        "branch=",
        "goarch=",
        "goos=",
        "goversion=",
        "revision=",
        "tags=",
        "version=",
    ];
    for label in labels {
        assert!(build.contains(label), "{build}");
    }
    assert!(build.ends_with("} 1"), "{build}");
}
