//! Families that could not be exposed, or would break whoever scrapes them.

use super::{check_refused, check_unharmed};
use crate::harness::Program;
use crate::harness::http::Request;
use crate::harness::protobuf::{self, Message, family, gauge};

#[test]
fn a_claimed_length_takes_no_memory() {
    let gateway = Program::gateway().start();
    let before = gateway.memory_kib("VmHWM");
    for claimed in [1 << 20, 1 << 31, 1 << 40, 1 << 62, u64::MAX] {
        for _ in 0..50 {
            let mut outer = Vec::new();
            protobuf::put_varint(&mut outer, claimed);
            outer.extend_from_slice(b"\x0a\x01m");
            let mut inner = b"\x0a\x01m\x22".to_vec();
            protobuf::put_varint(&mut inner, claimed);
            let inner = Message(inner).delimited();
            for body in [outer, inner] {
                let request = Request::new("PUT", "/metrics/job/j")
                    .header("Content-Type", protobuf::CONTENT_TYPE)
                    .body(body);
                let response = gateway.send(&request);
                assert!(
                    matches!(response.status, 400 | 413),
                    "{claimed}: {}",
                    response.brief()
                );
            }
        }
    }
    let grown = gateway.memory_kib("VmHWM") - before;
    assert!(grown < 16 * 1024, "memory grew by {grown} KiB");
    check_unharmed(&gateway, "claimed lengths");
}

#[test]
fn a_family_that_cannot_be_exposed_is_refused() {
    let gateway = Program::gateway().start();
    let untyped = Message::new().message(5, &Message::new().double(1, 1.0));
    for (what, bad) in [
        (
            "no name",
            Message::new()
                .varint(3, protobuf::GAUGE)
                .message(4, &gauge(1.0)),
        ),
        ("an empty name", family("", protobuf::GAUGE, &[gauge(1.0)])),
        ("type 6", family("x", 6, &[gauge(1.0)])),
        ("type 255", family("x", 255, &[gauge(1.0)])),
        ("no value", family("x", protobuf::GAUGE, &[Message::new()])),
        (
            "another value",
            family("x", protobuf::COUNTER, &[gauge(1.0)]),
        ),
        (
            "an untyped value",
            family("x", protobuf::SUMMARY, std::slice::from_ref(&untyped)),
        ),
        (
            "no histogram",
            family("x", protobuf::HISTOGRAM, &[gauge(1.0)]),
        ),
        (
            "no gauge histogram",
            family("x", protobuf::GAUGE_HISTOGRAM, &[gauge(1.0)]),
        ),
    ] {
        let good = family("good", protobuf::GAUGE, &[gauge(1.0)]);
        let response = gateway.put_families("/metrics/job/j", &[good, bad]);
        check_refused(&gateway, &response, what);
    }
}

/// A native histogram of that schema with one span and these deltas.
fn native(schema: i64, offset: i64, length: u64, deltas: &[i64]) -> Message {
    let span = Message::new().signed(1, offset).varint(2, length);
    let head = Message::new()
        .varint(1, 3)
        .double(2, 1.0)
        .signed(5, schema)
        .double(6, 0.01);
    let histogram = head.varint(7, 1).message(12, &span);
    let histogram = deltas
        .iter()
        .fold(histogram, |message, delta| message.signed(13, *delta));
    let metric = Message::new().message(7, &histogram);
    family("native", protobuf::HISTOGRAM, &[metric])
}

#[test]
fn a_native_histogram_that_makes_no_sense_is_refused() {
    let gateway = Program::gateway().start();
    for (what, bad) in [
        ("schema 9", native(9, 0, 1, &[1])),
        ("schema -5", native(-5, 0, 1, &[1])),
        ("schema -53", native(-53, 0, 1, &[1])),
        ("schema 127", native(127, 0, 1, &[1])),
        ("the least schema", native(i64::from(i32::MIN), 0, 1, &[1])),
        ("more buckets claimed than given", native(0, 0, 3, &[1, 1])),
        (
            "4294967295 buckets claimed",
            native(0, 0, u64::from(u32::MAX), &[1]),
        ),
    ] {
        check_refused(
            &gateway,
            &gateway.put_families("/metrics/job/j", &[bad]),
            what,
        );
    }
}

#[test]
fn an_extreme_native_histogram_panics_nothing() {
    let gateway = Program::gateway().start();
    for (schema, offset, deltas) in [
        (8, i64::from(i32::MAX), [1, 1]),
        (8, i64::from(i32::MIN), [1, 1]),
        (-4, i64::from(i32::MAX), [1, 1]),
        (-4, i64::from(i32::MIN), [1, 1]),
        (0, 0, [i64::MIN, i64::MIN]),
        (0, 0, [i64::MAX, i64::MAX]),
        (0, 1023, [5, -9]),
    ] {
        let response =
            gateway.put_families("/metrics/job/j", &[native(schema, offset, 2, &deltas)]);
        assert!(matches!(response.status, 200 | 400), "{}", response.brief());
        check_unharmed(
            &gateway,
            &format!("schema {schema}, offset {offset}, deltas {deltas:?}"),
        );
    }
    assert!(
        !gateway.stderr().contains("panicked"),
        "{}",
        gateway.stderr()
    );
}

#[test]
fn a_label_that_doubles_le_or_quantile_is_refused_and_said_so() {
    let gateway = Program::gateway().start();
    let summary = Message::new()
        .varint(1, 1)
        .message(3, &Message::new().double(1, 0.5).double(2, 1.0));
    let bucket = Message::new().varint(1, 1).double(2, 1.0);
    let histogram = Message::new().varint(1, 1).message(3, &bucket);
    let with_label = |label: &str, field: u64, value: &Message, metric_type: u64| {
        let metric = Message::new().label(label, "1").message(field, value);
        family("x", metric_type, &[metric])
    };
    for (label, bad) in [
        ("le", with_label("le", 7, &histogram, protobuf::HISTOGRAM)),
        (
            "le",
            with_label("le", 7, &histogram, protobuf::GAUGE_HISTOGRAM),
        ),
        (
            "quantile",
            with_label("quantile", 4, &summary, protobuf::SUMMARY),
        ),
    ] {
        let response = gateway.put_families("/metrics/job/j", &[bad]);
        assert!(response.text().contains(label), "{}", response.brief());
        check_refused(&gateway, &response, label);
    }
    for (target, body) in [
        (
            "/metrics/job/j/le/1",
            "# TYPE x histogram\nx_bucket{le=\"1\"} 1\nx_sum 1\nx_count 1\n",
        ),
        (
            "/metrics/job/j/quantile/1",
            "# TYPE x summary\nx{quantile=\"0.5\"} 1\nx_sum 1\nx_count 1\n",
        ),
    ] {
        check_refused(&gateway, &gateway.put(target, body), target);
        assert_eq!(
            gateway.put(target, "# TYPE y gauge\ny 1\n").status,
            200,
            "{target}"
        );
        assert_eq!(gateway.delete(target).status, 202);
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let gateway = Program::gateway().start();
    for body in [
        b"# HELP x caf\xe9\nx 1\n".as_slice(),
        b"x{l=\"\xff\"} 1\n",
        b"x{\xff=\"v\"} 1\n",
        b"x\xff 1\n",
    ] {
        check_refused(
            &gateway,
            &gateway.put("/metrics/job/j", body),
            &body.escape_ascii().to_string(),
        );
    }
    let utf8 = Program::gateway().flag("--push.enable-utf8-names").start();
    for body in [
        b"{\"x\xff\"} 1\n".as_slice(),
        b"x{\"l\xff\"=\"v\"} 1\n",
        b"{\"x\0\"} 1\n",
        b"x{\"l\0\"=\"v\"} 1\n",
    ] {
        check_refused(
            &utf8,
            &utf8.put("/metrics/job/j", body),
            &body.escape_ascii().to_string(),
        );
    }
}

#[test]
fn protobuf_that_is_not_utf8_or_has_nul_in_a_name_is_refused() {
    let gateway = Program::gateway().start();
    let named = |name: &[u8]| {
        Message::new()
            .bytes(1, name)
            .varint(3, protobuf::GAUGE)
            .message(4, &gauge(1.0))
    };
    let labelled =
        |name: &[u8], value: &[u8]| family("x", protobuf::GAUGE, &[gauge(1.0).label(name, value)]);
    let helped = Message::new()
        .bytes(1, "x")
        .bytes(2, b"caf\xe9")
        .varint(3, protobuf::GAUGE);
    for (what, bad) in [
        ("metric name", named(b"x\xff")),
        ("NUL in metric name", named(b"x\0")),
        ("label name", labelled(b"l\xff", b"v")),
        ("NUL in label name", labelled(b"l\0", b"v")),
        ("label value", labelled(b"l", b"\xff")),
        ("help", helped.message(4, &gauge(1.0))),
    ] {
        check_refused(
            &gateway,
            &gateway.put_families("/metrics/job/j", &[bad]),
            what,
        );
    }
}
