//! The chart of a gateway without the operator, and what stays when things are removed.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::http::{push, service, text};
use crate::tools::{apply, helm, kubectl, until};

/// The Service of the release that the README installs.
const SERVICE: &str = "pgw-pushgateway";

/// Upgrades the release with all that watches it, and to another image.
pub(crate) fn upgrade_the_gateway() -> Result<String> {
    push(service(SERVICE)?, "job/kept", "kept 3\n")?;
    helm(
        "upgrade pgw charts/pushgateway --wait --timeout 2m --reuse-values \
         --set networkPolicy.allowAll=true --set prometheusRule.enabled=true \
         --set serviceMonitor.enabled=true --set image.tag=next",
    )?;
    for kind in ["networkpolicy", "servicemonitor", "prometheusrule"] {
        kubectl(&format!("get {kind}/{SERVICE}"))?;
    }
    let tested = helm("test pgw --logs --timeout 1m")?;
    Ok(tested.lines().last().unwrap_or_default().to_owned())
}

/// The operator gets alerts about itself; the gateways don't notice.
pub(crate) fn upgrade_the_operator() -> Result<String> {
    helm(
        "upgrade pushgateway-operator charts/pushgateway-operator --namespace pushgateway-operator --wait \
         --reuse-values --set metrics.serviceMonitor.enabled=true --set metrics.prometheusRule.enabled=true",
    )?;
    kubectl("wait --for=condition=Ready pgw/batch --timeout=1m")?;
    Ok(String::new())
}

/// Uninstalling leaves the claim, and nothing else.
pub(crate) fn uninstall_keeps_the_claim() -> Result<String> {
    helm("uninstall pgw --wait")?;
    let left = gone_but("app.kubernetes.io/instance=pgw", &["persistentvolumeclaim"])?;
    helm("install pgw charts/pushgateway --wait --timeout 2m")?;
    let shown = text(service(SERVICE)?, "/metrics")?;
    ensure!(
        shown.contains("kept{instance=\"\",job=\"kept\"} 3"),
        "the second release lacks what the first held"
    );
    helm("uninstall pgw --wait")?;
    Ok(left)
}

/// Deleting a PushGateway leaves its claim, and nothing else.
pub(crate) fn delete_leaves_the_claim() -> Result<String> {
    kubectl("delete pgw batch")?;
    gone_but(
        "app.kubernetes.io/instance=batch",
        &["persistentvolumeclaim"],
    )
}

/// Uninstalling the operator leaves the definition, and with it all PushGateways.
pub(crate) fn uninstall_leaves_the_definition() -> Result<String> {
    helm("uninstall pushgateway-operator --namespace pushgateway-operator --wait")?;
    kubectl("get crd pushgateways.pushgateway.io")?;
    gone_but(
        "app.kubernetes.io/instance=pushgateway-operator",
        &["customresourcedefinition"],
    )
}

/// The operator from the flat file, which takes up the definition that is there.
pub(crate) fn install_from_the_flat_file() -> Result<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/install.yaml");
    kubectl(&format!("apply --server-side --force-conflicts -f {file}"))?;
    kubectl("-n pushgateway-operator rollout status deployment/pushgateway-operator --timeout=2m")?;
    apply(
        &json!({
            "apiVersion": "pushgateway.io/v1alpha1",
            "kind": "PushGateway",
            "metadata": {"name": "flat"},
            "spec": {"persistence": {"enabled": false}}
        })
        .to_string(),
    )?;
    kubectl("wait --for=condition=Ready pgw/flat --timeout=2m")?;
    push(service("flat")?, "job/flat", "pushed 1\n")?;
    Ok(String::new())
}

/// Waits until no object with the label is left but those of some kinds; tells which are left.
fn gone_but(label: &str, kinds: &[&str]) -> Result<String> {
    let all = kubectl("api-resources --verbs=list,delete -o name")?;
    // Events tell of what is gone; metrics are not stored.
    let all: Vec<&str> = all
        .lines()
        .filter(|kind| !kind.starts_with("events") && !kind.contains("metrics.k8s.io"))
        .collect();
    let ask = format!("get {} -A -l {label} -o name", all.join(","));
    until(&format!("nothing to be left but {kinds:?}"), || {
        let left = kubectl(&ask)?;
        let strangers = left
            .lines()
            .any(|object| !kinds.iter().any(|kind| object.starts_with(kind)));
        ensure!(!strangers, "left: {left}");
        Ok(Some(left.lines().collect::<Vec<_>>().join(", ")))
    })
}
