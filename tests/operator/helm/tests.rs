//! The runner itself, on a chart of one ConfigMap and a test.

use std::fs;
use std::path::Path;

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::wait::await_condition;
use serde_json::json;

use super::{Helm, Release};
use crate::cluster::{Cluster, User};

const CHART: &str =
    "apiVersion: v2\nname: tiny\nversion: 1.0.0\nicon: https://example.com/icon.svg\n";

const CONFIG_MAP: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
data:
  text: {{ .Values.text | required "text: say something" }}
  version: {{ .Capabilities.KubeVersion.Version }}
  serves: {{ .Capabilities.APIVersions.Has "example.com/v1/Thing" | quote }}
"#;

const TEST: &str = r"
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-test, annotations: {helm.sh/hook: test}}
spec: {restartPolicy: Never, containers: [{name: test, image: test}]}
";

fn write_chart(folder: &Path) {
    fs::create_dir(folder.join("templates")).unwrap();
    for (file, text) in [
        ("Chart.yaml", CHART),
        ("values.yaml", "text: hello\n"),
        ("templates/config-map.yaml", CONFIG_MAP),
        ("templates/test.yaml", TEST),
        ("templates/NOTES.txt", "It says {{ .Values.text }}."),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
}

#[test]
fn a_chart_is_rendered_as_asked() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    write_chart(folder.path());
    let release = Release::new(folder.path(), "a").namespace("ns");
    helm.lint(&release);
    assert_eq!(helm.notes(&release), "It says hello.");

    let release = release
        .values(json!({"text": "bye"}))
        .kube_version("1.30.1")
        .api_version("example.com/v1/Thing");
    let objects = helm.render(&release);
    let kinds: Vec<_> = objects.iter().map(|object| &object["kind"]).collect();
    assert_eq!(kinds, ["ConfigMap", "Pod"]);
    assert_eq!(
        objects[0]["metadata"],
        json!({"name": "a", "namespace": "ns"})
    );
    let data = json!({"text": "bye", "version": "v1.30.1", "serves": "true"});
    assert_eq!(objects[0]["data"], data);

    let nothing = release.values(json!({"text": ""}));
    helm.refusal(&nothing).says(&["text: say something"]);
}

#[tokio::test]
async fn a_chart_lives_in_a_cluster() {
    let (Some(helm), Some(cluster)) = (Helm::find(), Cluster::shared().await) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    write_chart(folder.path());
    let kubeconfig = cluster.kubeconfig(User::Admin);
    let client = cluster.client(User::Admin).await;
    let namespace = cluster.namespace().await;
    let config_maps = Api::<ConfigMap>::namespaced(client.clone(), &namespace);
    let text = async || config_maps.get("a").await.unwrap().data.unwrap()["text"].clone();

    let release = Release::new(folder.path(), "a").namespace(&namespace);
    helm.install(&kubeconfig, &release).await.unwrap();
    assert_eq!(text().await, "hello");
    let changed = release.clone().values(json!({"text": "bye"}));
    helm.upgrade(&kubeconfig, &changed).await.unwrap();
    assert_eq!(text().await, "bye");
    helm.rollback(&kubeconfig, &release, 1).await.unwrap();
    assert_eq!(text().await, "hello");

    let pods = Api::<Pod>::namespaced(client, &namespace);
    let (succeeded, failed) = ("Succeeded", "Failed");
    for phase in [succeeded, failed] {
        let (tested, ()) = tokio::join!(
            helm.test(&kubeconfig, &release),
            end_pod(&pods, "a-test", phase)
        );
        assert_eq!(tested.is_ok(), phase == succeeded, "{tested:?}");
    }

    helm.uninstall(&kubeconfig, &release).await.unwrap();
    assert!(config_maps.get_opt("a").await.unwrap().is_none());
}

/// Plays the node on which a new pod comes to its end.
async fn end_pod(pods: &Api<Pod>, name: &str, phase: &str) {
    let is_new = |pod: Option<&Pod>| {
        pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref()) == Some("Pending")
    };
    await_condition(pods.clone(), name, is_new).await.unwrap();
    let patch = Patch::Merge(json!({"status": {"phase": phase}}));
    let parameters = PatchParams::default();
    let patched = pods.patch_status(name, &parameters, &patch);
    patched.await.unwrap();
}
