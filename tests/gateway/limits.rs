//! Each limit set low and hit: the status, and a text that names the limit and the flag that moves it.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::http::{self, Connection, Request, Response, read_response};
use crate::harness::{Gateway, Program, compress, files, wait_until};

const THREADS: usize = 16;

/// A gateway with one limit.
struct Limited {
    gateway: Gateway,
    flag: &'static str,
    value: &'static str,
}

impl Limited {
    fn start(flag: &'static str, value: &'static str) -> Self {
        let gateway = Program::gateway().flag(format!("--{flag}={value}")).start();
        Self {
            gateway,
            flag,
            value,
        }
    }

    /// The response is a refusal for this limit.
    fn check(&self, response: &Response, status: u16) {
        check_refusal(response, status, self.flag, self.value);
        assert_eq!(self.gateway.get("/-/ready").status, 200);
    }

    fn put(&self, target: &str, body: impl Into<Vec<u8>>) -> Response {
        self.gateway.put(target, body)
    }
}

fn check_refusal(response: &Response, status: u16, flag: &str, value: &str) {
    assert_eq!(response.status, status, "{}", response.brief());
    let text = response.text();
    assert!(
        text.contains(&format!("--{flag}")),
        "{text:?} does not name --{flag}"
    );
    assert!(
        text.contains(value),
        "{text:?} does not tell the limit {value}"
    );
    if status == 503 {
        assert!(response.header("retry-after").is_some(), "{response:?}");
    }
}

/// Untyped metrics `m0`, `m1`, ….
fn series(count: usize) -> String {
    (0..count).fold(String::new(), |text, number| {
        text + &format!("m{number} 1\n")
    })
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let limited = Limited::start("limit.body-bytes", "1000");
    let body = |length: usize| format!("m 1\n#{}\n", "x".repeat(length - 6));
    let put = |length| Request::new("PUT", "/metrics/job/j").body(body(length));
    assert_eq!(limited.gateway.send(&put(1000)).status, 200);
    assert_eq!(limited.gateway.send(&put(1000).chunked(100)).status, 200);
    limited.check(&limited.gateway.send(&put(1001)), 413);
    limited.check(&limited.gateway.send(&put(1001).chunked(100)), 413);
    limited.check(&limited.gateway.send(&put(1_000_000).chunked(10_000)), 413);
}

#[test]
fn a_compressed_body_may_inflate_to_the_limit_and_no_further() {
    let limited = Limited::start("limit.inflated-body-bytes", "100000");
    let body = |length: usize| format!("m 1\n#{}\n", "x".repeat(length - 6)).into_bytes();
    let gzip = |length| {
        let compressed = compress::gzip(&body(length));
        Request::new("PUT", "/metrics/job/j")
            .header("Content-Encoding", "gzip")
            .body(compressed)
    };
    let snappy = |length| {
        let compressed = compress::snappy(&body(length));
        Request::new("PUT", "/metrics/job/j")
            .header("Content-Encoding", "snappy")
            .body(compressed)
    };
    assert_eq!(limited.gateway.send(&gzip(100_000)).status, 200);
    assert_eq!(limited.gateway.send(&snappy(100_000)).status, 200);
    limited.check(&limited.gateway.send(&gzip(100_001)), 413);
    limited.check(&limited.gateway.send(&snappy(100_001)), 413);
}

#[test]
fn a_bomb_that_inflates_to_gigabytes_takes_no_memory() {
    let limited = Limited::start("limit.inflated-body-bytes", "1000000");
    let mut bomb = Vec::new();
    let mebibyte = compress::gzip(&vec![b'\n'; 1 << 20]);
    (0..2000).for_each(|_| bomb.extend_from_slice(&mebibyte));
    let before = limited.gateway.memory_kib("VmHWM");
    let request = Request::new("PUT", "/metrics/job/j")
        .header("Content-Encoding", "gzip")
        .body(bomb);
    limited.check(&limited.gateway.send(&request), 413);
    let grown = limited.gateway.memory_kib("VmHWM") - before;
    assert!(grown < 32 * 1024, "memory grew by {grown} KiB");
}

#[test]
fn bodies_in_flight_have_a_total() {
    let program = Program::gateway().flags([
        "--limit.body-bytes=50000",
        "--limit.inflated-body-bytes=50000",
        "--limit.bodies-in-flight-bytes=60000",
    ]);
    let gateway = program.start();
    let first =
        Request::new("PUT", "/metrics/job/a").body(format!("m 1\n#{}\n", "x".repeat(45_000)));
    let bytes = first.to_bytes();
    let (last, most) = bytes.split_last().unwrap();
    let second =
        Request::new("PUT", "/metrics/job/b").body(format!("m 1\n#{}\n", "x".repeat(40_000)));
    // Of two that do not fit together, the one that was read last is refused: mostly the second.
    let mut outcome = None;
    wait_until("the second push to be refused", || {
        let mut held = http::connect(gateway.address).unwrap();
        held.write_all(most).unwrap();
        let refusal = gateway.send(&second);
        let is_refused = refusal.status != 200;
        outcome = Some((held, refusal));
        is_refused
    });
    let (mut held, refusal) = outcome.unwrap();
    check_refusal(&refusal, 503, "limit.bodies-in-flight-bytes", "60000");
    // Held ones of earlier rounds may still count, so that this one is refused as well.
    held.write_all(&[*last]).unwrap();
    let status = read_response(&mut BufReader::new(held), "PUT")
        .unwrap()
        .status;
    assert!(matches!(status, 200 | 503), "{status}");
    wait_until("room for the second", || {
        gateway.send(&second).status == 200
    });
    assert_eq!(gateway.send(&first).status, 200);
}

#[test]
fn groups_have_a_total() {
    let limited = Limited::start("limit.groups", "3");
    for job in ["a", "b", "c"] {
        assert_eq!(
            limited.put(&format!("/metrics/job/{job}"), "m 1\n").status,
            200
        );
    }
    limited.check(&limited.put("/metrics/job/d", "m 1\n"), 503);
    // A refused push would create its group, too.
    assert!(matches!(
        limited.put("/metrics/job/e", "m 1 1\n").status,
        400 | 503
    ));
    assert!(!limited.gateway.scrape().contains("job=\"e\""));
    assert_eq!(limited.put("/metrics/job/a", "m 2\n").status, 200);
    assert_eq!(limited.gateway.delete("/metrics/job/b").status, 202);
    assert_eq!(limited.put("/metrics/job/d", "m 1\n").status, 200);
}

#[test]
fn series_have_a_total() {
    let limited = Limited::start("limit.series", "20");
    assert_eq!(limited.put("/metrics/job/a", series(12)).status, 200);
    limited.check(&limited.put("/metrics/job/b", series(12)), 503);
    assert_eq!(limited.put("/metrics/job/a", series(2)).status, 200);
    assert_eq!(limited.put("/metrics/job/b", series(12)).status, 200);
}

#[test]
fn series_of_a_group_have_a_limit() {
    let limited = Limited::start("limit.series-per-group", "10");
    assert_eq!(limited.put("/metrics/job/a", series(8)).status, 200);
    assert_eq!(limited.put("/metrics/job/b", series(8)).status, 200);
    limited.check(&limited.put("/metrics/job/c", series(11)), 422);
    let more: String = series(8).replace('m', "n");
    limited.check(&limited.gateway.post("/metrics/job/a", more.as_str()), 422);
    assert_eq!(limited.put("/metrics/job/a", more).status, 200);
}

#[test]
fn labels_of_a_series_have_a_limit() {
    let limited = Limited::start("limit.labels-per-series", "5");
    assert_eq!(
        limited
            .put("/metrics/job/j", "m{a=\"1\",b=\"1\",c=\"1\"} 1\n")
            .status,
        200
    );
    let many = "m{a=\"1\",b=\"1\",c=\"1\",d=\"1\",e=\"1\",f=\"1\"} 1\n";
    limited.check(&limited.put("/metrics/job/j", many), 422);
    limited.check(
        &limited.put("/metrics/job/j/a/1/b/1/c/1/d/1/e/1/f/1", "m 1\n"),
        422,
    );
}

#[test]
fn label_names_have_a_longest() {
    let limited = Limited::start("limit.label-name-bytes", "20");
    let (fits, exceeds) = ("n".repeat(20), "n".repeat(21));
    assert_eq!(
        limited
            .put("/metrics/job/j", format!("m{{{fits}=\"1\"}} 1\n"))
            .status,
        200
    );
    limited.check(
        &limited.put("/metrics/job/j", format!("m{{{exceeds}=\"1\"}} 1\n")),
        422,
    );
    limited.check(
        &limited.put(&format!("/metrics/job/j/{exceeds}/v"), "m 1\n"),
        422,
    );
    limited.check(
        &limited.put("/metrics/job/j", format!("{exceeds} 1\n")),
        422,
    );
}

#[test]
fn label_values_have_a_longest() {
    let limited = Limited::start("limit.label-value-bytes", "20");
    let (fits, exceeds) = ("v".repeat(20), "v".repeat(21));
    assert_eq!(
        limited
            .put("/metrics/job/j", format!("m{{a=\"{fits}\"}} 1\n"))
            .status,
        200
    );
    limited.check(
        &limited.put("/metrics/job/j", format!("m{{a=\"{exceeds}\"}} 1\n")),
        422,
    );
    limited.check(
        &limited.put(&format!("/metrics/job/{exceeds}"), "m 1\n"),
        422,
    );
    limited.check(
        &limited.put(&format!("/metrics/job/j/l/{exceeds}"), "m 1\n"),
        422,
    );
}

#[test]
fn help_has_a_longest() {
    let limited = Limited::start("limit.help-bytes", "20");
    let (fits, exceeds) = ("h".repeat(20), "h".repeat(21));
    assert_eq!(
        limited
            .put("/metrics/job/j", format!("# HELP m {fits}\nm 1\n"))
            .status,
        200
    );
    limited.check(
        &limited.put("/metrics/job/j", format!("# HELP m {exceeds}\nm 1\n")),
        422,
    );
}

#[test]
fn a_request_head_has_a_longest() {
    let limited = Limited::start("limit.head-bytes", "10000");
    let with_header =
        |length: usize| Request::new("GET", "/-/ready").header("X", "x".repeat(length));
    assert_eq!(limited.gateway.send(&with_header(9000)).status, 200);
    assert_eq!(limited.gateway.send(&with_header(30_000)).status, 431);
    let long_target = format!("/metrics/job/{}", "x".repeat(30_000));
    let status = limited.gateway.get(&long_target).status;
    assert!(matches!(status, 414 | 431), "{status}");
}

/// Reads until the server closes; fails if it does not.
fn read_to_the_end(mut stream: &TcpStream) -> String {
    let mut text = String::new();
    match stream.read_to_string(&mut text) {
        Ok(_) => text,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => text,
        Err(error) => panic!("it was not closed: {error}, after {text:?}"),
    }
}

#[test]
fn a_head_that_does_not_end_is_closed() {
    let limited = Limited::start("limit.head-timeout", "200ms");
    for part in ["", "G", "GET / HTTP/1.1\r\nHost: h\r\nX-Slow: "] {
        let mut stream = http::connect(limited.gateway.address).unwrap();
        stream.write_all(part.as_bytes()).unwrap();
        let answer = read_to_the_end(&stream);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    }
}

#[test]
fn a_body_without_progress_is_given_up() {
    let limited = Limited::start("limit.body-timeout", "200ms");
    let request = Request::new("PUT", "/metrics/job/j").body("first 1\nsecond 1\n");
    for request in [request.clone(), request.chunked(8)] {
        let bytes = request.to_bytes();
        let mut stream = http::connect(limited.gateway.address).unwrap();
        stream.write_all(&bytes[..bytes.len() - 8]).unwrap();
        let answer = read_to_the_end(&stream);
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert_eq!(limited.gateway.scrape(), "");
}

#[test]
fn an_idle_connection_is_closed() {
    let limited = Limited::start("limit.idle-timeout", "200ms");
    let mut stream = http::connect(limited.gateway.address).unwrap();
    stream
        .write_all(&Request::new("GET", "/-/ready").to_bytes())
        .unwrap();
    let answer = read_to_the_end(&stream);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn connections_have_a_total() {
    let program = Program::gateway()
        .flag("--limit.connections=3")
        .ready_when_listening();
    let gateway = program.start();
    let mut open: Vec<Connection> = Vec::new();
    wait_until("three connections", || {
        open = (0..3).map(|_| Connection::new(gateway.address)).collect();
        let request = Request::new("GET", "/-/ready");
        open.iter_mut().all(|one| {
            one.send(&request)
                .is_ok_and(|response| response.status == 200)
        })
    });
    match gateway.try_send(&Request::new("GET", "/-/ready")) {
        Ok(response) => assert_eq!(response.status, 503, "{response:?}"),
        Err(_closed) => {}
    }
    open.clear();
    wait_until("a connection to be let in again", || {
        let again = gateway.try_send(&Request::new("GET", "/-/ready"));
        again.is_ok_and(|response| response.status == 200)
    });
}

/// Runs `work` on many threads at once with their numbers.
fn at_once(work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn concurrent_pushes_do_not_walk_past_the_limit_of_groups() {
    let gateway = Program::gateway().flag("--limit.groups=20").start();
    let accepted = AtomicUsize::new(0);
    at_once(|thread| {
        let mut connection = Connection::new(gateway.address);
        for group in 0..10 {
            let target = format!("/metrics/job/t{thread}/g/{group}");
            let response = connection
                .send(&Request::new("PUT", target).body("m 1\n"))
                .unwrap();
            if response.status == 200 {
                accepted.fetch_add(1, Ordering::Relaxed);
            } else {
                check_refusal(&response, 503, "limit.groups", "20");
            }
        }
    });
    let groups = gateway.get("/api/v1/metrics").json()["data"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!((accepted.into_inner(), groups), (20, 20));
}

#[test]
fn concurrent_pushes_do_not_walk_past_the_limit_of_series() {
    let gateway = Program::gateway().flag("--limit.series=100").start();
    let accepted = AtomicUsize::new(0);
    at_once(|thread| {
        let mut connection = Connection::new(gateway.address);
        for group in 0..10 {
            let target = format!("/metrics/job/t{thread}/g/{group}");
            let response = connection
                .send(&Request::new("PUT", target).body(series(7)))
                .unwrap();
            if response.status == 200 {
                accepted.fetch_add(7, Ordering::Relaxed);
            } else {
                check_refusal(&response, 503, "limit.series", "100");
            }
        }
    });
    let scrape = gateway.scrape();
    let stored = scrape.lines().filter(|line| line.starts_with('m')).count();
    assert_eq!(accepted.into_inner(), stored);
    assert!((50..=100).contains(&stored), "{stored} series are stored");
}

#[test]
fn queued_pushes_have_a_total() {
    let folder = files::folder();
    let persistence = format!(
        "--persistence.file={}",
        folder.path().join("groups").display()
    );
    let program = Program::gateway().flags([persistence.as_str(), "--limit.queued-pushes=1"]);
    let gateway = program.start();
    let refused = AtomicUsize::new(0);
    wait_until("a push to be refused", || {
        at_once(|thread| {
            let request = Request::new("PUT", format!("/metrics/job/t{thread}")).body("m 1\n");
            let response = gateway.send(&request);
            if response.status != 200 {
                check_refusal(&response, 503, "limit.queued-pushes", "1");
                refused.fetch_add(1, Ordering::Relaxed);
            }
        });
        refused.load(Ordering::Relaxed) > 0
    });
    assert_eq!(gateway.put("/metrics/job/j", "m 1\n").status, 200);
}
