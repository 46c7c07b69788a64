//! What is pushed and asked: the same bytes to both gateways.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

/// Metrics in a group: those pushed, and the two push times that a gateway adds.
pub(crate) const METRICS_PER_GROUP: usize = 10 + 2;

/// The label `job` of all groups.
pub(crate) const JOB: &str = "bench";

/// Bodies to choose from, made before anything is timed. A prime, so that a group that is pushed again gets another; few, so
/// that they leave the processor's caches to the gateways.
const BODIES: u32 = 61;

/// What Prometheus 3 sends with a scrape by default.
const SCRAPE_ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// How a scrape wants its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    pub(crate) const ALL: [Self; 2] = [Self::Identity, Self::Gzip];

    /// As it stands in `Accept-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
        }
    }
}

/// A request without a body.
pub(crate) fn bare(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

/// The `GET` of a path.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// A scrape as Prometheus sends it, also of a server that has it as a file.
pub(crate) fn scrape(path: &str, encoding: Encoding) -> Vec<u8> {
    let encoding = encoding.name();
    format!(
        "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: {SCRAPE_ACCEPT}\r\n\
         Accept-Encoding: {encoding}\r\n\r\n"
    )
    .into_bytes()
}

/// The group of this number, in a push URL. Neighbours in number are neighbours in a scrape.
pub(crate) fn group_path(group: usize) -> String {
    format!("/metrics/job/{JOB}/instance/{}", instance(group))
}

/// The value of the label `instance` of the group of this number.
pub(crate) fn instance(group: usize) -> String {
    format!("i{group:06}")
}

/// A number that looks like chance and is the same in every run: splitmix64.
pub(crate) fn scattered(nth: usize) -> usize {
    let mut z = (nth as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 1) as usize
}

/// A push that replaces one group. A push of the next serial number brings other values.
pub(crate) fn push(group: usize, serial: u32) -> Vec<u8> {
    let mut request = Vec::new();
    append_push(&mut request, group, serial);
    request
}

/// Appends the same to a request that is empty.
pub(crate) fn append_push(request: &mut Vec<u8>, group: usize, serial: u32) {
    let body = body(serial);
    write!(
        request,
        "PUT /metrics/job/{JOB}/instance/i{group:06} HTTP/1.1\r\nHost: bench\r\n\
         Content-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .expect("a vector takes everything");
    request.extend_from_slice(body.as_bytes());
}

/// The body of a push of this serial number.
pub(crate) fn body(serial: u32) -> &'static str {
    static MADE: LazyLock<Vec<String>> = LazyLock::new(|| (0..BODIES).map(make_body).collect());
    &MADE[(serial % BODIES) as usize]
}

/// What a backup would push: ten metrics in four families.
fn make_body(serial: u32) -> String {
    let mut body = String::with_capacity(1024);
    let seconds = f64::from(serial) / 1000.0;
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
    let files = f64::from(serial);
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
