//! Whole answers of the JSON API.

use std::sync::Arc;

use crate::model::{MetricFamily, MetricType, Metrics};
use crate::web::router;
use crate::web::tests::{FakeBackend, FakeGroup, answer, get, pushed, request, settings};

const CORS_LINES: &str = "\
access-control-allow-headers: Accept, Authorization, Content-Type, Origin
access-control-allow-methods: GET, POST, DELETE, OPTIONS
access-control-allow-origin: *
access-control-expose-headers: Date
cache-control: no-cache, no-store, must-revalidate
";

fn service(groups: Vec<FakeGroup>) -> axum::Router {
    let backend = FakeBackend {
        groups: groups.into_iter().map(Arc::new).collect(),
        ..FakeBackend::default()
    };
    router(settings(), Arc::new(backend))
}

#[tokio::test]
async fn an_empty_store_has_an_empty_list() {
    let found = get(&service(Vec::new()), "/api/v1/metrics").await;
    let json = "content-length: 30\ncontent-type: application/json\n";
    let body = r#"{"status":"success","data":[]}"#;
    assert_eq!(found, format!("200\n{CORS_LINES}{json}\n{body}"));
}

#[tokio::test]
async fn options_and_wipe_have_no_body() {
    let service = service(Vec::new());
    let found = answer(&service, request("OPTIONS", "/api/v1/metrics", "")).await;
    assert_eq!(found, format!("200\n{CORS_LINES}content-length: 0\n\n"));
    let found = answer(&service, request("PUT", "/api/v1/admin/wipe", "")).await;
    assert_eq!(found, "202\ncontent-length: 0\n\n");
}

#[tokio::test]
async fn the_status_tells_build_flags_and_start() {
    let found = get(&service(Vec::new()), "/api/v1/status").await;
    let body = found.split_once("\n\n").unwrap().1;
    assert_eq!(
        body,
        concat!(
            r#"{"status":"success","data":{"build_information":{"branch":"main","#,
            r#""buildDate":"20261120","buildUser":"me@here","goVersion":"rustc","#,
            r#""revision":"abc","version":"1"},"#,
            r#""flags":{"a":"\u003cb\u003e","web.listen-address":":9091"},"#,
            r#""start_time":"1970-01-01T00:00:01.5Z"}}"#
        )
    );
}

#[tokio::test]
async fn a_large_store_comes_in_chunks_that_join() {
    let help = "x".repeat(1000);
    let group = |number: usize| {
        let family = MetricFamily {
            name: "m".into(),
            help: Some(help.clone().into()),
            metric_type: MetricType::Gauge,
            metrics: Metrics::default(),
        };
        FakeGroup::new(&[("job", &format!("{number:04}"))], vec![pushed(family)])
    };
    let found = get(&service((0..300).map(group).collect()), "/api/v1/metrics").await;
    let (head, body) = found.split_once("\n\n").unwrap();
    assert!(!head.contains("content-length"));
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let groups = json["data"].as_array().unwrap();
    assert_eq!(groups.len(), 300);
    for (number, group) in groups.iter().enumerate() {
        assert_eq!(group["labels"]["job"], format!("{number:04}"));
        assert_eq!(group["m"]["help"], help);
    }
}
