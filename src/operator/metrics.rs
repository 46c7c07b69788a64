//! The operator's own metrics: controller-runtime's names, so that existing dashboards work, and some of our own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::apply::{Change, Outcome};
use super::kind::Kind;
use super::memory::Key;
use crate::build_info::BUILD_INFO;

/// The label `controller` of controller-runtime's metrics.
const CONTROLLER: &str = "pushgateway";

/// What a failed watch of the controller is counted as, which does not say whose it was.
pub(super) const WATCH_OF_CONTROLLER: &str = "PushGateway or child";

/// Bounds of the histogram of reconcile times, as in controller-runtime.
const SECONDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The operator's own metrics.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    reconcile_errors: IntCounterVec,
    reconcile_seconds: HistogramVec,
    leader: IntGaugeVec,
    resources: IntGaugeVec,
    child_applies: IntCounterVec,
    watch_errors: IntCounterVec,
    invalid_objects: IntGaugeVec,
    optional_apis: IntGaugeVec,
    conditions: Mutex<BTreeMap<Key, Known>>,
}

/// What is known of one PushGateway.
#[derive(Debug, Default)]
struct Known {
    conditions: Vec<(String, String)>,
    is_invalid: bool,
}

/// How a reconcile ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    /// Until something changes.
    Success,
    /// To be looked at again after a while.
    RequeueAfter,
    /// With an error of this step.
    Error,
}

impl Ended {
    /// Its label.
    fn result(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::RequeueAfter => "requeue_after",
            Self::Error => "error",
        }
    }
}

impl Metrics {
    /// Registers them all.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let seconds = HistogramOpts::new(
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation per controller",
        );
        let reconcile_seconds =
            HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["controller"])?;
        registry.register(Box::new(reconcile_seconds.clone()))?;
        let build = gauges(
            "pushgateway_operator_build_info",
            "A metric with a constant '1' value labeled by version and revision of the operator.",
            &["version", "revision"],
        )?;
        build
            .with_label_values(&[BUILD_INFO.version, BUILD_INFO.revision])
            .set(1);
        let metrics = Self {
            reconciles: counters(
                "controller_runtime_reconcile_total",
                "Total number of reconciliations per controller",
                &["controller", "result"],
            )?,
            reconcile_errors: counters(
                "controller_runtime_reconcile_errors_total",
                "Total number of reconciliation errors per controller",
                &["controller"],
            )?,
            reconcile_seconds,
            leader: gauges(
                "leader_election_master_status",
                "Whether this instance is the leader of the lease.",
                &["name"],
            )?,
            resources: gauges(
                "pushgateway_operator_resources",
                "PushGateways by condition and status.",
                &["condition", "status"],
            )?,
            child_applies: counters(
                "pushgateway_operator_child_apply_total",
                "Children that were applied, by kind and by what became of it.",
                &["kind", "outcome"],
            )?,
            watch_errors: counters(
                "pushgateway_operator_watch_errors_total",
                "Failed watches, by kind.",
                &["kind"],
            )?,
            invalid_objects: gauges(
                "pushgateway_operator_invalid_objects",
                "PushGateways that can't be obeyed.",
                &[],
            )?,
            optional_apis: gauges(
                "pushgateway_operator_optional_api_available",
                "Whether the cluster serves an optional kind.",
                &["kind"],
            )?,
            conditions: Mutex::default(),
            registry,
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// Shows counters before they count, so that a rate sees the first error, too.
    fn begin_at_zero(&self) {
        for ended in [Ended::Success, Ended::RequeueAfter, Ended::Error] {
            let labels = [CONTROLLER, ended.result()];
            self.reconciles.with_label_values(&labels).inc_by(0);
        }
        let errors = &self.reconcile_errors;
        errors.with_label_values(&[CONTROLLER]).inc_by(0);
        let watches = &self.watch_errors;
        watches.with_label_values(&[WATCH_OF_CONTROLLER]).inc_by(0);
    }

    /// Counts a reconcile.
    pub(super) fn reconciled(&self, ended: Ended, took: Duration) {
        self.reconciles
            .with_label_values(&[CONTROLLER, ended.result()])
            .inc();
        self.reconcile_seconds
            .with_label_values(&[CONTROLLER])
            .observe(took.as_secs_f64());
        if matches!(ended, Ended::Error) {
            self.reconcile_errors.with_label_values(&[CONTROLLER]).inc();
        }
    }

    /// Tells whether this instance is the leader.
    pub(super) fn leads(&self, lease: &str, leads: bool) {
        self.leader.with_label_values(&[lease]).set(leads.into());
    }

    /// Counts what became of children.
    pub(super) fn applied(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let name = match outcome.change {
                Change::Created => "created",
                Change::Changed => "changed",
                Change::Unchanged => "unchanged",
                Change::Deleted => "deleted",
                Change::Replaced => "replaced",
                // Nobody was asked.
                Change::Skipped => continue,
            };
            let labels = [outcome.kind.name(), name];
            self.child_applies.with_label_values(&labels).inc();
        }
    }

    /// Counts a failed watch.
    pub(super) fn watch_failed(&self, kind: &str) {
        self.watch_errors.with_label_values(&[kind]).inc();
    }

    /// Tells which optional kinds are served.
    pub(super) fn serves(&self, kind: Kind, is_served: bool) {
        let labels = [kind.name()];
        self.optional_apis
            .with_label_values(&labels)
            .set(is_served.into());
    }

    /// Takes over the conditions of a PushGateway.
    pub(super) fn observed(&self, key: &Key, conditions: &[Condition], is_invalid: bool) {
        let conditions = conditions
            .iter()
            .map(|condition| (condition.type_.clone(), condition.status.clone()))
            .collect();
        let known = Known {
            conditions,
            is_invalid,
        };
        let mut all = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.insert(key.clone(), known);
    }

    /// Forgets a PushGateway that is gone.
    pub(super) fn forget(&self, key: &Key) {
        let mut all = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.remove(key);
    }

    /// Forgets all PushGateways, since another instance looks after them now.
    pub(super) fn forget_all(&self) {
        let mut all = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.clear();
    }

    /// All of them in the text format, with its content type.
    pub(super) fn expose(&self) -> Result<(Vec<u8>, String), prometheus::Error> {
        self.count_resources();
        let encoder = TextEncoder::new();
        let mut text = Vec::new();
        encoder.encode(&self.registry.gather(), &mut text)?;
        Ok((text, encoder.format_type().to_owned()))
    }

    fn count_resources(&self) {
        let all = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.resources.reset();
        for (type_, status) in all.values().flat_map(|known| &known.conditions) {
            self.resources.with_label_values(&[type_, status]).inc();
        }
        let invalid = all.values().filter(|known| known.is_invalid).count();
        self.invalid_objects
            .with_label_values::<&str>(&[])
            .set(i64::try_from(invalid).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    #[test]
    fn errors_begin_at_zero() {
        let metrics = Metrics::new().unwrap();
        let text = String::from_utf8(metrics.expose().unwrap().0).unwrap();
        for line in [
            "controller_runtime_reconcile_errors_total{controller=\"pushgateway\"} 0\n",
            "controller_runtime_reconcile_total{controller=\"pushgateway\",result=\"error\"} 0\n",
            "pushgateway_operator_watch_errors_total{kind=\"PushGateway or child\"} 0\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }

    #[test]
    fn resources_are_counted_by_condition() {
        let metrics = Metrics::new().unwrap();
        let ready = |status: &str| {
            vec![Condition {
                type_: "Ready".to_owned(),
                status: status.to_owned(),
                reason: String::new(),
                message: String::new(),
                observed_generation: None,
                last_transition_time: Time(Timestamp::UNIX_EPOCH),
            }]
        };
        let key = |name: &str| ("ns".to_owned(), name.to_owned());
        metrics.observed(&key("a"), &ready("False"), true);
        metrics.observed(&key("a"), &ready("True"), false);
        metrics.observed(&key("b"), &ready("True"), false);
        metrics.observed(&key("c"), &ready("True"), false);
        metrics.forget(&key("c"));
        let text = String::from_utf8(metrics.expose().unwrap().0).unwrap();
        let line = "pushgateway_operator_resources{condition=\"Ready\",status=\"True\"} 2\n";
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("status=\"False\""), "{text}");
    }
}
