//! Native histograms that make Prometheus refuse the whole scrape, or panic, if they are exposed as pushed.

use super::{Either, Hostile, Outcome, Refused, families};
use crate::prometheus::protobuf::{Message, histogram, native, span};

pub(super) fn pushes() -> Vec<Hostile> {
    let far = [(0, u64::from(u32::MAX))];
    let schema = |schema| native(schema, 1, 1.0).message(12, &span(0, 1)).sint(13, 1);
    let threshold = native(1, 1, 1.0).double(6, -1.0).uint(7, 1);
    let float = native(1, 0, 1.0).double(4, 2.5).message(12, &span(0, 1));
    vec![
        push("schema 9", &schema(9), Refused),
        push("schema -5", &schema(-5), Refused),
        push("schema -53", &schema(-53), Refused),
        push(
            "span of more buckets than given",
            &integer(1, &[(0, 3)], &[1]),
            Refused,
        ),
        push("span of 2^32 - 1 buckets", &integer(1, &far, &[1]), Refused),
        // Exposed as pushed, these two make Prometheus 2.53 and 3.5 panic.
        push(
            "span of fewer buckets than given",
            &integer(3, &[(0, 1)], &[1, 1]),
            Either,
        ),
        push("buckets without spans", &integer(1, &[], &[1]), Either),
        push(
            "spans that go back",
            &integer(2, &[(0, 1), (-5, 1)], &[1, 0]),
            Either,
        ),
        push(
            "bucket below zero",
            &integer(1, &[(0, 2)], &[1, -5]),
            Either,
        ),
        push(
            "count unlike the buckets",
            &integer(99, &[(0, 1)], &[1]),
            Either,
        ),
        push("zero threshold below zero", &threshold, Either),
        push(
            "float bucket below zero",
            &float.clone().double(14, -2.5),
            Either,
        ),
        push(
            "float bucket that is no number",
            &float.double(14, f64::NAN),
            Either,
        ),
    ]
}

fn push(what: &'static str, value: &Message, outcome: Outcome) -> Hostile {
    families(what, &[histogram("m", value)], outcome)
}

/// A native histogram with positive buckets, each given by its difference to the one before.
fn integer(count: u64, spans: &[(i64, u64)], deltas: &[i64]) -> Message {
    let spans = spans.iter().map(|&(offset, length)| span(offset, length));
    let value = spans.fold(native(1, count, 1.0), |value, span| {
        value.message(12, &span)
    });
    deltas
        .iter()
        .fold(value, |value, &delta| value.sint(13, delta))
}
