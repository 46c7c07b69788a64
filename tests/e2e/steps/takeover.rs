//! The volume of a Go Pushgateway is taken over by ours, and the way back.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::http::{pod, push, service, text};
use crate::tools::{apply, kubectl, until};

/// The claim that both use in turn.
const CLAIM: &str = "old";
/// What each of them got.
const BEFORE: &str = "before{instance=\"\",job=\"takeover\"} 1";
const AFTER: &str = "after{instance=\"\",job=\"takeover_after\"} 2";

/// From Go to ours on one claim, and back on the same claim.
pub(crate) fn take_over_and_go_back() -> Result<String> {
    apply(
        &json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": CLAIM},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}}
            }
        })
        .to_string(),
    )?;
    let go = go_gateway("pushgateway.data")?;
    push(go, "job/takeover", "before 1\n")?;
    // It writes its file when it ends.
    kubectl("delete pod go --wait=true")?;

    apply(
        &json!({
            "apiVersion": "pushgateway.io/v1alpha1",
            "kind": "PushGateway",
            "metadata": {"name": "taken"},
            "spec": {"persistence": {"existingClaim": CLAIM}}
        })
        .to_string(),
    )?;
    kubectl("wait --for=condition=Ready pgw/taken --timeout=2m")?;
    let ours = service("taken")?;
    ensure!(
        text(ours, "/metrics")?.contains(BEFORE),
        "what the Go Pushgateway wrote is not there"
    );
    push(ours, "job/takeover_after", "after 2\n")?;
    kubectl("delete pgw taken")?;
    kubectl("wait --for=delete pod/taken-0 --timeout=2m")?;

    let image = concat!(
        "ghcr.io/pushgateway/pushgateway:",
        env!("CARGO_PKG_VERSION")
    );
    let export = [
        "export",
        "--persistence.file=/data/pushgateway.data",
        "--format=gob",
        "--output=/data/go.data",
    ];
    apply(&pod_with_claim("way-back", image, &export))?;
    kubectl("wait --for=jsonpath={.status.phase}=Succeeded pod/way-back --timeout=1m")?;
    let go = go_gateway("go.data")?;
    let shown = text(go, "/metrics")?;
    ensure!(
        shown.contains(BEFORE) && shown.contains(AFTER),
        "the Go Pushgateway lacks what ours held"
    );
    kubectl("delete pod go way-back")?;
    kubectl("delete pvc old")?;
    Ok(String::new())
}

/// A Go Pushgateway as its users run it, with a file on the claim; its address once it answers.
fn go_gateway(file: &str) -> Result<SocketAddr> {
    let persistence = format!("--persistence.file=/data/{file}");
    let image = "quay.io/prometheus/pushgateway:v1.11.2";
    apply(&pod_with_claim("go", image, &[&persistence]))?;
    kubectl("wait --for=condition=Ready pod/go --timeout=1m")?;
    let address = pod("go", 9091)?;
    until("an answer of the Go Pushgateway", || {
        text(address, "/-/ready").map(Some)
    })?;
    Ok(address)
}

/// A pod with the claim at /data, owned as the community's chart has it.
fn pod_with_claim(name: &str, image: &str, arguments: &[&str]) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"fsGroup": 65534, "runAsNonRoot": true, "runAsUser": 65534},
            "containers": [{
                "name": "pushgateway",
                "image": image,
                "args": arguments,
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]
            }],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}]
        }
    })
    .to_string()
}
