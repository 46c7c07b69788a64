//! Backup and restore of running gateways through `kubectl port-forward`, as docs/operator.md tells it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::http::{push, request, service, text};
use crate::tools::{apply, kubeconfig, kubectl, part, until};

/// A gateway in memory gets a volume; what it held is carried over by export and import, and into another one too.
pub(crate) fn switch_to_a_volume() -> Result<String> {
    apply(&gateway("scratch", false))?;
    kubectl("wait --for=condition=Ready pgw/scratch --timeout=2m")?;
    push(service("scratch")?, "job/import", "carried_over 7\n")?;
    let backup = forwarded("scratch", 19091, |gateway| {
        exchange(gateway, "GET", "/api/v1/admin/export", b"")
    })?;

    apply(&gateway("scratch", true))?;
    kubectl("wait --for=create statefulset/scratch --timeout=1m")?;
    kubectl("wait --for=delete deployment/scratch --timeout=2m")?;
    kubectl("wait --for=condition=Ready pgw/scratch --timeout=2m")?;
    restore("scratch", &backup)?;

    apply(&gateway("copy", false))?;
    kubectl("wait --for=condition=Ready pgw/copy --timeout=2m")?;
    restore("copy", &backup)?;
    kubectl("delete pgw scratch copy")?;
    Ok(format!("{} bytes exported, imported twice", backup.len()))
}

fn gateway(name: &str, persistent: bool) -> String {
    json!({
        "apiVersion": "pushgateway.io/v1alpha1",
        "kind": "PushGateway",
        "metadata": {"name": name},
        "spec": {"web": {"enableAdminAPI": true}, "persistence": {"enabled": persistent}}
    })
    .to_string()
}

fn restore(name: &str, backup: &[u8]) -> Result<()> {
    let address = service(name)?;
    let line = "carried_over{instance=\"\",job=\"import\"} 7";
    ensure!(
        !text(address, "/metrics")?.contains(line),
        "{name} has it before the import"
    );
    forwarded(name, 19092, |gateway| {
        exchange(gateway, "PUT", "/api/v1/admin/import", backup)
    })?;
    ensure!(
        text(address, "/metrics")?.contains(line),
        "{name} lacks what was imported"
    );
    Ok(())
}

fn exchange(gateway: SocketAddr, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>> {
    let (status, answer) = request(gateway, method, path, body)?;
    if !(200..300).contains(&status) {
        bail!(
            "{method} {path}: {status}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(answer)
}

/// Talks to a Service through the API server, from a port of this machine.
fn forwarded<T>(name: &str, port: u16, talk: impl FnOnce(SocketAddr) -> Result<T>) -> Result<T> {
    let mut forward = Forward(
        Command::new(part("kubectl").join("kubectl"))
            .arg("--kubeconfig")
            .arg(kubeconfig())
            .args([
                "port-forward",
                &format!("service/{name}"),
                &format!("{port}:9091"),
            ])
            .stdout(Stdio::null())
            .spawn()
            .context("kubectl port-forward")?,
    );
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    until("the forwarded port", || {
        if let Some(status) = forward.0.try_wait()? {
            bail!("kubectl port-forward ended: {status}");
        }
        text(address, "/-/ready").map(Some)
    })?;
    talk(address)
}

/// A `kubectl port-forward`, ended when dropped.
struct Forward(Child);

impl Drop for Forward {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
