//! The store as a whole against a naive model, and the promises that its parts make together.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::exposition::Escaping;
use crate::exposition::negotiation::ScrapeEncoding;
use crate::exposition::text_encoder::append_metric;
use crate::model::{Label, Metric, MetricType, Value};

const TEXT: ScrapeFormat = ScrapeFormat {
    encoding: ScrapeEncoding::Text,
    escaping: Escaping::AllowUtf8,
};

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
    let metric = |(label, number): (&u8, &u8)| Metric {
        labels: vec![Label::new("l", label.to_string())],
        value: Some(value(*number)),
        timestamp_ms: None,
        unknown_fields: std::borrow::Cow::default(),
    };
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

/// A store in memory whose committed changes can be looked at.
struct Subject {
    store: Store,
    time: i64,
    kept: Arc<Mutex<Vec<Change>>>,
}

/// Keeps changes where a test finds them; fails when told to.
#[derive(Default)]
struct Recorder {
    kept: Arc<Mutex<Vec<Change>>>,
    failing: Arc<std::sync::atomic::AtomicBool>,
    failed: bool,
}

impl persistence::Persistence for Recorder {
    fn commit(&mut self, changes: &[Change]) -> Result<(), persistence::PersistenceError> {
        self.failed = self.failing.load(std::sync::atomic::Ordering::SeqCst);
        if self.failed {
            return Err(persistence::PersistenceError::Closed {
                path: "test".into(),
            });
        }
        self.kept.lock().unwrap().extend_from_slice(changes);
        Ok(())
    }

    fn compaction_due(&self) -> bool {
        false
    }

    fn compact(&mut self, _: persistence::Snapshot) {}

    fn poll(&mut self) {}

    fn status(&self) -> persistence::Status {
        let last_error = self.failed.then(|| "disk on fire".to_owned());
        persistence::Status {
            last_error,
            ..Default::default()
        }
    }

    fn close(&mut self) -> Result<(), persistence::PersistenceError> {
        Ok(())
    }
}

struct Answer(std::sync::mpsc::Sender<Result<(), Failure>>);

impl Waiter for Answer {
    fn is_gone(&self) -> bool {
        false
    }

    fn done(self: Box<Self>, outcome: Result<(), Failure>) {
        let _ = self.0.send(outcome);
    }
}

fn options(check: Check) -> Options {
    Options {
        check,
        limits: Limits::unlimited(),
        queued_requests: 10,
        own_families: Vec::new(),
    }
}

impl Subject {
    fn new(check: Check) -> Self {
        let store = Store::new(options(check));
        let recorder = Recorder::default();
        let kept = Arc::clone(&recorder.kept);
        store.start_persistent(
            Replay::default(),
            Box::new(recorder),
            Durability::EachCommit,
        );
        Self {
            store,
            time: 1_000_000_000,
            kept,
        }
    }

    fn submit(&self, request: Request) -> Result<(), Failure> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.store.submit(request, Box::new(Answer(sender)));
        receiver.recv().unwrap()
    }

    fn push(
        &mut self,
        key: &Arc<GroupingKey>,
        mode: PushMode,
        families: &[MetricFamily<'_>],
    ) -> Result<(), Failure> {
        self.time += 1_000_000_000;
        let at = Timestamp::from_nanos(self.time);
        match self.store.prepare(Arc::clone(key), mode, at, families) {
            Ok(push) => self.submit(Request::Push(push)),
            Err(refusal) => {
                self.submit(Request::Refused {
                    key: Arc::clone(key),
                    at,
                })
                .unwrap();
                Err(refusal.into())
            }
        }
    }

    fn text(&self) -> String {
        text_of(&self.store.snapshot().unwrap())
    }

    /// The state that a restart would find.
    fn reopened(&self) -> Store {
        let store = Store::new(options(Check::Checked));
        let mut replay = Replay::default();
        self.kept
            .lock()
            .unwrap()
            .iter()
            .cloned()
            .for_each(|change| replay.apply(change));
        store.start(replay);
        store
    }
}

impl Drop for Subject {
    /// Ends the thread of the store, of which a property test has thousands.
    fn drop(&mut self) {
        // A persistence that fails, fails here too.
        let _ = self.store.close();
    }
}

fn text_of(snapshot: &Snapshot) -> String {
    let plain = snapshot
        .scrape(&[], TEXT, Compression::Identity)
        .runs
        .concat()
        .concat();
    let gzipped = snapshot.scrape(&[], TEXT, Compression::Gzip).runs;
    let gzipped = gzipped.concat().concat();
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(gzipped.as_slice())
        .read_to_end(&mut unzipped)
        .unwrap();
    assert_eq!(plain, unzipped, "both encodings show the same");
    String::from_utf8(plain).unwrap()
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

fn untyped(name: &str, label: &str, value: f64) -> MetricFamily<'static> {
    let metric = Metric {
        labels: vec![Label::new("l", label.to_owned())],
        value: Some(Value::Untyped(value)),
        timestamp_ms: None,
        unknown_fields: std::borrow::Cow::default(),
    };
    MetricFamily {
        name: name.to_owned().into(),
        help: None,
        metric_type: MetricType::Untyped,
        metrics: vec![metric],
    }
}

fn job(name: &str) -> Arc<GroupingKey> {
    Arc::new(GroupingKey::new([("job", name)]).unwrap())
}

/// A store with this many groups of two families each.
fn filled(groups: usize) -> Subject {
    let mut subject = Subject::new(Check::Checked);
    for group in 0..groups {
        let families = [untyped("a", "x", 1.0), untyped("b", "x", 1.0)];
        subject
            .push(
                &job(&format!("job{group:05}")),
                PushMode::Replace,
                &families,
            )
            .unwrap();
    }
    subject
}

/// How many buffers of a scrape are not among those of another, nor part of one.
fn fresh_buffers(scraped: &Scraped, before: &Scraped) -> usize {
    let places = |scraped: &Scraped| -> Vec<_> {
        let buffers = scraped.runs.iter().flat_map(|run| run.iter());
        let place = |buffer: &bytes::Bytes| {
            let start = buffer.as_ptr().addr();
            start..start + buffer.len()
        };
        buffers.map(place).collect()
    };
    let known = places(before);
    let is_known = |place: &std::ops::Range<usize>| {
        let mut known = known.iter();
        known.any(|known| known.start <= place.start && place.end <= known.end)
    };
    let now = places(scraped).into_iter();
    now.filter(|place| !is_known(place)).count()
}

/// Cost is counted, not timed: a push makes anew the pages that its metrics are on and no others.
#[test]
fn a_push_costs_the_same_whatever_else_is_in_the_store() {
    let fresh_after_push = |groups: usize| {
        let mut subject = filled(groups);
        let before = subject.store.snapshot().unwrap();
        subject
            .push(
                &job("job00007"),
                PushMode::Replace,
                &[untyped("a", "x", 2.0), untyped("b", "x", 2.0)],
            )
            .unwrap();
        let after = subject.store.snapshot().unwrap();
        let pages = |snapshot: &Snapshot| -> BTreeSet<usize> {
            let families = snapshot.0.exhibit().families().values();
            families
                .flat_map(|family| family.pages.iter())
                .map(|page| Arc::as_ptr(page).addr())
                .collect()
        };
        pages(&after).difference(&pages(&before)).count()
    };
    // One page each of both families and of `push_time_seconds`.
    assert_eq!(fresh_after_push(10), 3);
    assert_eq!(fresh_after_push(2000), 3);
}

/// Where the pages of a store are in memory.
fn addresses(snapshot: &Snapshot) -> BTreeSet<usize> {
    let families = snapshot.0.exhibit().families().values();
    families
        .flat_map(|family| family.pages.iter())
        .map(|page| page.text().plain().as_ptr().addr())
        .collect()
}

#[test]
fn new_values_are_put_in_place_unless_a_snapshot_shows_the_old_ones() {
    let mut subject = filled(100);
    let pushed = |subject: &mut Subject, value| {
        let families = [untyped("a", "x", value), untyped("b", "x", value)];
        subject
            .push(&job("job00007"), PushMode::Replace, &families)
            .unwrap();
        addresses(&subject.store.snapshot().unwrap())
    };
    let before = pushed(&mut subject, 2.0);
    assert_eq!(pushed(&mut subject, 123_456.0), before);
    let held = subject.store.snapshot().unwrap();
    let text = text_of(&held);
    let moved = pushed(&mut subject, 4.0);
    assert_ne!(moved, before);
    assert_eq!(text_of(&held), text);
    drop(held);
    // A scrape that has ended holds nothing.
    subject.text();
    assert_eq!(pushed(&mut subject, 5.0), moved);
}

#[test]
fn pushes_that_wait_together_are_put_in_place_one_after_the_other() {
    let subject = filled(100);
    let prepared = |group: &str, value: f64| {
        let families = [untyped("a", "x", value), untyped("b", "x", value)];
        let at = Timestamp::from_nanos(9_000_000_000_000);
        let store = &subject.store;
        let push = store.prepare(job(group), PushMode::Replace, at, &families);
        push.unwrap()
    };
    let pushes = [("job00007", 12_345.0), ("job00008", 0.5), ("job00007", 7.0)]
        .map(|(group, value)| prepared(group, value));
    let mut together = State::clone(&subject.store.published());
    let repeats: Vec<_> = pushes
        .iter()
        .map(|push| together.repeat(push).unwrap())
        .collect();
    for repeat in &repeats {
        together.put_in_place(repeat);
    }
    for push in pushes {
        subject.submit(Request::Push(push)).unwrap();
    }
    assert_eq!(text_of(&Snapshot(Arc::new(together))), subject.text());
}

#[test]
fn a_scrape_makes_anew_only_what_changed_since_the_last() {
    let mut subject = filled(2000);
    let scrape = |subject: &Subject, compression| {
        subject
            .store
            .snapshot()
            .unwrap()
            .scrape(&[], TEXT, compression)
    };
    for compression in [Compression::Identity, Compression::Gzip] {
        let first = scrape(&subject, compression);
        let families = subject
            .store
            .snapshot()
            .unwrap()
            .0
            .exhibit()
            .families()
            .clone();
        let pages = families.values().map(|family| family.pages.iter().count());
        assert!(pages.sum::<usize>() > 40, "there are many pages");
        // What is made for each scrape are four family headers, and in gzip the trailer.
        let made = if compression == Compression::Gzip {
            5
        } else {
            4
        };
        assert_eq!(fresh_buffers(&scrape(&subject, compression), &first), made);
        let snapshot = subject.store.snapshot().unwrap();
        assert!(snapshot.is_listed(TEXT, compression));
        subject
            .push(&job("job00007"), PushMode::Merge, &[untyped("a", "x", 3.0)])
            .unwrap();
        let snapshot = subject.store.snapshot().unwrap();
        assert!(!snapshot.is_listed(TEXT, compression));
        // And one page each of the family and of `push_time_seconds`.
        assert_eq!(
            fresh_buffers(&scrape(&subject, compression), &first),
            made + 2
        );
    }
}

#[test]
fn a_snapshot_is_not_touched_by_what_comes_after_it() {
    let mut subject = filled(3);
    let snapshot = subject.store.snapshot().unwrap();
    let before = text_of(&snapshot);
    subject
        .push(
            &job("job00001"),
            PushMode::Replace,
            &[untyped("a", "x", 9.0)],
        )
        .unwrap();
    subject.submit(Request::Wipe).unwrap();
    assert_eq!(text_of(&snapshot), before);
    assert_eq!(subject.text(), "");
}

#[test]
fn what_could_not_be_kept_is_not_visible_and_the_next_push_is() {
    let store = Store::new(options(Check::Checked));
    let recorder = Recorder::default();
    let (kept, failing) = (Arc::clone(&recorder.kept), Arc::clone(&recorder.failing));
    store.start_persistent(
        Replay::default(),
        Box::new(recorder),
        Durability::EachCommit,
    );
    let mut subject = Subject {
        store,
        time: 0,
        kept,
    };
    subject
        .push(&job("a"), PushMode::Replace, &[untyped("m", "x", 1.0)])
        .unwrap();
    let before = subject.text();
    failing.store(true, std::sync::atomic::Ordering::SeqCst);
    let outcome = subject.push(&job("b"), PushMode::Replace, &[untyped("m", "x", 1.0)]);
    assert!(
        matches!(
            outcome,
            Err(Failure::Unavailable(Unavailable::NotStored(_)))
        ),
        "{outcome:?}"
    );
    assert_eq!(subject.text(), before);
    assert!(matches!(
        subject.store.readiness(),
        Readiness::NotReady(Unavailable::NotStored(_))
    ));
    failing.store(false, std::sync::atomic::Ordering::SeqCst);
    subject
        .push(&job("b"), PushMode::Replace, &[untyped("m", "x", 1.0)])
        .unwrap();
    assert_eq!(subject.store.readiness(), Readiness::Ready);
    assert_eq!(
        text_of(&subject.reopened().snapshot().unwrap()),
        subject.text()
    );
}

#[test]
fn with_an_interval_changes_are_kept_together_and_at_the_end() {
    let store = Store::new(options(Check::Checked));
    let recorder = Recorder::default();
    let kept = Arc::clone(&recorder.kept);
    let day = std::time::Duration::from_hours(24);
    store.start_persistent(
        Replay::default(),
        Box::new(recorder),
        Durability::Interval(day),
    );
    let mut subject = Subject {
        store,
        time: 0,
        kept,
    };
    for value in 0..5 {
        subject
            .push(
                &job("a"),
                PushMode::Merge,
                &[untyped("m", "x", f64::from(value))],
            )
            .unwrap();
    }
    subject
        .push(&job("b"), PushMode::Merge, &[untyped("m", "x", 1.0)])
        .unwrap();
    subject.submit(Request::Delete(job("b"))).unwrap();
    assert!(
        subject.kept.lock().unwrap().is_empty(),
        "nothing is kept yet"
    );
    let text = subject.text();
    subject.store.close().unwrap();
    assert_eq!(
        subject.kept.lock().unwrap().len(),
        2,
        "one change a group, however many pushes"
    );
    assert_eq!(text_of(&subject.reopened().snapshot().unwrap()), text);
}

#[test]
fn limits_hold_for_what_grows_and_name_their_flags() {
    let limits = Limits {
        groups: 2,
        series: 3,
        series_per_group: 2,
        ..Limits::unlimited()
    };
    let store = Store::new(Options {
        limits,
        ..options(Check::Checked)
    });
    store.start(Replay::default());
    let mut subject = Subject {
        store,
        time: 0,
        kept: Arc::default(),
    };
    let three = [
        untyped("a", "x", 1.0),
        untyped("b", "x", 1.0),
        untyped("c", "x", 1.0),
    ];
    let check = |outcome: Result<(), Failure>, flag: &str, value: &str| {
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains(flag) && text.contains(value), "{text}");
    };
    check(
        subject.push(&job("a"), PushMode::Merge, &three),
        "--limit.series-per-group",
        "3 series",
    );
    subject
        .push(&job("a"), PushMode::Merge, &three[..2])
        .unwrap();
    check(
        subject.push(&job("b"), PushMode::Merge, &three[..2]),
        "--limit.series)",
        "4 series",
    );
    subject
        .push(&job("b"), PushMode::Merge, &three[..1])
        .unwrap();
    check(
        subject.push(&job("c"), PushMode::Merge, &[]),
        "--limit.groups",
        "3 groups",
    );
    // What was there before is replaced as ever.
    subject
        .push(&job("a"), PushMode::Replace, &three[1..])
        .unwrap();
    assert_eq!(subject.store.snapshot().unwrap().series(), 3);
}

#[test]
fn a_refusal_names_the_other_group() {
    let mut subject = filled(2);
    let gauge = MetricFamily {
        metric_type: MetricType::Gauge,
        ..untyped("a", "x", 1.0)
    };
    let gauge = MetricFamily {
        metrics: vec![Metric {
            value: Some(Value::Gauge(1.0)),
            ..gauge.metrics[0].clone()
        }],
        ..gauge
    };
    let refusal = subject
        .push(&job("new"), PushMode::Replace, &[gauge])
        .unwrap_err();
    let Failure::Refused(Refusal::ClashesWithGroup { other, what }) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!(*other, *job("job00000"));
    assert_eq!(
        what,
        r#"collected metric "a" of type GAUGE is not a UNTYPED"#
    );
}

#[test]
fn a_group_that_differs_in_an_empty_instance_only_is_refused_without_a_trace() {
    let mut subject = filled(1);
    let before = subject.text();
    let twin = Arc::new(GroupingKey::new([("job", "job00000"), ("instance", "")]).unwrap());
    let refusal = subject.push(&twin, PushMode::Replace, &[]).unwrap_err();
    assert!(matches!(refusal, Failure::Refused(Refusal::Twin { .. })));
    assert_eq!(subject.text(), before);
}
