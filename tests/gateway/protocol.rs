//! HTTP as clients speak it: versions, chunks, pipelines, expectations.

use std::io::{BufReader, Read as _, Write as _};

use crate::harness::http::{self, Request, Response, read_response};
use crate::harness::{Gateway, Program};

/// Sends these bytes and reads to the end of the connection.
fn exchange(gateway: &Gateway, bytes: &str) -> String {
    let mut stream = http::connect(gateway.address).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn http_1_0_works_and_closes() {
    let gateway = Program::gateway().start();
    let push = "PUT /metrics/job/j HTTP/1.0\r\nContent-Length: 4\r\n\r\nm 1\n";
    let answer = exchange(&gateway, push);
    assert!(
        answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"),
        "{answer}"
    );
    let scrape = exchange(&gateway, "GET /metrics HTTP/1.0\r\n\r\n");
    assert!(
        scrape.contains("m{instance=\"\",job=\"j\"} 1\n"),
        "{scrape}"
    );
    assert!(
        !scrape.to_lowercase().contains("transfer-encoding"),
        "{scrape}"
    );
}

#[test]
fn http_1_1_without_a_host_is_refused() {
    let gateway = Program::gateway().start();
    let answer = exchange(&gateway, "GET /metrics HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn a_bad_escape_in_the_path_is_refused() {
    let gateway = Program::gateway().start();
    assert_eq!(gateway.get("/metrics/job/%zz").status, 400);
    assert_eq!(gateway.put("/metrics/job/%", "m 1\n").status, 400);
}

#[test]
fn requests_in_a_row_are_answered_in_a_row() {
    let gateway = Program::gateway().start();
    let mut stream = http::connect(gateway.address).unwrap();
    let mut pipeline = Vec::new();
    for number in 0..20 {
        let push = Request::new("PUT", "/metrics/job/j").body(format!("m {number}\n"));
        pipeline.extend_from_slice(&push.chunked(2).to_bytes());
        pipeline.extend_from_slice(&Request::new("GET", "/metrics").to_bytes());
    }
    stream.write_all(&pipeline).unwrap();
    let mut reader = BufReader::new(stream);
    for number in 0..20 {
        assert_eq!(read_response(&mut reader, "PUT").unwrap().status, 200);
        let scrape = read_response(&mut reader, "GET").unwrap().text();
        assert!(
            scrape.contains(&format!("m{{instance=\"\",job=\"j\"}} {number}\n")),
            "{number}: {scrape}"
        );
    }
}

/// The first response to a request that waits for `100 Continue`.
fn expecting(gateway: &Gateway, target: &str) -> (String, Option<Response>) {
    let request = Request::new("PUT", target)
        .header("Expect", "100-continue")
        .body("m 1\n");
    let mut stream = http::connect(gateway.address).unwrap();
    stream.write_all(&request.head()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    let status = String::from_utf8_lossy(&first[9..]).into_owned();
    if status != "100" {
        return (status, None);
    }
    stream.write_all(&request.body).unwrap();
    // The rest of the interim response comes first.
    let mut interim = [0; 13];
    stream.read_exact(&mut interim).unwrap();
    let response = read_response(&mut BufReader::new(stream), "PUT").unwrap();
    (status, Some(response))
}

#[test]
fn a_body_is_asked_for_only_if_it_is_wanted() {
    let gateway = Program::gateway().start();
    let (status, response) = expecting(&gateway, "/metrics/job/j");
    assert_eq!((status.as_str(), response.unwrap().status), ("100", 200));
    for (target, expected) in [
        ("/metrics/job/j/odd", "400"),
        ("/nope", "404"),
        ("/metrics", "405"),
    ] {
        assert_eq!(expecting(&gateway, target).0, expected, "{target}");
    }
}

#[test]
fn short_answers_have_a_length_and_all_have_a_date() {
    let gateway = Program::gateway().start();
    for (method, target) in [
        ("GET", "/-/healthy"),
        ("PUT", "/metrics/job/j"),
        ("GET", "/nope"),
        ("DELETE", "/metrics/job/j"),
    ] {
        let response = gateway.send(&Request::new(method, target));
        assert!(response.header("content-length").is_some(), "{response:?}");
        assert!(response.header("date").is_some(), "{response:?}");
    }
}

#[test]
fn the_target_may_be_absolute() {
    let gateway = Program::gateway().start();
    assert_eq!(gateway.get("http://example.org/-/healthy").text(), "OK");
}
