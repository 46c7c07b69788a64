//! The dashboard and the alerts ask only for metrics and labels that a running operator has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{everything, release, the};
use crate::gateways::World;
use crate::helm::Helm;

/// Labels that a scrape adds to all that it brings.
const OF_SCRAPE: [&str; 4] = ["job", "namespace", "pod", "instance"];

/// What an operator has: the labels of each series name.
struct Exposed(BTreeMap<String, BTreeSet<String>>);

impl Exposed {
    /// Of a page of metrics.
    fn new(page: &str) -> Self {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        // What a scrape itself says.
        all.entry("up".to_owned()).or_default();
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (name, labels) = match line.split_once('{') {
                Some((name, rest)) => (name, rest.rsplit_once('}').unwrap().0),
                None => (line.split_once(' ').unwrap().0, ""),
            };
            let names = label_names(labels);
            all.entry(name.to_owned()).or_default().extend(names);
        }
        Self(all)
    }

    /// What a query asks for that is not there.
    fn faults(&self, query: &str) -> Vec<String> {
        let selectors = selectors(query);
        if selectors.is_empty() {
            return vec![format!("no selector in {query}")];
        }
        let mut faults = Vec::new();
        let mut known: BTreeSet<String> = OF_SCRAPE.map(str::to_owned).into();
        for (name, _) in &selectors {
            match self.0.get(name) {
                Some(labels) => known.extend(labels.iter().cloned()),
                None => faults.push(format!("{name} in {query}")),
            }
        }
        let asked = selectors.iter().flat_map(|(_, labels)| labels.clone());
        let asked = asked.chain(grouped_by(query));
        let unknown = asked.filter(|label| !known.contains(label));
        faults.extend(unknown.map(|label| format!("label {label} in {query}")));
        faults
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// The names before `=`, `!=`, `=~` and `!~`, outside of quotes.
fn label_names(labels: &str) -> Vec<String> {
    let outside = labels.split('"').step_by(2);
    let names = outside.filter_map(|part| {
        let name = part.trim_end_matches(['=', '~', '!']);
        let start = name.rfind(|c| !is_of_name(c)).map_or(0, |at| at + 1);
        (!name[start..].is_empty()).then(|| name[start..].to_owned())
    });
    names.collect()
}

/// Each metric that is asked for, with the labels in its braces. All of ours have braces.
fn selectors(query: &str) -> Vec<(String, Vec<String>)> {
    let mut rest = query;
    let mut found = Vec::new();
    while let Some((before, after)) = rest.split_once('{') {
        let start = before.rfind(|c| !is_of_name(c)).map_or(0, |at| at + 1);
        let (labels, remainder) = after.split_once('}').expect("braces are closed");
        found.push((before[start..].to_owned(), label_names(labels)));
        rest = remainder;
    }
    found
}

/// The labels after `by`.
fn grouped_by(query: &str) -> Vec<String> {
    let lists = query.split("by (").skip(1);
    let names = lists.flat_map(|list| list.split(')').next().unwrap().split(','));
    names.map(|name| name.trim().to_owned()).collect()
}

/// The dashboard as it is in the ConfigMap.
fn dashboard(helm: &Helm) -> Value {
    let objects = helm.render(&release(everything()));
    let map = the(&objects, "ConfigMap");
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    let files = map["data"].as_object().unwrap();
    assert_eq!(files.len(), 1);
    let text = files["pushgateway-operator.json"].as_str().unwrap();
    serde_json::from_str(text).unwrap()
}

fn queries_of_dashboard(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn queries_ask_for_what_a_running_operator_has() {
    let (Some(helm), Some(world)) = (Helm::find(), World::shared().await) else {
        return;
    };
    world.apply("a", json!({})).await;
    world.until("a", "Ready", "True", "AllReplicasReady").await;
    let (status, page) = world.operator.get("/metrics").await.unwrap();
    assert_eq!(status, 200);
    let exposed = Exposed::new(&page);

    let mut queries = queries_of_dashboard(&dashboard(&helm));
    let objects = helm.render(&release(everything()));
    let rules = &the(&objects, "PrometheusRule")["spec"]["groups"][0]["rules"];
    let rules = rules.as_array().unwrap().iter();
    queries.extend(rules.map(|rule| rule["expr"].as_str().unwrap().to_owned()));
    assert!(queries.len() > 20, "{queries:?}");
    let faults: Vec<_> = queries
        .iter()
        .flat_map(|query| exposed.faults(query))
        .collect();
    assert!(faults.is_empty(), "{}\n{page}", faults.join("\n"));

    // All that the operator tells of itself is on the dashboard.
    let shown: BTreeSet<_> = queries.iter().flat_map(|query| selectors(query)).collect();
    let shown: BTreeSet<_> = shown.into_iter().map(|(name, _)| name).collect();
    let unshown = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let unshown = unshown.filter_map(|line| line.split_once(' '));
    let unshown: Vec<_> = unshown
        .filter(|(name, _)| !shown.contains(*name) && !shown.contains(&format!("{name}_bucket")))
        .collect();
    assert!(unshown.is_empty(), "{unshown:?}");
}

#[test]
fn a_query_for_something_else_is_told() {
    let exposed = Exposed::new("# TYPE a counter\na{kind=\"x y\",b=\"=\"} 1\nc 2\n");
    assert!(
        exposed
            .faults("sum by (kind) (rate(a{b!=\"{\", job=\"j\"}[5m])) > 0")
            .is_empty()
    );
    assert!(exposed.faults("c{job=\"j\"} == on () up{}").is_empty());
    for (query, fault) in [
        ("d{}", "d in d{}"),
        ("a{e=~\"x\"}", "label e in a{e=~\"x\"}"),
        ("sum by (b, f) (a{})", "label f in sum by (b, f) (a{})"),
        ("c", "no selector in c"),
    ] {
        assert_eq!(exposed.faults(query), [fault]);
    }
}

#[test]
fn grafana_can_lay_it_out() {
    let Some(helm) = Helm::find() else { return };
    let dashboard = dashboard(&helm);
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let variables: Vec<_> = variables.map(|variable| &variable["name"]).collect();
    assert_eq!(variables, ["datasource", "namespace", "job"]);
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "{panel:#}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        assert_eq!(panel["datasource"]["uid"], "${datasource}");
        let side = |name: &str| panel["gridPos"][name].as_i64().unwrap();
        assert!(side("x") + side("w") <= 24, "{panel:#}");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{} overlaps", panel["title"]);
            }
        }
    }
    for query in queries_of_dashboard(&dashboard) {
        for variable in ["job=\"$job\"", "namespace=\"$namespace\""] {
            assert!(query.contains(variable), "{query}");
        }
    }
}
