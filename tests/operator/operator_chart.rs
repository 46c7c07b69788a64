//! The operator's chart: what it makes of its values, and what it refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::chart_values::ChartValues;
use crate::helm::{Helm, Release};
use crate::schemas::Schemas;

mod alerts;
mod dashboard;
mod lives;

/// Where the chart is.
pub(crate) const CHART: &str = "charts/pushgateway-operator";
/// The first and the last supported version, and one between.
const KUBE_VERSIONS: [&str; 3] = ["1.30.0", "1.33.4", "1.37.0"];

/// A release with the kinds of the Prometheus Operator at hand.
fn release(values: Value) -> Release {
    Release::new(CHART, "op")
        .namespace("ops")
        .api_version("monitoring.coreos.com/v1/ServiceMonitor")
        .api_version("monitoring.coreos.com/v1/PrometheusRule")
        .values(values)
}

/// Values that make every object there is.
fn everything() -> Value {
    json!({
        "replicas": 2,
        "podDisruptionBudget": {"enabled": true},
        "networkPolicy": {"enabled": true},
        "metrics": {
            "serviceMonitor": {"enabled": true},
            "prometheusRule": {"enabled": true},
            "dashboard": {"enabled": true},
        },
    })
}

/// Values that set whatever can be set, each to what shows in the objects.
fn every_value() -> Value {
    serde_yaml::from_str(include_str!("operator_chart/every-value.yaml")).unwrap()
}

/// Releases that have little in common.
fn matrix() -> Vec<(&'static str, Value)> {
    vec![
        ("defaults", json!({})),
        ("everything", everything()),
        ("every value", every_value()),
        (
            "no election",
            json!({"leaderElection": {"enabled": false}, "metrics": {"service": {"enabled": false}}}),
        ),
        (
            "bare",
            json!({
                "crds": {"enabled": false},
                "rbac": {"create": false, "aggregateToUserRoles": false},
                "serviceAccount": {"create": false},
                "metrics": {"service": {"enabled": false}},
            }),
        ),
        ("no optional kinds", no_optional_kinds()),
        (
            "budgets by number",
            json!({"podDisruptionBudget": {"enabled": true, "minAvailable": 0}}),
        ),
        (
            "budgets the other way",
            json!({"podDisruptionBudget": {"enabled": true, "maxUnavailable": 2}}),
        ),
        ("nothing is kept", json!({"crds": {"keep": false}})),
        (
            "digest alone",
            json!({
                "image": {"registry": "", "digest": format!("sha256:{}", "b".repeat(64))},
                "resources": {"limits": {"memory": null}},
            }),
        ),
    ]
}

/// Nothing but what every gateway needs.
fn no_optional_kinds() -> Value {
    let kinds = [
        "podDisruptionBudgets",
        "networkPolicies",
        "ingresses",
        "httpRoutes",
        "serviceMonitors",
        "prometheuses",
    ];
    let kinds: serde_json::Map<String, Value> = kinds
        .map(|kind| (kind.to_owned(), json!(false)))
        .into_iter()
        .collect();
    json!({"rbac": {"optionalKinds": kinds}})
}

/// The objects of a kind.
fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let objects = objects.iter();
    objects.filter(|object| object["kind"] == kind).collect()
}

/// The only object of a kind.
#[track_caller]
fn the<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found = of_kind(objects, kind);
    assert_eq!(found.len(), 1, "{kind}: {found:#?}");
    found[0]
}

/// Fails the test unless a pod keeps to the Pod Security Standard "restricted", and writes nowhere.
#[track_caller]
pub(crate) fn assert_restricted(pod: &Value) {
    let of_pod = &pod["securityContext"];
    assert_eq!(of_pod["runAsNonRoot"], true, "{pod:#}");
    assert_eq!(
        of_pod["seccompProfile"]["type"], "RuntimeDefault",
        "{pod:#}"
    );
    assert!(of_pod["runAsUser"].as_i64() > Some(0), "{pod:#}");
    for field in ["hostNetwork", "hostPID", "hostIPC", "volumes"] {
        assert!(pod[field].is_null(), "{field} in {pod:#}");
    }
    let containers = pod["containers"].as_array().unwrap();
    assert!(!containers.is_empty());
    for container in containers {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false, "{container:#}");
        assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
        assert_eq!(context["readOnlyRootFilesystem"], true, "{container:#}");
        for amounts in ["requests", "limits"] {
            assert!(container["resources"][amounts]["memory"].is_string());
        }
    }
}

#[test]
fn helm_has_nothing_against_it() {
    let Some(helm) = Helm::find() else { return };
    for values in [json!({}), everything()] {
        // `helm lint` can't be told what a cluster serves.
        let mut values = values;
        if let Some(metrics) = values["metrics"].as_object_mut() {
            metrics.remove("serviceMonitor");
            metrics.remove("prometheusRule");
        }
        helm.lint(&release(values));
    }
}

#[test]
fn objects_are_valid_in_every_version() {
    let (Some(helm), Some(schemas)) = (Helm::find(), Schemas::find()) else {
        return;
    };
    for kube_version in KUBE_VERSIONS {
        for (what, values) in matrix() {
            let objects = helm.render(&release(values).kube_version(kube_version));
            assert_eq!(of_kind(&objects, "Deployment").len(), 1, "{what}");
            schemas.check(what, &objects);
        }
    }
}

#[test]
fn pods_are_restricted_and_run_as_the_image_says() {
    let Some(helm) = Helm::find() else { return };
    for values in [json!({}), everything()] {
        let objects = helm.render(&release(values));
        let pod = &the(&objects, "Deployment")["spec"]["template"]["spec"];
        assert_restricted(pod);
        assert_eq!(pod["securityContext"]["runAsUser"], 65532);
    }
}

#[test]
fn every_value_shows() {
    let Some(helm) = Helm::find() else { return };
    let values = every_value();
    let objects = helm.render(&release(values.clone()));
    let deployment = the(&objects, "Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let digest = |digit: &str| digit.repeat(64);
    let image = format!("registry.test:5000/a/operator:1.2.3@sha256:{}", digest("a"));
    assert_eq!(container["image"], image);
    let gateway = format!("mirror.test:5000/a/gateway:3.2.1@sha256:{}", digest("c"));
    let arguments = json!([
        "--watch-namespaces=one,two",
        format!("--gateway-image={gateway}"),
        "--lease-name=the-lease",
        "--discovery-interval=17s",
        "--log.level=debug",
        "--log.format=json",
        "--some-flag=of-later",
    ]);
    assert_eq!(container["args"], arguments);

    let text = Value::Array(objects.clone()).to_string();
    let mut missing = Vec::new();
    leaves(&values, &mut |leaf| {
        let word = match leaf {
            Value::String(word) => word.clone(),
            other => other.to_string(),
        };
        // Templates show as what they make; what is left out does not show.
        if !word.contains("{{") && word != "PushgatewayNotReady" && !text.contains(&word) {
            missing.push(word);
        }
    });
    assert!(missing.is_empty(), "{missing:?} are not in {text}");
    assert!(!text.contains("PushgatewayNotReady"));
    for name in ["of-op", "text-of-op"] {
        assert!(text.contains(&format!("\"name\":\"{name}\"")), "{name}");
    }
    let spread = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0];
    assert_eq!(spread["labelSelector"], deployment["spec"]["selector"]);
    for object in objects {
        if !object["metadata"]["name"]
            .as_str()
            .unwrap()
            .ends_with("of-op")
        {
            assert_eq!(object["metadata"]["labels"]["example.com/team"], "batch");
        }
    }
}

#[test]
fn every_value_has_a_comment_a_schema_and_a_row_in_the_readme() {
    let values = ChartValues::of(CHART);
    values.check_comments();
    values.check_readme();
    values.check_schema(&[".global", ".affinity.", ".probes.", ".resources."]);
}

#[test]
fn every_value_has_an_effect() {
    let Some(helm) = Helm::find() else { return };
    let releases: Vec<_> = matrix()
        .into_iter()
        .map(|(_, values)| (release(json!({})), values))
        .collect();
    ChartValues::of(CHART).check_effects(&helm, &releases, &[]);
}

/// Visits all that is neither a list nor a map.
fn leaves(value: &Value, visit: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(fields) => fields.values().for_each(|field| leaves(field, visit)),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, visit)),
        leaf => visit(leaf),
    }
}

#[test]
fn the_gateways_image_is_said_only_where_it_differs() {
    let Some(helm) = Helm::find() else { return };
    let version = env!("CARGO_PKG_VERSION");
    let of_release = format!("ghcr.io/pushgateway/pushgateway:{version}");
    assert_eq!(pushgateway::operator::validate::DEFAULT_IMAGE, of_release);
    for (values, expected) in [
        (json!({}), None),
        (
            json!({"gatewayImage": {"registry": "mirror.test"}}),
            Some(format!("mirror.test/pushgateway/pushgateway:{version}")),
        ),
        (
            json!({"gatewayImage": {"registry": "mirror.test"}, "image": {"tag": "9.9.9"}}),
            Some("mirror.test/pushgateway/pushgateway:9.9.9".to_owned()),
        ),
        (
            json!({"gatewayImage": {"tag": "2.0.0"}}),
            Some("ghcr.io/pushgateway/pushgateway:2.0.0".to_owned()),
        ),
    ] {
        let objects = helm.render(&release(values));
        let container = &the(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
        let arguments = container["args"].as_array().unwrap().iter();
        let mut images = arguments.filter_map(|argument| {
            let argument = argument.as_str().unwrap();
            argument.strip_prefix("--gateway-image=").map(str::to_owned)
        });
        assert_eq!(images.next(), expected);
    }
}

#[test]
fn with_a_list_of_namespaces_nothing_is_granted_elsewhere() {
    let Some(helm) = Helm::find() else { return };
    let values = json!({
        "watchNamespaces": ["one", "two"],
        "crds": {"enabled": false},
        "rbac": {"aggregateToUserRoles": false},
    });
    let objects = helm.render(&release(values));
    let place = |object: &Value| object["metadata"]["namespace"].clone();
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        assert!(of_kind(&objects, kind).is_empty());
    }
    // All of it can be made by whoever may do everything in three namespaces.
    assert!(objects.iter().all(|object| place(object).is_string()));
    for kind in ["Role", "RoleBinding"] {
        let places: Vec<_> = of_kind(&objects, kind).into_iter().map(place).collect();
        assert_eq!(places, ["one", "ops", "two"], "{kind}");
    }

    // In one namespace the operator has the same rights as it has in all otherwise.
    let cluster_wide = helm.render(&release(json!({"rbac": {"aggregateToUserRoles": false}})));
    let everywhere = &the(&cluster_wide, "ClusterRole")["rules"];
    for role in of_kind(&objects, "Role") {
        if place(role) != "ops" {
            assert_eq!(&role["rules"], everywhere);
        }
    }
    assert_eq!(of_kind(&cluster_wide, "Role").len(), 1, "for the lease");
}

/// All resources in the rules of roles, as `group/resource`.
fn granted(objects: &[Value]) -> BTreeSet<String> {
    let rules = objects
        .iter()
        .flat_map(|object| object["rules"].as_array().into_iter().flatten());
    let list = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule[field].as_array().unwrap().iter();
        list.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let pairs = rules.flat_map(|rule| {
        let resources = list(rule, "resources");
        let groups = list(rule, "apiGroups");
        groups.into_iter().flat_map(move |group| {
            let named = resources.clone().into_iter();
            named.map(move |resource| format!("{group}/{resource}"))
        })
    });
    pairs.collect()
}

#[test]
fn each_optional_kind_can_be_left_out() {
    let Some(helm) = Helm::find() else { return };
    let all = granted(&helm.render(&release(json!({}))));
    let mut left_out = BTreeSet::new();
    for (kind, resources) in [
        ("podDisruptionBudgets", vec!["policy/poddisruptionbudgets"]),
        ("networkPolicies", vec!["networking.k8s.io/networkpolicies"]),
        ("ingresses", vec!["networking.k8s.io/ingresses"]),
        ("httpRoutes", vec!["gateway.networking.k8s.io/httproutes"]),
        (
            "serviceMonitors",
            vec!["monitoring.coreos.com/servicemonitors"],
        ),
        (
            "prometheuses",
            vec![
                "/namespaces",
                "monitoring.coreos.com/prometheusagents",
                "monitoring.coreos.com/prometheuses",
            ],
        ),
    ] {
        let values = json!({"rbac": {"optionalKinds": {kind: false}}});
        let granted = granted(&helm.render(&release(values)));
        let less: Vec<_> = all.difference(&granted).cloned().collect();
        assert_eq!(less, resources, "{kind}");
        left_out.extend(less);
    }
    let rest = granted(&helm.render(&release(no_optional_kinds())));
    assert_eq!(rest, all.difference(&left_out).cloned().collect());
}

#[test]
fn the_definition_stays_behind_only_if_asked() {
    let Some(helm) = Helm::find() else { return };
    let shipped = pushgateway::operator::crd::definition();
    let keep = "/metadata/annotations/helm.sh~1resource-policy";
    for (values, kept) in [
        (json!({}), Some("keep")),
        (json!({"crds": {"keep": false}}), None),
    ] {
        let objects = helm.render(&release(values));
        let definition = the(&objects, "CustomResourceDefinition");
        assert_eq!(definition["spec"], shipped["spec"]);
        assert_eq!(
            definition["metadata"]["name"],
            "pushgateways.pushgateway.io"
        );
        assert_eq!(definition.pointer(keep).and_then(Value::as_str), kept);
    }
    let without = release(json!({"crds": {"enabled": false}}));
    assert!(of_kind(&helm.render(&without), "CustomResourceDefinition").is_empty());
}

#[test]
fn two_releases_share_no_name() {
    let Some(helm) = Helm::find() else { return };
    let names = |release: &Release| -> BTreeSet<String> {
        let objects = helm.render(release);
        let names = objects.iter().map(|object| {
            let metadata = &object["metadata"];
            let place = [&object["kind"], &metadata["namespace"], &metadata["name"]];
            place.map(Value::to_string).join(" ")
        });
        let unique: BTreeSet<_> = names.collect();
        assert_eq!(unique.len(), objects.len());
        unique
    };
    let mut values = everything();
    values["crds"] = json!({"enabled": false});
    let in_place = |name: &str| {
        Release::new(CHART, name)
            .namespace("ops")
            .api_version("monitoring.coreos.com/v1/ServiceMonitor")
            .api_version("monitoring.coreos.com/v1/PrometheusRule")
            .values(values.clone())
    };
    let (first, second) = (names(&in_place("a")), names(&in_place("b")));
    let shared: Vec<_> = first.intersection(&second).collect();
    assert!(shared.is_empty(), "{shared:?}");
    assert!(first.len() > 12, "{first:?}");

    // The longest name of a release, and one with a dot, which no Service may have.
    for name in ["a".repeat(53), "a.b".to_owned()] {
        let objects = helm.render(&in_place(&name));
        let name = the(&objects, "Service")["metadata"]["name"].as_str();
        let name = name.unwrap();
        assert!(name.len() <= 63 && !name.contains('.'), "{name}");
    }
}

#[test]
fn the_monitor_selects_one_service_and_it_the_pods() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.render(&release(everything()));
    let matches = |selector: &Value, labels: &Value| {
        let mut selector = selector.as_object().unwrap().iter();
        selector.all(|(key, value)| labels[key] == *value)
    };
    let monitor = &the(&objects, "ServiceMonitor")["spec"];
    assert_eq!(monitor["namespaceSelector"]["matchNames"], json!(["ops"]));
    let service = the(&objects, "Service");
    let labels = &service["metadata"]["labels"];
    assert!(matches(&monitor["selector"]["matchLabels"], labels));
    let pods = &the(&objects, "Deployment")["spec"]["template"];
    let selectors = [
        &service["spec"]["selector"],
        &the(&objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &the(&objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        &the(&objects, "Deployment")["spec"]["selector"]["matchLabels"],
    ];
    for selector in selectors {
        assert!(matches(selector, &pods["metadata"]["labels"]), "{selector}");
    }
    let port = &pods["spec"]["containers"][0]["ports"][0];
    assert_eq!(service["spec"]["ports"][0]["targetPort"], port["name"]);
    assert_eq!(monitor["endpoints"][0]["port"], "http");
}

#[test]
fn what_can_not_be_obeyed_is_refused() {
    let Some(helm) = Helm::find() else { return };
    for (values, words) in [
        // Mistyped or of the wrong kind.
        (json!({"replica": 1}), vec!["replica", "not allowed"]),
        (
            json!({"image": {"repositroy": "x"}}),
            vec!["/image", "repositroy"],
        ),
        (
            json!({"metrics": {"serviceMonitor": {"enable": true}}}),
            vec!["/metrics/serviceMonitor", "enable"],
        ),
        (
            json!({"rbac": {"optionalKinds": {"secrets": true}}}),
            vec!["secrets", "not allowed"],
        ),
        (
            json!({"persistence": {"enabled": true}}),
            vec!["persistence", "not allowed"],
        ),
        (
            json!({"watchNamespaces": "one"}),
            vec!["/watchNamespaces", "want array"],
        ),
        (
            json!({"watchNamespaces": ["One"]}),
            vec!["/watchNamespaces/0", "pattern"],
        ),
        (
            json!({"watchNamespaces": ["one", "one"]}),
            vec!["/watchNamespaces", "equal"],
        ),
        (
            json!({"log": {"level": "trace"}}),
            vec!["/log/level", "'debug', 'info', 'warn', 'error'"],
        ),
        (
            json!({"image": {"digest": "sha256:abc"}}),
            vec!["/image/digest"],
        ),
        (
            json!({"discoveryInterval": "often"}),
            vec!["/discoveryInterval"],
        ),
        (json!({"commonLabels": {"a": 1}}), vec!["/commonLabels/a"]),
        (
            json!({"metrics": {"prometheusRule": {"disabled": ["Wrong"]}}}),
            vec!["/disabled/0"],
        ),
        (
            json!({"extraArgs": ["--lease-name=x"]}),
            vec!["/extraArgs/0"],
        ),
        (
            json!({"extraArgs": ["--log.level", "debug"]}),
            vec!["/extraArgs/0"],
        ),
        (
            json!({"env": [{"name": "WATCH_NAMESPACES", "value": "x"}]}),
            vec!["/env/0/name"],
        ),
        // Each valid for itself.
        (
            json!({"replicas": 2, "leaderElection": {"enabled": false}}),
            vec!["replicas is more than 1", "Enable leaderElection"],
        ),
        (
            json!({"podDisruptionBudget": {"enabled": true, "minAvailable": 1, "maxUnavailable": 1}}),
            vec!["exclude each other"],
        ),
        (
            json!({"metrics": {"service": {"enabled": false}, "serviceMonitor": {"enabled": true}}}),
            vec!["metrics.serviceMonitor.enabled needs metrics.service.enabled"],
        ),
        (
            json!({"metrics": {"prometheusRule": {"enabled": true}}}),
            vec!["metrics.prometheusRule.enabled needs metrics.serviceMonitor.enabled"],
        ),
    ] {
        helm.refusal(&release(values)).says(&words);
    }
}

#[test]
fn what_the_cluster_lacks_is_refused() {
    let Some(helm) = Helm::find() else { return };
    let bare = Release::new(CHART, "op");
    let monitor = json!({"metrics": {"serviceMonitor": {"enabled": true}}});
    let refusal = helm.refusal(&bare.clone().values(monitor));
    refusal.says(&[
        "metrics.serviceMonitor.enabled",
        "Prometheus Operator",
        "--api-versions",
    ]);
    let rule = json!({"metrics": {
        "serviceMonitor": {"enabled": true},
        "prometheusRule": {"enabled": true},
    }});
    let without_rules = bare
        .clone()
        .api_version("monitoring.coreos.com/v1/ServiceMonitor")
        .values(rule);
    helm.refusal(&without_rules)
        .says(&["serves no PrometheusRule"]);
    helm.refusal(&bare.kube_version("1.29.9"))
        .says(&["kubeVersion"]);
}

#[test]
fn notes_say_what_to_do_next() {
    let Some(helm) = Helm::find() else { return };
    // A dry run asks no cluster what it serves, so there is no ServiceMonitor here.
    let notes = |values: Value| helm.notes(&Release::new(CHART, "op").values(values));
    let plain = notes(json!({}));
    for words in [
        "all namespaces",
        "kubectl apply",
        "\"kind\": \"PushGateway\"",
        "`helm uninstall` leaves the definition",
        "metrics.serviceMonitor.enabled",
    ] {
        assert!(plain.contains(words), "{words} is not in {plain}");
    }
    assert!(!plain.contains("WARNING"), "{plain}");
    for (values, words) in [
        (json!({"watchNamespaces": ["one"]}), "kubectl apply -n one"),
        (
            json!({"crds": {"enabled": false}}),
            "WARNING: crds.enabled is false",
        ),
        (
            json!({"crds": {"keep": false}}),
            "WARNING: crds.keep is false",
        ),
        (
            json!({"rbac": {"create": false}}),
            "WARNING: rbac.create is false",
        ),
    ] {
        let notes = notes(values);
        assert!(notes.contains(words), "{words} is not in {notes}");
    }
}

#[test]
fn the_chart_is_of_this_release() {
    let Some(helm) = Helm::find() else { return };
    let version = env!("CARGO_PKG_VERSION");
    let objects = helm.render(&release(json!({})));
    let container = &the(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let image = format!("ghcr.io/pushgateway/pushgateway-operator:{version}");
    assert_eq!(container["image"], image);
    let chart = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(CHART)
            .join("Chart.yaml"),
    );
    let chart: Value = serde_yaml::from_str(&chart.unwrap()).unwrap();
    assert_eq!(chart["version"], version);
    let images = chart["annotations"]["artifacthub.io/images"]
        .as_str()
        .unwrap();
    for image in [&image, pushgateway::operator::validate::DEFAULT_IMAGE] {
        assert!(images.contains(&format!("image: {image}\n")), "{images}");
    }
}

#[test]
fn the_example_of_the_chart_is_valid() {
    let Some(schemas) = Schemas::find() else {
        return;
    };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(CHART);
    let chart = std::fs::read_to_string(path.join("Chart.yaml")).unwrap();
    let chart: Value = serde_yaml::from_str(&chart).unwrap();
    let examples = chart["annotations"]["artifacthub.io/crdsExamples"].as_str();
    let examples: Vec<Value> = serde_yaml::from_str(examples.unwrap()).unwrap();
    assert!(!examples.is_empty());
    schemas.check("crdsExamples", &examples);
}
