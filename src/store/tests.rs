//! The store as a whole.

use std::io::Read;
use std::sync::{Arc, Mutex};

use super::*;
use crate::exposition::Escaping;
use crate::exposition::negotiation::ScrapeEncoding;
use crate::model::{Label, MetricType, Metrics, Value};

mod cost;
mod naive;
mod promises;

const TEXT: ScrapeFormat = ScrapeFormat {
    encoding: ScrapeEncoding::Text,
    escaping: Escaping::AllowUtf8,
};

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

fn untyped(name: &str, label: &str, value: f64) -> MetricFamily<'static> {
    let labels = [Label::new("l", label.to_owned())];
    MetricFamily {
        name: name.to_owned().into(),
        help: None,
        metric_type: MetricType::Untyped,
        metrics: Metrics::from_iter([(labels, Value::Untyped(value).into())]),
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
