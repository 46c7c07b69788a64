//! The operator's real program as a child process.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::sync::OnceCell;

use crate::cluster::{Cluster, PATIENCE, POLL, Process, User, free_port};

/// A running operator; killed when dropped.
#[derive(Debug)]
pub(crate) struct Operator {
    process: Process,
    port: u16,
    log: PathBuf,
}

impl Operator {
    /// The operator that all tests with the shared cluster share: it watches all namespaces.
    pub(crate) async fn shared(cluster: &Cluster) -> &'static Self {
        static SHARED: OnceCell<Operator> = OnceCell::const_new();
        SHARED
            .get_or_init(async || Self::start(cluster, User::Admin, "shared", &[]).await)
            .await
    }

    /// Starts one under a name of its own and waits until it is ready.
    pub(crate) async fn start(cluster: &Cluster, user: User, name: &str, flags: &[&str]) -> Self {
        let mut operator = Self::launch(cluster, user, name, flags);
        operator.until_ready().await;
        operator
    }

    /// Starts one without waiting for anything.
    pub(crate) fn launch(cluster: &Cluster, user: User, name: &str, flags: &[&str]) -> Self {
        Self::launch_with(cluster, &cluster.kubeconfig(user), &[], name, flags)
    }

    /// Starts one with a kubeconfig and environment of its own, without waiting for anything.
    pub(crate) fn launch_with(
        cluster: &Cluster,
        kubeconfig: &Path,
        environment: &[String],
        name: &str,
        flags: &[&str],
    ) -> Self {
        let port = free_port();
        let log = cluster.file(&format!("operator-{name}.log"));
        let mut arguments = environment.to_vec();
        arguments.push(format!("KUBECONFIG={}", kubeconfig.display()));
        arguments.extend([
            env!("CARGO_BIN_EXE_pushgateway-operator").to_owned(),
            format!("--listen-address=127.0.0.1:{port}"),
            format!("--instance={name}"),
        ]);
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Self {
            process: Process::start(Path::new("env"), &arguments, log.clone()),
            port,
            log,
        }
    }

    /// Waits until `/readyz` says so.
    pub(crate) async fn until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok((200, _)) = self.get("/readyz").await {
                return;
            }
            if let Some(end) = self.process.end() {
                panic!("the operator ended: {end}");
            }
            assert!(
                Instant::now() < deadline,
                "not ready: {}",
                self.process.last_lines()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Status and body of an answer of its own port.
    pub(crate) async fn get(&self, path: &str) -> std::io::Result<(u16, String)> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok((status.unwrap_or(0), body.to_owned()))
    }

    /// The value of a metric's line.
    pub(crate) async fn metric(&self, line: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics").await.ok()?;
        let value = text
            .lines()
            .find_map(|candidate| candidate.strip_prefix(line))?;
        value.trim().parse().ok()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process ID.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGTERM and waits for its end; gives its exit status and last words.
    pub(crate) async fn terminate(mut self) -> String {
        let id = self.process.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status();
        assert!(sent.unwrap().success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(end) = self.process.end() {
                return end;
            }
            assert!(
                Instant::now() < deadline,
                "SIGTERM does not end it: {}",
                self.log()
            );
            tokio::time::sleep(POLL).await;
        }
    }
}
