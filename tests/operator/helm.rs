//! The real Helm, on charts of this repository: renders them, and installs them into a [`Cluster`](crate::cluster).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::PATIENCE;
use crate::parts;

mod tests;

/// Version of Kubernetes that is rendered for, unless a release says another.
const KUBE_VERSION: &str = "1.36.0";

/// The program, with settings and caches of its own.
#[derive(Debug)]
pub(crate) struct Helm {
    program: PathBuf,
    home: TempDir,
}

/// What Helm is asked to render or install.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    chart: PathBuf,
    name: String,
    namespace: String,
    values: Value,
    kube_version: String,
    api_versions: Vec<String>,
}

/// What Helm said when it refused.
#[derive(Debug)]
pub(crate) struct Refusal(String);

impl Release {
    /// A release of a chart, in the namespace `default` and with the chart's own values. The chart is a path in this
    /// repository, or an absolute one.
    pub(crate) fn new(chart: impl AsRef<Path>, name: &str) -> Self {
        Self {
            chart: Path::new(env!("CARGO_MANIFEST_DIR")).join(chart),
            name: name.to_owned(),
            namespace: "default".to_owned(),
            values: json!({}),
            kube_version: KUBE_VERSION.to_owned(),
            api_versions: Vec::new(),
        }
    }

    /// In another namespace.
    pub(crate) fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// With these values over those of the chart.
    pub(crate) fn values(mut self, values: Value) -> Self {
        self.values = values;
        self
    }

    /// Rendered for another version of Kubernetes.
    pub(crate) fn kube_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.kube_version);
        self
    }

    /// Rendered for a cluster that serves this as well, as `group/version/Kind`.
    pub(crate) fn api_version(mut self, served: &str) -> Self {
        self.api_versions.push(served.to_owned());
        self
    }
}

impl Refusal {
    /// Fails the test unless Helm said all of this.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.0.contains(part), "not about {part:?}: {}", self.0);
        }
    }

    /// Lines that begin so, such as commands that are to be run; without indentation.
    pub(crate) fn lines_that_begin_with(&self, begin: &str) -> Vec<&str> {
        let lines = self.0.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with(begin)).collect()
    }
}

impl Helm {
    /// The program, or `None` if the calling test is to return, because it is missing here.
    pub(crate) fn find() -> Option<Self> {
        Some(Self {
            program: parts::find("helm")?.join("helm"),
            home: tempfile::tempdir().unwrap(),
        })
    }

    /// The objects of a release, hooks and tests among them, sorted by kind, namespace and name.
    pub(crate) fn template(&self, release: &Release) -> Result<Vec<Value>, Refusal> {
        let mut command = self.command(&["template"]);
        command.arg("--kube-version").arg(&release.kube_version);
        for served in &release.api_versions {
            command.arg("--api-versions").arg(served);
        }
        let rendered = run(of(release, command), Some(&release.values))?;
        let mut objects = objects(&rendered);
        objects.sort_by_cached_key(|object| {
            let metadata = &object["metadata"];
            let key = [&object["kind"], &metadata["namespace"], &metadata["name"]];
            key.map(|field| field.as_str().unwrap_or_default().to_owned())
        });
        Ok(objects)
    }

    /// The objects of a release that must render.
    #[track_caller]
    pub(crate) fn render(&self, release: &Release) -> Vec<Value> {
        match self.template(release) {
            Ok(objects) => objects,
            Err(Refusal(said)) => panic!("{release:#?}: {said}"),
        }
    }

    /// Why a release is not rendered.
    #[track_caller]
    pub(crate) fn refusal(&self, release: &Release) -> Refusal {
        match self.template(release) {
            Ok(_) => panic!("{release:#?} is rendered"),
            Err(refusal) => refusal,
        }
    }

    /// What a release tells whoever installs it.
    #[track_caller]
    pub(crate) fn notes(&self, release: &Release) -> String {
        let command = self.command(&["install", "--dry-run=client", "--output=json"]);
        let said = run(of(release, command), Some(&release.values));
        let said = said.unwrap_or_else(|Refusal(said)| panic!("{release:#?}: {said}"));
        let release: Value = serde_json::from_str(&said).unwrap();
        release["info"]["notes"].as_str().unwrap().to_owned()
    }

    /// Whether Helm's own checks of a chart find nothing to say against it, with these values.
    #[track_caller]
    pub(crate) fn lint(&self, release: &Release) {
        let mut command = self.command(&["lint", "--strict", "--values=-"]);
        command.arg(&release.chart);
        let said = run(command, Some(&release.values));
        said.unwrap_or_else(|Refusal(said)| panic!("{release:#?}: {said}"));
    }

    /// Installs a release, and waits until what it made is ready.
    pub(crate) async fn install(&self, to: &Path, release: &Release) -> Result<String, Refusal> {
        let command = of(release, self.command_on(to, &["install", "--wait"]));
        run_aside(command, Some(release.values.clone())).await
    }

    /// Installs a release over what others have made.
    pub(crate) async fn take_over(&self, to: &Path, release: &Release) -> Result<String, Refusal> {
        let flags = ["install", "--wait", "--take-ownership", "--force-conflicts"];
        let command = of(release, self.command_on(to, &flags));
        run_aside(command, Some(release.values.clone())).await
    }

    /// Makes of an installed release what is asked for now, and waits until that is ready.
    pub(crate) async fn upgrade(&self, on: &Path, release: &Release) -> Result<String, Refusal> {
        // Else it would go on with those of before where there are none now.
        let arguments = ["upgrade", "--wait", "--reset-values"];
        let command = of(release, self.command_on(on, &arguments));
        run_aside(command, Some(release.values.clone())).await
    }

    /// Goes back to an earlier revision of a release, the first of which is 1.
    pub(crate) async fn rollback(
        &self,
        on: &Path,
        release: &Release,
        revision: u32,
    ) -> Result<String, Refusal> {
        let mut command = self.command_on(on, &["rollback", "--wait"]);
        command.args([&release.name, &revision.to_string()]);
        run_aside(within(release, command), None).await
    }

    /// Removes a release.
    pub(crate) async fn uninstall(&self, on: &Path, release: &Release) -> Result<String, Refusal> {
        let mut command = self.command_on(on, &["uninstall", "--wait"]);
        command.arg(&release.name);
        run_aside(within(release, command), None).await
    }

    /// Runs the tests of an installed release.
    pub(crate) async fn test(&self, on: &Path, release: &Release) -> Result<String, Refusal> {
        let mut command = self.command_on(on, &["test"]);
        command.arg(&release.name);
        run_aside(within(release, command), None).await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(variable, self.home.path().join(variable));
        }
        // Not whichever cluster the person at this machine works with.
        command.env("KUBECONFIG", "/dev/null");
        command
    }

    fn command_on(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.arg(format!("--timeout={}s", PATIENCE.as_secs()));
        command.env("KUBECONFIG", kubeconfig);
        command
    }
}

/// The command with name, chart and values of a release, the latter from its input.
fn of(release: &Release, mut command: Command) -> Command {
    command.arg(&release.name).arg(&release.chart);
    command.arg("--values=-");
    within(release, command)
}

fn within(release: &Release, mut command: Command) -> Command {
    command.arg("--namespace").arg(&release.namespace);
    command
}

/// What Helm prints, while whatever else the test does goes on: Helm waits for the node that the test plays.
async fn run_aside(command: Command, input: Option<Value>) -> Result<String, Refusal> {
    let ran = tokio::task::spawn_blocking(move || run(command, input.as_ref()));
    ran.await.unwrap()
}

fn run(mut command: Command, input: Option<&Value>) -> Result<String, Refusal> {
    let mut helm = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut to_helm = helm.stdin.take().expect("it is piped");
    if let Some(input) = input {
        // Helm may have given up before it reads.
        let _ = to_helm.write_all(input.to_string().as_bytes());
    }
    drop(to_helm);
    let output = helm.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Refusal(format!("{said}{complaint}")))
}

/// The objects of a YAML stream.
fn objects(stream: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(stream);
    let objects = documents.map(|document| {
        Value::deserialize(document).unwrap_or_else(|error| panic!("{error} in {stream}"))
    });
    objects.filter(|object| !object.is_null()).collect()
}
