//! What the operator makes of each sample, compared with files that are kept: every change of a child is seen in review.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use pushgateway::operator::render;
use pushgateway::operator::validate::Defaults;
use serde::Deserialize as _;
use serde_json::Value;

const SAMPLES: &str = "manifests/samples";
const GOLDEN: &str = "tests/operator/golden";
const UPDATE: &str = "UPDATE=1 cargo test --features operator --test operator golden";

/// A sample and its children.
pub(crate) struct Golden {
    /// File name of the sample without its extension.
    pub(crate) name: String,
    /// The children as YAML.
    pub(crate) yaml: String,
}

impl Golden {
    /// One of each sample, rendered anew.
    pub(crate) fn all() -> Vec<Self> {
        let samples = files(SAMPLES);
        assert!(!samples.is_empty(), "{SAMPLES} is empty");
        let rendered = samples.into_iter().map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let defaults = Defaults {
                // Not that of the release, or each release would change all files.
                image: "ghcr.io/pushgateway/pushgateway:1.2.3".to_owned(),
            };
            let yaml = render(&text, &defaults)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            Self { name, yaml }
        });
        rendered.collect()
    }

    /// The children as objects.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let documents = serde_yaml::Deserializer::from_str(&self.yaml);
        documents
            .map(|document| Value::deserialize(document).unwrap())
            .collect()
    }

    /// The child of a kind and name, if there is one.
    pub(crate) fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let mut objects = self.objects().into_iter();
        objects.find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
    }

    /// The only child that has a pod template.
    pub(crate) fn workload(&self) -> Value {
        let mut workloads = self.objects();
        workloads.retain(|object| object["spec"]["template"].is_object());
        assert_eq!(workloads.len(), 1, "{} has one workload", self.name);
        workloads.remove(0)
    }
}

#[test]
fn children_of_samples_are_as_they_were() {
    let update = env::var_os("UPDATE").is_some();
    let mut stale = Vec::new();
    for golden in Golden::all() {
        let path = root().join(GOLDEN).join(format!("{}.yaml", golden.name));
        let text = format!(
            "# Made from {SAMPLES}/{}.yaml: {UPDATE}\n{}",
            golden.name, golden.yaml
        );
        if update {
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(format!("{GOLDEN}/{}.yaml", golden.name));
        }
    }
    assert!(
        stale.is_empty(),
        "{stale:#?} are stale; make them anew with: {UPDATE}"
    );
    let names = |folder| -> BTreeSet<_> {
        let files = files(folder).into_iter();
        files
            .map(|path| path.file_name().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(GOLDEN),
        names(SAMPLES),
        "a file is left of a sample that is gone"
    );
}

#[test]
fn one_service_is_scraped_and_it_selects_the_pod() {
    for golden in Golden::all() {
        let monitor = golden
            .objects()
            .into_iter()
            .find(|object| object["kind"] == "ServiceMonitor");
        let selector = monitor.unwrap()["spec"]["selector"]["matchLabels"].clone();
        let services = golden
            .objects()
            .into_iter()
            .filter(|object| object["kind"] == "Service");
        let scraped: Vec<Value> = services
            .filter(|service| matches(&selector, &service["metadata"]["labels"]))
            .collect();
        assert_eq!(
            scraped.len(),
            1,
            "{} has one target: {scraped:#?}",
            golden.name
        );

        let workload = golden.workload();
        let labels = &workload["spec"]["template"]["metadata"]["labels"];
        assert!(matches(&scraped[0]["spec"]["selector"], labels));
        assert!(matches(
            &workload["spec"]["selector"]["matchLabels"],
            labels
        ));
    }
}

#[test]
fn pods_satisfy_the_restricted_standard() {
    for golden in Golden::all() {
        let spec = golden.workload()["spec"]["template"]["spec"].clone();
        let name = &golden.name;
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
        let seccomp = &spec["securityContext"]["seccompProfile"]["type"];
        assert_eq!(seccomp, "RuntimeDefault", "{name}");
        assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
        for container in spec["containers"].as_array().unwrap() {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(context["capabilities"]["drop"][0], "ALL", "{name}");
        }
    }
}

#[test]
fn samples_set_every_field_of_the_spec() {
    let everything = fs::read_to_string(root().join(SAMPLES).join("everything.yaml")).unwrap();
    let everything: Value = serde_yaml::from_str(&everything).unwrap();
    let crd = pushgateway::operator::crd::definition();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let fields = schema["properties"]["spec"]["properties"]
        .as_object()
        .unwrap();
    // Each has no effect, or is refused, beside one that the sample sets.
    let excluded = ["version", "extraArgs"];
    let missing: Vec<_> = fields
        .keys()
        .filter(|field| everything["spec"][field.as_str()].is_null())
        .filter(|field| !excluded.contains(&field.as_str()))
        .collect();
    assert!(missing.is_empty(), "everything.yaml lacks {missing:?}");
}

/// Whether labels satisfy a selector.
fn matches(selector: &Value, labels: &Value) -> bool {
    let mut selector = selector.as_object().unwrap().iter();
    selector.all(|(key, value)| labels[key] == *value)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
