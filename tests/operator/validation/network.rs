//! Services, ways in from outside, and the labels of what is selected.

use pushgateway::operator::validate::{
    INSTANCE_LABEL, MANAGED_BY_LABEL, NAME_LABEL, SCRAPE_LABEL, WORKLOAD_LABEL,
};
use serde_json::{Value, json};

use super::{Judge, merge};

#[tokio::test]
async fn labels_do_not_hide_objects_from_the_operator() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let harmless = json!({ "team": "batch" });
    let at = |path: &str, labels: &Value| match path.split_once('.') {
        None => json!({ path: labels }),
        // A route needs a parent in any case.
        Some(("httpRoute", field)) => {
            json!({ "httpRoute": { "parentRefs": [{ "name": "edge" }], field: labels } })
        }
        Some((parent, field)) => json!({ parent: { field: labels } }),
    };
    let selecting = [
        NAME_LABEL,
        INSTANCE_LABEL,
        MANAGED_BY_LABEL,
        WORKLOAD_LABEL,
        SCRAPE_LABEL,
    ];
    let of_selected = ["podLabels", "persistence.labels", "service.labels"]
        .into_iter()
        .flat_map(|path| selecting.map(|label| (path, label)));
    let of_others = [
        "serviceMonitor.labels",
        "ingress.labels",
        "httpRoute.labels",
    ]
    .into_iter()
    .map(|path| (path, MANAGED_BY_LABEL));
    let rules = of_selected.chain(of_others).map(|(path, label)| {
        let words = "labels may not hold one by which the operator finds or selects the object";
        (at(path, &harmless), at(path, &json!({ label: "x" })), words)
    });
    judge.check(rules).await;

    let selector = |value: &str| json!({ "nodeSelector": { "disk": value } });
    let too_long = "a".repeat(64);
    judge
        .check([
            (
                selector("ssd"),
                selector("not a label"),
                "spec.nodeSelector.disk",
            ),
            (selector(""), selector(&too_long), "may not be more than 63"),
        ])
        .await;
}

#[tokio::test]
async fn the_service_is_of_one_kind() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let with = |service: Value| json!({ "service": service });
    let headless = |more: Value| {
        let mut service = json!({ "clusterIP": "None" });
        merge(&mut service, more);
        with(service)
    };
    let port = |port: i32| with(json!({ "port": port }));
    let balanced = "loadBalancerClass and loadBalancerSourceRanges need type LoadBalancer";
    judge
        .check([
            (
                with(json!({ "type": "NodePort" })),
                with(json!({ "type": "ExternalName" })),
                "Unsupported value",
            ),
            (port(80), port(0), "should be greater than or equal to 1"),
            (
                port(65535),
                port(65536),
                "should be less than or equal to 65535",
            ),
            (
                with(json!({ "nodePort": 30000, "type": "NodePort" })),
                with(json!({ "nodePort": 30000 })),
                "nodePort needs type NodePort or LoadBalancer",
            ),
            (
                with(json!({ "loadBalancerClass": "a", "type": "LoadBalancer" })),
                with(json!({ "loadBalancerClass": "a" })),
                balanced,
            ),
            (
                with(json!({ "loadBalancerSourceRanges": ["10.0.0.0/8"], "type": "LoadBalancer" })),
                with(json!({ "loadBalancerSourceRanges": ["10.0.0.0/8"], "type": "NodePort" })),
                balanced,
            ),
            (
                with(json!({ "externalTrafficPolicy": "Local", "type": "NodePort" })),
                with(json!({ "externalTrafficPolicy": "Local" })),
                "externalTrafficPolicy needs type NodePort or LoadBalancer",
            ),
            (
                headless(json!({})),
                headless(json!({ "type": "NodePort" })),
                "clusterIP None needs type ClusterIP",
            ),
            (
                headless(json!({ "port": 9091 })),
                headless(json!({ "port": 80 })),
                "port must be 9091 with clusterIP None",
            ),
            (
                with(json!({ "ipFamilies": ["IPv6", "IPv4"] })),
                with(json!({ "ipFamilies": ["IPv6", "IPv4", "IPv4"] })),
                "must have at most 2 items",
            ),
        ])
        .await;
    let address = |address: &str| with(json!({ "clusterIP": address }));
    let fixed = "clusterIP can't be changed";
    judge
        .check_changes([
            (
                address("10.0.0.9"),
                address("10.0.0.9"),
                address("10.0.0.8"),
                fixed,
            ),
            (address("None"), address("None"), with(json!({})), fixed),
            (with(json!({})), port(80), address("None"), fixed),
        ])
        .await;
}

#[tokio::test]
async fn ways_in_and_budgets_are_complete() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let budget = |budget: Value| json!({ "podDisruptionBudget": budget });
    let ingress = |ingress: Value| json!({ "ingress": ingress });
    let route = |route: Value| json!({ "httpRoute": route });
    let either = "podDisruptionBudget needs either minAvailable or maxUnavailable";
    judge
        .check([
            (
                budget(json!({ "minAvailable": 1 })),
                budget(json!({})),
                either,
            ),
            (
                budget(json!({ "maxUnavailable": "50%" })),
                budget(json!({ "maxUnavailable": 1, "minAvailable": 1 })),
                either,
            ),
            (
                ingress(json!({ "path": "/push" })),
                ingress(json!({ "path": "push" })),
                "spec.ingress.path",
            ),
            (
                ingress(json!({ "pathType": "Exact" })),
                ingress(json!({ "pathType": "Regex" })),
                "Unsupported value: \"Regex\"",
            ),
            (
                ingress(json!({ "hosts": ["a", "b"] })),
                ingress(json!({ "hosts": ["a", "a"] })),
                "Duplicate value: \"a\"",
            ),
            (
                route(json!({ "parentRefs": [{ "name": "edge" }] })),
                route(json!({ "parentRefs": [] })),
                "should have at least 1 items",
            ),
            (
                route(json!({ "parentRefs": [{ "name": "edge", "port": 80 }] })),
                route(json!({})),
                "spec.httpRoute.parentRefs: Required value",
            ),
        ])
        .await;
}
