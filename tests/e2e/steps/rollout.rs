//! What a gateway's pod goes through in its life, while jobs push to it: deletion, a crash, a new image, a restart.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::http::service;
use crate::pusher::{Pushers, Tally};
use crate::tools::{get, kubectl, run, until};

/// Deletes the pod.
pub(crate) fn delete_the_pod() -> Result<String> {
    under_load("deleted", || {
        kubectl("delete pod batch-0 --wait=false")?;
        Ok(())
    })
}

/// Kills the gateway's process as the kernel does when memory runs out.
pub(crate) fn kill_the_process() -> Result<String> {
    under_load("killed", || {
        let process = gateway_process(&uid_of_the_pod()?)?;
        run("kill", ["-9", &process])?;
        Ok(())
    })
}

/// Another image.
pub(crate) fn roll_out_a_new_image() -> Result<String> {
    let told = under_load("updated", || {
        let patch = r#"{"spec":{"image":"ghcr.io/pushgateway/pushgateway:next"}}"#;
        kubectl(&format!("patch pgw batch --type=merge -p {patch}"))?;
        Ok(())
    })?;
    let image = kubectl("get pod batch-0 -o jsonpath={.spec.containers[0].image}")?;
    ensure!(image.ends_with(":next"), "the pod still runs {image}");
    Ok(told)
}

/// `kubectl rollout restart`, which the operator must not undo.
pub(crate) fn restart() -> Result<String> {
    under_load("restarted", || {
        kubectl("rollout restart statefulset/batch")?;
        Ok(())
    })
}

/// No pod, and one again. What was pushed is kept meanwhile.
pub(crate) fn scale_to_zero_and_back() -> Result<String> {
    let tally = pushes("scaled")?.stop()?;
    kubectl("scale pgw/batch --replicas=0")?;
    kubectl("wait --for=delete pod/batch-0 --timeout=1m")?;
    kubectl("wait --for=condition=Ready pgw/batch --timeout=1m")?;
    kubectl("scale pgw/batch --replicas=1")?;
    kubectl("wait --for=create pod/batch-0 --timeout=1m")?;
    kubectl("wait --for=condition=Ready pod/batch-0 --timeout=1m")?;
    tally.verify(service("batch")?)?;
    Ok(format!("{} acknowledged, all there", tally.acknowledged))
}

/// Does something to the pod under continuous pushing; waits until another process serves.
fn under_load(name: &str, disturb: impl FnOnce() -> Result<()>) -> Result<String> {
    let before = container_of_the_pod()?;
    let pushers = pushes(name)?;
    disturb()?;
    until("another container to be ready", || {
        let pod = get("pod/batch-0")?;
        let now = container(&pod)?;
        let ready = pod["status"]["containerStatuses"][0]["ready"] == true;
        let ends = !pod["metadata"]["deletionTimestamp"].is_null();
        Ok((ready && !ends && now != before).then_some(()))
    })?;
    let gateway = service("batch")?;
    // A job that pushed at the very last moment of the old pod still has its retry before it.
    let tally = pushers.stop()?;
    tally.verify(gateway)?;
    Ok(told(&tally))
}

/// Jobs that have begun: each has pushed before this returns.
fn pushes(name: &str) -> Result<Pushers> {
    let gateway = service("batch")?;
    let pushers = Pushers::start(gateway, name);
    until("every job to have pushed", || {
        let scrape = crate::http::text(gateway, "/metrics")?;
        let groups = scrape.lines().filter(|line| {
            line.starts_with("pushed_number{") && line.contains(&format!("job=\"{name}\""))
        });
        Ok((groups.count() == crate::pusher::JOBS).then_some(()))
    })?;
    Ok(pushers)
}

fn told(tally: &Tally) -> String {
    format!(
        "{} acknowledged, all there; {} refused, {} again after 10 s; out for {:.1} s",
        tally.acknowledged,
        tally.refused,
        tally.lost,
        tally.outage.as_secs_f64()
    )
}

fn container_of_the_pod() -> Result<String> {
    container(&get("pod/batch-0")?)
}

fn container(pod: &Value) -> Result<String> {
    let id = pod["status"]["containerStatuses"][0]["containerID"].as_str();
    Ok(id.context("the pod has no container yet")?.to_owned())
}

fn uid_of_the_pod() -> Result<String> {
    kubectl("get pod batch-0 -o jsonpath={.metadata.uid}")
}

/// The process of a pod's gateway, as this namespace counts.
fn gateway_process(pod: &str) -> Result<String> {
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        let groups = fs::read_to_string(path.join("cgroup")).unwrap_or_default();
        if name.trim() == "pushgateway" && groups.contains(pod) {
            let id = path.file_name().context("a process has a number")?;
            return Ok(id.to_string_lossy().into_owned());
        }
    }
    anyhow::bail!("no process of pod {pod} is called pushgateway")
}

/// The bound of a drain lies below the time after which the kubelet kills.
pub(crate) fn drain_is_bounded() -> Result<String> {
    let pod = get("pod/batch-0")?;
    let grace = pod["spec"]["terminationGracePeriodSeconds"]
        .as_u64()
        .context("no grace period")?;
    let arguments = pod["spec"]["containers"][0]["args"]
        .as_array()
        .context("no arguments")?;
    let drain = arguments
        .iter()
        .filter_map(Value::as_str)
        .find_map(|argument| argument.strip_prefix("--web.drain-timeout="))
        .context("no --web.drain-timeout")?;
    let drain = Duration::from_secs(drain.trim_end_matches('s').parse()?);
    ensure!(
        drain.as_secs() < grace,
        "the drain may take {drain:?}, the kubelet kills after {grace} s"
    );
    Ok(format!("drain {drain:?} of {grace} s"))
}
