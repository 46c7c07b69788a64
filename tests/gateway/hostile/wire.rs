//! Clients that break off, stall, send nonsense or are led astray.

use std::io::{BufReader, Write as _};

use super::check_unharmed;
use crate::harness::http::{self, Request, Response, read_response};
use crate::harness::random::Random;
use crate::harness::{Gateway, Program};

#[test]
fn a_push_whose_client_goes_in_the_middle_is_not_applied() {
    let gateway = Program::gateway().start();
    for request in [
        Request::new("PUT", "/metrics/job/j").body("first 1\nsecond 2\n"),
        Request::new("PUT", "/metrics/job/j")
            .body("first 1\nsecond 2\n")
            .chunked(8),
    ] {
        let bytes = request.to_bytes();
        for length in 1..bytes.len() {
            let mut stream = http::connect(gateway.address).unwrap();
            stream.write_all(&bytes[..length]).unwrap();
        }
    }
    check_unharmed(&gateway, "cut off pushes");
    assert!(!gateway.scrape().contains("first"));
}

#[test]
fn probes_answer_while_a_push_and_a_scrape_are_stuck() {
    let gateway = Program::gateway().start();
    let label = "x".repeat(10_000);
    for number in 0..300 {
        gateway.put(
            &format!("/metrics/job/j/n/{number}"),
            format!("m{{l=\"{label}\"}} 1\n"),
        );
    }
    let mut stuck_scrape = http::connect(gateway.address).unwrap();
    stuck_scrape
        .write_all(&Request::new("GET", "/metrics").to_bytes())
        .unwrap();
    let mut stuck_push = http::connect(gateway.address).unwrap();
    let push = Request::new("PUT", "/metrics/job/stuck")
        .body("m 1\n")
        .to_bytes();
    stuck_push.write_all(&push[..push.len() - 2]).unwrap();
    check_unharmed(&gateway, "a stuck push and a stuck scrape");
    drop((stuck_scrape, stuck_push));
}

#[test]
fn a_redirect_leads_to_the_group_that_was_meant() {
    let gateway = Program::gateway().start();
    for (target, location) in [
        ("//metrics/job/a%20b", "/metrics/job/a%20b"),
        (
            "/metrics//job/a%20b/l/%C3%BC?x=%20y",
            "/metrics/job/a%20b/l/%C3%BC?x=%20y",
        ),
        ("/metrics/./job/a%2520b", "/metrics/job/a%2520b"),
    ] {
        let response = gateway.put(target, "m 1\n");
        assert_eq!(response.status, 307, "{target}");
        assert_eq!(response.header("location"), Some(location), "{target}");
        assert_eq!(gateway.put(location, "m 1\n").status, 200, "{location}");
    }
    for labels in [
        "job=\"a b\"}",
        "job=\"a b\",l=\"\u{fc}\"}",
        "job=\"a%20b\"}",
    ] {
        assert!(
            gateway
                .scrape()
                .contains(&format!("m{{instance=\"\",{labels} 1")),
            "{labels}"
        );
    }
}

#[test]
fn no_redirect_leads_to_another_host() {
    let gateway = Program::gateway().start();
    for target in [
        "//evil.example/metrics/",
        "/\\evil.example/",
        "//evil.example/%2e%2e",
        "/metrics/../..//evil.example",
    ] {
        let response = gateway.get(target);
        let location = response.header("location").unwrap_or("/");
        let is_local = location.starts_with('/')
            && !location.starts_with("//")
            && !location.starts_with("/\\");
        assert!(is_local, "{target} leads to {location}");
    }
}

/// Sends all of a long body before it looks at the answer, as simple clients do.
fn send_all_then_read(gateway: &Gateway, request: &Request) -> Response {
    let mut stream = http::connect(gateway.address).unwrap();
    stream
        .write_all(&request.to_bytes())
        .expect("the body is taken");
    read_response(&mut BufReader::new(stream), &request.method).unwrap()
}

#[test]
fn a_refusal_reaches_a_client_that_sends_everything_first() {
    let gateway = Program::gateway()
        .flag("--limit.body-bytes=1000000")
        .start();
    let long = format!("m 1\n#{}\n", "x".repeat(8_000_000));
    for (target, status) in [
        ("/metrics/job/j/odd", 400),
        ("/metrics/job/j", 413),
        ("/nope", 404),
        ("/metrics", 405),
        ("//metrics/job/j", 307),
    ] {
        for request in [
            Request::new("PUT", target).body(long.as_str()),
            Request::new("PUT", target)
                .body(long.as_str())
                .chunked(10_000),
            Request::new("PUT", target)
                .body(long.as_str())
                .header("Connection", "close"),
        ] {
            assert_eq!(
                send_all_then_read(&gateway, &request).status,
                status,
                "{target}"
            );
        }
    }
    let bad_gzip = Request::new("PUT", "/metrics/job/j")
        .header("Content-Encoding", "gzip")
        .body(long);
    assert!(matches!(
        send_all_then_read(&gateway, &bad_gzip).status,
        400 | 413
    ));
}

#[test]
fn nonsense_on_the_wire_stops_nothing() {
    let gateway = Program::gateway().start();
    let mut random = Random::new(3);
    let heads = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET /metrics/job/%zz HTTP/1.1\r\nHost: h\r\n\r\n",
        "PUT /metrics/job/j HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        "PUT /metrics/job/j HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nm 1\n",
        "PUT /metrics/job/j HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "PUT /metrics/job/j HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "PUT /metrics/job/j HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
        "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://other/metrics HTTP/1.1\r\nHost: h\r\n\r\n",
        "* * *\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
    ];
    for number in 0..200 {
        let mut stream = http::connect(gateway.address).unwrap();
        let mut bytes = heads[number % heads.len()].as_bytes().to_vec();
        if number >= heads.len() {
            for _ in 0..random.within(1..=4) {
                let at = random.below(bytes.len());
                bytes[at] = random.next().to_le_bytes()[0];
            }
        }
        // The server may close before it has taken everything.
        let _ = stream.write_all(&bytes);
    }
    check_unharmed(&gateway, "nonsense");
    assert!(
        !gateway.stderr().contains("panicked"),
        "{}",
        gateway.stderr()
    );
}
