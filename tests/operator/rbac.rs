//! The shipped roles are enough for all that the operator does, and for nothing else.
//!
//! The operator runs here as its pod would: with the service account, arguments and environment of the manifests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt};
use pushgateway::operator::FIELD_MANAGER;
use pushgateway::operator::kind::Kind;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cluster::{AuditEvent, Cluster, PATIENCE, POLL, User, shared_crds};
use crate::gateways::World;
use crate::operators::Operator;
use crate::parts;

/// Name of the Deployment, the service account and the roles.
const NAME: &str = "pushgateway-operator";

/// The folder of an overlay.
fn overlay(name: &str) -> String {
    format!("{}/manifests/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// All objects of an overlay; `None` if the calling test is to return.
fn render(name: &str) -> Option<Vec<Value>> {
    let kubectl = parts::find("kubectl")?.join("kubectl");
    let output = Command::new(kubectl)
        .args(["kustomize", &overlay(name)])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let documents = serde_yaml::Deserializer::from_slice(&output.stdout);
    Some(
        documents
            .map(|document| Value::deserialize(document).unwrap())
            .collect(),
    )
}

/// All rules of the roles among objects.
fn rules(objects: &[Value]) -> Vec<&Value> {
    let lists = objects
        .iter()
        .filter_map(|object| object["rules"].as_array());
    lists.flatten().collect()
}

fn texts(value: &Value) -> BTreeSet<&str> {
    let list = value.as_array().into_iter().flatten();
    list.map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn no_role_grants_everything_or_secrets_or_roles() {
    for name in ["cluster-wide", "namespaced"] {
        let Some(objects) = render(name) else { return };
        let rules = rules(&objects);
        assert!(rules.len() > 10, "{name}: {rules:?}");
        for rule in rules {
            let resources = texts(&rule["resources"]);
            for list in ["apiGroups", "resources", "verbs"] {
                assert!(!texts(&rule[list]).contains("*"), "{name}: {rule}");
            }
            for resource in [
                "secrets",
                "nodes",
                "roles",
                "clusterroles",
                "customresourcedefinitions",
            ] {
                assert!(!resources.contains(resource), "{name}: {rule}");
            }
            if resources.contains("persistentvolumeclaims") {
                let verbs = ["get", "list", "patch", "watch"];
                assert_eq!(texts(&rule["verbs"]), BTreeSet::from(verbs), "{name}");
            }
        }
    }
}

#[test]
fn both_overlays_grant_the_same() {
    let (Some(cluster_wide), Some(namespaced)) = (render("cluster-wide"), render("namespaced"))
    else {
        return;
    };
    let role = |objects: &[Value], kind: &str| {
        let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == NAME;
        objects.iter().find(is_it).unwrap()["rules"].clone()
    };
    assert_eq!(
        role(&cluster_wide, "ClusterRole"),
        role(&namespaced, "Role")
    );
    // So that whoever may do everything in one namespace, and nothing elsewhere, can install it.
    for object in &namespaced {
        assert_eq!(object["metadata"]["namespace"], "pushgateway", "{object}");
    }
}

#[test]
fn the_image_is_of_this_release() {
    let Some(objects) = render("namespaced") else {
        return;
    };
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment");
    let container = &deployment.unwrap()["spec"]["template"]["spec"]["containers"][0];
    let image = container["image"].as_str().unwrap();
    assert!(
        image.ends_with(concat!(":", env!("CARGO_PKG_VERSION"))),
        "{image}"
    );
}

#[tokio::test]
async fn cluster_roles_are_enough_for_all_namespaces() {
    let Some(cluster) = own_cluster().await else {
        return;
    };
    let installed = Installed::new(cluster, "cluster-wide", NAME).await;
    let namespace = cluster.namespace().await;
    installed.live_through(namespace).await;
}

#[tokio::test]
async fn a_role_is_enough_for_one_namespace() {
    let Some(cluster) = own_cluster().await else {
        return;
    };
    let namespace = "pushgateway";
    cluster.kubectl(&["create", "namespace", namespace]);
    let installed = Installed::new(cluster, "namespaced", namespace).await;
    installed.live_through(namespace.to_owned()).await;

    let elsewhere = Cluster::client_of(&installed.kubeconfig).await;
    let services = Kind::Service.api(&elsewhere, "default");
    let refused = services.list(&ListParams::default()).await;
    assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.is_forbidden()));
}

/// A cluster where no other operator works. It ends with the tests, for which nothing waits.
async fn own_cluster() -> Option<&'static Cluster> {
    let cluster = Cluster::start(&shared_crds()?).await?;
    Some(Box::leak(Box::new(cluster)))
}

/// The operator as an overlay installs it.
struct Installed {
    cluster: &'static Cluster,
    operator: &'static Operator,
    kubeconfig: PathBuf,
    /// The name of the service account in the audit log.
    account: String,
}

impl Installed {
    async fn new(cluster: &'static Cluster, name: &str, namespace: &str) -> Self {
        cluster.kubectl(&["apply", "--server-side", "-k", &overlay(name)]);
        let kubeconfig = cluster.kubeconfig_of_account(namespace, NAME);
        let operator = start(cluster, &kubeconfig, namespace).await;
        Self {
            cluster,
            operator: Box::leak(Box::new(operator)),
            kubeconfig,
            account: format!("system:serviceaccount:{namespace}:{NAME}"),
        }
    }

    /// Has the operator do all that it can do, and looks at what it was refused.
    async fn live_through(&self, namespace: String) {
        let world = World::of(self.cluster, self.operator, namespace).await;
        prepare(&world);
        make_everything(&world).await;
        grow_the_volume(&world).await;
        remove_everything(&world).await;
        self.check_nothing_was_refused(&world).await;
        self.check_secrets_are_refused(&world.namespace).await;
    }

    async fn check_nothing_was_refused(&self, world: &World<'_>) {
        let log = self.operator.log();
        assert!(
            log.contains("level=debug"),
            "the log would not say so: {log}"
        );
        let refused = |line: &&str| line.to_lowercase().contains("forbidden");
        let refused: Vec<_> = log.lines().filter(refused).collect();
        assert!(refused.is_empty(), "{}", refused.join("\n"));

        let events = self.cluster.audit_events();
        let of_account = events.iter().filter(|event| event.user() == self.account);
        let writes = of_account.clone().count();
        assert!(writes > 20, "only {writes} writes are noted");
        let is_wrong = |event: &&AuditEvent| event.code() == 403 || event.resource() == "secrets";
        let wrong: Vec<_> = of_account.filter(is_wrong).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");

        let events = Api::<Event>::namespaced(world.client.clone(), &world.namespace);
        let events = events.list(&ListParams::default()).await.unwrap();
        let is_ours = |event: &Event| event.reporting_controller.as_deref() == Some(FIELD_MANAGER);
        assert!(events.iter().any(is_ours));
    }

    async fn check_secrets_are_refused(&self, namespace: &str) {
        let client = Cluster::client_of(&self.kubeconfig).await;
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
        let read = secrets.get("credentials").await.map(|_| ());
        let listed = secrets.list(&ListParams::default()).await.map(|_| ());
        let everywhere = Api::<Secret>::all(client)
            .list(&ListParams::default())
            .await;
        for refused in [read, listed, everywhere.map(|_| ())] {
            assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.is_forbidden()));
        }
    }
}

/// Starts the operator as the Deployment in the cluster says.
pub(crate) async fn start(cluster: &Cluster, kubeconfig: &Path, namespace: &str) -> Operator {
    let client = cluster.client(User::Admin).await;
    let deployments = Api::<Deployment>::namespaced(client, namespace);
    let deployment = deployments.get(NAME).await.unwrap();
    let spec = deployment.spec.template.spec.unwrap();
    let container = &spec.containers[0];
    let arguments = container.args.iter().flatten();
    let arguments = arguments.map(|argument| argument.replace("$(POD_NAMESPACE)", namespace));
    let others = arguments.filter(|argument| !argument.starts_with("--log.level="));
    let mut flags: Vec<String> = others.collect();
    flags.push("--log.level=debug".to_owned());
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let environment = container.env.iter().flatten().map(|variable| {
        let from = variable.value_from.as_ref().unwrap();
        let value = match &*from.field_ref.as_ref().unwrap().field_path {
            "metadata.name" => "pushgateway-operator-0",
            "metadata.namespace" => namespace,
            other => panic!("what is {other}?"),
        };
        format!("{}={value}", variable.name)
    });
    let environment: Vec<String> = environment.collect();
    let mut operator = Operator::launch_with(cluster, kubeconfig, &environment, NAME, &flags);
    operator.until_ready().await;
    operator
}

/// What a cluster has that is not the operator's: a storage class, and a Prometheus that looks for monitors in
/// namespaces with a label. Pods are held to the strictest standard.
fn prepare(world: &World<'_>) {
    let namespace = &world.namespace;
    let kubectl = |arguments: &[&str]| world.cluster.kubectl(arguments);
    let standard = "pod-security.kubernetes.io/enforce=restricted";
    kubectl(&["label", "namespace", namespace, "team=batch", standard]);
    kubectl(&[
        "-n",
        namespace,
        "create",
        "secret",
        "generic",
        "credentials",
    ]);
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [{
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "growing"},
        "provisioner": "test.invalid/none",
        "allowVolumeExpansion": true,
    }, {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "k8s", "namespace": namespace},
        "spec": {
            "serviceMonitorSelector": {},
            "serviceMonitorNamespaceSelector": {"matchLabels": {"team": "batch"}},
        },
    }]});
    let file = world.cluster.file("prepared.json");
    std::fs::write(&file, objects.to_string()).unwrap();
    kubectl(&["apply", "-f", file.to_str().unwrap()]);
}

/// A spec with every child there is.
fn everything(size: &str) -> Value {
    json!({
        "persistence": {"size": size, "storageClassName": "growing"},
        "web": {"basicAuth": {"secretName": "credentials"}, "tls": {"secretName": "credentials"}},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "networkPolicy": {"enabled": true},
        "ingress": {},
        "httpRoute": {"parentRefs": [{"name": "edge"}]},
    })
}

async fn make_everything(world: &World<'_>) {
    world.apply("a", everything("1Gi")).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.until("a", "StorageReady", "True", "Bound").await;
    // It has seen the Prometheus and the labels of the namespace.
    world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
    for kind in Kind::ALL {
        if kind != Kind::Deployment {
            world.until_child(kind, name_of(kind), |_| true).await;
        }
    }
    // The operator's own pod is let in under the same standard.
    let pods = Api::<Pod>::all(world.client.clone());
    let own = ListParams::default().labels(&format!("app.kubernetes.io/name={NAME}"));
    world
        .until_some("a pod of the operator", async || {
            let found = pods.list(&own).await.unwrap().items;
            found.first().map(ResourceExt::name_any).ok_or(found.len())
        })
        .await;
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::ConfigMap => "a-push",
        _ => "a",
    }
}

async fn grow_the_volume(world: &World<'_>) {
    world.apply("a", everything("2Gi")).await;
    let has_grown = |object: &Value| object["status"]["storage"]["capacity"] == "2Gi";
    world.until_object("2 GiB", "a", has_grown).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
}

async fn remove_everything(world: &World<'_>) {
    let little = json!({
        "persistence": {"enabled": false},
        "serviceMonitor": {"enabled": "Disabled"},
    });
    world.apply("a", little).await;
    for kind in Kind::ALL {
        match kind {
            Kind::ConfigMap | Kind::Service | Kind::Deployment => {
                world.until_child(kind, name_of(kind), |_| true).await;
            }
            _ => world.until_gone(kind, "a").await,
        }
    }
    world.until_gone(Kind::ConfigMap, "a-web-config").await;
    world.until_gone(Kind::Service, "a-headless").await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.apply("a", json!({})).await;
    world.until_gone(Kind::Deployment, "a").await;
    world.delete("a").await;
    world.until_gone(Kind::StatefulSet, "a").await;
}

/// Rights of users: what a role of Kubernetes lets them do with PushGateways.
#[tokio::test]
async fn who_may_view_or_edit_a_namespace_may_do_so_with_its_gateways() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    cluster.kubectl(&["apply", "--server-side", "-k", &overlay("users")]);
    let read = ["get", "list", "watch", "get status", "get scale"];
    let write = [
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "patch scale",
    ];
    for (role, may_write) in [("view", false), ("edit", true), ("admin", true)] {
        let namespace = cluster.namespace().await;
        let user = format!("{role}er");
        let role = format!("--clusterrole={role}");
        let to = format!("--user={user}");
        cluster.kubectl(&["-n", &namespace, "create", "rolebinding", "it", &role, &to]);
        let rights = Rights {
            cluster,
            namespace,
            user,
        };
        for right in read {
            rights.until_granted(right).await;
        }
        for right in write {
            if may_write {
                rights.until_granted(right).await;
            } else {
                assert!(!rights.has(right).await, "{} {right}", rights.user);
            }
        }
        // The status is the operator's to write.
        assert!(!rights.has("patch status").await, "{}", rights.user);
    }
}

/// What a user may do with PushGateways of a namespace.
struct Rights {
    cluster: &'static Cluster,
    namespace: String,
    user: String,
}

impl Rights {
    /// Whether there is a right, which is a verb, and where needed a subresource.
    async fn has(&self, right: &str) -> bool {
        let (verb, subresource) = right.split_once(' ').unwrap_or((right, ""));
        let review = json!({"metadata": {}, "spec": {
            "user": self.user,
            "resourceAttributes": {
                "namespace": self.namespace, "group": "pushgateway.io", "resource": "pushgateways",
                "verb": verb, "subresource": subresource,
            },
        }});
        let review: SubjectAccessReview = serde_json::from_value(review).unwrap();
        let reviews = Api::all(self.cluster.client(User::Admin).await);
        let answer = reviews.create(&PostParams::default(), &review).await;
        answer.unwrap().status.unwrap().allowed
    }

    /// Roles are joined by a controller, a moment after they are there.
    async fn until_granted(&self, right: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has(right).await {
            assert!(Instant::now() < deadline, "{} may not {right}", self.user);
            tokio::time::sleep(POLL).await;
        }
    }
}
