use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::MetricType;

fn families() -> impl Strategy<Value = Vec<Arc<StoredFamily>>> {
    let family = (
        proptest::option::of(".{0,20}"),
        0..6_u64,
        any::<i64>(),
        proptest::collection::vec(any::<u8>(), 0..300),
    );
    proptest::collection::btree_map(".{1,12}", family, 0..5).prop_map(|families| {
        families
            .into_iter()
            .map(|(name, (help, number, at, packed))| {
                Arc::new(StoredFamily {
                    metadata: Arc::new(Metadata {
                        name: name.into(),
                        help: help.map(Into::into),
                        metric_type: MetricType::from_proto_number(number).unwrap(),
                    }),
                    pushed_at: Timestamp::from_nanos(at),
                    packed: packed.into(),
                })
            })
            .collect()
    })
}

fn key() -> impl Strategy<Value = Arc<GroupingKey>> {
    proptest::collection::btree_map("[a-z]{1,5}", ".{0,9}", 0..4).prop_map(
        |mut labels: BTreeMap<String, String>| {
            labels.insert("job".into(), "j/é\"".into());
            Arc::new(GroupingKey::new(labels).unwrap())
        },
    )
}

fn gauge() -> impl Strategy<Value = PushGauge> {
    (any::<f64>(), any::<i64>()).prop_map(|(value, at)| PushGauge {
        value,
        stored_at: Timestamp::from_nanos(at),
    })
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_nanos)
}

fn change() -> impl Strategy<Value = Change> {
    let mode = prop_oneof![Just(PushMode::Replace), Just(PushMode::Merge)];
    prop_oneof![
        (key(), mode, timestamp(), families()).prop_map(|(key, mode, at, families)| {
            Change::Push {
                key,
                mode,
                at,
                families,
            }
        }),
        (key(), timestamp()).prop_map(|(key, at)| Change::Refused { key, at }),
        key().prop_map(|key| Change::Delete { key }),
        Just(Change::Wipe),
        (key(), gauge(), gauge(), families()).prop_map(|(key, pushed, failed, families)| {
            Change::Group {
                key,
                pushed,
                failed,
                families,
            }
        }),
    ]
}

fn encoded(change: &Change) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(change, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(change in change(), more in proptest::collection::vec(any::<u8>(), 0..9)) {
        let mut bytes = encoded(&change);
        prop_assert_eq!(decode(&bytes), Ok(change.clone()));
        bytes.extend(more);
        prop_assert_eq!(decode(&bytes), Ok(change), "later versions may append fields");
    }

    #[test]
    fn no_prefix_is_taken_for_the_whole(change in change()) {
        let bytes = encoded(&change);
        for length in 0..bytes.len() {
            prop_assert_eq!(decode(&bytes[..length]), Err(RecordError::Truncated));
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_changed_byte_never_panics(change in change(), at: prop::sample::Index, to: u8) {
        let mut bytes = encoded(&change);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decode(&bytes);
    }
}

#[test]
fn a_decoder_shares_metadata_and_keys() {
    let family = |at| {
        Arc::new(StoredFamily {
            metadata: Arc::new(Metadata {
                name: "m".into(),
                help: Some("Help.".into()),
                metric_type: MetricType::Gauge,
            }),
            pushed_at: Timestamp::from_nanos(at),
            packed: Box::default(),
        })
    };
    let push = |at| Change::Push {
        key: Arc::new(GroupingKey::new([("job", "j")]).unwrap()),
        mode: PushMode::Merge,
        at: Timestamp::from_nanos(at),
        families: vec![family(at)],
    };
    let mut decoder = Decoder::for_bytes(1 << 20);
    let [first, second] = [1, 2].map(|at| decoder.decode(&encoded(&push(at))).unwrap());
    let (
        Change::Push { key, families, .. },
        Change::Push {
            key: again,
            families: more,
            ..
        },
    ) = (&first, &second)
    else {
        panic!("{first:?} {second:?}")
    };
    assert!(Arc::ptr_eq(key, again));
    assert!(Arc::ptr_eq(&families[0].metadata, &more[0].metadata));
}

#[test]
fn unknown_kinds_tell_whether_they_may_be_skipped() {
    assert_eq!(decode(&[0x40]), Err(RecordError::UnknownKind(0x40)));
    assert_eq!(decode(&[0x80, 1]), Err(RecordError::OptionalKind(0x80)));
}

#[test]
fn families_out_of_order_are_refused() {
    let family = |name: &str| {
        Arc::new(StoredFamily {
            metadata: Arc::new(Metadata {
                name: name.into(),
                help: None,
                metric_type: MetricType::Untyped,
            }),
            pushed_at: Timestamp::default(),
            packed: Box::default(),
        })
    };
    let change = Change::Group {
        key: Arc::new(GroupingKey::new([("job", "j")]).unwrap()),
        pushed: PushGauge::default(),
        failed: PushGauge::default(),
        families: vec![family("b"), family("a")],
    };
    let refused = RecordError::Order { name: "a".into() };
    assert_eq!(decode(&encoded(&change)), Err(refused));
}
