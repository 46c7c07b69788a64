//! Random bodies in the delimited protobuf format, some of them cut off or with labels that are refused.

use super::values::{self, Type};
use crate::harness::protobuf::{self, Message};
use crate::harness::random::Random;

/// The next body.
pub(crate) fn body(random: &mut Random) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..[0, 1, 1, 1, 2, 2, 3][random.below(7)] {
        body.extend_from_slice(&family(random).delimited());
    }
    match random.below(40) {
        0 => body.truncate(random.below(body.len() + 1)),
        1 => body.extend_from_slice(&[200, 1, 10]),
        2 => body.extend_from_slice(&[0xff; 11]),
        3 => body.push(0x80),
        _ => {}
    }
    body
}

fn family(random: &mut Random) -> Message {
    let (name, metric_type) = values::metric(random, 15);
    let mut family = Message::new().bytes(1, name);
    if let Some(help) = values::help(name) {
        family = family.bytes(2, help);
    }
    if metric_type != Type::Counter || random.chance(80) {
        family = family.varint(3, number_of(metric_type));
    }
    if random.chance(5) {
        family = family.bytes(5, "seconds");
    }
    for _ in 0..[1, 1, 1, 2, 3][random.below(5)] {
        family = family.message(4, &metric(random, metric_type));
    }
    family
}

fn number_of(metric_type: Type) -> u64 {
    match metric_type {
        Type::Counter => protobuf::COUNTER,
        Type::Gauge => protobuf::GAUGE,
        Type::Summary => protobuf::SUMMARY,
        Type::Untyped => protobuf::UNTYPED,
        Type::Histogram => protobuf::HISTOGRAM,
        Type::GaugeHistogram => protobuf::GAUGE_HISTOGRAM,
    }
}

fn metric(random: &mut Random, metric_type: Type) -> Message {
    let mut metric = Message::new();
    for (name, value) in values::labels(random, 10) {
        metric = metric.label(name, value);
    }
    match random.below(60) {
        0 => metric = metric.label("__reserved", "x"),
        1 => metric = metric.label("", "x"),
        2 => metric = metric.message(1, &Message::new().bytes(1, "valueless")),
        _ => {}
    }
    let value = match metric_type {
        Type::Counter if random.chance(2) => Type::Gauge,
        other => other,
    };
    metric = match value {
        Type::Gauge => metric.message(2, &Message::new().double(1, values::number(random))),
        Type::Counter => metric.message(3, &counter(random)),
        Type::Summary => metric.message(4, &summary(random)),
        Type::Untyped => metric.message(5, &Message::new().double(1, values::number(random))),
        Type::Histogram | Type::GaugeHistogram => metric.message(7, &histogram(random)),
    };
    if random.chance(1) {
        metric = metric.varint(6, 1234);
    }
    if random.chance(2) {
        metric = metric.varint(99, 7).bytes(100, "kept");
    }
    metric
}

fn counter(random: &mut Random) -> Message {
    let mut counter = Message::new().double(1, values::number(random));
    if random.chance(20) {
        counter = counter.message(2, &exemplar(random));
    }
    if random.chance(20) {
        counter = counter.message(3, &timestamp(random));
    }
    counter
}

fn exemplar(random: &mut Random) -> Message {
    let mut exemplar = Message::new()
        .label("trace_id", "t\u{e4}")
        .double(2, values::number(random));
    if random.chance(70) {
        exemplar = exemplar.message(3, &timestamp(random));
    }
    exemplar
}

fn timestamp(random: &mut Random) -> Message {
    let seconds = 1_700_000_000 + random.below(1000) as u64;
    Message::new()
        .varint(1, seconds)
        .varint(2, random.below(1_000_000_000) as u64)
}

fn summary(random: &mut Random) -> Message {
    let mut summary = Message::new();
    if random.chance(90) {
        let count = random.next() >> random.below(64);
        summary = summary.varint(1, count).double(2, values::number(random));
    }
    for quantile in [0.0, 0.5, 0.9, 0.99] {
        if random.chance(50) {
            let value = Message::new()
                .double(1, quantile)
                .double(2, values::number(random));
            summary = summary.message(3, &value);
        }
    }
    if random.chance(10) {
        summary = summary.message(4, &timestamp(random));
    }
    summary
}

fn histogram(random: &mut Random) -> Message {
    match random.below(4) {
        0 => native(random, Counts::Integer),
        1 => native(random, Counts::Float),
        _ => classic(random),
    }
}

fn classic(random: &mut Random) -> Message {
    let mut histogram = Message::new()
        .varint(1, random.below(1000) as u64)
        .double(2, values::number(random));
    let is_float = random.chance(20);
    if is_float {
        histogram = histogram.double(4, 7.5);
    }
    let mut count = 0_u32;
    for bound in [
        f64::NEG_INFINITY,
        -2.0,
        0.1,
        1.0,
        250_000.0,
        1e8,
        f64::INFINITY,
    ] {
        count += u32::try_from(random.below(5)).expect("below 5");
        if random.chance(60) {
            let mut bucket = Message::new().varint(1, u64::from(count)).double(2, bound);
            if is_float {
                bucket = bucket.double(4, f64::from(count) + 0.5);
            }
            if random.chance(10) {
                bucket = bucket.message(3, &exemplar(random));
            }
            histogram = histogram.message(3, &bucket);
        }
    }
    if random.chance(10) {
        histogram = histogram.message(15, &timestamp(random));
    }
    histogram
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Counts {
    Integer,
    Float,
}

/// The fields of one sign's spans and buckets.
struct Side {
    span: u64,
    delta: u64,
    count: u64,
}

/// A native histogram whose count is the sum of its buckets: what Prometheus would refuse, a scrape leaves out.
fn native(random: &mut Random, counts: Counts) -> Message {
    let schema = i64::try_from(random.below(13)).expect("below 13") - 4;
    let mut total = 0;
    let mut buckets = Message::new();
    let negative = Side {
        span: 9,
        delta: 10,
        count: 11,
    };
    let positive = Side {
        span: 12,
        delta: 13,
        count: 14,
    };
    if random.chance(50) {
        total += spans(random, &mut buckets, counts, &negative);
    }
    total += spans(random, &mut buckets, counts, &positive);
    // One of floats without any count is read as one of integers without any bucket.
    let zeros = u32::from(total == 0 || random.chance(60)) * 2;
    let head = Message::new()
        .double(2, f64::from(total) / 3.0)
        .signed(5, schema)
        .double(6, 0.001);
    let mut histogram = match counts {
        Counts::Integer => head
            .varint(1, u64::from(total + zeros))
            .varint(7, u64::from(zeros)),
        Counts::Float => head
            .double(4, f64::from(total + zeros))
            .double(8, f64::from(zeros)),
    };
    histogram.0.extend_from_slice(&buckets.0);
    if random.chance(20) {
        histogram = histogram.message(16, &exemplar(random));
    }
    histogram
}

/// Adds random spans and their buckets, and returns the sum of the counts.
fn spans(random: &mut Random, histogram: &mut Message, counts: Counts, side: &Side) -> u32 {
    let (mut last, mut total) = (0, 0);
    let mut message = std::mem::take(histogram);
    for index in 0..random.within(1..=3) {
        let length = random.within(1..=3);
        let gap = i64::try_from(random.below(5)).expect("below 5");
        let offset = if index == 0 { gap - 2 } else { gap };
        let span = Message::new().signed(1, offset).varint(2, length as u64);
        message = message.message(side.span, &span);
        for _ in 0..length {
            let count = u32::try_from(random.below(5)).expect("below 5");
            message = match counts {
                Counts::Integer => message.signed(side.delta, i64::from(count) - last),
                Counts::Float => message.double(side.count, f64::from(count)),
            };
            last = i64::from(count);
            total += count;
        }
    }
    *histogram = message;
    total
}
