//! The manifests for those who don't use Helm: made from the operator's chart, and as strict about what they say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::cluster::{Process, free_port};
use crate::golden::Golden;
use crate::helm::{Helm, Release};
use crate::operator_chart::{CHART, assert_restricted};
use crate::parts;
use crate::schemas::Schemas;

/// Name and namespace of the release that the manifests are made from.
const NAME: &str = "pushgateway-operator";
const UPDATE: &str = "make generate";
/// Everything for the whole cluster in one file.
const FLAT: &str = "manifests/install.yaml";
/// What the flat file is made of.
const CLUSTER_WIDE: &str = "manifests/cluster-wide";

/// A file that is made from the chart.
struct Made {
    path: &'static str,
    /// Kind and name of the objects in it, in their order.
    objects: &'static [(&'static str, &'static str)],
}

const MADE: [Made; 6] = [
    Made {
        path: "manifests/base/deployment.yaml",
        objects: &[("Deployment", NAME)],
    },
    Made {
        path: "manifests/base/service-account.yaml",
        objects: &[("ServiceAccount", NAME)],
    },
    Made {
        path: "manifests/base/role.yaml",
        objects: &[("Role", NAME), ("RoleBinding", NAME)],
    },
    Made {
        path: "manifests/base/lease-role.yaml",
        objects: &[
            ("Role", "pushgateway-operator-lease"),
            ("RoleBinding", "pushgateway-operator-lease"),
        ],
    },
    Made {
        path: "manifests/base/metrics-service.yaml",
        objects: &[("Service", "pushgateway-operator-metrics")],
    },
    Made {
        path: "manifests/users/cluster-roles.yaml",
        objects: &[
            ("ClusterRole", "pushgateway-operator-users-view"),
            ("ClusterRole", "pushgateway-operator-users-edit"),
        ],
    },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All that the chart makes, with Roles in one namespace, but the Deployment of an operator for all namespaces.
fn objects_of_chart(helm: &Helm) -> Vec<Value> {
    let release = Release::new(CHART, NAME)
        .namespace(NAME)
        .values(json!({"crds": {"enabled": false}}));
    let all = helm.render(&release);
    let of_one = release.values(json!({"crds": {"enabled": false}, "watchNamespaces": [NAME]}));
    let of_one = helm.render(&of_one);
    let is_role = |object: &Value| {
        let kind = object["kind"].as_str().unwrap();
        kind == "Role" || kind == "RoleBinding"
    };
    let is_granted_to_all = |object: &Value| {
        let is_ours = object["metadata"]["name"] == NAME;
        is_ours && object["kind"].as_str().unwrap().starts_with("ClusterRole")
    };
    let roles = of_one.into_iter().filter(is_role);
    let others = all.into_iter();
    let others = others.filter(|object| !is_role(object) && !is_granted_to_all(object));
    roles.chain(others).map(without_helm).collect()
}

/// An object without what is Helm's, or what kustomize says.
fn without_helm(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("namespace");
    let labels = metadata["labels"].as_object_mut().unwrap();
    labels.remove("app.kubernetes.io/managed-by");
    labels.remove("helm.sh/chart");
    let subjects = object.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten() {
        subject.as_object_mut().unwrap().remove("namespace");
    }
    object
}

/// Compares a file with what it should be, or writes it.
fn check_file(path: &str, text: &str) -> Option<String> {
    let file = root().join(path);
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, text).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    (found != text).then(|| path.to_owned())
}

#[test]
fn files_are_what_the_chart_makes() {
    let Some(helm) = Helm::find() else { return };
    let mut objects = objects_of_chart(&helm);
    let mut stale = Vec::new();
    for made in MADE {
        let documents = made.objects.iter().map(|(kind, name)| {
            let is_it =
                |object: &Value| object["kind"] == *kind && object["metadata"]["name"] == *name;
            let at = objects.iter().position(is_it);
            let at = at.unwrap_or_else(|| panic!("the chart makes no {kind} {name}"));
            serde_yaml::to_string(&objects.remove(at)).unwrap()
        });
        let documents: Vec<String> = documents.collect();
        let text = format!("# Made from {CHART}: {UPDATE}\n{}", documents.join("---\n"));
        stale.extend(check_file(made.path, &text));
    }
    assert!(objects.is_empty(), "no manifest has {objects:#?}");
    assert!(stale.is_empty(), "{stale:#?} are stale: {UPDATE}");
}

/// What the real kustomize makes of an overlay; `None` if the calling test is to return.
fn kustomize(folder: &str) -> Option<String> {
    let kustomize = parts::find("kustomize")?.join("kustomize");
    let built = Command::new(kustomize)
        .arg("build")
        .arg(root().join(folder))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{folder}: {said}");
    assert!(said.is_empty(), "{folder}: {said}");
    Some(String::from_utf8(built.stdout).unwrap())
}

fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    documents
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

// Made of the files of the test above; `make generate` makes them one after the other.
#[test]
fn the_flat_file_is_the_overlay_for_the_cluster() {
    let Some(built) = kustomize(CLUSTER_WIDE) else {
        return;
    };
    let text = format!(
        "# The operator for all namespaces: kubectl apply --server-side -f {FLAT}\n\
         # Made from {CLUSTER_WIDE}: {UPDATE}\n{built}"
    );
    let stale = check_file(FLAT, &text);
    assert!(stale.is_none(), "{FLAT} is stale: {UPDATE}");
    let objects = documents(&built);
    let kinds: Vec<_> = objects.iter().map(|object| &object["kind"]).collect();
    // Both must be there before what is in the one and of the other.
    assert_eq!(
        kinds[..2],
        ["Namespace", "CustomResourceDefinition"],
        "{kinds:?}"
    );
}

#[test]
fn overlays_are_valid_from_kubernetes_1_30_on() {
    let Some(schemas) = Schemas::find() else {
        return;
    };
    for (folder, least) in [
        (CLUSTER_WIDE, 11),
        ("manifests/namespaced", 7),
        ("manifests/users", 2),
        ("crds", 1),
    ] {
        let Some(built) = kustomize(folder) else {
            return;
        };
        let objects = documents(&built);
        assert!(objects.len() >= least, "{folder}: {objects:#?}");
        schemas.check(folder, &objects);
    }
}

/// The jobs among the samples, which are not PushGateways.
fn jobs() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("manifests/samples/jobs")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn jobs_are_valid_and_restricted() {
    let Some(schemas) = Schemas::find() else {
        return;
    };
    let jobs = jobs();
    assert!(!jobs.is_empty());
    for file in jobs {
        let objects = documents(&fs::read_to_string(&file).unwrap());
        schemas.check(&file.display().to_string(), &objects);
        for object in objects {
            let pod = &object["spec"]["jobTemplate"]["spec"]["template"]["spec"];
            assert_restricted(pod);
        }
    }
}

/// The container of the only CronJob among the samples.
fn container_of_cron_job() -> Value {
    let file = root().join("manifests/samples/jobs/cron-job.yaml");
    let objects = documents(&fs::read_to_string(file).unwrap());
    let pod = &objects[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    pod["containers"][0].clone()
}

/// Runs the script of the CronJob around a command, as its container would; gives the exit status.
fn run_job(container: &Value, url: &str, work: &str) -> Option<i32> {
    let words = container["command"].as_array().unwrap().iter();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    let ran = Command::new(words[0])
        .args(&words[1..])
        .arg(work)
        .env("PUSHGATEWAY_URL", url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(said.is_empty(), "{work}: {said}");
    ran.status.code()
}

#[test]
fn the_cron_job_tells_of_success_and_of_failure() {
    let container = container_of_cron_job();
    let port = free_port();
    let log = tempfile::tempdir().unwrap();
    let address = format!("--web.listen-address=127.0.0.1:{port}");
    let gateway = Path::new(env!("CARGO_BIN_EXE_pushgateway"));
    // The script's pushes are tried again until it listens.
    let _gateway = Process::start(gateway, &[address], log.path().join("gateway.log"));
    let url = format!("http://127.0.0.1:{port}");
    let scrape = || {
        let page = Command::new("curl")
            .args(["--silent", "--fail", &format!("{url}/metrics")])
            .output();
        let page = String::from_utf8(page.unwrap().stdout).unwrap();
        let pushed = page
            .lines()
            .filter(|line| line.starts_with("nightly_backup_"));
        let samples = pushed.map(|line| {
            let (name, rest) = line.split_once('{').unwrap();
            let value = rest.rsplit_once(' ').unwrap().1;
            assert!(rest.contains("job=\"nightly_backup\""), "{line}");
            (name.to_owned(), value.to_owned())
        });
        samples.collect::<BTreeMap<String, String>>()
    };

    assert_eq!(run_job(&container, &url, "true"), Some(0));
    let success = scrape();
    let names: Vec<_> = success.keys().map(String::as_str).collect();
    let expected = [
        "nightly_backup_duration_seconds",
        "nightly_backup_failed",
        "nightly_backup_last_success_timestamp_seconds",
    ];
    assert_eq!(names, expected);
    assert_eq!(success["nightly_backup_failed"], "0");

    // The exit status is that of the work, and the last success stays.
    assert_eq!(run_job(&container, &url, "false"), Some(1));
    let failure = scrape();
    assert_eq!(failure["nightly_backup_failed"], "1");
    let last_success = "nightly_backup_last_success_timestamp_seconds";
    assert_eq!(failure[last_success], success[last_success]);
    let time = |text: &str| text.parse::<f64>().unwrap();
    let last_failure = &failure["nightly_backup_last_failure_timestamp_seconds"];
    assert!(time(last_failure) >= time(&success[last_success]));
}

#[test]
fn the_cron_job_finds_the_gateway_of_the_minimal_sample() {
    let container = container_of_cron_job();
    let map = &container["envFrom"][0]["configMapRef"]["name"];
    let minimal = Golden::all()
        .into_iter()
        .find(|golden| golden.name == "minimal");
    let made = minimal.unwrap().object("ConfigMap", map.as_str().unwrap());
    let url = made.unwrap()["data"]["PUSHGATEWAY_URL"].clone();
    let words = container["command"].to_string();
    assert!(words.contains("$PUSHGATEWAY_URL/metrics/job/"), "{words}");
    assert!(!url.as_str().unwrap().ends_with('/'), "{url}");
}

/// What the chainsaw suite applies is valid, and every file that it names is there.
#[test]
fn the_chainsaw_suite_applies_what_is_valid() {
    let Some(schemas) = Schemas::find() else {
        return;
    };
    let folder = root().join("tests/chainsaw/operator");
    let suite = fs::read_to_string(folder.join("chainsaw-test.yaml")).unwrap();
    let suite: Value = serde_yaml::from_str(&suite).unwrap();
    let steps = suite["spec"]["steps"].as_array().unwrap().iter();
    let operations: Vec<&Value> = steps
        .flat_map(|step| step["try"].as_array().unwrap())
        .collect();
    let mut applied = 0;
    for operation in operations {
        let operation = operation.as_object().unwrap();
        let (name, what) = operation.iter().next().unwrap();
        assert_eq!(operation.len(), 1, "{operation:?}");
        let known = ["apply", "assert", "delete", "error", "script"];
        assert!(known.contains(&name.as_str()), "{name}");
        let Some(file) = what["file"].as_str() else {
            continue;
        };
        let text = fs::read_to_string(folder.join(file)).unwrap_or_else(|_| panic!("no {file}"));
        if name == "apply" {
            schemas.check(file, &documents(&text));
            applied += 1;
        }
    }
    assert_eq!(applied, 2);
}
