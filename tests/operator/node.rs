//! Stands in for what a node does, since the cluster has none: says that pods are ready, and gives claims volumes.

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tokio::task::JoinSet;

/// Serves one namespace for as long as it lives.
#[derive(Debug)]
pub(crate) struct Node {
    _tasks: JoinSet<()>,
}

impl Node {
    /// Begins to serve a namespace.
    pub(crate) fn serve(client: &Client, namespace: &str) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(run_pods(Api::namespaced(client.clone(), namespace)));
        tasks.spawn(bind_claims(
            Api::namespaced(client.clone(), namespace),
            Api::all(client.clone()),
        ));
        Self { _tasks: tasks }
    }
}

async fn run_pods(pods: Api<Pod>) {
    let config = watcher::Config::default();
    let mut touched = Box::pin(
        watcher(pods.clone(), config)
            .default_backoff()
            .touched_objects(),
    );
    loop {
        // A watch that fails is begun again by the watcher.
        let Ok(Some(pod)) = touched.try_next().await else {
            continue;
        };
        let ready = if has_open_gates(&pod) {
            "True"
        } else {
            "False"
        };
        if condition(&pod, "Ready") != Some(ready) && pod.metadata.deletion_timestamp.is_none() {
            let now = jiff::Timestamp::now().to_string();
            let running = json!({"status": {
                "phase": "Running",
                "startTime": now,
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": now}],
            }});
            // It may be gone already.
            let _ = pods
                .patch_status(
                    &pod.name_any(),
                    &PatchParams::default(),
                    &Patch::Strategic(running),
                )
                .await;
        }
        if pod.metadata.deletion_timestamp.is_some() {
            let at_once = kube::api::DeleteParams::default().grace_period(0);
            // It may be gone already.
            let _ = pods.delete(&pod.name_any(), &at_once).await;
        }
    }
}

/// Whether all conditions are true that the pod says it waits for, which a real node looks at, too.
fn has_open_gates(pod: &Pod) -> bool {
    let gates = pod.spec.iter().flat_map(|spec| &spec.readiness_gates);
    gates
        .flatten()
        .all(|gate| condition(pod, &gate.condition_type) == Some("True"))
}

fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a str> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let found = conditions.iter().find(|condition| condition.type_ == type_);
    Some(&found?.status)
}

async fn bind_claims(claims: Api<PersistentVolumeClaim>, volumes: Api<PersistentVolume>) {
    let config = watcher::Config::default();
    let mut touched = Box::pin(
        watcher(claims.clone(), config)
            .default_backoff()
            .touched_objects(),
    );
    loop {
        // A watch that fails is begun again by the watcher.
        let Ok(Some(claim)) = touched.try_next().await else {
            continue;
        };
        let phase = claim
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        if phase == Some("Bound") {
            grow(&claims, &claim).await;
        } else {
            // There may be one from before.
            let _ = volumes
                .create(&PostParams::default(), &volume(&claim))
                .await;
        }
    }
}

/// Gives a claim the capacity that it asks for, as a driver does that expands volumes.
async fn grow(claims: &Api<PersistentVolumeClaim>, claim: &PersistentVolumeClaim) {
    let spec = serde_json::to_value(&claim.spec).unwrap();
    let status = serde_json::to_value(&claim.status).unwrap();
    let wanted = &spec["resources"]["requests"]["storage"];
    if status["capacity"]["storage"] != *wanted {
        let grown = json!({"status": {"capacity": {"storage": wanted}}});
        // The next event tries again.
        let _ = claims
            .patch_status(
                &claim.name_any(),
                &PatchParams::default(),
                &Patch::Merge(grown),
            )
            .await;
    }
}

fn volume(claim: &PersistentVolumeClaim) -> PersistentVolume {
    let spec = serde_json::to_value(&claim.spec).unwrap();
    let volume = json!({
        "metadata": {},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "storageClassName": spec.get("storageClassName").cloned().unwrap_or_else(|| json!("")),
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": claim.namespace(), "name": claim.name_any(), "uid": claim.uid()},
            "hostPath": {"path": "/nowhere"},
        },
    });
    let mut volume: PersistentVolume = serde_json::from_value(volume).unwrap();
    volume.metadata = ObjectMeta {
        name: claim.uid(),
        ..ObjectMeta::default()
    };
    volume
}
