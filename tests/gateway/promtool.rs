//! What promtool, of Prometheus 2 and 3, has to say about the exposition.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::parts::find;
use crate::parts::server::Server;

/// A family of each type, named and helped as promtool wants it.
const PUSHED: &str = "\
# HELP jobs_total Jobs that ran.
# TYPE jobs_total counter
jobs_total{kind=\"a\\\"b\\\\c\\nd\"} 3
# HELP temperature_celsius Degrees, \\\\ and more.
# TYPE temperature_celsius gauge
temperature_celsius -1.5
# HELP request_bytes Sizes of requests.
# TYPE request_bytes summary
request_bytes{quantile=\"0.5\"} 1e21
request_bytes_sum 1e21
request_bytes_count 1
# HELP duration_seconds Time it took.
# TYPE duration_seconds histogram
duration_seconds_bucket{le=\"0.1\"} 1
duration_seconds_bucket{le=\"+Inf\"} 2
duration_seconds_sum 7
duration_seconds_count 2
";

#[test]
fn promtool_2_finds_nothing_to_mend() {
    check("prometheus-trixie");
}

#[test]
fn promtool_3_finds_nothing_to_mend() {
    check("prometheus-sid");
}

fn check(part: &str) {
    let Some(part) = find(part) else {
        return;
    };
    let gateway = Server::gateway(&[]);
    for path in [
        "/metrics/job/backup",
        "/metrics/job/a%20b/instance/%E2%98%83",
    ] {
        let response = gateway.request("PUT", path, &[], PUSHED.as_bytes());
        assert_eq!(response.status, 200, "PUT {path}: {}", response.body);
    }
    let exposition = gateway.get("/metrics");
    let mut promtool = Command::new(part.join("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = promtool.stdin.take().expect("it is piped");
    input.write_all(exposition.as_bytes()).unwrap();
    drop(input);
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success() && said.is_empty(),
        "promtool says\n{}\nabout\n{exposition}",
        String::from_utf8_lossy(&said)
    );
}
