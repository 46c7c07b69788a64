//! The definition of `PushGateway`: as the types say, well formed, small, and good for `kubectl`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use kube::{Api, Client};
use pushgateway::operator::api::{PushGateway, PushGatewaySpec};
use pushgateway::operator::crd;
use serde_json::{Value, json};

use crate::cluster::{Cluster, User};
use crate::gateways::World;

/// The definition as it is shipped.
const FILE: &str = "crds/pushgateways.yaml";
/// The copy in the operator's chart, which can't reach files outside of its folder.
const COPY: &str = "charts/pushgateway-operator/files/pushgateways.yaml";
/// Client-side `kubectl apply` stores a copy in an annotation, which can hold 256 KiB at most.
const LARGEST: u64 = 200_000;
/// Parts of the schema that are Kubernetes' own, whose lists and strings have no bounds there either.
const EMBEDDED: [&str; 9] = [
    "affinity",
    "env",
    "envFrom",
    "from",
    "podSecurityContext",
    "resources",
    "securityContext",
    "tolerations",
    "topologySpreadConstraints",
];

/// Where the definition is.
fn file() -> PathBuf {
    in_repository(FILE)
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// All objects of the kind in a namespace, of any content.
pub(crate) fn push_gateways(client: Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<PushGateway>(&());
    Api::namespaced_with(client, namespace, &resource)
}

/// An object with a spec of any content.
pub(crate) fn push_gateway(name: &str, spec: &Value) -> DynamicObject {
    let resource = ApiResource::erase::<PushGateway>(&());
    DynamicObject::new(name, &resource).data(json!({ "spec": spec }))
}

/// The schema of the only version.
pub(crate) fn schema() -> Value {
    crd::definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
}

#[test]
fn the_file_is_what_the_types_say() {
    for path in [FILE, COPY] {
        let file = in_repository(path);
        if env::var_os("UPDATE").is_some() {
            fs::write(&file, crd::yaml()).unwrap();
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            found == crd::yaml(),
            "{path} is stale; make it anew with: UPDATE=1 cargo test --features operator --test operator crd::the_file"
        );
    }
}

#[test]
fn it_is_small_enough_for_kubectl_apply() {
    let size = fs::metadata(file()).unwrap().len();
    assert!(size < LARGEST, "{FILE} has {size} bytes");
}

#[test]
fn its_schema_is_well_formed() {
    let mut faults = Vec::new();
    let mut visited = 0;
    walk("", &schema(), Whose::Ours, &mut |path, node, whose| {
        visited += 1;
        faults.extend(faults_of(node, whose).map(|fault| format!("{path}: {fault}")));
    });
    assert!(visited > 500, "only {visited} nodes were looked at");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Who wrote a part of the schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Whose {
    Ours,
    Kubernetes,
}

/// Visits a node of the schema and all below it.
fn walk(path: &str, node: &Value, whose: Whose, visit: &mut impl FnMut(&str, &Value, Whose)) {
    visit(path, node, whose);
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        let is_embedded = EMBEDDED.contains(&name.as_str());
        let whose = if is_embedded {
            Whose::Kubernetes
        } else {
            whose
        };
        walk(&format!("{path}.{name}"), property, whose, visit);
    }
    if !node["items"].is_null() {
        walk(&format!("{path}[]"), &node["items"], whose, visit);
    }
    if node["additionalProperties"].is_object() {
        walk(
            &format!("{path}{{}}"),
            &node["additionalProperties"],
            whose,
            visit,
        );
    }
}

/// What is wrong with a node, seen alone.
fn faults_of(node: &Value, whose: Whose) -> impl Iterator<Item = String> {
    let has = |keyword: &str| !node[keyword].is_null();
    let kind = node["type"].as_str().unwrap_or_default();
    let format = node["format"].as_str().unwrap_or_default();
    let is_anything = node["x-kubernetes-int-or-string"] == true;
    let ours = whose == Whose::Ours;
    let text_has_end = has("maxLength") || has("enum") || format == "date-time";
    let properties = node["properties"].as_object().into_iter().flatten();
    let undocumented: Vec<&String> = properties
        .filter(|(_, property)| property["description"].as_str().is_none_or(str::is_empty))
        .map(|(name, _)| name)
        .collect();
    let checks = [
        (kind.is_empty() && !is_anything, "has no type".to_owned()),
        (has("nullable"), "is nullable".to_owned()),
        (
            format.starts_with("uint"),
            format!("has the format {format}"),
        ),
        (
            kind == "array" && !has("x-kubernetes-list-type"),
            "does not say how lists are merged".to_owned(),
        ),
        (
            ours && kind == "string" && !text_has_end,
            "is a text without maxLength".to_owned(),
        ),
        (
            ours && kind == "array" && !has("maxItems"),
            "is a list without maxItems".to_owned(),
        ),
        (
            ours && has("additionalProperties") && !has("maxProperties"),
            "is a map without maxProperties".to_owned(),
        ),
        (
            !undocumented.is_empty(),
            format!("has properties without docs: {undocumented:?}"),
        ),
        (
            has("default") && node["default"].is_null(),
            "has null as its default".to_owned(),
        ),
    ];
    checks
        .into_iter()
        .filter_map(|(is_fault, fault)| is_fault.then_some(fault))
}

#[test]
fn every_list_of_named_things_is_a_map() {
    let named = BTreeSet::from([
        ".spec.env",
        ".spec.extraArgs",
        ".spec.imagePullSecrets",
        ".status.conditions",
    ]);
    let mut found = BTreeSet::new();
    walk("", &schema(), Whose::Ours, &mut |path, node, whose| {
        let is_own_list = path.matches('.').count() == 2 && !path.ends_with("[]");
        if is_own_list && node["x-kubernetes-list-type"] == "map" {
            assert!(whose == Whose::Ours || path == ".spec.env", "{path}");
            found.insert(path.to_owned());
        }
    });
    assert!(found.iter().map(String::as_str).eq(named), "{found:?}");
}

#[tokio::test]
async fn what_is_not_said_is_stored_as_the_types_would_have_it() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    let client = cluster.client(User::Admin).await;
    let api = push_gateways(client, &cluster.namespace().await);
    let object = push_gateway("empty", &json!({}));
    let stored = api.create(&PostParams::default(), &object).await.unwrap();
    // Also proof that each default is valid: the API server refuses definitions with others.
    let default = serde_json::to_value(PushGatewaySpec::default()).unwrap();
    assert_eq!(stored.data["spec"], default);

    // Without a spec there is nothing to give defaults to.
    let mut without = push_gateway("without", &json!({}));
    without.data = json!({});
    let refused = api.create(&PostParams::default(), &without).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("spec: Required value"), "{refused}");
}

#[tokio::test]
async fn explain_prints_the_docs() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    let page = cluster.kubectl(&["explain", "pushgateway.spec.persistence"]);
    for words in [
        "KIND:       PushGateway",
        "VERSION:    v1alpha1",
        "The volume that holds the persistence file.",
        "Size of the volume. It can grow where the storage class allows it",
        "retentionPolicy\t<Object>",
    ] {
        assert!(page.contains(words), "{words:?} is not in {page}");
    }
    let page = cluster.kubectl(&["explain", "pgw.spec.resources.limits"]);
    assert!(
        page.contains("maximum amount of compute resources"),
        "{page}"
    );
}

#[tokio::test]
async fn an_autoscaler_finds_what_it_needs() {
    let Some(world) = World::shared().await else {
        return;
    };
    world.apply("scaled", json!({})).await;
    world
        .until("scaled", "Ready", "True", "AllReplicasReady")
        .await;
    let scale = world.gateways().get_scale("scaled").await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(1));
    let status = scale.status.unwrap();
    assert_eq!(status.replicas, 1);
    let pods = Api::<Pod>::namespaced(world.client.clone(), &world.namespace);
    let selected = ListParams::default().labels(&status.selector.unwrap());
    assert_eq!(pods.list(&selected).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn kubectl_shows_what_matters() {
    let Some(world) = World::shared().await else {
        return;
    };
    let namespace = &world.namespace;
    let spec = json!({"image": "registry.test/pushgateway:9.8.7", "persistence": {"size": "3Gi"}});
    world.apply("shown", spec).await;
    world
        .until("shown", "Ready", "True", "AllReplicasReady")
        .await;
    world.until("shown", "StorageReady", "True", "Bound").await;

    let table = |arguments: &[&str]| {
        let get = ["-n", namespace, "get", "pushgateway", "shown"];
        let text = world.cluster.kubectl(&[&get, arguments].concat());
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        text.lines().map(words).collect::<Vec<Vec<String>>>()
    };
    let url = format!("http://shown.{namespace}.svc:9091");
    let brief = table(&[]);
    assert_eq!(brief[0].join(" "), "NAME READY REPLICAS AVAILABLE URL AGE");
    assert_eq!(brief[1][..5], ["shown", "True", "1", "1", &url]);
    let wide = table(&["-o", "wide"]);
    assert_eq!(
        wide[0].join(" "),
        "NAME READY REPLICAS AVAILABLE URL STORAGE VERSION REASON AGE"
    );
    assert_eq!(wide[1][5..8], ["3Gi", "9.8.7", "AllReplicasReady"]);

    // It stays out of `get all`, which asks for every kind of that category.
    let all = world
        .cluster
        .kubectl(&["-n", namespace, "get", "all", "-o", "name"]);
    assert!(all.contains("service/shown"), "{all}");
    assert!(!all.contains("pushgateway.io"), "{all}");
}
