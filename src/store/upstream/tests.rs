use proptest::prelude::*;

use super::gob::{Cursor, put_uint};
use super::*;

/// Written by the Go Pushgateway 1.11.3 at shutdown.
const GENUINE: &[u8] = include_bytes!("tests/go-pushgateway-1.11.3.gob");
/// The smallest file that the Go Pushgateway 1.11.3 was seen to load: `m 4` in the group `{job="py"}`.
const MINIMAL: &str = include_str!("tests/minimal.hex");

fn minimal() -> Vec<u8> {
    let digits = MINIMAL.split_whitespace().collect::<String>();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn minimal_group() -> UpstreamGroup {
    UpstreamGroup {
        labels: vec![("job".into(), "py".into())],
        families: vec![UpstreamFamily {
            name: "m".into(),
            timestamp: Timestamp::from_nanos(1_700_000_000_000_000_005),
            protobuf: b"\x0a\x01m\x18\x01\"\x24\x0a\x0c\x0a\x08instance\x12\x00\x0a\x09\x0a\x03job\x12\x02py\
                \x12\x09\x09\0\0\0\0\0\0\x10\x40"
                .to_vec(),
        }],
    }
}

fn written(groups: &[UpstreamGroup]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, groups.iter().cloned()).unwrap();
    bytes
}

#[test]
fn a_genuine_file_is_read() {
    assert!(is_upstream(&GENUINE[..512]));
    let groups = read(GENUINE).unwrap();
    let labels = groups.iter().map(|group| &group.labels).collect::<Vec<_>>();
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let alpha = vec![label("instance", "i1"), label("job", "alpha")];
    assert_eq!(labels, [&alpha, &vec![label("job", "beta")]]);
    let names = |group: &UpstreamGroup| {
        let names = group.families.iter().map(|family| &*family.name);
        names.collect::<Vec<_>>().join(" ")
    };
    let gauges = "push_failure_time_seconds push_time_seconds";
    assert_eq!(names(&groups[0]), "c g h ".to_owned() + gauges + " s u");
    assert_eq!(names(&groups[1]), gauges);
    let [counter, gauge] = [0, 1].map(|at| &groups[0].families[at]);
    assert_eq!(counter.timestamp, gauge.timestamp);
    let pushed = counter.timestamp.as_seconds();
    assert!(
        (1_700_000_000.0..1_900_000_000.0).contains(&pushed),
        "{pushed}"
    );
    assert_eq!(&gauge.protobuf[..14], b"\x0a\x01g\x12\x08A gauge.\x18");
    assert_eq!(counter.protobuf.len(), 48);
    assert!(counter.protobuf.ends_with(&42_f64.to_le_bytes()));
}

#[test]
fn the_smallest_file_is_written_and_read() {
    assert_eq!(written(&[minimal_group()]), minimal());
    assert_eq!(read(&minimal()).unwrap(), [minimal_group()]);
}

#[test]
fn what_follows_the_value_does_not_matter() {
    let mut bytes = minimal();
    bytes.extend_from_slice(b"more");
    assert_eq!(read(&bytes).unwrap(), [minimal_group()]);
}

#[test]
fn of_a_file_cut_short_the_groups_before_are_read() {
    let whole = read(GENUINE).unwrap();
    let mut seen = 0;
    for length in 0..GENUINE.len() {
        let partial = read(&GENUINE[..length]).unwrap_err();
        assert!(partial.at <= length);
        let families = partial.groups.iter().flat_map(|group| &group.families);
        let families = families.collect::<Vec<_>>();
        assert!(families.len() >= seen, "{length}");
        seen = families.len();
        for family in families {
            assert!(whole.iter().any(|group| group.families.contains(family)));
        }
    }
    assert_eq!(seen, 9);
}

#[test]
fn no_flipped_bit_panics() {
    for at in 0..GENUINE.len() * 8 {
        let mut bytes = GENUINE.to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        let _ = read(&bytes);
    }
}

#[test]
fn unused_definitions_may_be_damaged() {
    let mut bytes = GENUINE.to_vec();
    let at = memchr::memmem::find(&bytes, b"SampleCountFloat").unwrap();
    // The number of that field's type becomes an integer that is too long.
    bytes[at + 17] = 0x90;
    assert_eq!(read(&bytes).unwrap(), read(GENUINE).unwrap());
}

#[test]
fn types_are_found_by_name_whatever_their_numbers_and_order() {
    let mut bytes = minimal();
    // Swap the names of the two fields of a family, and their values, which changes only the order of the fields.
    let types = memchr::memmem::find(&bytes, b"\x01\x09Timestamp\x01\xff\x86\x00").unwrap();
    let swapped = b"\x01\x14GobbableMetricFamily\x01\xff\x88\x00\x01\x09Timestamp\x01\xff\x86\x00";
    bytes[types..types + swapped.len()].copy_from_slice(swapped);
    let time = memchr::memmem::find(&bytes, b"\x01\x0f\x01\0").unwrap();
    let family = bytes[time + 17..time + 17 + 45].to_vec();
    let stamp = bytes[time..time + 17].to_vec();
    bytes[time..time + 45].copy_from_slice(&family);
    bytes[time + 45..time + 62].copy_from_slice(&stamp);
    assert_eq!(read(&bytes).unwrap(), [minimal_group()]);
}

#[test]
fn times_of_both_versions_and_no_time_are_read() {
    let read_time = |time: &[u8]| {
        let mut bytes = Vec::new();
        super::gob::put_bytes(time, &mut bytes);
        super::reading::timestamp(&mut Cursor::new(&bytes)).map(Timestamp::as_nanos)
    };
    let utc = b"\x01\0\0\0\x0e\xdc\xe5\xe8\0\0\0\0\x05\xff\xff";
    assert_eq!(read_time(utc), Ok(1_700_000_000_000_000_005));
    let odd_zone = b"\x02\0\0\0\x0e\xdc\xe5\xe8\0\0\0\0\x05\0\x10\x0b";
    assert_eq!(read_time(odd_zone), Ok(1_700_000_000_000_000_005));
    let year_one = [&[1][..], &[0; 14]].concat();
    assert_eq!(read_time(&year_one), Ok(i64::MIN));
    for nanos in [i64::MIN, i64::MAX] {
        let mut group = minimal_group();
        group.families[0].timestamp = Timestamp::from_nanos(nanos);
        assert_eq!(read(&written(&[group.clone()])).unwrap(), [group]);
    }
    for unknown in [&utc[..14], b"\x03", b""] {
        assert!(read_time(unknown).is_err());
    }
    // A zero time is left out: drop the field from the smallest file.
    let mut bytes = minimal();
    let time = memchr::memmem::find(&bytes, b"\x01\x0f\x01\0").unwrap();
    bytes.drain(time..time + 17);
    bytes[time] = 2;
    let groups = read(&bytes).unwrap();
    assert_eq!(groups[0].families[0].timestamp, Timestamp::default());
    assert_eq!(
        groups[0].families[0].protobuf,
        minimal_group().families[0].protobuf
    );
}

#[test]
fn claimed_counts_and_lengths_cost_nothing() {
    let mut bytes = minimal();
    let value = memchr::memmem::find(&bytes, b"\xff\x8c\x00\x01\x06job").unwrap();
    bytes.truncate(value + 3);
    // So many groups, of which there is none.
    put_uint(u64::MAX, &mut bytes);
    assert!(read(&bytes).unwrap_err().groups.is_empty());
    assert!(read(b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
}

#[test]
fn values_nested_without_end_are_refused() {
    let mut types = super::definitions::Types::default();
    types.define(64, super::definitions::Type::List { element: 64 });
    let bytes = vec![1; 1_000_000];
    let refused = types.skip(64, &mut Cursor::new(&bytes)).unwrap_err();
    assert_eq!(refused.problem, "values are nested too deep");
}

#[test]
fn something_else_is_not_recognised() {
    assert!(!is_upstream(b""));
    assert!(!is_upstream(b"push_time_seconds 1\n"));
}

fn group() -> impl Strategy<Value = UpstreamGroup> {
    let family = (any::<i64>(), proptest::collection::vec(any::<u8>(), 0..300));
    (
        proptest::collection::btree_map(".{1,9}", ".{0,200}", 1..4),
        proptest::collection::btree_map(".{1,9}", family, 0..4),
    )
        .prop_map(|(labels, families)| UpstreamGroup {
            labels: labels.into_iter().collect(),
            families: families
                .into_iter()
                .map(|(name, (nanos, protobuf))| UpstreamFamily {
                    name,
                    timestamp: Timestamp::from_nanos(nanos),
                    protobuf,
                })
                .collect(),
        })
}

proptest! {
    #[test]
    fn what_was_written_is_read(mut groups in proptest::collection::vec(group(), 0..5)) {
        groups.sort_by(|a, b| a.labels.cmp(&b.labels));
        prop_assert_eq!(read(&written(&groups)).unwrap(), groups);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}
