//! What was pushed is what Prometheus stores and answers.

use serde_json::{Value, json};

use super::protobuf::{histogram, native, span};
use super::{FORMS, PROTOBUF, Prometheus, labels};
use crate::parts::server::Server;

#[test]
fn prometheus_2_answers_with_what_was_pushed() {
    check(
        "prometheus-trixie",
        &[
            ("text", "disk_free", "dotted_name"),
            ("protobuf", "disk_free", "dotted_name"),
        ],
    );
}

#[test]
fn prometheus_3_answers_with_what_was_pushed() {
    // It asks for UTF-8 names in text only.
    check(
        "prometheus-sid",
        &[
            ("text", "disk.free", "dotted.name"),
            ("protobuf", "disk_free", "dotted_name"),
        ],
    );
}

/// Checks all at once, as a Prometheus takes seconds until its first scrape. Told for each form are the names
/// under which it stores the metric `disk.free` and the label `dotted.name`.
fn check(part: &str, utf8_names: &[(&str, &str, &str)]) {
    let gateway = Server::gateway(&["--push.enable-utf8-names"]);
    let Some(prometheus) = Prometheus::start(part, &gateway) else {
        return;
    };
    check_job_and_instance(&gateway, &prometheus);
    check_native_histogram(&gateway, &prometheus);
    check_utf8_names(&gateway, &prometheus, utf8_names);
}

fn check_job_and_instance(gateway: &Server, prometheus: &Prometheus) {
    push(
        gateway,
        "/metrics/job/backup/instance/db1",
        &[],
        b"done 1\n",
    );
    push(
        gateway,
        "/metrics/job/a%20b/path@base64/L3Zhci90bXA",
        &[],
        b"done{job=\"x\",instance=\"y\"} 2\n",
    );
    push(gateway, "/metrics/job/backup", &[], b"done 3\n");
    for form in FORMS {
        let series_of = |value: u8| {
            let series = prometheus.await_series(&format!("done{{form={form:?}}} == {value}"), 1);
            labels(&series[0])
        };
        assert_eq!(series_of(1), json!({"job": "backup", "instance": "db1"}));
        assert_eq!(
            series_of(2),
            json!({"job": "a b", "instance": "y", "path": "/var/tmp"})
        );
        // Without an instance in the push there is none: it is not the gateway's own.
        assert_eq!(series_of(3), json!({"job": "backup"}));
    }
}

fn check_native_histogram(gateway: &Server, prometheus: &Prometheus) {
    let value = native(1, 7, 12.5)
        .message(12, &span(0, 2))
        .message(12, &span(1, 1))
        .sint(13, 1)
        .sint(13, 1)
        .sint(13, 2);
    let body = histogram("native_seconds", &value).delimited();
    push(gateway, "/metrics/job/native", &[PROTOBUF], &body);
    let series = prometheus.await_series("native_seconds{form=\"protobuf\"}", 1);
    let stored = &series[0]["histogram"][1];
    assert_eq!(stored["count"], json!("7"), "{series:?}");
    assert_eq!(stored["sum"], json!("12.5"), "{series:?}");
    let buckets = stored["buckets"].as_array().unwrap().iter();
    let counts: Vec<&Value> = buckets.map(|bucket| &bucket[3]).collect();
    assert_eq!(counts, ["1", "2", "4"], "{series:?}");
    // The text form has no native buckets; it tells count and sum.
    prometheus.await_series("native_seconds_count{form=\"text\"} == 7", 1);
}

fn check_utf8_names(gateway: &Server, prometheus: &Prometheus, names: &[(&str, &str, &str)]) {
    push(
        gateway,
        "/metrics/job/utf8/U__dotted_2e_name/x",
        &[],
        b"{\"disk.free\"} 1\n",
    );
    for (form, metric, label) in names {
        let series = prometheus.await_series(&format!("{{__name__={metric:?},form={form:?}}}"), 1);
        assert_eq!(labels(&series[0]), json!({"job": "utf8", *label: "x"}));
    }
}

fn push(gateway: &Server, path: &str, headers: &[&str], body: &[u8]) {
    let response = gateway.request("PUT", path, headers, body);
    assert_eq!(response.status, 200, "PUT {path}: {}", response.body);
}
