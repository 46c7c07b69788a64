//! From the community chart, as docs/migration.md says: what was pushed stays on its claim.
//!
//! What that chart renders is modelled by hand on prometheus-community/prometheus-pushgateway 3.8.0: names, labels, selectors, the
//! claim and the Service are its, as far as an upgrade meets them.

use std::fs;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Service};
use kube::ResourceExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::install::Place;
use crate::helm::Release;

const CHART: &str =
    "apiVersion: v2\nname: prometheus-pushgateway\nversion: 3.8.0\nappVersion: v1.11.3\n";

/// Labels of all its objects, and those it selects pods by.
const LABELS: &str = r#"
{{- define "selector" -}}
app.kubernetes.io/name: prometheus-pushgateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "labels" -}}
helm.sh/chart: prometheus-pushgateway-3.8.0
{{ include "selector" . }}
app.kubernetes.io/version: "v1.11.3"
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- define "pod" -}}
serviceAccountName: {{ .Release.Name }}-prometheus-pushgateway
automountServiceAccountToken: true
securityContext: {fsGroup: 65534, runAsNonRoot: true, runAsUser: 65534}
containers:
  - name: pushgateway
    image: quay.io/prometheus/pushgateway:v1.11.3
    imagePullPolicy: IfNotPresent
    args: ["--persistence.file=/data/pushgateway.data"]
    ports: [{name: metrics, containerPort: 9091, protocol: TCP}]
    livenessProbe: {httpGet: {path: /-/healthy, port: 9091}, initialDelaySeconds: 10, timeoutSeconds: 10}
    readinessProbe: {httpGet: {path: /-/ready, port: 9091}, initialDelaySeconds: 10, timeoutSeconds: 10}
    volumeMounts: [{name: storage-volume, mountPath: /data, subPath: ""}]
{{- end -}}
"#;

const SERVICE: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}-prometheus-pushgateway
  labels: {{- include "labels" . | nindent 4 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-prometheus-pushgateway
  labels: {{- include "labels" . | nindent 4 }}
spec:
  {{- if .Values.runAsStatefulSet }}
  clusterIP: None
  {{- end }}
  type: ClusterIP
  ports: [{name: http, port: 9091, targetPort: 9091, protocol: TCP}]
  selector: {{- include "selector" . | nindent 4 }}
"#;

const STATEFUL_SET: &str = r#"
{{- if .Values.runAsStatefulSet }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}-prometheus-pushgateway
  labels: {{- include "labels" . | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ .Release.Name }}-prometheus-pushgateway
  selector:
    matchLabels: {{- include "selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "labels" . | nindent 8 }}
    spec: {{- include "pod" . | nindent 6 }}
  volumeClaimTemplates:
    - metadata:
        name: storage-volume
        labels: {{- include "selector" . | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: 2Gi}}
{{- end }}
"#;

const DEPLOYMENT: &str = r#"
{{- if not .Values.runAsStatefulSet }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-prometheus-pushgateway
  labels: {{- include "labels" . | nindent 4 }}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector:
    matchLabels: {{- include "selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "labels" . | nindent 8 }}
    spec:
      {{- include "pod" . | nindent 6 }}
      volumes:
        - name: storage-volume
          persistentVolumeClaim: {claimName: "{{ .Release.Name }}-prometheus-pushgateway"}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .Release.Name }}-prometheus-pushgateway
  labels: {{- include "labels" . | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 2Gi}}
{{- end }}
"#;

const OLD: &str = "old-prometheus-pushgateway";

/// A release `old` of the community chart.
async fn install_community(place: &Place, run_as_stateful_set: bool) {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    for (file, text) in [
        ("Chart.yaml", CHART),
        ("templates/_labels.tpl", LABELS),
        ("templates/service.yaml", SERVICE),
        ("templates/stateful-set.yaml", STATEFUL_SET),
        ("templates/deployment.yaml", DEPLOYMENT),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    let release = Release::new(folder.path(), "old")
        .namespace(&place.namespace)
        .values(json!({"runAsStatefulSet": run_as_stateful_set}));
    place.install(&release).await;
}

fn ours(place: &Place, values: Value) -> Release {
    place.release("old", values)
}

#[tokio::test]
async fn a_deployment_is_upgraded_in_place_and_keeps_its_claim() {
    let Some(place) = Place::new().await else {
        return;
    };
    install_community(&place, false).await;
    let claim = place.claim(OLD).await;
    let name = "prometheus-pushgateway";

    // What would delete the claim, or leave it behind, is refused.
    place
        .refuses(
            &ours(&place, json!({})),
            &["would delete the claim", OLD, name],
        )
        .await;
    let stateful = json!({"nameOverride": name});
    place
        .refuses(
            &ours(&place, stateful),
            &["would delete the claim", "runAsStatefulSet to false"],
        )
        .await;
    assert_eq!(place.claim(OLD).await, claim);

    let values = json!({"nameOverride": name, "runAsStatefulSet": false});
    place.upgrade(&ours(&place, values)).await;
    assert_eq!(place.claim(OLD).await, claim);
    let deployment = place.api::<Deployment>().get(OLD).await.unwrap();
    let deployment = serde_json::to_value(deployment).unwrap();
    let volume = &deployment["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(volume["persistentVolumeClaim"]["claimName"], OLD);
    let kept = place.api::<PersistentVolumeClaim>().get(OLD).await.unwrap();
    assert_eq!(kept.annotations()["helm.sh/resource-policy"], "keep");
}

#[tokio::test]
async fn a_stateful_set_keeps_its_claim() {
    let Some(place) = Place::new().await else {
        return;
    };
    install_community(&place, true).await;
    let claim_name = format!("storage-volume-{OLD}-0");
    let claim = place.claim(&claim_name).await;

    place
        .refuses(
            &ours(&place, json!({})),
            &[&claim_name, "nameOverride to \"prometheus-pushgateway\""],
        )
        .await;
    let release = ours(&place, json!({"nameOverride": "prometheus-pushgateway"}));
    let command = format!("kubectl delete statefulset {OLD}");
    place
        .refuses(&release, &["serviceName", "podManagementPolicy", &command])
        .await;
    place.kubectl(&["delete", "statefulset", OLD, "--cascade=orphan"]);
    place
        .refuses(
            &release,
            &["clusterIP", &format!("kubectl delete service {OLD}")],
        )
        .await;
    place.kubectl(&["delete", "service", OLD]);
    place.upgrade(&release).await;

    assert_eq!(place.claim(&claim_name).await, claim);
    let set = place.api::<StatefulSet>().get(OLD).await.unwrap();
    let set = serde_json::to_value(set).unwrap();
    assert_eq!(
        set["spec"]["volumeClaimTemplates"][0]["metadata"]["name"],
        "storage-volume"
    );
    assert_eq!(set["status"]["readyReplicas"], 1);
    let service = place.api::<Service>().get(OLD).await.unwrap();
    assert_ne!(service.spec.unwrap().cluster_ip.as_deref(), Some("None"));
}
