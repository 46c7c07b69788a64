//! What the page says; how it looks, a browser must tell.

use super::*;
use crate::model::{
    Bucket, BucketSpan, Buckets, Histogram, Label, MetricFamily, MetricType, Summary, Value,
};
use crate::web::router;
use crate::web::tests::{FakeBackend, FakeGroup, get, pushed, settings};

/// A family with metrics of these values, each with the same labels.
fn family(
    name: &'static str,
    metric_type: MetricType,
    values: Vec<Value<'static>>,
) -> MetricFamily<'static> {
    let labels = [Label::new("job", "j"), Label::new("l", "<v>")];
    let values = values.into_iter();
    let metrics = values.map(|value| (labels.clone(), value.into())).collect();
    MetricFamily {
        name: name.into(),
        help: Some("some <help>".into()),
        metric_type,
        metrics,
    }
}

async fn page(settings: Settings, groups: Vec<FakeGroup>, target: &str) -> String {
    let backend = FakeBackend {
        groups: groups.into_iter().map(Arc::new).collect(),
        ..FakeBackend::default()
    };
    get(&router(settings, Arc::new(backend)), target).await
}

/// Whether the page of one group with this value holds this text.
async fn check_value(metric_type: MetricType, value: Value<'static>, expected: &str) {
    let family = pushed(family("m", metric_type, vec![value]));
    let groups = vec![FakeGroup::new(&[("job", "j")], vec![family])];
    let page = page(settings(), groups, "/").await;
    let expected = format!("</td><td>{expected}</td></tr>\n");
    assert!(page.contains(&expected), "{page}");
}

#[tokio::test]
async fn the_page_is_self_contained_html() {
    let page = page(settings(), Vec::new(), "/status").await;
    assert!(page.starts_with("200\ncontent-length: "));
    for expected in [
        "\ncontent-type: text/html; charset=utf-8\n",
        "<title>Prometheus Pushgateway</title>",
        "<meta name=\"robots\" content=\"noindex,nofollow\">",
        "href=\"./static/prometheus.css\"",
        "<span id=\"group-count\">0</span>",
        "data-wipe=\"api/v1/admin/wipe\" disabled>",
        "<tr><th scope=\"row\">Started</th><td>1970-01-01T00:00:01Z</td></tr>",
        "<tr><th scope=\"row\">goVersion</th><td>rustc</td></tr>",
        "<tr><th scope=\"row\">a</th><td>&lt;b&gt;</td></tr>",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(page.ends_with("</html>\n"));
}

#[tokio::test]
async fn settings_show_in_links_and_buttons() {
    let settings = Settings {
        external_prefix: "/foobar".to_owned(),
        admin_api: AdminApi::Disabled,
        ..settings()
    };
    let page = page(settings, Vec::new(), "/").await;
    assert!(page.contains("src=\"/foobar/static/functions.js\""));
    assert!(!page.contains("data-wipe"));
}

#[tokio::test]
async fn groups_have_badges_and_can_be_deleted() {
    let labels = [("job", "a/\"b"), ("instance", ""), ("a.b", "<i>")];
    let page_of = async |name_scheme| {
        let mut group = FakeGroup::new(&labels, Vec::new());
        group.last_push_successful = false;
        let settings = Settings {
            name_scheme,
            ..settings()
        };
        page(settings, vec![group], "/").await
    };
    let utf8 = page_of(NameScheme::Utf8).await;
    for expected in [
        "<span class=\"badge job\">job=&#34;a/\\&#34;b&#34;</span> \
         <span class=\"badge\">a.b=&#34;&lt;i&gt;&#34;</span> \
         <span class=\"badge instance\">instance=&#34;&#34;</span>",
        "<span class=\"badge failed\">Last push failed!</span>",
        "data-delete=\"metrics/job@base64/YS8iYg/U__a_2e_b@base64/PGk-=/instance@base64/=\"",
        "data-labels=\"{a.b=&#34;&lt;i&gt;&#34;,instance=&#34;&#34;,job=&#34;a/\\&#34;b&#34;}\"",
    ] {
        assert!(utf8.contains(expected), "{expected}\n{utf8}");
    }
    let legacy = page_of(NameScheme::Legacy).await;
    let quoted = "<span class=\"badge\">&#34;a.b&#34;=&#34;&lt;i&gt;&#34;</span>";
    assert!(legacy.contains(quoted), "{legacy}");
}

#[tokio::test]
async fn families_show_their_values() {
    check_value(MetricType::Gauge, Value::Gauge(1e6), "1000000").await;
    check_value(MetricType::Gauge, Value::Gauge(3e-7), "0.0000003").await;
    check_value(MetricType::Untyped, Value::Untyped(f64::INFINITY), "+Inf").await;
    check_value(MetricType::Untyped, Value::Untyped(f64::NAN), "NaN").await;
    let row =
        |name: &str, value: &str| format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>");
    let summary = Summary {
        count: 9,
        sum: 1e6,
        quantiles: vec![(1e-7, 7.0)],
        created: None,
    };
    let rows =
        row("Quantile 1e-07", "7") + &row("Sample Count", "9") + &row("Sample Sum", "1000000");
    let table = format!("<table>{rows}</table>");
    check_value(
        MetricType::Summary,
        Value::Summary(Box::new(summary)),
        &table,
    )
    .await;
    let histogram = Histogram {
        count: 3,
        sum: 5.0,
        buckets: vec![Bucket {
            cumulative_count: 2,
            upper_bound: 1e8,
            ..Bucket::default()
        }],
        ..Histogram::default()
    };
    let rows = row("Sample values ≤ 100000000", "2")
        + &row("Total sample Count", "3")
        + &row("Sample Sum", "5");
    let table = format!("<table>{rows}</table>");
    let value = Value::Histogram(Box::new(histogram));
    check_value(MetricType::Histogram, value, &table).await;
}

#[tokio::test]
async fn native_histograms_show_as_prometheus_prints_them() {
    let side = |deltas: &[i64]| Buckets {
        spans: vec![BucketSpan {
            offset: 2,
            length: 1,
        }],
        deltas: deltas.to_vec(),
        counts: Vec::new(),
    };
    let histogram = Histogram {
        count: 20,
        sum: 99.23,
        schema: Some(0),
        zero_count: Some(2),
        zero_threshold: Some(0.001),
        negative: side(&[1]),
        positive: side(&[5]),
        ..Histogram::default()
    };
    check_value(
        MetricType::Histogram,
        Value::Histogram(Box::new(histogram)),
        "<table><tr><th scope=\"row\">Native Histogram representation</th>\
         <td>{count:20, sum:99.23, [-4,-2):1, [-0.001,0.001]:2, (2,4]:5}</td></tr></table>",
    )
    .await;
}

#[tokio::test]
async fn families_are_described_and_long_ones_cut() {
    let gauges = vec![Value::Gauge(1.0); 1001];
    let family = pushed(family("m", MetricType::Gauge, gauges));
    let groups = vec![FakeGroup::new(&[("job", "j")], vec![family])];
    let page = page(settings(), groups, "/").await;
    for expected in [
        "<strong>m</strong> <span class=\"help\">some &lt;help&gt;</span> \
         <span class=\"badge type\">GAUGE</span> \
         <span class=\"pushed\">last pushed: 2020-03-09T19:24:08Z</span>",
        "<span class=\"badge\">l=&#34;&lt;v&gt;&#34;</span>",
        "1 more metrics: see <a href=\"api/v1/metrics\">",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}

/// One group a number, each with 3 KB of help.
fn many_groups(count: usize) -> Vec<FakeGroup> {
    let group = |number: usize| {
        let family = MetricFamily {
            help: Some("x".repeat(3000).into()),
            ..family("m", MetricType::Gauge, Vec::new())
        };
        FakeGroup::new(&[("job", &format!("{number:04}"))], vec![pushed(family)])
    };
    (0..count).map(group).collect()
}

fn shown_jobs(page: &str) -> Vec<usize> {
    let badges = page.split("<summary><span class=\"badge job\">job=&#34;");
    let badges = badges.skip(1);
    badges.map(|badge| badge[..4].parse().unwrap()).collect()
}

#[tokio::test]
async fn a_large_store_is_paged_and_its_metrics_come_on_demand() {
    let first = page(settings(), many_groups(1500), "/").await;
    assert!(first.contains("<span id=\"group-count\">1500</span>"));
    assert_eq!(shown_jobs(&first), (0..1000).collect::<Vec<_>>());
    assert!(first.len() < 2_000_000, "{}", first.len());
    assert!(first.contains("<a class=\"load\" href=\"status?group=job@base64/MDk5OQ\">"));
    let next = "status?after=job@base64/MDk5OQ";
    assert!(first.contains(&format!("<a href=\"{next}\" rel=\"next\">")));

    let second = page(settings(), many_groups(1500), &format!("/{next}")).await;
    assert_eq!(shown_jobs(&second), (1000..1500).collect::<Vec<_>>());
    assert!(!second.contains("rel=\"next\""));
    assert!(second.contains("<a href=\"status\">") && !first.contains("<a href=\"status\">"));

    let one = page(
        settings(),
        many_groups(1500),
        "/status?group=job@base64/MDk5OQ",
    )
    .await;
    assert_eq!(shown_jobs(&one), [999]);
    assert!(one.contains("<details class=\"group\" open>") && one.contains("<strong>m</strong>"));
}
