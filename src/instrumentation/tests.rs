use std::collections::BTreeSet;

use crate::build_info::BUILD_INFO;
use crate::model::is_legacy_metric_name;

use super::*;

fn names(families: &[MetricFamily<'_>]) -> Vec<String> {
    families
        .iter()
        .map(|family| family.name.to_string())
        .collect()
}

/// The families whose name begins so, as `name{label="value",…} value`, the process aside.
fn shown(instrumentation: &Instrumentation, prefix: &str, now: Instant) -> Vec<String> {
    let mut lines = Vec::new();
    for family in instrumentation.families(now) {
        if !family.name.starts_with(prefix) {
            continue;
        }
        for (labels, metric) in family.metrics.iter() {
            let label = |label: &Label<'_>| format!("{}={:?}", label.name, label.value);
            let labels: Vec<_> = labels.iter().map(label).collect();
            let value = match &metric.value {
                Some(Value::Gauge(value)) => value.to_string(),
                Some(Value::Counter(counter)) => counter.value.to_string(),
                Some(Value::Summary(summary)) => format!("{} {}", summary.count, summary.sum),
                other => panic!("{other:?}"),
            };
            lines.push(format!("{}{{{}}} {value}", family.name, labels.join(",")));
        }
    }
    lines
}

/// Uses everything that there is.
fn used(now: Instant) -> Instrumentation {
    let all = Instrumentation::new(BUILD_INFO);
    all.count_request("push", "put", 200);
    all.count_refused_push("inconsistent");
    all.observe_push(
        &PushObservation {
            method: "put",
            size_bytes: 120,
            duration: Duration::from_millis(250),
        },
        now,
    );
    for gauge in [
        &all.groups,
        &all.series,
        &all.left_out_families,
        &all.persistence_interval_seconds,
        &all.persistence_file_bytes,
        &all.persistence_live_bytes,
        &all.persistence_last_commit_successful,
        &all.persistence_damaged_records,
        &all.web_config_last_reload_successful,
    ] {
        gauge.set_count(3);
    }
    all
}

#[test]
fn families_are_sorted_and_described_as_announced() {
    let now = Instant::now();
    let families = used(now).families(now);
    assert!(names(&families).is_sorted());
    let described = |family: &MetricFamily<'_>| {
        let help = family.help.clone().unwrap_or_default().into_owned();
        (
            family.name.to_string(),
            family.metric_type.text_name(),
            help,
        )
    };
    let found: BTreeSet<_> = families.iter().map(described).collect();
    let announced = own_families().map(|family| {
        let OwnFamily {
            name,
            metric_type,
            help,
        } = *family;
        (name.to_owned(), metric_type.text_name(), help.to_owned())
    });
    assert_eq!(found, announced.collect());
}

#[test]
fn announced_names_are_unique_and_valid() {
    let names: Vec<_> = own_families().map(|family| family.name).collect();
    let unique: BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    for name in names {
        assert!(is_legacy_metric_name(name.as_bytes()), "{name}");
    }
}

#[test]
fn helps_of_the_go_pushgateway_are_kept_to_the_letter() {
    let help = |name| {
        own_families()
            .find(|family| family.name == name)
            .unwrap()
            .help
    };
    assert_eq!(
        help("pushgateway_http_requests_total"),
        "Total HTTP requests processed by the Pushgateway, excluding scrapes."
    );
    assert_eq!(
        help("pushgateway_http_push_size_bytes"),
        "HTTP request size for pushes to the Pushgateway."
    );
    assert_eq!(
        help("pushgateway_http_push_duration_seconds"),
        "HTTP request duration for pushes to the Pushgateway."
    );
    assert_eq!(
        help("pushgateway_build_info"),
        "A metric with a constant '1' value labeled by version, revision, branch, goversion from which \
         pushgateway was built, and the goos and goarch for the build."
    );
}

#[test]
fn families_of_requests_and_late_gauges_are_absent_before_first_use() {
    let now = Instant::now();
    let unused = Instrumentation::new(BUILD_INFO).families(now);
    let ours: Vec<_> = names(&unused)
        .into_iter()
        .filter(|name| name.starts_with("pushgateway_"))
        .collect();
    assert_eq!(
        ours,
        [
            "pushgateway_build_info",
            "pushgateway_connections",
            "pushgateway_persistence_commit_failures_total",
            "pushgateway_persistence_compactions_total",
            "pushgateway_queued_pushes",
            "pushgateway_refused_connections_total",
        ]
    );
}

#[test]
fn requests_are_counted_by_code_handler_and_method() {
    let now = Instant::now();
    let instrumentation = Instrumentation::new(BUILD_INFO);
    instrumentation.count_request("push", "put", 400);
    instrumentation.count_request("push", "put", 200);
    instrumentation.count_request("push", "put", 200);
    instrumentation.count_request("delete", "delete", 202);
    assert_eq!(
        shown(&instrumentation, "pushgateway_http", now),
        [
            r#"pushgateway_http_requests_total{code="200",handler="push",method="put"} 2"#,
            r#"pushgateway_http_requests_total{code="202",handler="delete",method="delete"} 1"#,
            r#"pushgateway_http_requests_total{code="400",handler="push",method="put"} 1"#,
        ]
    );
}

#[test]
fn pushes_are_summarised_by_method() {
    let now = Instant::now();
    assert_eq!(
        shown(&used(now), "pushgateway_http_push", now),
        [
            r#"pushgateway_http_push_duration_seconds{method="put"} 1 0.25"#,
            r#"pushgateway_http_push_size_bytes{method="put"} 1 120"#,
        ]
    );
}

#[test]
fn the_build_info_has_the_labels_of_go_programs() {
    let family = Instrumentation::new(BUILD_INFO).build_info_family();
    let (labels, _) = family.metrics.get(0).unwrap();
    let labels = labels.iter().map(|label| &*label.name);
    assert_eq!(
        labels.collect::<Vec<_>>(),
        [
            "branch",
            "goarch",
            "goos",
            "goversion",
            "revision",
            "tags",
            "version"
        ]
    );
}

#[test]
fn what_is_held_is_counted_until_dropped() {
    let instrumentation = Instrumentation::new(BUILD_INFO);
    let one = Held::one(&instrumentation.connections);
    let more = Held::many(&instrumentation.connections, 4);
    assert_eq!(instrumentation.connections.get(), 5);
    drop(one);
    assert_eq!(instrumentation.connections.get(), 4);
    drop(more);
    assert_eq!(instrumentation.connections.get(), 0);
}
