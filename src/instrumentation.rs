//! The gateway's own metrics.
//!
//! Whoever has something to tell sets or counts a field of [`Instrumentation`]; a scrape asks for
//! [`Instrumentation::families`]. [`own_families`] are the names that no client may use otherwise. The
//! `prometheus` crate keeps counters and gauges; nothing else of it is used, since it has neither summaries
//! nor untyped metrics.

use std::time::{Duration, Instant};

use prometheus::{IntCounter, IntCounterVec, IntGauge};

use crate::build_info::BuildInfo;
use crate::model::{Label, MetricFamily, MetricType, Metrics, Value};

mod instrument;
mod process;
mod sketch;
mod summary;
#[cfg(test)]
mod tests;

pub use instrument::{Held, LateGauge};
pub use summary::SummaryByMethod;

use instrument::Instrument;
use process::ThisProcess;

/// A family that the gateway exposes of its own, now or later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OwnFamily {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub metric_type: MetricType,
    /// Its help.
    pub help: &'static str,
}

/// All families that [`Instrumentation::families`] may ever have.
pub fn own_families() -> impl Iterator<Item = &'static OwnFamily> {
    [&BUILD_INFO_FAMILY]
        .into_iter()
        .chain(&FAMILIES)
        .chain(&process::FAMILIES)
}

const BUILD_INFO_FAMILY: OwnFamily = OwnFamily {
    name: "pushgateway_build_info",
    metric_type: MetricType::Gauge,
    help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which \
           pushgateway was built, and the goos and goarch for the build.",
};

/// Declares each metric once: the field is the name without `pushgateway_`, its comment is the help.
macro_rules! instrumentation {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty $(= [$($label:literal),+])?;)+) => {
        /// The gateway's own metrics, apart from those that are found out when asked for.
        ///
        /// A field's metric is called `pushgateway_` and its name; its description is the help.
        #[derive(Debug)]
        pub struct Instrumentation {
            build_info: BuildInfo,
            process: Option<ThisProcess>,
            $($(#[doc = $help])+ pub $field: $kind,)+
        }

        /// The families of the fields, in their order.
        const FAMILIES: [OwnFamily; [$(stringify!($field)),+].len()] =
            [$(instrumentation!(@family $field: $kind, $($help),+)),+];

        impl Instrumentation {
            /// Nothing has happened yet.
            pub fn new(build_info: BuildInfo) -> Self {
                Self {
                    build_info,
                    process: ThisProcess::open(),
                    $($field: Instrument::create(
                        &instrumentation!(@family $field: $kind, $($help),+),
                        &[$($($label),+)?],
                    ),)+
                }
            }

            /// The metrics of the fields, in their order.
            fn metrics(&self, now: Instant) -> [Metrics<'static>; FAMILIES.len()] {
                [$(Instrument::metrics(&self.$field, now)),+]
            }
        }
    };
    (@family $field:ident: $kind:ty, $($help:literal),+) => {
        OwnFamily {
            name: concat!("pushgateway_", stringify!($field)),
            metric_type: <$kind as Instrument>::TYPE,
            // Each line of a comment begins with a space.
            help: concat!($($help),+).trim_ascii_start(),
        }
    };
}

instrumentation! {
    /// Total HTTP requests processed by the Pushgateway, excluding scrapes.
    http_requests_total: IntCounterVec = ["code", "handler", "method"];
    /// HTTP request size for pushes to the Pushgateway.
    http_push_size_bytes: SummaryByMethod;
    /// HTTP request duration for pushes to the Pushgateway.
    http_push_duration_seconds: SummaryByMethod;
    /// Groups that are stored.
    groups: LateGauge;
    /// Series of all groups that are stored.
    series: LateGauge;
    /// Metric families that scrapes leave out, in part or all, because they clash with more recent pushes.
    left_out_families: LateGauge;
    /// Pushes that were refused, by reason.
    refused_pushes_total: IntCounterVec = ["reason"];
    /// Pushes and deletions that wait for being stored.
    queued_pushes: IntGauge;
    /// Open connections.
    connections: IntGauge;
    /// Connections that were closed at once because too many were open.
    refused_connections_total: IntCounter;
    /// Zero if a push is durable before it is answered, else how often pushes are written.
    persistence_interval_seconds: LateGauge;
    /// Size of the persistence file.
    persistence_file_bytes: LateGauge;
    /// The part of the persistence file that is not superseded.
    persistence_live_bytes: LateGauge;
    /// Commits to the persistence file that failed.
    persistence_commit_failures_total: IntCounter;
    /// Whether the last commit to the persistence file is on disk.
    persistence_last_commit_successful: LateGauge;
    /// Compactions of the persistence file.
    persistence_compactions_total: IntCounter;
    /// Damaged records of the persistence file that were left out when it was loaded.
    persistence_damaged_records: LateGauge;
    /// Whether the last attempt to reload the web configuration file succeeded.
    web_config_last_reload_successful: LateGauge;
}

impl Instrumentation {
    /// Counts a request that a handler has answered.
    pub fn count_request(&self, handler: &str, method: &str, code: u16) {
        let labels = [&code.to_string(), handler, method];
        self.http_requests_total.with_label_values(&labels).inc();
    }

    /// Takes in size and duration of a push, whatever came of it.
    pub fn observe_push(&self, push: &PushObservation, now: Instant) {
        let PushObservation {
            method,
            size_bytes,
            duration,
        } = *push;
        #[expect(clippy::cast_precision_loss, reason = "summaries are of doubles")]
        let size = size_bytes as f64;
        self.http_push_size_bytes.observe(method, size, now);
        self.http_push_duration_seconds
            .observe(method, duration.as_secs_f64(), now);
    }

    /// Counts a push that was refused.
    pub fn count_refused_push(&self, reason: &str) {
        self.refused_pushes_total.with_label_values(&[reason]).inc();
    }

    /// Shows how the persistence is doing.
    #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
    pub fn set_persistence(&self, persistence: &Persistence) {
        self.persistence_file_bytes
            .set(persistence.file_bytes as f64);
        self.persistence_live_bytes
            .set(persistence.live_bytes as f64);
        self.persistence_damaged_records
            .set(persistence.damages as f64);
        let is_successful = if persistence.last_commit_successful {
            1.0
        } else {
            0.0
        };
        self.persistence_last_commit_successful.set(is_successful);
        raise(&self.persistence_compactions_total, persistence.compactions);
        raise(
            &self.persistence_commit_failures_total,
            persistence.failed_commits,
        );
    }

    /// All families that have metrics now, sorted by name.
    pub fn families(&self, now: Instant) -> Vec<MetricFamily<'static>> {
        let fields = FAMILIES.iter().zip(self.metrics(now));
        let exposed = fields.filter(|(_, metrics)| !metrics.is_empty());
        let mut families: Vec<_> = exposed
            .map(|(family, metrics)| family.with(metrics))
            .chain(self.process.iter().flat_map(ThisProcess::families))
            .chain([self.build_info_family()])
            .collect();
        families.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        families
    }

    fn build_info_family(&self) -> MetricFamily<'static> {
        let info = self.build_info;
        let labels = [
            ("branch", info.branch),
            ("goarch", info.arch),
            ("goos", info.os),
            ("goversion", info.rustc_version),
            ("revision", info.revision),
            ("tags", info.tags),
            ("version", info.version),
        ];
        let labels = labels.map(|(name, value)| Label::new(name, value));
        BUILD_INFO_FAMILY.with(Metrics::from_iter([(labels, Value::Gauge(1.0).into())]))
    }
}

/// How a persistence is doing, for [`Instrumentation::set_persistence`].
#[derive(Clone, Copy, Debug)]
pub struct Persistence {
    /// Size of the file.
    pub file_bytes: u64,
    /// Size of the part that is not superseded.
    pub live_bytes: u64,
    /// Damaged stretches that were left out at the start.
    pub damages: u64,
    /// Whether the last commit is on disk.
    pub last_commit_successful: bool,
    /// Compactions so far.
    pub compactions: u64,
    /// Commits that failed so far.
    pub failed_commits: u64,
}

/// Lets a counter follow a count that is kept elsewhere.
pub fn raise(counter: &IntCounter, count: u64) {
    counter.inc_by(count.saturating_sub(counter.get()));
}

/// A push that a handler has answered.
#[derive(Clone, Copy, Debug)]
pub struct PushObservation {
    /// Its method in lower case.
    pub method: &'static str,
    /// Size of its first line, headers and body as announced.
    pub size_bytes: usize,
    /// How long it took.
    pub duration: Duration,
}

impl OwnFamily {
    fn with(&self, metrics: Metrics<'static>) -> MetricFamily<'static> {
        MetricFamily {
            name: self.name.into(),
            help: Some(self.help.into()),
            metric_type: self.metric_type,
            metrics,
        }
    }
}
