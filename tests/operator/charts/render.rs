//! What the chart renders of many values: valid, kept in files, named apart, restricted.

use std::collections::BTreeSet;
use std::{env, fs};

use serde_json::{Value, json};

use super::{CHART, example, examples, object, only, release, root, workload, yaml};
use crate::helm::Helm;
use crate::schemas::Schemas;

const GOLDEN: &str = "tests/operator/charts/golden";
const UPDATE: &str =
    "UPDATE=1 cargo test --features operator --test operator -- charts::render charts::values";

/// Examples whose renderings are kept.
const KEPT: [&str; 4] = ["default", "deployment", "everything", "tls-and-basic-auth"];

#[test]
fn examples_are_valid_from_kubernetes_1_30_on() {
    let (Some(helm), Some(schemas)) = (Helm::find(), Schemas::find()) else {
        return;
    };
    for (name, values) in examples() {
        helm.lint(&release("a", values.clone()));
        for object in helm.render(&release("a", values)) {
            let faults = schemas.faults(&object);
            assert!(faults.is_empty(), "{name}, {}: {faults:#?}", object["kind"]);
        }
    }
}

#[test]
fn renderings_are_as_they_were() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let mut stale = Vec::new();
    for name in KEPT {
        let objects = helm.render(&release("batch", example(name)).namespace("jobs"));
        let documents = objects
            .iter()
            .filter(|object| !is_dashboard(object))
            .map(|object| format!("---\n{}", serde_yaml::to_string(object).unwrap()));
        let text = format!(
            "# Made from the values {name}: make generate\n{}",
            documents.collect::<String>()
        );
        let path = root().join(GOLDEN).join(format!("{name}.yaml"));
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "{GOLDEN}: {stale:?} are stale; run make generate, or: {UPDATE}"
    );
}

/// Whether it holds the dashboard, which is a file of its own.
fn is_dashboard(object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap();
    name.ends_with("-dashboard")
}

#[test]
fn releases_never_share_a_name() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let long = "a".repeat(52);
    for (name, mut values) in examples() {
        // Set on purpose, for all releases alike.
        if let Some(values) = values.as_object_mut() {
            values.remove("fullnameOverride");
            values.remove("serviceAccount");
        }
        let mut names = BTreeSet::new();
        for of in ["a", "b", &format!("{long}a"), &format!("{long}b")] {
            for object in helm.render(&release(of, values.clone())) {
                let metadata = &object["metadata"];
                let key = (
                    object["kind"].to_string(),
                    metadata["namespace"].to_string(),
                    metadata["name"].to_string(),
                );
                assert!(names.insert(key.clone()), "{name}: {key:?} twice");
            }
        }
    }
}

#[test]
fn releases_select_only_their_own() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let selector = |of: &str, version: &str| {
        let values = json!({
            "image": {"tag": version},
            "podLabels": {"a": "b"},
            "commonLabels": {"c": "d"},
        });
        let objects = helm.render(&release(of, values));
        let labels = workload(&objects)["spec"]["selector"]["matchLabels"].clone();
        for kind in ["Service", "Service"] {
            for object in objects.iter().filter(|object| object["kind"] == kind) {
                assert_eq!(object["spec"]["selector"], labels);
            }
        }
        let template = &workload(&objects)["spec"]["volumeClaimTemplates"][0]["metadata"]["labels"];
        (labels, template.clone())
    };
    assert_eq!(
        selector("a", "1"),
        selector("a", "2"),
        "nothing that changes"
    );
    assert_ne!(selector("a", "1"), selector("b", "1"));
}

#[test]
fn pods_satisfy_the_restricted_standard() {
    let Some(helm) = Helm::find() else {
        return;
    };
    for (name, values) in examples() {
        for object in helm.render(&release("a", values)) {
            let spec = match object["kind"].as_str().unwrap() {
                "Pod" => &object["spec"],
                "Deployment" | "StatefulSet" => &object["spec"]["template"]["spec"],
                _ => continue,
            };
            let context = &spec["securityContext"];
            assert_eq!(context["runAsNonRoot"], true, "{name}");
            assert_eq!(
                context["seccompProfile"]["type"], "RuntimeDefault",
                "{name}"
            );
            let containers = spec["containers"].as_array().unwrap();
            // Those that examples add are theirs.
            for container in containers
                .iter()
                .filter(|container| container["name"] != "beside")
            {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
                assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{name}");
                assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            }
        }
    }
    let objects = helm.render(&release("a", json!({})));
    assert_eq!(
        workload(&objects)["spec"]["template"]["spec"]["automountServiceAccountToken"],
        false
    );
}

#[test]
fn the_monitor_has_one_target_that_selects_the_pod() {
    let Some(helm) = Helm::find() else {
        return;
    };
    for (name, values) in examples() {
        let objects = helm.render(&release("a", values));
        let Some(monitor) = objects
            .iter()
            .find(|object| object["kind"] == "ServiceMonitor")
        else {
            continue;
        };
        let selects = |selector: &Value, labels: &Value| {
            let mut selector = selector.as_object().unwrap().iter();
            selector.all(|(key, value)| labels[key] == *value)
        };
        let services = objects.iter().filter(|object| object["kind"] == "Service");
        let selector = &monitor["spec"]["selector"]["matchLabels"];
        let scraped: Vec<_> = services
            .filter(|service| selects(selector, &service["metadata"]["labels"]))
            .collect();
        assert_eq!(scraped.len(), 1, "{name}: {scraped:#?}");
        let labels = &workload(&objects)["spec"]["template"]["metadata"]["labels"];
        assert!(selects(&scraped[0]["spec"]["selector"], labels), "{name}");
        let port = &monitor["spec"]["endpoints"][0]["port"];
        assert_eq!(scraped[0]["spec"]["ports"][0]["name"], *port, "{name}");
        for pod in objects.iter().filter(|object| object["kind"] == "Pod") {
            let labels = &pod["metadata"]["labels"];
            assert!(
                !selects(&scraped[0]["spec"]["selector"], labels),
                "the test gets pushes"
            );
        }
    }
}

#[test]
fn every_mount_has_its_volume() {
    let Some(helm) = Helm::find() else {
        return;
    };
    for (name, values) in examples() {
        let objects = helm.render(&release("a", values));
        let workload = workload(&objects);
        let spec = &workload["spec"]["template"]["spec"];
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let templates = list(&workload["spec"]["volumeClaimTemplates"]);
        let templates = templates
            .iter()
            .map(|claim| claim["metadata"]["name"].clone());
        let volumes: Vec<Value> = list(&spec["volumes"])
            .iter()
            .map(|volume| volume["name"].clone())
            .chain(templates)
            .collect();
        for mount in list(&spec["containers"][0]["volumeMounts"]) {
            let found = volumes
                .iter()
                .filter(|volume| **volume == mount["name"])
                .count();
            assert_eq!(found, 1, "{name}: volumes of {mount}");
        }
    }
}

#[test]
fn persistence_is_passed_on() {
    let Some(helm) = Helm::find() else {
        return;
    };
    for (name, has_file) in [
        ("default", true),
        ("deployment", true),
        ("empty-dir", true),
        ("memory", false),
    ] {
        let objects = helm.render(&release("a", example(name)));
        let container = workload(&objects)["spec"]["template"]["spec"]["containers"][0].clone();
        let arguments = container["args"].as_array().unwrap();
        let file = json!("--persistence.file=/data/pushgateway.data");
        assert_eq!(arguments.contains(&file), has_file, "{name}");
        let mounts = json!([{"mountPath": "/data", "name": "storage-volume"}]);
        assert_eq!(container["volumeMounts"] == mounts, has_file, "{name}");
    }
}

#[test]
fn claims_outlive_the_release() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let objects = helm.render(&release("a", example("deployment")));
    let claim = only(&objects, "PersistentVolumeClaim");
    assert_eq!(
        claim["metadata"]["annotations"]["helm.sh/resource-policy"],
        "keep"
    );
    let objects = helm.render(&release("a", json!({})));
    let retention = &workload(&objects)["spec"]["persistentVolumeClaimRetentionPolicy"];
    assert_eq!(retention["whenDeleted"], "Retain");
}

#[test]
fn images_are_named_as_asked() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let appversion = "0.1.0";
    for (values, expected) in [
        (
            json!({}),
            format!("ghcr.io/pushgateway/pushgateway:{appversion}"),
        ),
        (
            json!({"image": {"tag": "1"}}),
            "ghcr.io/pushgateway/pushgateway:1".to_owned(),
        ),
        (
            json!({"image": {"registry": "r:5000"}}),
            format!("r:5000/pushgateway/pushgateway:{appversion}"),
        ),
        (
            json!({"global": {"imageRegistry": "g"}}),
            format!("g/pushgateway/pushgateway:{appversion}"),
        ),
        (
            json!({"global": {"imageRegistry": "g"}, "image": {"registry": "r"}}),
            format!("r/pushgateway/pushgateway:{appversion}"),
        ),
        // As in the community chart, whose repository has a host name in it.
        (
            json!({"image": {"repository": "quay.io/a/b"}}),
            format!("quay.io/a/b:{appversion}"),
        ),
        (
            json!({"image": {"digest": format!("sha256:{}", "0".repeat(64))}}),
            format!("ghcr.io/pushgateway/pushgateway@sha256:{}", "0".repeat(64)),
        ),
    ] {
        let objects = helm.render(&release("a", values.clone()));
        let image = &workload(&objects)["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(*image, expected, "{values}");
    }
}

#[test]
fn names_are_those_of_the_community_chart() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let old = json!({"nameOverride": "prometheus-pushgateway"});
    for (of, values, expected) in [
        ("a", json!({}), "a-pushgateway"),
        ("my-pushgateway", json!({}), "my-pushgateway"),
        ("a", old.clone(), "a-prometheus-pushgateway"),
        ("prometheus-pushgateway", old, "prometheus-pushgateway"),
        ("a", json!({"fullnameOverride": "b"}), "b"),
    ] {
        let objects = helm.render(&release(of, values));
        assert_eq!(workload(&objects)["metadata"]["name"], expected);
    }
}

#[test]
fn affinities_are_joined() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let objects = helm.render(&release("a", example("everything")));
    let affinity = &workload(&objects)["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"];
    let preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"].as_array();
    assert_eq!(preferred.unwrap().len(), 2, "{affinity}");
}

#[test]
fn notes_tell_where_to_push_and_warn() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let notes = |values: Value| helm.notes(&release("a", values).namespace("jobs"));
    let plain = notes(json!({}));
    for part in [
        "http://a-pushgateway.jobs.svc:9091",
        "curl --data-binary",
        "helm test a --namespace jobs",
    ] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
    assert!(!plain.contains("WARNING"), "{plain}");
    for (values, warning) in [
        (example("memory"), "in memory only"),
        (example("empty-dir"), "lost when the pod goes"),
        (
            json!({"service": {"type": "LoadBalancer"}}),
            "the type LoadBalancer can be reached from outside",
        ),
        (
            json!({"web": {"enableAdminAPI": true}}),
            "delete all groups",
        ),
        (json!({"web": {"enableLifecycle": true}}), "may stop it"),
    ] {
        let notes = notes(values);
        assert!(
            notes.contains("WARNING") && notes.contains(warning),
            "{warning}: {notes}"
        );
    }
    let guarded = json!({
        "service": {"type": "NodePort"},
        "web": {"enableAdminAPI": true, "basicAuth": {"existingSecret": "s"}},
        "serviceMonitor": {"enabled": true},
    });
    let guarded = notes(guarded);
    assert!(
        !guarded.contains("WARNING") && guarded.contains("additionalLabels.release"),
        "{guarded}"
    );
}

#[test]
fn additional_objects_are_expanded() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let objects = helm.render(&release("a", example("everything")));
    object(&objects, "ConfigMap", "a-map");
    object(&objects, "ConfigMap", "a-text");
}

#[test]
fn the_chart_is_of_this_release() {
    let text = fs::read_to_string(root().join(CHART).join("Chart.yaml")).unwrap();
    let chart = yaml(&text);
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    let annotations = &chart["annotations"];
    let images = yaml(annotations["artifacthub.io/images"].as_str().unwrap());
    let Some(helm) = Helm::find() else {
        return;
    };
    let objects = helm.render(&release("a", json!({})));
    let container = &workload(&objects)["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(images[0]["image"], container["image"]);
    for list in ["artifacthub.io/changes", "artifacthub.io/links"] {
        assert!(
            yaml(annotations[list].as_str().unwrap()).is_array(),
            "{list}"
        );
    }
}

/// All values of the community chart 3.8.0, with what it has by default or shows in its `ci` folder.
const OF_THE_COMMUNITY_CHART: &str = r#"
global: {imageRegistry: "", imagePullSecrets: []}
nameOverride: ""
fullnameOverride: ""
namespaceOverride: ""
image: {registry: "", repository: quay.io/prometheus/pushgateway, tag: "", pullPolicy: IfNotPresent}
imagePullSecrets: []
service:
  type: ClusterIP
  port: 9091
  targetPort: 9091
  portName: http
  clusterIP: ""
  ipDualStack: {enabled: false, ipFamilies: [IPv6, IPv4], ipFamilyPolicy: PreferDualStack}
  loadBalancerIP: ""
  loadBalancerSourceRanges: []
automountServiceAccountToken: true
deploymentAnnotations: {}
podAnnotations: {}
podLabels: {example.com/a: b}
serviceAnnotations: {}
serviceLabels: {}
serviceAccountLabels: {}
persistentVolumeLabels: {}
extraVars: [{name: A, value: b}]
extraArgs: []
extraInitContainers: []
extraContainers: []
resources: {}
webConfiguration: {}
liveness:
  enabled: true
  probe:
    httpGet: {path: /-/healthy, port: 9091, scheme: HTTP}
    initialDelaySeconds: 10
    timeoutSeconds: 10
readiness:
  enabled: true
  probe:
    httpGet: {path: /-/ready, port: 9091, scheme: HTTP}
    initialDelaySeconds: 10
    timeoutSeconds: 10
serviceAccount: {create: true, name: null, annotations: {}}
ingress:
  enabled: true
  className: ""
  path: /
  pathType: ImplementationSpecific
  extraPaths: []
  annotations: {}
  hosts: [push.example.com]
  tls: []
route:
  main:
    enabled: true
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    annotations: {}
    labels: {}
    hostnames: []
    parentRefs: []
    httpsRedirect: false
    matches: [{path: {type: PathPrefix, value: /}}]
    filters: []
    additionalRules: []
tolerations: []
nodeSelector: {}
replicaCount: 1
hostAliases: []
runAsStatefulSet: false
securityContext: {fsGroup: 65534, runAsUser: 65534, runAsNonRoot: true}
containerSecurityContext: {}
affinity: {}
podAntiAffinity: ""
podAntiAffinityTopologyKey: kubernetes.io/hostname
topologySpreadConstraints: []
serviceMonitor:
  enabled: true
  namespace: monitoring
  telemetryPath: /metrics
  interval: ""
  scheme: ""
  basicAuth: {}
  bearerTokenFile: ""
  tlsConfig: {}
  scrapeTimeout: ""
  additionalLabels: {}
  honorLabels: true
  metricRelabelings: []
  relabelings: []
podDisruptionBudget: {}
priorityClassName: null
strategy: {type: Recreate}
persistentVolume:
  enabled: false
  accessModes: [ReadWriteOnce]
  annotations: {}
  existingClaim: ""
  mountPath: /data
  size: 2Gi
  storageClass: null
  subPath: ""
  emptyDir: {}
extraVolumes: []
extraVolumeMounts: []
networkPolicy: {}
extraManifests: []
lifecycle: {}
"#;

#[test]
fn values_of_the_community_chart_are_taken() {
    let (Some(helm), Some(schemas)) = (Helm::find(), Schemas::find()) else {
        return;
    };
    let objects = helm.render(&release("a", yaml(OF_THE_COMMUNITY_CHART)));
    for object in &objects {
        let faults = schemas.faults(object);
        assert!(faults.is_empty(), "{}: {faults:#?}", object["kind"]);
    }
    let workload = workload(&objects);
    assert_eq!(workload["kind"], "Deployment");
    let spec = &workload["spec"]["template"]["spec"];
    let data = json!([{"name": "storage-volume", "emptyDir": {}}]);
    assert_eq!(spec["volumes"], data);
    let port = &spec["containers"][0]["livenessProbe"]["httpGet"]["port"];
    assert_eq!(*port, 9091);
}

#[test]
fn keys_without_a_value_are_as_if_not_there() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let empty = json!({
        "image": {"digest": null, "registry": null, "tag": null},
        "persistentVolume": {"storageClass": null, "existingClaim": null},
        "web": {"routePrefix": null, "externalURL": null, "tls": {"existingSecret": null}},
        "serviceAccount": {"name": null},
        "service": {"clusterIP": null, "nodePort": null},
        "affinity": null,
        "podAnnotations": null,
        "commonLabels": null,
        "extraVolumes": null,
        "extraVolumeMounts": null,
        "nodeSelector": null,
    });
    assert_eq!(
        helm.render(&release("a", empty)),
        helm.render(&release("a", json!({})))
    );
}
