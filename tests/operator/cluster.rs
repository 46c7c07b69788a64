//! A real Kubernetes control plane: etcd, API server and controller manager, on this machine alone.
//!
//! There is no node, so pods stay pending. All else is what any cluster does: admission, defaults, server-side
//! apply, role-based access, garbage collection, controllers.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

mod audit;
mod credentials;
mod folder;
mod process;
mod tests;

pub(crate) use audit::AuditEvent;
pub(crate) use credentials::User;
pub(crate) use process::{Process, free_port};

use crate::parts;
use folder::Folder;

/// How long anything may take before the test gives up. Nothing is asserted about times below it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// Between two questions.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// A control plane of its own, gone when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    // In the order in which they are dropped: without etcd, the API server would hang.
    controller_manager: Option<Process>,
    api_server: Option<Process>,
    etcd: Process,
    address: SocketAddr,
    programs: Programs,
    folder: Folder,
}

/// The folders of the parts.
#[derive(Clone, Debug)]
struct Programs {
    kubernetes: PathBuf,
    etcd: PathBuf,
    kubectl: PathBuf,
}

impl Cluster {
    /// The cluster that all tests of this process share, each in a namespace of its own; see [`shared_crds`] for
    /// the kinds it has. `None` if the calling test is to return, because a part is missing here.
    pub(crate) async fn shared() -> Option<&'static Self> {
        static SHARED: OnceCell<Result<Cluster, String>> = OnceCell::const_new();
        let programs = Programs::find()?;
        let crds = shared_crds()?;
        let start = || Self::try_start(programs, &crds);
        let shared = SHARED.get_or_init(start).await;
        Some(shared.as_ref().unwrap_or_else(|why| panic!("{why}")))
    }

    /// A cluster for one test, with kinds of its own from files or folders. `None` as for [`Cluster::shared`].
    pub(crate) async fn start(crds: &[PathBuf]) -> Option<Self> {
        let programs = Programs::find()?;
        let started = Self::try_start(programs, crds).await;
        Some(started.unwrap_or_else(|why| panic!("{why}")))
    }

    async fn try_start(programs: Programs, crds: &[PathBuf]) -> Result<Self, String> {
        let folder = Folder::new();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port()));
        credentials::write(&folder, address);
        let mut cluster = Self {
            controller_manager: None,
            api_server: None,
            etcd: start_etcd(&programs, &folder),
            address,
            programs,
            folder,
        };
        cluster.try_start_api_server().await?;
        // Before the controller manager, which looks for new kinds to collect only twice a minute.
        for crd in crds {
            cluster.install_crds(crd).await;
        }
        cluster.start_controller_manager().await?;
        Ok(cluster)
    }

    /// A client of a user, for the calling test's runtime alone.
    pub(crate) async fn client(&self, user: User) -> Client {
        Self::client_of(&self.kubeconfig(user)).await
    }

    /// The same from a kubeconfig file.
    pub(crate) async fn client_of(kubeconfig: &Path) -> Client {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        Client::try_from(config.unwrap()).unwrap()
    }

    /// The kubeconfig file of a user.
    pub(crate) fn kubeconfig(&self, user: User) -> PathBuf {
        self.folder.file(&user.kubeconfig())
    }

    /// A file in the cluster's folder, which goes with it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Writes a kubeconfig with a token of a service account, as its pods have one.
    pub(crate) fn kubeconfig_of_account(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.kubectl(&["create", "token", name, "--namespace", namespace]);
        let text = fs::read(self.kubeconfig(User::Admin)).unwrap();
        let mut kubeconfig: Value = serde_json::from_slice(&text).unwrap();
        kubeconfig["users"][0]["user"] = json!({"token": token.trim()});
        let path = self.file(&format!("{namespace}-{name}.kubeconfig"));
        fs::write(&path, kubeconfig.to_string()).unwrap();
        path
    }

    /// Makes a namespace with a name of its own.
    pub(crate) async fn namespace(&self) -> String {
        let namespace = Namespace {
            metadata: ObjectMeta {
                generate_name: Some("test-".to_owned()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let namespaces = Api::all(self.client(User::Admin).await);
        let made = namespaces.create(&PostParams::default(), &namespace).await;
        made.unwrap().name_any()
    }

    /// What `kubectl` prints for the admin; it must succeed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let output = Command::new(self.programs.kubectl.join("kubectl"))
            .arg("--kubeconfig")
            .arg(self.kubeconfig(User::Admin))
            .args(arguments)
            // Where it keeps what the server can do.
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Installs the kinds in a file or a folder, and waits until they can be used.
    pub(crate) async fn install_crds(&self, path: &Path) {
        let path = path.to_str().unwrap();
        let applied = self.kubectl(&["apply", "--server-side", "-o", "name", "-f", path]);
        let crds = Api::<CustomResourceDefinition>::all(self.client(User::Admin).await);
        for line in applied.lines() {
            let (_, name) = line.split_once('/').unwrap();
            let established = await_condition(crds.clone(), name, conditions::is_crd_established());
            let established = tokio::time::timeout(PATIENCE, established).await;
            established
                .unwrap_or_else(|_| panic!("{name} can't be used"))
                .unwrap();
        }
    }

    /// The requests answered so far, from the first: all writes, and reads of Secrets.
    pub(crate) fn audit_events(&self) -> Vec<AuditEvent> {
        audit::read(&self.folder.file("audit.log"))
    }

    /// Stops the API server at once, as if its machine had lost power.
    pub(crate) fn stop_api_server(&mut self) {
        self.api_server = None;
    }

    /// Starts the API server again, on the same address and with the same data, and waits until it is ready.
    pub(crate) async fn start_api_server(&mut self) {
        let started = self.try_start_api_server().await;
        started.unwrap_or_else(|why| panic!("{why}"));
    }

    async fn try_start_api_server(&mut self) -> Result<(), String> {
        let program = self.programs.kubernetes.join("kube-apiserver");
        let log = self.folder.file("kube-apiserver.log");
        self.api_server = Some(Process::start(&program, &self.api_server_flags(), log));
        let client = self.client(User::Admin).await;
        let asked = || client.request_text(http::Request::get("/readyz").body(Vec::new()).unwrap());
        self.until(async || asked().await.map_err(|error| error.to_string()))
            .await?;
        Ok(())
    }

    fn api_server_flags(&self) -> Vec<String> {
        let file = |name: &str| self.folder.file(name).display().to_string();
        let policy = self.folder.file("audit-policy.yaml");
        fs::write(policy, audit::POLICY).unwrap();
        [
            "--allow-privileged",
            "--authorization-mode=RBAC",
            // Not on by default, but on OpenShift: who makes an owner reference needs rights on the owner.
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
            "--bind-address=127.0.0.1",
            // Pods are told of this one, which must not be a loopback address; no pod ever asks.
            "--advertise-address=192.0.2.1",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain([
            format!("--secure-port={}", self.address.port()),
            format!("--etcd-servers=unix://{}", file("etcd.socket")),
            format!("--cert-dir={}", file("apiserver")),
            format!("--tls-cert-file={}", file("apiserver.crt")),
            format!("--tls-private-key-file={}", file("apiserver.key")),
            format!("--token-auth-file={}", file("tokens.csv")),
            format!(
                "--service-account-signing-key-file={}",
                file("service-accounts.key")
            ),
            format!(
                "--service-account-key-file={}",
                file("service-accounts.pub")
            ),
            format!("--audit-policy-file={}", file("audit-policy.yaml")),
            format!("--audit-log-path={}", file("audit.log")),
        ])
        .collect()
    }

    /// Starts the controller manager and waits for the first thing that it does for a namespace.
    async fn start_controller_manager(&mut self) -> Result<(), String> {
        let program = self.programs.kubernetes.join("kube-controller-manager");
        let file = |name: &str| self.folder.file(name).display().to_string();
        let flags = [
            format!(
                "--kubeconfig={}",
                file(&User::ControllerManager.kubeconfig())
            ),
            format!("--root-ca-file={}", file("ca.crt")),
            format!(
                "--service-account-private-key-file={}",
                file("service-accounts.key")
            ),
            "--use-service-account-credentials".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            // Else it holds back its own requests, and takes seconds longer to begin.
            "--kube-api-qps=1000".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ];
        let log = self.folder.file("kube-controller-manager.log");
        self.controller_manager = Some(Process::start(&program, &flags, log));
        let accounts = Api::<ServiceAccount>::default_namespaced(self.client(User::Admin).await);
        self.until(async || {
            accounts
                .get("default")
                .await
                .map_err(|error| error.to_string())
        })
        .await?;
        Ok(())
    }

    /// Asks until the answer is `Ok`, as long as all servers run.
    async fn until<T>(&mut self, ask: impl AsyncFn() -> Result<T, String>) -> Result<T, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let why = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(why) => why,
            };
            let mut servers = self.servers();
            for (name, server) in &mut servers {
                if let Some(end) = server.end() {
                    return Err(format!("{name} ended: {end}"));
                }
            }
            if Instant::now() > deadline {
                let log = |(name, server): &(_, &mut Process)| {
                    format!("{name}:\n{}", server.last_lines())
                };
                let logs: Vec<String> = servers.iter().map(log).collect();
                return Err(format!(
                    "not ready after {PATIENCE:?}: {why}\n{}",
                    logs.join("\n")
                ));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn servers(&mut self) -> Vec<(&'static str, &mut Process)> {
        let etcd = Some(("etcd", &mut self.etcd));
        let api_server = self.api_server.as_mut();
        let controller_manager = self.controller_manager.as_mut();
        etcd.into_iter()
            .chain(api_server.map(|server| ("kube-apiserver", server)))
            .chain(controller_manager.map(|server| ("kube-controller-manager", server)))
            .collect()
    }
}

impl Programs {
    fn find() -> Option<Self> {
        Some(Self {
            kubernetes: parts::find("kubernetes")?,
            etcd: parts::find("etcd")?,
            kubectl: parts::find("kubectl")?,
        })
    }
}

/// What the shared cluster knows besides what Kubernetes brings: our kind, and those that the operator may write.
pub(crate) fn shared_crds() -> Option<Vec<PathBuf>> {
    let monitoring = parts::find("prometheus-operator-crds")?;
    let gateway_api = parts::find("gateway-api-crds")?;
    Some(vec![
        Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/pushgateways.yaml"),
        monitoring.join("monitoring.coreos.com_prometheuses.yaml"),
        monitoring.join("monitoring.coreos.com_prometheusrules.yaml"),
        monitoring.join("monitoring.coreos.com_servicemonitors.yaml"),
        gateway_api.join("gateway.networking.k8s.io_httproutes.yaml"),
    ])
}

fn start_etcd(programs: &Programs, folder: &Folder) -> Process {
    // It has no peers, so nobody needs the address that it must have for them.
    let nowhere = "http://127.0.0.1:0";
    let flags = [
        format!("--data-dir={}", folder.file("etcd").display()),
        format!(
            "--listen-client-urls=unix://{}",
            folder.file("etcd.socket").display()
        ),
        format!("--advertise-client-urls={nowhere}"),
        format!("--listen-peer-urls={nowhere}"),
        format!("--initial-advertise-peer-urls={nowhere}"),
        format!("--initial-cluster=default={nowhere}"),
        "--unsafe-no-fsync".to_owned(),
        // It votes alone and need not wait for others.
        "--heartbeat-interval=10".to_owned(),
        "--election-timeout=100".to_owned(),
    ];
    let log = folder.file("etcd.log");
    Process::start(&programs.etcd.join("etcd"), &flags, log)
}
