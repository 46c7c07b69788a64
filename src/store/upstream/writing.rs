//! From groups to a gob stream that the Go Pushgateway reads.

use std::io::{self, Write};

use super::gob::{put_bytes, put_uint};
use super::{UpstreamFamily, UpstreamGroup};

/// The types of the stream, as few as the Go Pushgateway needs: 70 is the map of groups, 64 a group, 65 its labels, 69
/// its families, 66 a family, 67 a time and 68 a protobuf message. Each line is a message: its length, the negated
/// number, the kind of type, its name and number, and what it is made of.
const DEFINITIONS: [&[u8]; 7] = [
    b"\x29\xff\x8b\x04\x01\x01\x18GroupingKeyToMetricGroup\x01\xff\x8c\x00\x01\x0c\x01\xff\x80\x00\x00",
    b"\x31\x7f\x03\x01\x01\x0bMetricGroup\x01\xff\x80\x00\x01\x02\
      \x01\x06Labels\x01\xff\x82\x00\x01\x07Metrics\x01\xff\x8a\x00\x00\x00",
    b"\x21\xff\x81\x04\x01\x01\x11map[string]string\x01\xff\x82\x00\x01\x0c\x01\x0c\x00\x00",
    b"\x31\xff\x89\x04\x01\x01\x20NameToTimestampedMetricFamilyMap\x01\xff\x8a\x00\x01\x0c\x01\xff\x84\x00\x00",
    b"\x4e\xff\x83\x03\x01\x01\x17TimestampedMetricFamily\x01\xff\x84\x00\x01\x02\
      \x01\x09Timestamp\x01\xff\x86\x00\x01\x14GobbableMetricFamily\x01\xff\x88\x00\x00\x00",
    b"\x10\xff\x85\x05\x01\x01\x04Time\x01\xff\x86\x00\x00\x00",
    b"\x20\xff\x87\x05\x01\x01\x14GobbableMetricFamily\x01\xff\x88\x00\x00\x00",
];
/// The number 70 as it precedes a value.
const MAP_OF_GROUPS: &[u8] = b"\xff\x8c";
/// Go's time begins in the year 1.
const EPOCH: i64 = super::reading::EPOCH;

/// Writes a file. The groups are put together in memory, since their length comes first.
pub fn write(out: &mut dyn Write, groups: impl Iterator<Item = UpstreamGroup>) -> io::Result<()> {
    let mut value = Vec::new();
    let mut count = 0;
    for group in groups {
        put_group(&group, &mut value);
        count += 1;
    }
    let mut start = MAP_OF_GROUPS.to_vec();
    put_uint(0, &mut start);
    put_uint(count, &mut start);
    let mut length = Vec::new();
    put_uint((start.len() + value.len()) as u64, &mut length);
    for part in DEFINITIONS.into_iter().chain([&*length, &start, &value]) {
        out.write_all(part)?;
    }
    out.flush()
}

fn put_group(group: &UpstreamGroup, out: &mut Vec<u8>) {
    let UpstreamGroup { labels, families } = group;
    put_bytes(&grouping_key(labels), out);
    // Empty maps are left out, as all empty values are.
    let mut delta = 1;
    if labels.is_empty() {
        delta += 1;
    } else {
        put_uint(delta, out);
        put_uint(labels.len() as u64, out);
        for (name, value) in labels {
            put_bytes(name.as_bytes(), out);
            put_bytes(value.as_bytes(), out);
        }
    }
    if !families.is_empty() {
        put_uint(delta, out);
        put_uint(families.len() as u64, out);
        for family in families {
            put_family(family, out);
        }
    }
    put_uint(0, out);
}

/// The key of the outer map: names and values, sorted by name, with a byte between them that is in no UTF-8.
fn grouping_key(labels: &[(String, String)]) -> Vec<u8> {
    let mut sorted = labels.iter().collect::<Vec<_>>();
    sorted.sort();
    let parts = sorted
        .into_iter()
        .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])
        .collect::<Vec<_>>();
    parts.join(&0xff)
}

fn put_family(family: &UpstreamFamily, out: &mut Vec<u8>) {
    let UpstreamFamily {
        name,
        timestamp,
        protobuf,
    } = family;
    put_bytes(name.as_bytes(), out);
    put_uint(1, out);
    let nanos = timestamp.as_nanos();
    let mut time = [0; 15];
    time[0] = 1;
    time[1..9].copy_from_slice(&(EPOCH + nanos.div_euclid(1_000_000_000)).to_be_bytes());
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
    time[9..13].copy_from_slice(&rest.to_be_bytes());
    // -1 stands for UTC.
    time[13..].copy_from_slice(&(-1_i16).to_be_bytes());
    put_bytes(&time, out);
    put_uint(1, out);
    put_bytes(protobuf, out);
    put_uint(0, out);
}
