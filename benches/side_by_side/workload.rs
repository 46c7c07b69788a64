//! What is pushed and asked: the same bytes to both gateways.

use std::fmt::Write as _;

/// Metrics in a group: those pushed, and the two push times that a gateway adds.
pub(crate) const METRICS_PER_GROUP: usize = 10 + 2;

/// What Prometheus 3 sends with a scrape by default.
const SCRAPE_ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// How a scrape wants its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

/// The `GET` of a path.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// A scrape as Prometheus sends it.
pub(crate) fn scrape(encoding: Encoding) -> Vec<u8> {
    let encoding = match encoding {
        Encoding::Identity => "identity",
        Encoding::Gzip => "gzip",
    };
    format!(
        "GET /metrics HTTP/1.1\r\nHost: bench\r\nAccept: {SCRAPE_ACCEPT}\r\n\
         Accept-Encoding: {encoding}\r\n\r\n"
    )
    .into_bytes()
}

/// A push that replaces one group; no two pushes bring the same values.
pub(crate) fn push(group: usize, serial: u32) -> Vec<u8> {
    let body = body(serial);
    format!(
        "PUT /metrics/job/bench/instance/i{group:04} HTTP/1.1\r\nHost: bench\r\n\
         Content-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What a backup would push: ten metrics in four families.
pub(crate) fn body(serial: u32) -> String {
    let mut body = String::with_capacity(1024);
    let seconds = f64::from(serial % 100_000) / 1000.0;
    family(
        &mut body,
        "# HELP backup_step_seconds How long each step of the backup took.\n\
         # TYPE backup_step_seconds gauge\n",
        &[
            ("backup_step_seconds{step=\"freeze\"}", 0.25 + seconds),
            ("backup_step_seconds{step=\"dump\"}", 12.5 + seconds),
            ("backup_step_seconds{step=\"compress\"}", 31.125 + seconds),
            ("backup_step_seconds{step=\"upload\"}", 60.5 + seconds),
        ],
    );
    let bytes = f64::from(serial) * 512.0;
    family(
        &mut body,
        "# HELP backup_bytes_total Bytes that the backup read and wrote.\n\
         # TYPE backup_bytes_total counter\n",
        &[
            ("backup_bytes_total{direction=\"read\"}", 7.5e9 + bytes),
            ("backup_bytes_total{direction=\"written\"}", 2.5e9 + bytes),
        ],
    );
    let files = f64::from(serial % 1000);
    family(
        &mut body,
        "# HELP backup_files Files in the backup, by what became of them.\n\
         # TYPE backup_files gauge\n",
        &[
            ("backup_files{state=\"new\"}", 17.0 + files),
            ("backup_files{state=\"changed\"}", 230.0 + files),
            ("backup_files{state=\"unchanged\"}", 184_023.0 + files),
        ],
    );
    family(
        &mut body,
        "# HELP backup_last_success_timestamp_seconds When a backup last succeeded.\n\
         # TYPE backup_last_success_timestamp_seconds gauge\n",
        &[(
            "backup_last_success_timestamp_seconds",
            1.76e9 + f64::from(serial),
        )],
    );
    body
}

fn family(body: &mut String, head: &str, samples: &[(&str, f64)]) {
    body.push_str(head);
    for (metric, value) in samples {
        writeln!(body, "{metric} {value}").expect("a string takes everything");
    }
}
