//! One node with its control plane, as any cluster has it: pods run, names resolve, volumes are mounted.
//!
//! Every program is the real one. All of them share the network namespace of this process, so that nothing of it can be seen
//! from outside; a veth pair with both ends inside carries the node's address.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::json;

use crate::tools::{WORK, apply, kubeconfig, kubectl, part, run, until};

/// The node's name.
pub(crate) const NAME: &str = "node1";
const ADDRESS: &str = "10.77.0.2";
const PODS: &str = "10.78.0.0/24";
const SERVICES: &str = "10.79.0.0/24";
/// The administrator's token, for this cluster alone.
const TOKEN: &str = "administrator";

/// A running node. It ends with this process, whatever becomes of the value.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where logs and what is too large for memory go.
    folder: PathBuf,
}

impl Node {
    /// Starts everything; returns when the node is ready for pods. The images are archives, `*.tar`.
    pub(crate) fn start(folder: &Path, images: &Path) -> Result<Self> {
        let node = Self {
            folder: folder.to_owned(),
        };
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(node.logs())?;
        network()?;
        configure(folder)?;
        node.spawn(
            "containerd",
            &part("containerd").join("containerd"),
            &["-c", &file("containerd.toml")],
        )?;
        node.control_plane()?;
        let ctr = part("containerd").join("ctr");
        let socket = file("containerd.sock");
        until("containerd", || {
            run(&ctr, ["-a", &socket, "version"]).map(Some)
        })?;
        for image in fs::read_dir(images)? {
            let image = image?.path();
            if image
                .extension()
                .is_some_and(|extension| extension == "tar")
            {
                let arguments = ["-a", &socket, "-n", "k8s.io", "images", "import"];
                run(
                    &ctr,
                    arguments
                        .map(AsRef::as_ref)
                        .into_iter()
                        .chain([image.as_os_str()]),
                )?;
            }
        }
        until("the API server", || kubectl("get --raw /readyz").map(Some))?;
        node.workers()?;
        kubectl(&format!("wait --for=create node/{NAME} --timeout=1m"))?;
        kubectl(&format!(
            "wait --for=condition=Ready node/{NAME} --timeout=1m"
        ))?;
        kubectl("wait --for=create serviceaccount/default --timeout=1m")?;
        Ok(node)
    }

    /// Where each program's log is.
    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Makes volumes for claims without a class to bind to, as a provisioner would.
    pub(crate) fn offer_volumes(&self, count: usize) -> Result<()> {
        apply(
            &json!({
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {
                    "name": "local",
                    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}
                },
                "provisioner": "kubernetes.io/no-provisioner",
                "volumeBindingMode": "WaitForFirstConsumer"
            })
            .to_string(),
        )?;
        for number in 0..count {
            let path = self.folder.join(format!("volumes/{number}"));
            fs::create_dir_all(&path)?;
            apply(
                &json!({
                    "apiVersion": "v1",
                    "kind": "PersistentVolume",
                    "metadata": {"name": format!("volume-{number}")},
                    "spec": {
                        "capacity": {"storage": "2Gi"},
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": "local",
                        "local": {"path": path},
                        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                            {"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}
                        ]}]}}
                    }
                })
                .to_string(),
            )?;
        }
        Ok(())
    }

    fn control_plane(&self) -> Result<()> {
        let kubernetes = part("kubernetes");
        self.spawn(
            "etcd",
            &part("etcd").join("etcd"),
            &["--data-dir", &file("etcd"), "--unsafe-no-fsync"],
        )?;
        let key = file("service-accounts.key");
        run("openssl", ["genrsa", "-out", &key, "2048"])?;
        self.spawn(
            "kube-apiserver",
            &kubernetes.join("kube-apiserver"),
            &[
                "--etcd-servers=http://127.0.0.1:2379",
                &format!("--cert-dir={}", file("certificates")),
                &format!("--advertise-address={ADDRESS}"),
                &format!("--service-cluster-ip-range={SERVICES}"),
                "--service-account-issuer=https://kubernetes.default.svc",
                &format!("--service-account-signing-key-file={key}"),
                &format!("--service-account-key-file={key}"),
                &format!("--token-auth-file={}", file("tokens.csv")),
                "--authorization-mode=RBAC",
                "--allow-privileged",
                "--kubelet-preferred-address-types=InternalIP",
            ],
        )?;
        Ok(())
    }

    fn workers(&self) -> Result<()> {
        let (kubernetes, node) = (part("kubernetes"), part("kubernetes-node"));
        let kubeconfig = format!("--kubeconfig={}", kubeconfig().display());
        self.spawn(
            "kube-controller-manager",
            &kubernetes.join("kube-controller-manager"),
            &[
                &kubeconfig,
                &format!(
                    "--service-account-private-key-file={}",
                    file("service-accounts.key")
                ),
                &format!("--root-ca-file={}", file("certificates/apiserver.crt")),
                "--use-service-account-credentials",
                "--leader-elect=false",
                "--secure-port=0",
            ],
        )?;
        self.spawn(
            "kube-scheduler",
            &node.join("kube-scheduler"),
            &[&kubeconfig, "--leader-elect=false", "--secure-port=0"],
        )?;
        self.spawn(
            "kubelet",
            &node.join("kubelet"),
            &[
                &kubeconfig,
                &format!("--config={}", file("kubelet.yaml")),
                &format!("--cert-dir={}", file("kubelet-certificates")),
                &format!("--node-ip={ADDRESS}"),
                &format!("--hostname-override={NAME}"),
            ],
        )?;
        self.spawn(
            "kube-proxy",
            &node.join("kube-proxy"),
            &[&format!("--config={}", file("kube-proxy.yaml"))],
        )?;
        self.spawn(
            "coredns",
            &part("coredns").join("coredns"),
            &["-conf", &file("Corefile")],
        )
    }

    fn spawn(&self, name: &str, program: &Path, arguments: &[&str]) -> Result<()> {
        let log = File::create(self.logs().join(name))?;
        let path = format!(
            "{}:{}",
            part("containerd").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        // Nobody waits for it: it ends with the namespace.
        Command::new(program)
            .args(arguments)
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| program.display().to_string())?;
        Ok(())
    }
}

/// A file in the folder of sockets and configuration.
fn file(name: &str) -> String {
    format!("{WORK}/{name}")
}

fn network() -> Result<()> {
    for arguments in [
        "link set lo up",
        "link add n0 type veth peer name n1",
        "addr add 10.77.0.1/24 dev n0",
        &format!("addr add {ADDRESS}/24 dev n1"),
        "link set n0 up",
        "link set n1 up",
        "route add default via 10.77.0.1 dev n1",
    ] {
        run("ip", arguments.split(' '))?;
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    Ok(())
}

fn configure(folder: &Path) -> Result<()> {
    fs::create_dir_all(file("cni.d"))?;
    fs::write(file("resolv.conf"), "")?;
    fs::write(
        file("tokens.csv"),
        format!("{TOKEN},admin,admin,system:masters\n"),
    )?;
    fs::write(
        kubeconfig(),
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "node", "cluster": {
                "server": format!("https://{ADDRESS}:6443"),
                "certificate-authority": file("certificates/apiserver.crt")
            }}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "node", "context": {"cluster": "node", "user": "admin"}}],
            "current-context": "node"
        })
        .to_string(),
    )?;
    fs::write(file("containerd.toml"), containerd(folder))?;
    fs::write(
        file("cni.d/10-bridge.conflist"),
        json!({"cniVersion": "1.0.0", "name": "bridge", "plugins": [{
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": PODS}]],
                "routes": [{"dst": "0.0.0.0/0"}]
            }
        }]})
        .to_string(),
    )?;
    fs::write(
        file("kubelet.yaml"),
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": format!("unix://{}", file("containerd.sock")),
            "cgroupDriver": "cgroupfs",
            "failSwapOn": false,
            "failCgroupV1": false,
            "localStorageCapacityIsolation": false,
            "evictionHard": {},
            "makeIPTablesUtilChains": false,
            "imageGCHighThresholdPercent": 100,
            "clusterDomain": "cluster.local",
            "clusterDNS": [ADDRESS],
            "resolvConf": file("resolv.conf"),
            "volumePluginDir": file("volume-plugins"),
            // How soon pods see that a Secret or ConfigMap changed.
            "syncFrequency": "5s"
        })
        .to_string(),
    )?;
    fs::write(
        file("kube-proxy.yaml"),
        json!({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clientConnection": {"kubeconfig": kubeconfig()},
            "clusterCIDR": PODS,
            "hostnameOverride": NAME,
            "bindAddress": ADDRESS,
            // What a namespace may not set.
            "conntrack": {
                "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"
            }
        })
        .to_string(),
    )?;
    fs::write(
        file("Corefile"),
        format!(
            ".:53 {{\n  bind {ADDRESS}\n  errors\n  kubernetes cluster.local in-addr.arpa {{\n    \
             kubeconfig {} node\n    ttl 5\n  }}\n}}\n",
            kubeconfig().display()
        ),
    )?;
    Ok(())
}

/// containerd's configuration; images and containers are on disk, sockets are not.
fn containerd(folder: &Path) -> String {
    let root = folder.join("containerd");
    format!(
        r#"version = 2
root = "{root}"
state = "{WORK}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/opt"
[grpc]
  address = "{WORK}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{WORK}/cni.d"
"#,
        root = root.display(),
        cni = part("containerd").join("cni").display(),
    )
}
