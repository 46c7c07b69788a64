//! The chart on a real API server: installed, upgraded, rolled back, tested and uninstalled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Service};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use super::{CHART, example};
use crate::cluster::{Cluster, PATIENCE, Process, User, free_port};
use crate::helm::{Helm, Refusal, Release};
use crate::node::Node;

/// A namespace in which releases can be installed.
pub(super) struct Place {
    pub(super) cluster: &'static Cluster,
    pub(super) helm: Helm,
    pub(super) kubeconfig: PathBuf,
    pub(super) namespace: String,
    pub(super) client: Client,
    _node: Node,
}

impl Place {
    /// `None` if the calling test is to return, because a part is missing here.
    pub(super) async fn new() -> Option<Self> {
        let helm = Helm::find()?;
        let cluster = Cluster::shared().await?;
        let namespace = cluster.namespace().await;
        let client = cluster.client(User::Admin).await;
        Some(Self {
            _node: Node::serve(&client, &namespace),
            kubeconfig: cluster.kubeconfig(User::Admin),
            cluster,
            helm,
            namespace,
            client,
        })
    }

    pub(super) fn release(&self, name: &str, values: Value) -> Release {
        Release::new(CHART, name)
            .namespace(&self.namespace)
            .values(values)
    }

    pub(super) async fn install(&self, release: &Release) {
        self.helm.install(&self.kubeconfig, release).await.unwrap();
    }

    pub(super) async fn upgrade(&self, release: &Release) {
        self.helm.upgrade(&self.kubeconfig, release).await.unwrap();
    }

    /// Fails the test unless the upgrade is refused and all of this is said.
    pub(super) async fn refuses(&self, release: &Release, said: &[&str]) {
        let refusal = self.helm.upgrade(&self.kubeconfig, release).await;
        refusal.expect_err("it is to be refused").says(said);
    }

    pub(super) fn kubectl(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--namespace", &self.namespace];
        all.extend(arguments);
        self.cluster.kubectl(&all)
    }

    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// What tells a claim from another one of the same name.
    pub(super) async fn claim(&self, name: &str) -> String {
        let claim = self.api::<PersistentVolumeClaim>().get(name).await;
        claim
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .uid()
            .unwrap()
    }
}

/// The size that a claim asks for.
fn size(claim: &PersistentVolumeClaim) -> Value {
    serde_json::to_value(claim).unwrap()["spec"]["resources"]["requests"]["storage"].clone()
}

#[tokio::test]
async fn a_release_lives_and_its_claim_outlives_it() {
    let Some(place) = Place::new().await else {
        return;
    };
    let release = place.release("a", json!({"serviceMonitor": {"enabled": true}}));
    place.install(&release).await;
    let claim = place.claim("storage-volume-a-pushgateway-0").await;
    let pods = place.api::<Pod>();
    let pod = pods.get("a-pushgateway-0").await.unwrap().uid();

    // Another release beside it, and nothing of the first changes.
    place.install(&place.release("b", json!({}))).await;
    assert_eq!(pods.get("a-pushgateway-0").await.unwrap().uid(), pod);

    let debug = place.release(
        "a",
        json!({"logLevel": "debug", "prometheusRule": {"enabled": true}}),
    );
    place.upgrade(&debug).await;
    let arguments = async || {
        let sets = place.api::<StatefulSet>();
        let set = serde_json::to_value(sets.get("a-pushgateway").await.unwrap()).unwrap();
        set["spec"]["template"]["spec"]["containers"][0]["args"].to_string()
    };
    assert!(arguments().await.contains("--log.level=debug"));
    place
        .helm
        .rollback(&place.kubeconfig, &release, 1)
        .await
        .unwrap();
    assert!(arguments().await.contains("--log.level=info"));

    place
        .helm
        .uninstall(&place.kubeconfig, &release)
        .await
        .unwrap();
    assert!(
        place
            .api::<Service>()
            .get_opt("a-pushgateway")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(place.claim("storage-volume-a-pushgateway-0").await, claim);
    place.install(&release).await;
    assert_eq!(place.claim("storage-volume-a-pushgateway-0").await, claim);
}

#[tokio::test]
async fn an_upgrade_that_changes_nothing_writes_nothing_new() {
    let Some(place) = Place::new().await else {
        return;
    };
    let release = place.release("a", example("default"));
    place.install(&release).await;
    let generation = async || {
        let set = place
            .api::<StatefulSet>()
            .get("a-pushgateway")
            .await
            .unwrap();
        set.metadata.generation
    };
    let before = generation().await;
    place.upgrade(&release).await;
    assert_eq!(generation().await, before);
}

/// A storage class whose volumes may grow.
async fn growing_class(place: &Place) -> String {
    let class: StorageClass = serde_json::from_value(json!({
        "metadata": {"generateName": "grows-"},
        "provisioner": "example.com/none",
        "allowVolumeExpansion": true,
    }))
    .unwrap();
    let classes = Api::<StorageClass>::all(place.client.clone());
    let made = classes.create(&PostParams::default(), &class).await;
    made.unwrap().name_any()
}

#[tokio::test]
async fn a_claim_grows_by_the_commands_that_the_refusal_tells() {
    let Some(place) = Place::new().await else {
        return;
    };
    let class = growing_class(&place).await;
    let of_size = |size: &str| {
        let volume = json!({"storageClass": class, "size": size});
        place.release("a", json!({"persistentVolume": volume}))
    };
    place.install(&of_size("2Gi")).await;
    let claim = place.claim("storage-volume-a-pushgateway-0").await;
    let pod = place
        .api::<Pod>()
        .get("a-pushgateway-0")
        .await
        .unwrap()
        .uid();
    // The same, written otherwise.
    place.upgrade(&of_size("2048Mi")).await;

    let refusal = place
        .helm
        .upgrade(&place.kubeconfig, &of_size("10Gi"))
        .await;
    let refusal = refusal.expect_err("a claim template can't change");
    refusal.says(&["size of the claim", "then this upgrade again"]);
    let commands = refusal.lines_that_begin_with("kubectl ");
    assert_eq!(commands.len(), 2, "{refusal:?}");
    for command in commands {
        let quoted = command.replace('\'', "");
        let arguments: Vec<&str> = quoted.split_whitespace().skip(1).collect();
        place.cluster.kubectl(&arguments);
    }
    place.upgrade(&of_size("10Gi")).await;

    let grown = place
        .api::<PersistentVolumeClaim>()
        .get("storage-volume-a-pushgateway-0")
        .await
        .unwrap();
    assert_eq!((grown.uid().unwrap(), size(&grown)), (claim, json!("10Gi")));
    // Its template has not changed, so that the pod was adopted as it is.
    let adopted = place.api::<Pod>().get("a-pushgateway-0").await.unwrap();
    assert_eq!(adopted.uid(), pod);
}

#[tokio::test]
async fn upgrades_that_the_api_server_would_refuse_are_refused_before() {
    let Some(place) = Place::new().await else {
        return;
    };
    place.install(&place.release("a", json!({}))).await;
    for (values, said) in [
        (
            json!({"statefulSet": {"podManagementPolicy": "OrderedReady"}}),
            "podManagementPolicy",
        ),
        (
            json!({"persistentVolume": {"storageClass": "other"}}),
            "storageClassName of the claim",
        ),
        (
            json!({"persistentVolume": {"accessModes": ["ReadWriteMany"]}}),
            "accessModes of the claim",
        ),
        (
            json!({"persistentVolume": {"annotations": {"a": "b"}}}),
            "annotations of the claim",
        ),
        (
            json!({"persistentVolumeLabels": {"a": "b"}}),
            "labels of the claim",
        ),
        (
            json!({"persistentVolume": {"enabled": false}}),
            "volumeClaimTemplates",
        ),
        (
            json!({"fullnameOverride": "a-pushgateway", "nameOverride": "b"}),
            "set nameOverride to pushgateway",
        ),
        (
            json!({"service": {"clusterIP": "None"}}),
            "kubectl delete service a-pushgateway",
        ),
        (
            json!({"runAsStatefulSet": false}),
            "set persistentVolume.existingClaim to \"storage-volume-a-pushgateway-0\"",
        ),
        (
            json!({"fullnameOverride": "b"}),
            "storage-volume-a-pushgateway-0",
        ),
    ] {
        place.refuses(&place.release("a", values), &[said]).await;
    }
    // Unless nobody looks; then the server does.
    let unseen = json!({"checkUpgrades": false, "persistentVolume": {"enabled": false}});
    let unseen = place.release("a", unseen);
    place
        .refuses(
            &unseen,
            &["updates to statefulset spec for fields other than"],
        )
        .await;
    // The claim may be named instead, and the workload changed.
    let existing = json!({
        "runAsStatefulSet": false,
        "persistentVolume": {"existingClaim": "storage-volume-a-pushgateway-0"},
    });
    let claim = place.claim("storage-volume-a-pushgateway-0").await;
    place.upgrade(&place.release("a", existing)).await;
    assert_eq!(place.claim("storage-volume-a-pushgateway-0").await, claim);
}

#[tokio::test]
async fn the_claim_of_a_deployment_is_kept_and_guarded() {
    let Some(place) = Place::new().await else {
        return;
    };
    let release = place.release("a", example("deployment"));
    place.install(&release).await;
    let claim = place.claim("a-pushgateway").await;
    let with = |volume: Value| {
        place.release(
            "a",
            json!({"runAsStatefulSet": false, "persistentVolume": volume}),
        )
    };
    place
        .refuses(&with(json!({"size": "1Gi"})), &["can't shrink to 1Gi"])
        .await;
    place
        .refuses(
            &with(json!({"accessModes": ["ReadWriteMany"]})),
            &["can't be changed"],
        )
        .await;
    let stateful = place.release("a", json!({}));
    place
        .refuses(
            &stateful,
            &["set persistentVolume.existingClaim to \"a-pushgateway\""],
        )
        .await;
    place
        .helm
        .uninstall(&place.kubeconfig, &release)
        .await
        .unwrap();
    assert_eq!(place.claim("a-pushgateway").await, claim);
    // It belongs to nobody else than a release of that name.
    place.install(&release).await;
    assert_eq!(place.claim("a-pushgateway").await, claim);
}

/// Runs the gateway as the workload says, but on this machine, and then the release's test in the same way.
async fn test_on_a_real_gateway(
    place: &Place,
    release: &Release,
    mount: &dyn Fn(&Path),
) -> Result<String, Refusal> {
    let mounted = tempfile::tempdir().unwrap();
    mount(mounted.path());
    let here = |argument: &str| {
        let mounted = mounted.path().display().to_string();
        argument
            .replace("/etc/pushgateway", &mounted)
            .replace("/data", &mounted)
    };
    let port = free_port();
    let set = place
        .api::<StatefulSet>()
        .get("a-pushgateway")
        .await
        .unwrap();
    let mut template = set.spec.template.spec.unwrap();
    let container = template.containers.remove(0);
    let flags =
        container
            .args
            .unwrap()
            .into_iter()
            .map(|argument| match argument.split_once('=') {
                Some(("--web.listen-address", _)) => {
                    format!("--web.listen-address=127.0.0.1:{port}")
                }
                Some(("--web.probe-listen-address", _)) => {
                    format!("--web.probe-listen-address=127.0.0.1:{}", free_port())
                }
                _ => here(&argument),
            });
    let log = mounted.path().join("gateway.log");
    let mut gateway = Process::start(&gateway_program(), &flags.collect::<Vec<_>>(), log);
    let played = async {
        let pods = place.api::<Pod>();
        let runs = |pod: Option<&Pod>| {
            pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref()) == Some("Running")
        };
        let pod = await_condition(pods.clone(), "a-pushgateway-test", runs);
        let pod = tokio::time::timeout(PATIENCE, pod)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let container = pod.spec.unwrap().containers.remove(0);
        let arguments = container.args.unwrap().into_iter().map(|argument| {
            // The name of the Service means nothing on this machine.
            let service = format!("a-pushgateway.{}.svc:9091", place.namespace);
            here(&argument).replace(&service, &format!("localhost:{port}"))
        });
        let mut command = Command::new(gateway_program());
        command.args(arguments).stdin(Stdio::null());
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let phase = if ran.status.success() {
            "Succeeded"
        } else {
            "Failed"
        };
        let patch = Patch::Merge(json!({"status": {"phase": phase}}));
        pods.patch_status("a-pushgateway-test", &PatchParams::default(), &patch)
            .await
            .unwrap();
        String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap()
    };
    let (tested, said) = tokio::join!(place.helm.test(&place.kubeconfig, release), played);
    assert_eq!(gateway.end(), None, "the gateway runs");
    tested.map(|_| said)
}

fn gateway_program() -> PathBuf {
    env!("CARGO_BIN_EXE_pushgateway").into()
}

#[tokio::test]
async fn the_test_of_a_release_pushes_and_reads_back() {
    let Some(place) = Place::new().await else {
        return;
    };
    let release = place.release("a", json!({}));
    place.install(&release).await;
    let said = Box::pin(test_on_a_real_gateway(&place, &release, &|_| {}))
        .await
        .unwrap();
    assert!(
        said.contains("pushed, read back and deleted a metric"),
        "{said}"
    );
}

#[tokio::test]
async fn the_test_of_a_release_follows_prefix_tls_and_user() {
    let Some(place) = Place::new().await else {
        return;
    };
    let release = place.release(
        "a",
        json!({"web": {
            "routePrefix": "/push",
            "telemetryPath": "/pushed",
            "tls": {"existingSecret": "certificate"},
            "basicAuth": {"existingSecret": "user"},
        }}),
    );
    place.install(&release).await;
    let web_config = place.kubectl(&[
        "get",
        "configmap",
        "a-pushgateway-web-config",
        "-o",
        r"jsonpath={.data.web-config\.yaml}",
    ]);
    let mount = |password: &'static str| {
        let web_config = web_config.clone();
        move |folder: &Path| {
            for name in ["web-config", "tls", "basic-auth"] {
                fs::create_dir(folder.join(name)).unwrap();
            }
            let here = web_config.replace("/etc/pushgateway", folder.to_str().unwrap());
            fs::write(folder.join("web-config/web-config.yaml"), here).unwrap();
            let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            fs::write(folder.join("tls/tls.crt"), certified.cert.pem()).unwrap();
            fs::write(folder.join("tls/ca.crt"), certified.cert.pem()).unwrap();
            fs::write(
                folder.join("tls/tls.key"),
                certified.signing_key.serialize_pem(),
            )
            .unwrap();
            fs::write(folder.join("basic-auth/username"), "batch").unwrap();
            fs::write(folder.join("basic-auth/password"), password).unwrap();
        }
    };
    let said = Box::pin(test_on_a_real_gateway(&place, &release, &mount("sesame")))
        .await
        .unwrap();
    assert!(said.starts_with("https://localhost:"), "{said}");
    let of_nobody = |folder: &Path| {
        mount("sesame")(folder);
        fs::write(folder.join("tls/ca.crt"), "none").unwrap();
    };
    let broken = Box::pin(test_on_a_real_gateway(&place, &release, &of_nobody));
    assert!(broken.await.is_err(), "nobody has signed the certificate");
}
