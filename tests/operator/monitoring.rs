//! Whether a Prometheus takes a gateway up, told from real objects of the Prometheus Operator's kinds.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use pushgateway::operator::kind::Kind;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, User};
use crate::gateways::{World, definition};
use crate::operators::Operator;
use crate::parts;

/// A cluster of these tests' own: a Prometheus somewhere is told to all PushGateways.
async fn world() -> Option<World<'static>> {
    static SHARED: OnceCell<Option<(Cluster, Operator)>> = OnceCell::const_new();
    let monitoring = parts::find("prometheus-operator-crds")?;
    let start = async || {
        let kinds = ["prometheuses", "prometheusagents", "servicemonitors"];
        let files = kinds.map(|kind| monitoring.join(format!("monitoring.coreos.com_{kind}.yaml")));
        let mut crds = files.to_vec();
        crds.push(definition());
        let cluster = Cluster::start(&crds).await?;
        let operator = Operator::start(&cluster, User::Admin, "shared", &[]).await;
        Some((cluster, operator))
    };
    let (cluster, operator) = SHARED.get_or_init(start).await.as_ref()?;
    Some(World::with(cluster, operator).await)
}

/// A namespace, and in it who is to scrape.
struct Scrapers {
    prometheuses: Api<DynamicObject>,
    agents: Api<DynamicObject>,
}

impl Scrapers {
    fn of(world: &World<'_>, namespace: &str) -> Self {
        let api = |version, kind, plural| {
            let kind = GroupVersionKind::gvk("monitoring.coreos.com", version, kind);
            let resource = ApiResource::from_gvk_with_plural(&kind, plural);
            Api::namespaced_with(world.client.clone(), namespace, &resource)
        };
        Self {
            prometheuses: api("v1", "Prometheus", "prometheuses"),
            agents: api("v1alpha1", "PrometheusAgent", "prometheusagents"),
        }
    }

    /// Applies a Prometheus.
    async fn apply(&self, name: &str, spec: Value) {
        apply(&self.prometheuses, ["v1", "Prometheus"], name, spec).await;
    }

    /// Applies a Prometheus agent.
    async fn apply_agent(&self, name: &str, spec: Value) {
        apply(&self.agents, ["v1alpha1", "PrometheusAgent"], name, spec).await;
    }
}

/// Applies an object of the Prometheus Operator as its owner would.
async fn apply(api: &Api<DynamicObject>, [version, kind]: [&str; 2], name: &str, spec: Value) {
    let object = json!({
        "apiVersion": format!("monitoring.coreos.com/{version}"),
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    });
    let owner = PatchParams::apply("kubectl").force();
    let applied = api.patch(name, &owner, &Patch::Apply(object)).await;
    applied.unwrap();
}

fn message(object: &Value) -> &str {
    let conditions = object["status"]["conditions"].as_array();
    let mut found = conditions
        .into_iter()
        .flatten()
        .filter(|condition| condition["type"] == "MonitoringReady");
    let message = found.next().and_then(|found| found["message"].as_str());
    message.unwrap_or_default()
}

#[tokio::test]
async fn the_labels_that_are_missing_are_told_and_help() {
    let Some(world) = world().await else {
        return;
    };
    let prometheus = json!({"serviceMonitorSelector": {"matchLabels": {"release": "stack"}}});
    Scrapers::of(&world, &world.namespace)
        .apply("main", prometheus)
        .await;
    world.apply("a", json!({})).await;
    let object = world
        .until("a", "MonitoringReady", "False", "NotSelected")
        .await;
    let told = message(&object);
    assert!(told.contains("{release: stack}"), "{told}");
    let who = format!("{}/main", world.namespace);
    assert!(told.contains(&who), "{told}");
    // Whether anybody scrapes has no say in whether it runs.
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    world.until("a", "Degraded", "False", "AsExpected").await;

    world
        .apply(
            "a",
            json!({"serviceMonitor": {"labels": {"release": "stack"}}}),
        )
        .await;
    let object = world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
    assert_eq!(
        object["status"]["monitoring"],
        json!({"name": "a", "boundTo": [
            {"resource": "prometheuses", "namespace": world.namespace, "name": "main"},
        ]})
    );
}

#[tokio::test]
async fn a_prometheus_that_changes_or_goes_is_noticed_at_once() {
    let Some(world) = world().await else {
        return;
    };
    let scrapers = Scrapers::of(&world, &world.namespace);
    let selector = |labels: Value| json!({"serviceMonitorSelector": {"matchLabels": labels}});
    world.apply("a", json!({})).await;
    scrapers
        .apply("main", selector(json!({"other": "x"})))
        .await;
    let told = |object: &Value| message(object).contains("other: x");
    world.until_object("it to be told", "a", told).await;
    scrapers.apply("main", selector(json!({}))).await;
    world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
    scrapers
        .prometheuses
        .delete("main", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    world
        .until("a", "MonitoringReady", "False", "NotSelected")
        .await;
}

#[tokio::test]
async fn namespaces_are_selected_by_label() {
    let Some(world) = world().await else {
        return;
    };
    let team = format!("team={}", world.namespace);
    world
        .cluster
        .kubectl(&["label", "namespace", &world.namespace, &team]);
    let elsewhere = world.cluster.namespace().await;
    let scrapers = Scrapers::of(&world, &elsewhere);
    let looking_at = |team: &str| {
        json!({
            "serviceMonitorSelector": {},
            "serviceMonitorNamespaceSelector": {"matchLabels": {"team": team}},
        })
    };
    scrapers.apply("main", looking_at("nobody")).await;
    world.apply("a", json!({})).await;
    let object = world
        .until("a", "MonitoringReady", "False", "NotSelected")
        .await;
    let told = message(&object);
    assert!(told.contains(&world.namespace), "{told}");
    assert!(told.contains("serviceMonitorNamespaceSelector"), "{told}");
    scrapers.apply("main", looking_at(&world.namespace)).await;
    world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
}

#[tokio::test]
async fn a_prometheus_that_selects_nothing_is_told_as_such() {
    let Some(world) = world().await else {
        return;
    };
    Scrapers::of(&world, &world.namespace)
        .apply("main", json!({}))
        .await;
    world.apply("a", json!({})).await;
    let object = world
        .until("a", "MonitoringReady", "False", "NotSelected")
        .await;
    let told = message(&object);
    assert!(told.contains("serviceMonitorSelector"), "{told}");
}

#[tokio::test]
async fn a_prometheus_that_renames_pushed_labels_is_told() {
    let Some(world) = world().await else {
        return;
    };
    let scrapers = Scrapers::of(&world, &world.namespace);
    let with = |field: &str, value: Value| json!({"serviceMonitorSelector": {}, field: value});
    world.apply("a", json!({})).await;
    scrapers
        .apply("main", with("overrideHonorLabels", json!(true)))
        .await;
    let object = world
        .until("a", "MonitoringReady", "False", "HonorLabelsOverridden")
        .await;
    let told = message(&object);
    assert!(told.contains("overrideHonorLabels"), "{told}");
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    scrapers
        .apply("main", with("overrideHonorLabels", json!(false)))
        .await;
    world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
}

#[tokio::test]
async fn an_enforced_namespace_label_is_told_as_what_it_does() {
    let Some(world) = world().await else {
        return;
    };
    let scrapers = Scrapers::of(&world, &world.namespace);
    let enforcing = |label: &str, excluded: Value| {
        json!({
            "serviceMonitorSelector": {},
            "enforcedNamespaceLabel": label,
            "excludedFromEnforcement": excluded,
        })
    };
    world.apply("a", json!({})).await;
    scrapers
        .apply("main", enforcing("namespace", json!([])))
        .await;
    let object = world
        .until("a", "MonitoringReady", "False", "HonorLabelsOverridden")
        .await;
    let told = message(&object);
    assert!(told.contains("enforcedNamespaceLabel"), "{told}");
    assert!(told.contains("excludedFromEnforcement"), "{told}");
    let excluded = json!([{"resource": "servicemonitors", "namespace": world.namespace}]);
    scrapers
        .apply("main", enforcing("namespace", excluded))
        .await;
    let object = world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
    let told = message(&object);
    assert!(!told.contains("enforcedNamespaceLabel"), "{told}");
}

#[tokio::test]
async fn what_the_prometheus_operator_reports_is_believed() {
    let Some(world) = world().await else {
        return;
    };
    world.apply("a", json!({})).await;
    world
        .until("a", "MonitoringReady", "False", "NotSelected")
        .await;
    let binding = |accepted: &str| {
        json!({
            "group": "monitoring.coreos.com",
            "resource": "prometheuses",
            "namespace": "far",
            "name": "away",
            "conditions": [{
                "type": "Accepted",
                "status": accepted,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        })
    };
    let monitors = world.api(Kind::ServiceMonitor);
    let report = async |accepted: &str| {
        let status = Patch::Merge(json!({"status": {"bindings": [binding(accepted)]}}));
        let merge = PatchParams::default();
        let patched = monitors.patch_status("a", &merge, &status).await;
        patched.unwrap();
    };
    report("True").await;
    let object = world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
    assert_eq!(
        object["status"]["monitoring"]["boundTo"],
        json!([{"resource": "prometheuses", "namespace": "far", "name": "away"}])
    );
    report("False").await;
    world
        .until("a", "MonitoringReady", "False", "NotSelected")
        .await;
}

#[tokio::test]
async fn a_prometheus_that_is_named_lends_its_labels() {
    let Some(world) = world().await else {
        return;
    };
    let elsewhere = world.cluster.namespace().await;
    let selector = json!({
        "matchLabels": {"release": "stack"},
        "matchExpressions": [
            {"key": "team", "operator": "In", "values": ["a", "b"]},
            {"key": "scrape", "operator": "Exists"},
        ],
    });
    let own = json!({"matchLabels": {"kubernetes.io/metadata.name": world.namespace}});
    let scrapers = Scrapers::of(&world, &elsewhere);
    let spec = |selector: &Value| json!({"serviceMonitorSelector": selector, "serviceMonitorNamespaceSelector": own});
    scrapers.apply("main", spec(&selector)).await;
    let named =
        json!({"serviceMonitor": {"prometheusRef": {"name": "main", "namespace": elsewhere}}});
    world.apply("a", named).await;
    world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
    let monitor = world.until_child(Kind::ServiceMonitor, "a", |_| true).await;
    let labels = &monitor["metadata"]["labels"];
    assert_eq!(
        [&labels["release"], &labels["team"], &labels["scrape"]],
        ["stack", "a", "true"]
    );
    // And follows when they change.
    let other = json!({"matchLabels": {"release": "other"}});
    scrapers.apply("main", spec(&other)).await;
    let followed = |monitor: &Value| {
        let labels = &monitor["metadata"]["labels"];
        labels["release"] == "other" && labels["team"].is_null()
    };
    world.until_child(Kind::ServiceMonitor, "a", followed).await;
    world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
}

#[tokio::test]
async fn an_agent_is_as_good_as_a_prometheus() {
    let Some(world) = world().await else {
        return;
    };
    world.apply("a", json!({})).await;
    Scrapers::of(&world, &world.namespace)
        .apply_agent("main", json!({"serviceMonitorSelector": {}}))
        .await;
    let object = world
        .until("a", "MonitoringReady", "True", "Selected")
        .await;
    assert_eq!(
        object["status"]["monitoring"]["boundTo"],
        json!([{"resource": "prometheusagents", "namespace": world.namespace, "name": "main"}])
    );
}
