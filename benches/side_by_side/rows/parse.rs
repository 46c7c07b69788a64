//! Parsing what is pushed, in this process, on one core.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use pushgateway::exposition::negotiation::Compression;
use pushgateway::exposition::{ParseLimits, protobuf, text_parser};
use pushgateway::model::{MetricFamily, NameScheme, Value};
use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::content::Content;
use crate::figure;
use crate::table::{Row, Section};
use crate::timing::{self, Spread};
use crate::workload;

const TEXT_GOAL: f64 = 400.0;
const PROTOBUF_GOAL: f64 = 600.0;
/// Groups whose metrics together are about a megabyte of text.
const GROUPS: usize = 1000;
/// So many bytes are gone through each time that the clock is looked at.
const TIMED_BYTES: usize = 1 << 20;

/// A metric as somebody would write it in JSON.
#[derive(Debug, Deserialize, Serialize)]
struct JsonMetric<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: f64,
}

pub(crate) fn measure(bench: &Bench) -> Result<Section> {
    let mut rows = Vec::new();
    let large = Content::of(GROUPS)?.scrape(Compression::Identity)?;
    let bodies = [
        ("one push", workload::body(0).as_bytes()),
        ("1000 groups at once", &large),
    ];
    for (what, text) in bodies {
        rows.extend(of_body(bench, what, text)?);
    }
    Ok(Section {
        title: "Parsing, on one core",
        rows,
    })
}

/// The same metrics as text, as protobuf and as JSON, and how fast each is parsed; the text also merely copied.
fn of_body(bench: &Bench, what: &str, text: &[u8]) -> Result<[Row; 2]> {
    let families = parse_text(text)?;
    let protobuf = to_protobuf(&families);
    let json = to_json(&families)?;
    ensure!(
        decode_protobuf(&protobuf)? == families,
        "protobuf says something else than text"
    );
    let mut copy = vec![0; text.len()];
    let mut copied = |text: &[u8]| {
        copy.copy_from_slice(text);
        black_box(&copy);
        Ok(())
    };
    let [text_time, protobuf_time, json_time, copy_time] = timing::time_in_turns(
        (bench.plan.rounds, bench.plan.turn),
        [
            &mut || time(text, |text| parse_text(text).map(black_box_of)),
            &mut || time(&protobuf, |body| decode_protobuf(body).map(black_box_of)),
            &mut || time(&json, |json| parse_json(json).map(black_box_of)),
            &mut || time(text, &mut copied),
        ],
    )?;
    let speed = |body: &[u8], times: &Spread<Duration>| {
        figure::megabytes_per_second(timed_bytes(body), times.median)
    };
    let row = |form: &str, body: &[u8], times: &Spread<Duration>| {
        let size = figure::bytes(body.len() as u64);
        Row::new(
            format!("{form}, {what} ({size})"),
            figure::throughput(timed_bytes(body), times),
        )
    };
    let (text_speed, protobuf_speed) = (speed(text, &text_time), speed(&protobuf, &protobuf_time));
    let json_speed = speed(&json, &json_time);
    let scale = format!(
        "{} MB/s; memcpy: {} MB/s",
        figure::significant(json_speed),
        figure::significant(speed(text, &copy_time))
    );
    Ok([
        row("text", text, &text_time)
            .against("serde_json", &scale)
            .ratio(text_speed / json_speed, "its speed")
            .goal("400 MB/s", text_speed >= TEXT_GOAL),
        row("protobuf", &protobuf, &protobuf_time)
            .against("serde_json", &scale)
            .ratio(protobuf_speed / json_speed, "its speed")
            .goal("600 MB/s", protobuf_speed >= PROTOBUF_GOAL),
    ])
}

/// What is timed in one go: the body as often as it takes for [`TIMED_BYTES`].
fn timed_bytes(body: &[u8]) -> usize {
    repetitions(body) * body.len()
}

fn repetitions(body: &[u8]) -> usize {
    TIMED_BYTES.div_ceil(body.len())
}

fn time(body: &[u8], mut parse: impl FnMut(&[u8]) -> Result<()>) -> Result<Duration> {
    let started = Instant::now();
    for _ in 0..repetitions(body) {
        parse(black_box(body))?;
    }
    Ok(started.elapsed())
}

/// Makes sure that the value is made; it is dropped within what is timed.
fn black_box_of<T: Debug>(value: T) {
    black_box(&value);
}

fn parse_text(body: &[u8]) -> Result<Vec<MetricFamily<'_>>> {
    Ok(text_parser::parse(
        body,
        NameScheme::Legacy,
        ParseLimits::NONE,
    )?)
}

fn decode_protobuf(body: &[u8]) -> Result<Vec<MetricFamily<'_>>> {
    Ok(protobuf::decode_families(body, ParseLimits::NONE)?)
}

fn parse_json(body: &[u8]) -> Result<Vec<JsonMetric<'_>>> {
    Ok(serde_json::from_slice(body)?)
}

fn to_protobuf(families: &[MetricFamily<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for family in families {
        protobuf::append_family(&mut body, family);
    }
    body
}

fn to_json(families: &[MetricFamily<'_>]) -> Result<Vec<u8>> {
    let metrics = families.iter().flat_map(|family| {
        family.metrics.iter().map(|(labels, metric)| JsonMetric {
            name: &family.name,
            labels: labels
                .iter()
                .map(|label| (&*label.name, &*label.value))
                .collect(),
            value: match &metric.value {
                Some(Value::Gauge(value) | Value::Untyped(value)) => *value,
                Some(Value::Counter(counter)) => counter.value,
                _ => f64::NAN,
            },
        })
    });
    Ok(serde_json::to_vec(&metrics.collect::<Vec<_>>())?)
}
