//! The hostile pushes, as data.

use super::Outcome::{Accepted, Either, Refused};
use super::{GROUP, Hostile, Outcome};
use crate::prometheus::PROTOBUF;
use crate::prometheus::protobuf::{Message, family, gauge, histogram, kind, metric, push_varint};

mod native;

/// Pushes to a gateway that checks them.
pub(super) fn refusable() -> Vec<Hostile> {
    let kinds = [
        claims(),
        keys(),
        gauges_of_our_own(),
        wrong_values(),
        native::pushes(),
        clashes(),
        doubled(),
        bytes(),
    ];
    kinds.into_iter().flatten().collect()
}

/// Pushes to a gateway that takes almost anything.
pub(super) fn unchecked() -> Vec<Hostile> {
    let own = "# TYPE process_open_fds counter\nprocess_open_fds 1\n";
    let mut pushes = vec![
        text(
            "another type",
            "# TYPE a_sentinel gauge\na_sentinel 1\n",
            Accepted,
        ),
        text("same sample twice", "twice 1\ntwice 2\n", Accepted),
        text("sum of another's summary", "s_sentinel_sum 1\n", Accepted),
        text(
            "bucket of another's histogram",
            "h_sentinel_bucket 1\n",
            Accepted,
        ),
        text("type of a metric about the gateway", own, Accepted),
        text(
            "labels of another group",
            "a_sentinel{job=\"sentinel\"} 7\n",
            Accepted,
        ),
    ];
    pushes.extend(clashes());
    pushes
}

/// Lengths that claim what is not there.
fn claims() -> Vec<Hostile> {
    let claim = |length: u64| {
        let mut bytes = Vec::new();
        push_varint(&mut bytes, length);
        bytes.extend(b"\x0a\x01m");
        bytes
    };
    let name = Message::default().bytes(1, claim(1 << 63));
    vec![
        in_protobuf("terabyte", claim(1 << 40), Refused),
        in_protobuf("2^64 - 1 bytes", claim(u64::MAX), Refused),
        in_protobuf("truncated message", claim(7), Refused),
        families("name of 2^63 bytes", &[name], Either),
    ]
}

/// Grouping keys that cannot be exposed.
fn keys() -> Vec<Hostile> {
    let twin = "/metrics/job/sentinel/instance@base64/=";
    vec![
        at("job not UTF-8", "/metrics/job/%FF", "m 1\n", Refused),
        at(
            "base64 not UTF-8",
            "/metrics/job@base64/_w",
            "m 1\n",
            Refused,
        ),
        at(
            "label not UTF-8",
            "/metrics/job/hostile/x/%C3%28",
            "m 1\n",
            Refused,
        ),
        at(
            "NUL in a label",
            "/metrics/job/hostile/x/%00",
            "m 1\n",
            Either,
        ),
        at(
            "reserved label",
            "/metrics/job/hostile/__x/1",
            "m 1\n",
            Refused,
        ),
        at(
            "empty instance beside none",
            twin,
            "a_sentinel 7\n",
            Refused,
        ),
        at(
            "line break",
            "/metrics/job/hostile/x/a%0Ab%22%5C",
            "m 1\n",
            Accepted,
        ),
    ]
}

/// The gauges that only the gateway may set.
fn gauges_of_our_own() -> Vec<Hostile> {
    let counter = "# TYPE push_time_seconds counter\npush_time_seconds 1\n";
    let histogram = "# TYPE push_failure_time_seconds histogram\n\
        push_failure_time_seconds_sum 1\npush_failure_time_seconds_count 1\n";
    let twice = [1.0, 2.0].map(|value| gauge("push_time_seconds", &[], value));
    vec![
        text("push time as a counter", counter, Accepted),
        text("failure time as a histogram", histogram, Accepted),
        families("push time twice", &twice, Accepted),
    ]
}

/// Families without a name, of no type or with values of another.
fn wrong_values() -> Vec<Hostile> {
    let number = Message::default().double(1, 1.0);
    let label = Message::default().bytes(1, "a").bytes(2, "b");
    let no_value = Message::default().message(1, &label);
    let no_name = Message::default()
        .uint(3, kind::GAUGE)
        .message(4, &metric(&[], 2, &number));
    let with_gauge = |kind| [family("m", kind).message(4, &metric(&[], 2, &number))];
    let without = |kind| [family("m", kind).message(4, &no_value)];
    let empty = Message::default();
    let empty_buckets = family("m", kind::GAUGE_HISTOGRAM).message(4, &metric(&[], 7, &empty));
    let count = |count| format!("# TYPE m summary\nm_sum 1\nm_count {count}\n");
    vec![
        families("empty name", &[gauge("", &[], 1.0)], Refused),
        families("no name", &[no_name], Refused),
        families("unknown type", &with_gauge(9), Refused),
        families(
            "counter with a gauge's value",
            &with_gauge(kind::COUNTER),
            Refused,
        ),
        families(
            "summary with a gauge's value",
            &with_gauge(kind::SUMMARY),
            Refused,
        ),
        families("gauge without a value", &without(kind::GAUGE), Refused),
        families(
            "gauge histogram without any",
            &without(kind::GAUGE_HISTOGRAM),
            Refused,
        ),
        families(
            "gauge histogram with a gauge",
            &with_gauge(kind::GAUGE_HISTOGRAM),
            Refused,
        ),
        families("empty gauge histogram", &[empty_buckets], Either),
        families("empty histogram", &[histogram("m", &empty)], Either),
        families(
            "unknown field",
            &[gauge("m", &[], 1.0).bytes(99, "?")],
            Accepted,
        ),
        text("timestamp", "m 1 1000\n", Refused),
        text("count below zero", &count("-4"), Either),
        text("count that is no number", &count("NaN"), Either),
    ]
}

/// Names that are one after escaping.
fn clashes() -> Vec<Hostile> {
    let names = [gauge("x.y", &[], 1.0), gauge("x_y", &[], 2.0)];
    let labels = [gauge("m", &[(b"x.y", b"1"), (b"x_y", b"2")], 1.0)];
    let job = [gauge("m", &[(b"j.b", b"1"), (b"jo\xc3\xb6", b"2")], 1.0)];
    vec![
        families("metric names that clash escaped", &names, Either),
        families(
            "another's name escaped",
            &[gauge("a.sentinel", &[], 7.0)],
            Either,
        ),
        families("label names that clash escaped", &labels, Either),
        families("label names beyond ASCII", &job, Accepted),
        families(
            "line break in a name",
            &[gauge("a\"b\n c", &[], 1.0)],
            Either,
        ),
    ]
}

/// Label names that a sample would have twice.
fn doubled() -> Vec<Hostile> {
    let one = Message::default().uint(1, 1).double(2, 1.0);
    let bucket = one.clone().message(3, &one);
    let quantile = one
        .clone()
        .message(3, &Message::default().double(1, 0.5).double(2, 1.0));
    let le = family("m", kind::HISTOGRAM).message(4, &metric(&[(b"le", b"5")], 7, &bucket));
    let of_summary = metric(&[(b"quantile", b"5")], 4, &quantile);
    let quantile = family("m", kind::SUMMARY).message(4, &of_summary);
    let histogram = "# TYPE m histogram\nm_bucket{le=\"1\"} 1\nm_sum 1\nm_count 1\n";
    let summary = "# TYPE m summary\nm{quantile=\"0.5\"} 1\nm_sum 1\nm_count 1\n";
    vec![
        at(
            "le in the path",
            "/metrics/job/hostile/le/5",
            histogram,
            Refused,
        ),
        at(
            "quantile in the path",
            "/metrics/job/hostile/quantile/5",
            summary,
            Refused,
        ),
        families("label le of a histogram", &[le], Refused),
        families("label quantile of a summary", &[quantile], Refused),
        labelled("label twice", &[(b"a", b"1"), (b"a", b"2")], Refused),
        labelled("label without a name", &[(b"", b"1")], Refused),
        labelled("label __name__", &[(b"__name__", b"x")], Refused),
    ]
}

/// Bytes that are not UTF-8, or NUL.
fn bytes() -> Vec<Hostile> {
    let helped = |help: &[u8]| [gauge("m", &[], 1.0).bytes(2, help)];
    let latin_1 = b"# HELP m Temp\xe9rature\n# TYPE m gauge\nm 1\n";
    vec![
        in_text("Latin-1 help", latin_1, Refused),
        families(
            "Latin-1 help in protobuf",
            &helped(b"Temp\xe9rature"),
            Refused,
        ),
        families("NUL in a help", &helped(b"a\0b"), Either),
        in_text("label value not UTF-8", b"m{a=\"\xff\"} 1\n", Refused),
        in_text("quoted name not UTF-8", b"{\"m\xff\"} 1\n", Refused),
        families("name not UTF-8", &[gauge(b"m\xff", &[], 1.0)], Refused),
        families("NUL in a name", &[gauge(b"m\0n", &[], 1.0)], Refused),
        labelled(
            "label value not UTF-8 in protobuf",
            &[(b"a", b"\xff")],
            Refused,
        ),
        labelled("label name not UTF-8", &[(b"a\xff", b"1")], Refused),
        labelled("NUL in a label name", &[(b"a\0b", b"1")], Refused),
        labelled("NUL in a label value", &[(b"a", b"x\0y")], Either),
    ]
}

/// A push of one gauge with labels, in protobuf.
fn labelled(what: &'static str, labels: &[(&[u8], &[u8])], outcome: Outcome) -> Hostile {
    families(what, &[gauge("m", labels, 1.0)], outcome)
}

fn families(what: &'static str, families: &[Message], outcome: Outcome) -> Hostile {
    let body = families.iter().flat_map(Message::delimited).collect();
    in_protobuf(what, body, outcome)
}

fn in_protobuf(what: &'static str, body: Vec<u8>, outcome: Outcome) -> Hostile {
    let headers = &[PROTOBUF];
    Hostile {
        headers,
        body,
        ..text(what, "", outcome)
    }
}

fn in_text(what: &'static str, body: &[u8], outcome: Outcome) -> Hostile {
    let body = body.to_vec();
    Hostile {
        body,
        ..text(what, "", outcome)
    }
}

fn text(what: &'static str, body: &str, outcome: Outcome) -> Hostile {
    at(what, GROUP, body, outcome)
}

fn at(what: &'static str, path: &str, body: &str, outcome: Outcome) -> Hostile {
    Hostile {
        what,
        path: path.to_owned(),
        headers: &[],
        body: body.into(),
        outcome,
    }
}
