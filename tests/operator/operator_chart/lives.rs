//! The chart in a cluster: installed, upgraded, rolled back and uninstalled by the real Helm, with the operator running
//! as its pod would.

use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CHART, no_optional_kinds};
use crate::cluster::{AuditEvent, Cluster, User, shared_crds};
use crate::gateways::{World, until};
use crate::helm::{Helm, Release};
use crate::node::Node;
use crate::operators::Operator;
use crate::rbac;

/// The release, and what it makes.
const NAME: &str = "pushgateway-operator";
const DEFINITION: &str = "pushgateways.pushgateway.io";

/// A cluster for one test, without our definition, and with a namespace that has a node.
struct Home {
    helm: Helm,
    cluster: Cluster,
    kubeconfig: PathBuf,
    client: Client,
    _node: Node,
}

impl Home {
    /// `None` if the calling test is to return.
    async fn new() -> Option<Self> {
        let helm = Helm::find()?;
        let mut crds = shared_crds()?;
        crds.retain(|file| !file.ends_with("crds/pushgateways.yaml"));
        let cluster = Cluster::start(&crds).await?;
        cluster.kubectl(&["create", "namespace", NAME]);
        let standard = "pod-security.kubernetes.io/enforce=restricted";
        cluster.kubectl(&["label", "namespace", NAME, standard]);
        let client = cluster.client(User::Admin).await;
        Some(Self {
            helm,
            kubeconfig: cluster.kubeconfig(User::Admin),
            _node: Node::serve(&client, NAME),
            client,
            cluster,
        })
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), NAME)
    }

    fn definitions(&self) -> Api<CustomResourceDefinition> {
        Api::all(self.client.clone())
    }

    async fn install(&self, release: &Release) {
        self.helm.install(&self.kubeconfig, release).await.unwrap();
    }

    async fn upgrade(&self, release: &Release) {
        self.helm.upgrade(&self.kubeconfig, release).await.unwrap();
    }

    async fn uninstall(&self, release: &Release) {
        let said = self.helm.uninstall(&self.kubeconfig, release).await;
        said.unwrap();
    }

    /// The operator, with the rights, arguments and environment of its pod.
    async fn operator(&self) -> Operator {
        let kubeconfig = self.cluster.kubeconfig_of_account(NAME, NAME);
        rbac::start(&self.cluster, &kubeconfig, NAME).await
    }

    /// Everything that bears the label of the release, as `Kind name`.
    async fn left(&self) -> Vec<String> {
        let ours = ListParams::default().labels("app.kubernetes.io/instance=pushgateway-operator");
        let mut left = Vec::new();
        macro_rules! list {
            ($kind:ident, $api:expr) => {
                let api: Api<$kind> = $api;
                let found = api.list(&ours).await.unwrap().items;
                let names = found.iter().map(ResourceExt::name_any);
                left.extend(names.map(|name| format!("{} {name}", stringify!($kind))));
            };
        }
        list!(Deployment, self.deployments());
        list!(ServiceAccount, Api::namespaced(self.client.clone(), NAME));
        list!(Role, Api::all(self.client.clone()));
        list!(RoleBinding, Api::all(self.client.clone()));
        list!(ClusterRole, Api::all(self.client.clone()));
        list!(ClusterRoleBinding, Api::all(self.client.clone()));
        list!(CustomResourceDefinition, self.definitions());
        left
    }
}

fn release(chart: impl AsRef<Path>, values: Value) -> Release {
    Release::new(chart, NAME).namespace(NAME).values(values)
}

/// The chart as it may have been once: with a definition that has no short name yet.
fn old_chart() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(CHART);
    copy(&root, folder.path());
    let file = folder.path().join("files/pushgateways.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let short = "    shortNames:\n    - pgw\n";
    assert!(text.contains(short));
    fs::write(&file, text.replace(short, "")).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test]
async fn from_the_first_install_to_the_last() {
    let Some(home) = Home::new().await else {
        return;
    };
    let old = old_chart();
    let old_release = release(old.path(), json!({}));
    home.install(&old_release).await;
    let definition = home.definitions().get(DEFINITION).await.unwrap();
    assert_eq!(definition.spec.names.short_names, None);
    let operator = home.operator().await;
    let world = World::with(&home.cluster, &operator).await;
    let gateway = world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;

    // An upgrade brings the definition of the new chart, too.
    let new_release = release(CHART, json!({"replicas": 2}));
    home.upgrade(&new_release).await;
    let definition = home.definitions().get(DEFINITION).await.unwrap();
    let short = Some(vec!["pgw".to_owned()]);
    assert_eq!(definition.spec.names.short_names, short);
    let deployment = home.deployments().get(NAME).await.unwrap();
    assert_eq!(deployment.spec.replicas, Some(2));

    let back = home.helm.rollback(&home.kubeconfig, &new_release, 1).await;
    back.unwrap();
    let definition = home.definitions().get(DEFINITION).await.unwrap();
    assert_eq!(definition.spec.names.short_names, None);
    let deployment = home.deployments().get(NAME).await.unwrap();
    assert_eq!(deployment.spec.replicas, Some(1));
    let same = world.gateways().get("a").await.unwrap();
    assert_eq!(same.uid(), gateway.uid());

    // What is left is what the notes say.
    home.uninstall(&new_release).await;
    let only_definition = [format!("CustomResourceDefinition {DEFINITION}")];
    assert_eq!(home.left().await, only_definition);
    let same = world.gateways().get("a").await.unwrap();
    assert_eq!(same.uid(), gateway.uid());
    let workloads = world.api(Kind::StatefulSet);
    assert!(
        workloads
            .get("a")
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_none()
    );

    // And it is taken up again.
    home.install(&release(CHART, json!({"crds": {"keep": false}})))
        .await;
    let definition = home.definitions().get(DEFINITION).await.unwrap();
    assert_eq!(definition.spec.names.short_names, short);
    home.uninstall(&new_release).await;
    until(
        "nothing is left",
        || operator.log(),
        async || match home.left().await {
            left if left.is_empty() => Ok(()),
            left => Err(left),
        },
    )
    .await;
}

#[tokio::test]
async fn flat_file_and_chart_take_over_from_each_other() {
    let Some(home) = Home::new().await else {
        return;
    };
    let flat = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/install.yaml");
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", flat];
    home.cluster.kubectl(&apply);
    let definition = home.definitions().get(DEFINITION).await.unwrap();
    let deployment = home.deployments().get(NAME).await.unwrap();

    // Helm does not touch what it has not made, unless it is told to.
    let release = release(CHART, json!({"replicas": 2}));
    let refused = home.helm.install(&home.kubeconfig, &release).await;
    refused
        .unwrap_err()
        .says(&["exists and cannot be imported"]);
    let taken = home.helm.take_over(&home.kubeconfig, &release).await;
    taken.unwrap();
    let taken = home.deployments().get(NAME).await.unwrap();
    assert_eq!(taken.uid(), deployment.uid());
    assert_eq!(taken.spec.replicas, Some(2));

    home.uninstall(&release).await;
    home.cluster.kubectl(&apply);
    let again = home.deployments().get(NAME).await.unwrap();
    assert_eq!(again.spec.replicas, Some(1));
    let same = home.definitions().get(DEFINITION).await.unwrap();
    assert_eq!(same.uid(), definition.uid());
}

/// What the operator was refused, by the audit log from this event on.
fn refusals(cluster: &Cluster, first: usize) -> Vec<String> {
    let account = format!("system:serviceaccount:{NAME}:{NAME}");
    let events = cluster.audit_events();
    let refused = |event: &&AuditEvent| event.user() == account && event.code() == 403;
    let refused = events[first..].iter().filter(refused);
    let mut refused: Vec<_> = refused
        .map(|event| format!("{} {}", event.verb, event.resource()))
        .collect();
    refused.sort();
    refused.dedup();
    refused
}

#[tokio::test]
async fn without_optional_kinds_gateways_are_made_all_the_same() {
    let Some(home) = Home::new().await else {
        return;
    };
    let mut values = no_optional_kinds();
    values["watchNamespaces"] = json!([NAME, "batch"]);
    home.cluster.kubectl(&["create", "namespace", "batch"]);
    home.install(&release(CHART, values)).await;
    let operator = home.operator().await;
    let world = World::of(&home.cluster, &operator, "batch".to_owned()).await;
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world
        .until("a", "MonitoringReady", "False", "ReconcileFailed")
        .await;
    // It heals what others do, as ever. The one thing that it asks for in vain: by default there is to be a
    // ServiceMonitor. Before, this API server was not yet aware of our kind and refused it as the owner of anything.
    let settled = home.cluster.audit_events().len();
    world.delete_child(Kind::Service, "a").await;
    world.until_child(Kind::Service, "a", |_| true).await;
    let asked_in_vain = async || match refusals(&home.cluster, settled) {
        refused if refused == ["patch servicemonitors"] => Ok(()),
        refused => Err(refused),
    };
    until("one refusal", || operator.log(), asked_in_vain).await;

    let spec = json!({"serviceMonitor": {"enabled": "Disabled"}, "ingress": {}});
    world.apply("a", spec).await;
    let told = world.until("a", "Ready", "False", "ReconcileFailed").await;
    let conditions = told["status"]["conditions"].as_array().unwrap();
    let ready = conditions
        .iter()
        .find(|one| one["type"] == "Ready")
        .unwrap();
    let message = ready["message"].as_str().unwrap();
    assert!(message.contains("ingresses.networking.k8s.io"), "{message}");
}
