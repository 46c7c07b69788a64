//! Random operations on a store and on the most obvious form of one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::exposition::text_encoder::append_metric;

/// One operation, small enough for clashes to be likely.
#[derive(Clone, Debug)]
enum Operation {
    Push {
        key: usize,
        mode: PushMode,
        families: BTreeMap<usize, NaiveFamily>,
    },
    /// The same series with other values.
    PushAgain {
        key: usize,
        mode: PushMode,
        added: u8,
    },
    Delete {
        key: usize,
    },
    Wipe,
}

/// Type (counter or gauge), help, and a value for each value of the label `l`.
#[derive(Clone, Debug, PartialEq)]
struct NaiveFamily {
    is_gauge: bool,
    help: Option<u8>,
    values: BTreeMap<u8, u8>,
}

/// The state in the most obvious form.
#[derive(Clone, Debug, Default)]
struct Naive {
    groups: BTreeMap<usize, BTreeMap<usize, NaiveFamily>>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn key(index: usize) -> Arc<GroupingKey> {
    let labels = match index {
        0 => vec![("job", "x")],
        1 => vec![("job", "y")],
        2 => vec![("job", "x"), ("instance", "i")],
        // These two let a label of the body make series of different groups equal.
        3 => vec![("job", "x"), ("l", "1")],
        _ => vec![("job", "x"), ("l", "2"), ("m", "")],
    };
    Arc::new(GroupingKey::new(labels).unwrap())
}

fn family_of(name: usize, naive: &NaiveFamily) -> MetricFamily<'static> {
    let value = |value: u8| {
        if naive.is_gauge {
            Value::Gauge(f64::from(value))
        } else {
            Value::Untyped(f64::from(value))
        }
    };
    let metric =
        |(label, number): (&u8, &u8)| ([Label::new("l", label.to_string())], value(*number).into());
    MetricFamily {
        name: NAMES[name].into(),
        help: naive.help.map(|help| help.to_string().into()),
        metric_type: if naive.is_gauge {
            MetricType::Gauge
        } else {
            MetricType::Untyped
        },
        metrics: naive.values.iter().map(metric).collect(),
    }
}

impl Naive {
    /// The operation with its families.
    fn resolve(&self, operation: Operation) -> Operation {
        let Operation::PushAgain { key, mode, added } = operation else {
            return operation;
        };
        let mut families = self.groups.get(&key).cloned().unwrap_or_default();
        let values = families
            .values_mut()
            .flat_map(|family| family.values.values_mut());
        for value in values {
            *value = value.wrapping_add(added);
        }
        Operation::Push {
            key,
            mode,
            families,
        }
    }

    fn put(&mut self, at: usize, mode: PushMode, families: &BTreeMap<usize, NaiveFamily>) {
        let group = self.groups.entry(at).or_default();
        if mode == PushMode::Replace {
            group.clear();
        }
        group.extend(
            families
                .iter()
                .map(|(name, family)| (*name, family.clone())),
        );
    }

    /// The label sets of a family of a group as they are exposed.
    fn series(key_index: usize, family: &NaiveFamily) -> Vec<(Vec<(String, String)>, u8)> {
        let key = key(key_index);
        let series = |(label, value): (&u8, &u8)| {
            let mut labels = BTreeMap::from([
                ("l".to_owned(), label.to_string()),
                ("instance".into(), String::new()),
            ]);
            labels.extend(
                key.labels()
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            );
            (labels.into_iter().collect(), *value)
        };
        family.values.iter().map(series).collect()
    }

    fn pushed(
        &self,
        at: usize,
        mode: PushMode,
        families: &BTreeMap<usize, NaiveFamily>,
    ) -> Option<Self> {
        let mut next = self.clone();
        next.put(at, mode, families);
        next.is_consistent().then_some(next)
    }

    fn is_consistent(&self) -> bool {
        (0..NAMES.len()).all(|name| {
            let families = || {
                self.groups
                    .iter()
                    .filter_map(move |(key, group)| Some((*key, group.get(&name)?)))
            };
            let types: BTreeSet<_> = families().map(|(_, family)| family.is_gauge).collect();
            let series: Vec<_> = families()
                .flat_map(|(key, family)| Self::series(key, family))
                .collect();
            let distinct: BTreeSet<_> = series.iter().map(|(labels, _)| labels).collect();
            types.len() <= 1 && distinct.len() == series.len()
        })
    }

    /// The sample lines that a scrape shows, push gauges left out.
    fn scrape(&self) -> String {
        let mut out = Vec::new();
        for (name, metric_name) in NAMES.iter().enumerate() {
            let families = || {
                self.groups
                    .iter()
                    .filter_map(|(key, group)| Some((*key, group.get(&name)?)))
            };
            let mut series: Vec<_> = families()
                .flat_map(|(key, family)| Self::series(key, family))
                .collect();
            series.sort_by_key(|(labels, _)| {
                let values: Vec<_> = labels.iter().map(|(_, value)| value.clone()).collect();
                let names: Vec<_> = labels.iter().map(|(name, _)| name.clone()).collect();
                (labels.len(), values, names)
            });
            for (labels, value) in series {
                let labels = labels.iter().map(|(name, value)| (&**name, &**value));
                append_metric(
                    &mut out,
                    metric_name,
                    labels,
                    &Value::Gauge(f64::from(value)),
                    Escaping::AllowUtf8,
                );
            }
        }
        String::from_utf8(out).unwrap()
    }
}

fn samples(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("push_"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let family = (
        any::<bool>(),
        proptest::option::of(0..2_u8),
        proptest::collection::btree_map(0..4_u8, any::<u8>(), 1..4),
    )
        .prop_map(|(is_gauge, help, values)| NaiveFamily {
            is_gauge,
            help,
            values,
        });
    let families = proptest::collection::btree_map(0..NAMES.len(), family, 0..3);
    let mode = prop_oneof![Just(PushMode::Replace), Just(PushMode::Merge)];
    let push =
        (0..5_usize, mode.clone(), families).prop_map(|(key, mode, families)| Operation::Push {
            key,
            mode,
            families,
        });
    let again = (0..5_usize, mode, any::<u8>())
        .prop_map(|(key, mode, added)| Operation::PushAgain { key, mode, added });
    let operation = prop_oneof![
        20 => push,
        20 => again,
        4 => (0..5_usize).prop_map(|key| Operation::Delete { key }),
        1 => Just(Operation::Wipe),
    ];
    proptest::collection::vec(operation, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_a_naive_store_does(operations in operations()) {
        let mut subject = Subject::new(Check::Checked);
        let mut naive = Naive::default();
        // Every other snapshot is held, so that what comes next can't be done in place.
        let mut held = Vec::new();
        for (number, operation) in operations.into_iter().enumerate() {
            match naive.resolve(operation) {
                Operation::PushAgain { .. } => unreachable!("resolved"),
                Operation::Push { key: at, mode, families } => {
                    let pushed: Vec<_> = families.iter().map(|(name, family)| family_of(*name, family)).collect();
                    // A label of the body that the key names too is overwritten, which may make doubles.
                    let outcome = subject.push(&key(at), mode, &pushed);
                    if let Some(next) = naive.pushed(at, mode, &families) {
                        prop_assert_eq!(outcome, Ok(()));
                        naive = next;
                    } else {
                        prop_assert!(matches!(outcome, Err(Failure::Refused(_))), "{:?}", outcome);
                        naive.groups.entry(at).or_default();
                    }
                }
                Operation::Delete { key: at } => {
                    subject.submit(Request::Delete(key(at))).unwrap();
                    naive.groups.remove(&at);
                }
                Operation::Wipe => {
                    subject.submit(Request::Wipe).unwrap();
                    naive.groups.clear();
                }
            }
            let text = subject.text();
            prop_assert_eq!(samples(&text), naive.scrape());
            let snapshot = subject.store.snapshot().unwrap();
            prop_assert_eq!(snapshot.groups().len(), naive.groups.len());
            let lines = naive.scrape().lines().count();
            prop_assert_eq!(snapshot.series(), lines);
            prop_assert_eq!(snapshot.left_out(), 0);
            if number % 4 < 2 {
                held.push((snapshot, text));
            }
        }
        for (snapshot, text) in held {
            prop_assert_eq!(text_of(&snapshot), text);
        }
        let reopened = subject.reopened();
        prop_assert_eq!(samples(&text_of(&reopened.snapshot().unwrap())), naive.scrape());
        prop_assert_eq!(text_of(&reopened.snapshot().unwrap()), subject.text());
    }

    #[test]
    fn unchecked_a_scrape_is_consistent_and_nothing_is_forgotten(operations in operations()) {
        let mut subject = Subject::new(Check::Unchecked);
        let mut naive = Naive::default();
        for operation in operations {
            match naive.resolve(operation) {
                Operation::PushAgain { .. } => unreachable!("resolved"),
                Operation::Push { key: at, mode, families } => {
                    naive.put(at, mode, &families);
                    let pushed: Vec<_> = families.iter().map(|(name, family)| family_of(*name, family)).collect();
                    prop_assert_eq!(subject.push(&key(at), mode, &pushed), Ok(()));
                }
                Operation::Delete { key: at } => {
                    naive.groups.remove(&at);
                    subject.submit(Request::Delete(key(at))).unwrap();
                }
                Operation::Wipe => {
                    naive.groups.clear();
                    subject.submit(Request::Wipe).unwrap();
                }
            }
            let text = subject.text();
            let series: Vec<_> = text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
                .collect();
            let distinct: BTreeSet<_> = series.iter().collect();
            prop_assert_eq!(distinct.len(), series.len(), "no series twice: {}", text);
            let types = text.lines().filter(|line| line.starts_with("# TYPE")).count();
            let names: BTreeSet<_> = series.iter().map(|series| series.split('{').next().unwrap()).collect();
            prop_assert_eq!(types, names.len(), "no family twice: {}", text);
        }
        // What was left out comes back when nothing stands in its way any more.
        let snapshot = subject.store.snapshot().unwrap();
        for group in snapshot.groups().skip(1) {
            subject.submit(Request::Delete(Arc::clone(group.grouping_key()))).unwrap();
        }
        prop_assert_eq!(subject.store.snapshot().unwrap().left_out(), 0);
        let alone = subject.store.snapshot().unwrap();
        let pushed: usize = alone.groups().map(|group| group.stored_families().len()).sum();
        let shown = subject.text().lines().filter(|line| line.starts_with("# TYPE")).count();
        prop_assert_eq!(shown, pushed + 2 * alone.groups().len());
    }
}
