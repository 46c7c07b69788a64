//! What can't work is refused before anything is installed, with what helps.

use serde_json::{Value, json};

use super::release;
use crate::helm::Helm;

/// Values that are refused, and what must be said about them.
#[track_caller]
fn check(values: Value, said: &[&str]) {
    let Some(helm) = Helm::find() else {
        return;
    };
    helm.refusal(&release("a", values)).says(said);
}

#[test]
fn a_typo_is_named() {
    check(
        json!({"persistentVolum": {"enabled": true}}),
        &["'persistentVolum' not allowed"],
    );
    check(
        json!({"web": {"routeprefix": "/a"}}),
        &["/web", "'routeprefix' not allowed"],
    );
    check(
        json!({"web": {"tls": {"secret": "s"}}}),
        &["/web/tls", "'secret' not allowed"],
    );
    check(
        json!({"route": {"main": {"host": "s"}}}),
        &["/route/main", "'host' not allowed"],
    );
    check(
        json!({"liveness": {"probe": {"period": 1}}}),
        &["/liveness/probe", "'period' not allowed"],
    );
}

#[test]
fn a_wrong_type_or_word_is_named() {
    check(json!({"service": {"type": "Foo"}}), &["/service/type"]);
    check(json!({"service": {"port": "http"}}), &["/service/port"]);
    check(json!({"replicaCount": -1}), &["/replicaCount"]);
    check(json!({"extraArgs": {"a": "b"}}), &["/extraArgs"]);
    check(
        json!({"persistentVolume": {"size": "big"}}),
        &["/persistentVolume/size"],
    );
    check(
        json!({"persistentVolume": {"file": "../a"}}),
        &["/persistentVolume/file"],
    );
    check(json!({"web": {"routePrefix": "a"}}), &["/web/routePrefix"]);
    check(
        json!({"fullnameOverride": "a".repeat(53)}),
        &["/fullnameOverride"],
    );
    check(
        json!({"limits": {"bodyBytes": "1MB"}}),
        &["/limits/bodyBytes"],
    );
    check(
        json!({"terminationGracePeriodSeconds": 10}),
        &["/terminationGracePeriodSeconds"],
    );
}

#[test]
fn old_clusters_are_refused() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let release = release("a", json!({})).kube_version("1.29.9");
    helm.refusal(&release).says(&[">=1.30.0-0", "1.29.9"]);
}

#[test]
fn more_than_one_gateway_is_refused() {
    check(
        json!({"replicaCount": 2}),
        &["replicaCount: 2", "split the pushes", "Set it to 1"],
    );
}

#[test]
fn passwords_are_neither_hashed_nor_shown() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let values = json!({"webConfiguration": {"basicAuthUsers": {"backup": "open sesame"}}});
    let refusal = helm.refusal(&release("a", values));
    refusal.says(&[
        "basicAuthUsers.backup",
        "htpasswd -nBC 10 backup",
        "web.basicAuth.existingSecret",
    ]);
    assert!(!format!("{refusal:?}").contains("sesame"), "{refusal:?}");
}

#[test]
fn flags_that_values_set_are_refused() {
    for (argument, value) in [
        (
            "--persistence.file=/data/pushgateway.data",
            "persistentVolume.file",
        ),
        ("--persistence.interval=5m", "persistentVolume.interval"),
        ("--web.enable-admin-api", "web.enableAdminAPI"),
        ("--no-web.enable-lifecycle", "web.enableLifecycle"),
        ("--web.route-prefix=/a", "web.routePrefix"),
        ("--limit.groups=1", "limits"),
        ("--log.level", "logLevel"),
    ] {
        check(json!({"extraArgs": [argument]}), &["extraArgs", value]);
    }
}

#[test]
fn all_flags_that_the_operator_keeps_to_itself_are_refused() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let managed = pushgateway::operator::validate::MANAGED_FLAGS;
    for flag in managed
        .iter()
        .filter(|flag| !["help", "help-long", "help-man", "version"].contains(flag))
    {
        let values = json!({"extraArgs": [format!("--{flag}=x")]});
        helm.refusal(&release("a", values)).says(&[flag]);
    }
}

#[test]
fn one_source_of_the_web_configuration() {
    let existing = json!({"name": "s"});
    for other in [
        json!({"web": {"tls": {"existingSecret": "t"}}}),
        json!({"web": {"basicAuth": {"existingSecret": "t"}}}),
    ] {
        let mut values = other;
        values["webConfiguration"] = json!({"existingSecret": existing});
        check(
            values,
            &["webConfiguration.existingSecret", "remove one side"],
        );
    }
    let tls = json!({"web": {"tls": {"clientCAExistingSecret": "ca"}}});
    check(
        tls,
        &[
            "web.tls.clientCAExistingSecret",
            "set web.tls.existingSecret",
        ],
    );
}

#[test]
fn a_rollout_that_would_hang_is_refused() {
    let rolling = json!({"runAsStatefulSet": false, "strategy": {"type": "RollingUpdate"}});
    check(rolling, &["strategy", "Recreate"]);
}

#[test]
fn an_unused_claim_is_refused() {
    let unused = json!({"persistentVolume": {"enabled": false, "existingClaim": "c"}});
    check(
        unused,
        &["persistentVolume.existingClaim", "persistentVolume.enabled"],
    );
}

#[test]
fn a_prometheus_that_would_be_refused_is_refused() {
    let hash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
    let users = json!({
        "webConfiguration": {"basicAuthUsers": {"backup": hash}},
        "serviceMonitor": {"enabled": true},
    });
    check(
        users,
        &["serviceMonitor.basicAuth", "web.basicAuth.existingSecret"],
    );
    let certificates = json!({
        "web": {"tls": {"existingSecret": "s", "clientCAExistingSecret": "ca"}},
        "serviceMonitor": {"enabled": true},
    });
    check(certificates, &["serviceMonitor.tlsConfig"]);
    let elsewhere = json!({
        "web": {"basicAuth": {"existingSecret": "s"}},
        "serviceMonitor": {"enabled": true, "namespace": "monitoring"},
    });
    check(elsewhere, &["serviceMonitor.namespace", "monitoring"]);
    let both = json!({"serviceMonitor": {
        "enabled": true,
        "authorization": {"type": "Bearer"},
        "bearerTokenFile": "/token",
    }});
    check(
        both,
        &["authorization and bearerTokenFile exclude each other"],
    );
}
