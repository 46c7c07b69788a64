//! How the program ends: signals, the quit request, and what becomes of requests in flight.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;

use crate::harness::http::{self, Request, Response, read_response};
use crate::harness::{Gateway, Program, files, wait_until};

/// A push whose body has been sent in half.
struct HalfSent {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl HalfSent {
    fn begin(gateway: &Gateway, target: &str) -> Self {
        let request = Request::new("PUT", target)
            .header("Expect", "100-continue")
            .body("first 1\nsecond 2\n");
        let mut stream = http::connect(gateway.address).unwrap();
        stream.write_all(&request.head()).unwrap();
        // It is asked for its body, hence it is in flight.
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(interim, *b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"first 1\n").unwrap();
        let rest = b"second 2\n".to_vec();
        Self { stream, rest }
    }

    fn finish(mut self) -> std::io::Result<Response> {
        self.stream.write_all(&self.rest)?;
        read_response(&mut BufReader::new(self.stream), "PUT")
    }
}

fn wait_until_it_stops_listening(gateway: &Gateway) {
    wait_until("the listener to close", || {
        TcpStream::connect(gateway.address).is_err()
    });
}

#[test]
fn sigterm_lets_a_request_in_flight_finish_and_keeps_it() {
    let folder = files::folder();
    let flag = format!(
        "--persistence.file={}",
        folder.path().join("groups").display()
    );
    let program = Program::gateway().flag(flag);
    let mut gateway = program.start();
    let half_sent = HalfSent::begin(&gateway, "/metrics/job/j");
    gateway.signal("TERM");
    wait_until_it_stops_listening(&gateway);
    assert_eq!(half_sent.finish().unwrap().status, 200);
    assert_eq!(gateway.wait().code, Some(0));

    let scrape = program.start().scrape();
    assert!(
        scrape.contains("first{instance=\"\",job=\"j\"} 1"),
        "{scrape}"
    );
    assert!(
        scrape.contains("second{instance=\"\",job=\"j\"} 2"),
        "{scrape}"
    );
}

#[test]
fn sigint_ends_it_like_sigterm() {
    let mut gateway = Program::gateway().start();
    gateway.signal("INT");
    assert_eq!(gateway.wait().code, Some(0));
}

#[test]
fn an_idle_connection_does_not_delay_the_end() {
    let mut gateway = Program::gateway().flag("--web.drain-timeout=1h").start();
    let mut idle = http::connect(gateway.address).unwrap();
    idle.write_all(&Request::new("GET", "/-/healthy").to_bytes())
        .unwrap();
    let response = read_response(&mut BufReader::new(&idle), "GET").unwrap();
    assert_eq!(response.status, 200);
    let silent = http::connect(gateway.address).unwrap();
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code, Some(0));
    drop((idle, silent));
}

#[test]
fn a_request_that_does_not_end_is_cut_off_after_the_drain_timeout() {
    let mut gateway = Program::gateway().flag("--web.drain-timeout=200ms").start();
    let half_sent = HalfSent::begin(&gateway, "/metrics/job/j");
    gateway.signal("TERM");
    assert_eq!(gateway.wait().code, Some(0));
    assert!(half_sent.finish().is_err());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut gateway = Program::gateway().flag("--web.drain-timeout=1h").start();
    let half_sent = HalfSent::begin(&gateway, "/metrics/job/j");
    gateway.signal("TERM");
    wait_until_it_stops_listening(&gateway);
    gateway.signal("TERM");
    gateway.wait();
    assert!(half_sent.finish().is_err());
}

#[test]
fn a_quit_request_ends_it_if_enabled() {
    for method in ["PUT", "POST"] {
        let mut gateway = Program::gateway().flag("--web.enable-lifecycle").start();
        let response = gateway.send(&Request::new(method, "/-/quit"));
        assert_eq!(response.status, 200);
        assert_eq!(response.text(), "Requesting termination... Goodbye!");
        let exit = gateway.wait();
        assert_eq!(exit.code, Some(0));
        let line = "received termination request via web service, exiting gracefully...";
        assert!(exit.stderr.contains(line), "{}", exit.stderr);
    }
}

#[test]
fn a_quit_request_by_get_ends_nothing() {
    let gateway = Program::gateway().flag("--web.enable-lifecycle").start();
    let response = gateway.get("/-/quit");
    assert_eq!(response.status, 405);
    assert_eq!(response.text(), "Only POST or PUT requests allowed.");
    assert_eq!(gateway.get("/-/healthy").status, 200);
}

#[test]
fn the_log_tells_of_start_and_end_in_both_formats() {
    let logfmt = Program::gateway().start();
    let address = logfmt.address.to_string();
    let exit = logfmt.terminate();
    assert!(
        exit.stderr.contains("msg=\"starting pushgateway\""),
        "{}",
        exit.stderr
    );
    assert!(
        exit.stderr.contains(&format!("address={address}")),
        "{}",
        exit.stderr
    );
    assert!(
        exit.stderr
            .contains("msg=\"received SIGINT/SIGTERM; exiting gracefully...\""),
        "{}",
        exit.stderr
    );

    let json = Program::gateway()
        .flag("--log.format=json")
        .start()
        .terminate();
    for line in json.stderr.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            entry["ts"].is_string() && entry["level"].is_string(),
            "{line}"
        );
        assert!(entry["msg"].is_string(), "{line}");
    }
}
