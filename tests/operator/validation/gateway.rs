//! What the gateway does: its flags, paths, limits and pod, and how it is scraped.

use pushgateway::operator::validate::MANAGED_FLAGS;
use serde_json::{Value, json};

use super::{Judge, merge};

#[tokio::test]
async fn the_web_configuration_says_each_thing_once() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let with = |web: Value| json!({ "web": web });
    let prefix = |prefix: &str| with(json!({ "routePrefix": prefix }));
    let url = |url: &str| with(json!({ "externalURL": url }));
    let path = |path: &str| with(json!({ "telemetryPath": path }));
    let tls = |tls: Value| with(json!({ "tls": tls }));
    let file = |more: Value| {
        let mut web = json!({ "configSecret": { "name": "web" } });
        merge(&mut web, more);
        with(web)
    };
    let excluded = "configSecret excludes tls and basicAuth";
    judge
        .check([
            (prefix("/push"), prefix("push"), "spec.web.routePrefix"),
            (prefix("/"), prefix("/a?b"), "spec.web.routePrefix"),
            (
                url("https://push.example.com/a"),
                url("ftp://push.example.com"),
                "spec.web.externalURL",
            ),
            (
                url("http://push"),
                url("push.example.com"),
                "spec.web.externalURL",
            ),
            (path("/own/metrics"), path("/"), "spec.web.telemetryPath"),
            (path("/m"), path("/metrics/"), "spec.web.telemetryPath"),
            (
                tls(json!({ "secretName": "a" })),
                tls(json!({})),
                "spec.web.tls.secretName: Required value",
            ),
            (
                tls(json!({ "secretName": "a", "minVersion": "TLS13" })),
                tls(json!({ "secretName": "a", "minVersion": "TLS11" })),
                "Unsupported value: \"TLS11\"",
            ),
            (
                file(json!({})),
                file(json!({ "tls": { "secretName": "a" } })),
                excluded,
            ),
            (
                file(json!({})),
                file(json!({ "basicAuth": { "secretName": "a" } })),
                excluded,
            ),
            (
                with(json!({ "tls": { "secretName": "a" }, "basicAuth": { "secretName": "a" } })),
                with(json!({ "basicAuth": { "secretName": "" } })),
                "spec.web.basicAuth.secretName",
            ),
            (
                file(json!({ "configSecret": { "key": "web.yaml" } })),
                file(json!({ "configSecret": { "key": "a/b" } })),
                "spec.web.configSecret.key",
            ),
        ])
        .await;
}

#[tokio::test]
async fn flags_that_other_fields_set_are_refused() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let flag = |name: &str| json!({ "extraArgs": [{ "name": name, "value": "1" }] });
    let names = MANAGED_FLAGS
        .into_iter()
        .chain(["limit.series", "no-log.level"]);
    let words = "extraArgs may not name a flag that another field of the spec sets";
    judge
        .check(names.map(|name| (flag("new.flag"), flag(name), words)))
        .await;

    let twice =
        |first: &str, second: &str| json!({ "extraArgs": [{ "name": first }, { "name": second }] });
    judge
        .check([
            (flag("a-b.c"), flag("--a"), "spec.extraArgs[0].name"),
            (
                twice("a", "b"),
                twice("a", "a"),
                "Duplicate value: {\"name\":\"a\"}",
            ),
        ])
        .await;
}

#[tokio::test]
async fn limits_are_above_zero() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let limit = |name: &str, value: Value| json!({ "push": { "limits": { name: value } } });
    let sizes = [
        "bodyBytes",
        "inflatedBodyBytes",
        "bodiesInFlightBytes",
        "labelNameBytes",
        "labelValueBytes",
        "helpBytes",
        "headBytes",
    ];
    let sizes = sizes.into_iter().flat_map(|name| {
        [
            (
                limit(name, json!("64MiB")),
                limit(name, json!("64MB")),
                name,
            ),
            (limit(name, json!("1")), limit(name, json!("0")), name),
        ]
    });
    let counts = [
        "groups",
        "series",
        "seriesPerGroup",
        "labelsPerSeries",
        "connections",
        "queuedPushes",
    ];
    let counts = counts
        .into_iter()
        .map(|name| (limit(name, json!(1)), limit(name, json!(0)), name));
    let timeouts = ["headTimeout", "bodyTimeout", "idleTimeout"];
    let timeouts = timeouts.into_iter().flat_map(|name| {
        [
            (
                limit(name, json!("1m30s")),
                limit(name, json!("0s")),
                "must be above zero",
            ),
            (limit(name, json!("500ms")), limit(name, json!("30")), name),
        ]
    });
    judge.check(sizes.chain(counts).chain(timeouts)).await;
}

#[tokio::test]
async fn the_monitor_is_one_that_prometheus_can_use() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let with = |monitor: Value| json!({ "serviceMonitor": monitor });
    let interval = |interval: &str| with(json!({ "interval": interval }));
    let timeout = |timeout: &str| with(json!({ "scrapeTimeout": timeout }));
    let action = |action: &str| with(json!({ "relabelings": [{ "action": action }] }));
    let enabled = |enabled: &str| with(json!({ "enabled": enabled }));
    let credentials = json!({ "username": { "name": "a", "key": "b" } });
    judge
        .check([
            (
                enabled("Disabled"),
                enabled("true"),
                "Unsupported value: \"true\"",
            ),
            (
                interval("1m30s"),
                interval("fast"),
                "spec.serviceMonitor.interval",
            ),
            (
                timeout("10s"),
                timeout("10"),
                "spec.serviceMonitor.scrapeTimeout",
            ),
            (
                action("LabelDrop"),
                action("labeldrop"),
                "Unsupported value: \"labeldrop\"",
            ),
            (
                with(json!({ "sampleLimit": 1 })),
                with(json!({ "sampleLimit": 0 })),
                "should be greater than or equal to 1",
            ),
            (
                with(json!({ "prometheusRef": { "name": "k8s" } })),
                with(json!({ "prometheusRef": {} })),
                "spec.serviceMonitor.prometheusRef.name: Required value",
            ),
            (
                with(json!({ "basicAuth": credentials })),
                with(json!({ "basicAuth": credentials, "authorization": {} })),
                "authorization and basicAuth exclude each other",
            ),
        ])
        .await;
}

#[tokio::test]
async fn the_pod_is_one_that_can_run() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let text = |field: &str, value: &str| json!({ field: value });
    let secrets = |names: &[&str]| {
        let names = names.iter().map(|name| json!({ "name": name }));
        json!({ "imagePullSecrets": names.collect::<Vec<_>>() })
    };
    let grace = |seconds: i32| json!({ "terminationGracePeriodSeconds": seconds });
    let liveness = |probe: Value| json!({ "probes": { "liveness": probe } });
    let env = |variable: Value| json!({ "env": [variable] });
    judge
        .check([
            (
                text("image", "registry/a:1"),
                text("image", ""),
                "spec.image",
            ),
            (
                text("version", "1.2.3-rc.1"),
                text("version", ".1"),
                "spec.version",
            ),
            (
                text("imagePullPolicy", "Never"),
                text("imagePullPolicy", "never"),
                "Unsupported value",
            ),
            (
                text("logLevel", "Debug"),
                text("logLevel", "debug"),
                "Unsupported value: \"debug\"",
            ),
            (
                text("logFormat", "Json"),
                text("logFormat", "Text"),
                "Unsupported value: \"Text\"",
            ),
            (
                text("schedulerName", "own"),
                text("schedulerName", ""),
                "spec.schedulerName",
            ),
            (
                secrets(&["a", "b"]),
                secrets(&["a", "a"]),
                "Duplicate value: {\"name\":\"a\"}",
            ),
            (
                secrets(&["a"]),
                secrets(&[""]),
                "spec.imagePullSecrets[0].name",
            ),
            (
                grace(15),
                grace(14),
                "should be greater than or equal to 15",
            ),
            (
                liveness(json!({ "periodSeconds": 1 })),
                liveness(json!({ "periodSeconds": 0 })),
                "spec.probes.liveness.periodSeconds",
            ),
            (
                env(json!({ "name": "A", "value": "b" })),
                env(json!({ "value": "b" })),
                "spec.env[0].name: Required value",
            ),
            (
                json!({ "podTemplate": { "spec": { "unheardOf": [1] } } }),
                json!({ "podTemplate": [] }),
                "spec.podTemplate",
            ),
        ])
        .await;
}

#[tokio::test]
async fn there_is_one_gateway_at_most() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let replicas = |number: i32| json!({ "replicas": number });
    judge
        .check([
            (
                replicas(0),
                replicas(-1),
                "should be greater than or equal to 0",
            ),
            (
                replicas(1),
                replicas(2),
                "replicas must be 0 or 1: each replica would hold other pushes",
            ),
            (
                replicas(1),
                replicas(101),
                "should be less than or equal to 100",
            ),
        ])
        .await;
}
