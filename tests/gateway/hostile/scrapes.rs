//! What groups that disagree look like in a scrape: always the same, and always valid.

use std::collections::BTreeMap;

use super::check_no_duplicates;
use crate::harness::http::Request;
use crate::harness::{Program, wait_until};

#[test]
fn the_order_of_pushes_does_not_show() {
    let mut pushes: Vec<(String, String)> = Vec::new();
    for job in ["b", "a", "\u{fc}", "c c"] {
        for label in ["", "/l/v", "/z/1/a/2"] {
            let target = format!("/metrics/job/{}{label}", job.replace(' ', "%20"));
            pushes.push((target, format!("m{{x=\"{job}\"}} 1\nother{{y=\"1\"}} 2\n")));
        }
    }
    let answers = |pushes: &[(String, String)]| {
        let gateway = Program::gateway().start();
        for (target, body) in pushes {
            assert_eq!(gateway.put(target, body.as_str()).status, 200);
        }
        let api = gateway.get("/api/v1/metrics").json();
        let groups = api["data"].as_array().unwrap().iter();
        let groups: Vec<BTreeMap<String, String>> = groups
            .map(|group| serde_json::from_value(group["labels"].clone()).unwrap())
            .collect();
        assert!(groups.is_sorted(), "{groups:#?}");
        (gateway.scrape(), groups)
    };
    let first = answers(&pushes);
    pushes.reverse();
    assert_eq!(answers(&pushes), first);
}

#[test]
fn the_last_pushed_help_wins_and_is_logged_once() {
    let gateway = Program::gateway().start();
    let push = |job: &str, help: &str| {
        let response = gateway.put(
            &format!("/metrics/job/{job}"),
            format!("# HELP m {help}\nm 1\n"),
        );
        assert_eq!(response.status, 200);
    };
    let shown = || {
        let scrape = gateway.scrape();
        let help = scrape
            .lines()
            .find_map(|line| line.strip_prefix("# HELP m "));
        help.map(str::to_owned)
    };
    push("a", "one");
    push("b", "two");
    assert_eq!(shown().as_deref(), Some("two"));
    push("a", "one");
    assert_eq!(shown().as_deref(), Some("one"));
    let count = || gateway.stderr().matches("inconsistent help").count();
    let logged = count();
    for _ in 0..20 {
        shown();
    }
    // A line about a push may reach this process late, but not twenty.
    assert!(count() < logged + 20, "every scrape logs the disagreement");
}

#[test]
fn names_that_collide_when_escaped_make_no_duplicate_series() {
    let gateway = Program::gateway().flag("--push.enable-utf8-names").start();
    gateway.put("/metrics/job/j", "a_b{l_m=\"1\"} 1\n");
    gateway.put(
        "/metrics/job/k",
        "{\"a.b\",\"l.m\"=\"1\"} 2\n{\"a.b\",job=\"j\"} 3\n{\"a-b\"} 4\n",
    );
    gateway.put("/metrics/job/l", "n{\"x.y\"=\"1\",x_y=\"2\"} 5\n");
    // Its labels are escaped to those of another group's series.
    gateway.put("/metrics/job/p/U__g_2e_h/1", "q 6\n");
    gateway.put("/metrics/job/p/g_h/1", "q 7\n");
    for escaping in ["underscores", "dots", "values", "allow-utf-8"] {
        let accept = format!("text/plain;version=0.0.4;escaping={escaping}");
        let response = gateway.send(&Request::new("GET", "/metrics").header("Accept", accept));
        assert_eq!(response.status, 200, "{escaping}");
        let text = response.text();
        check_no_duplicates(&text);
        let types: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .collect();
        let names: Vec<&str> = types
            .iter()
            .map(|line| line.rsplit_once(' ').unwrap().0)
            .collect();
        for name in &names {
            assert_eq!(
                names.iter().filter(|other| *other == name).count(),
                1,
                "{escaping}: {name}"
            );
        }
        for line in text.lines().filter(|line| line.starts_with("n{")) {
            assert_eq!(
                line.matches("x_y=").count() % 2,
                line.matches("x_y=").count(),
                "{line}"
            );
        }
        assert!(
            text.contains("a_b{instance=\"\",job=\"j\",l_m=\"1\"} 1\n")
                || escaping != "underscores"
        );
    }
}

#[test]
fn unchecked_clashes_leave_the_scrape_valid() {
    let flags = ["--push.disable-consistency-check", "--web.enable-admin-api"];
    let gateway = Program::gateway().flags(flags).start();
    for round in 0..2 {
        for (job, metric_type) in [("a", "gauge"), ("b", "counter")] {
            let body = format!("# TYPE m {metric_type}\nm 1\n");
            assert_eq!(
                gateway.put(&format!("/metrics/job/{job}"), body).status,
                202
            );
            wait_until("the last pushed type", || {
                gateway
                    .scrape()
                    .contains(&format!("# TYPE m {metric_type}\n"))
            });
            let scrape = gateway.get("/metrics").text();
            check_no_duplicates(&scrape);
            let is_alone = scrape.matches("\nm{").count() == 1;
            let exposed = scrape.contains(&format!("m{{instance=\"\",job=\"{job}\"}} 1\n"));
            let expected = exposed && (is_alone || round == 0);
            assert!(expected, "{job}: {scrape}");
        }
    }
    // Series that are equal in two groups, a summary beside its count, a series twice in one push.
    gateway.put("/metrics/job/j", "x{l=\"1\"} 1\ny 1\ny 2\n");
    gateway.put("/metrics/job/j/l/1", "x 2\n");
    gateway.put("/metrics/job/s", "# TYPE s summary\ns_sum 1\ns_count 1\n");
    gateway.put("/metrics/job/t", "s_count 5\n");
    gateway.put(
        "/metrics/job/u/quantile/1",
        "# TYPE q summary\nq{quantile=\"0.5\"} 1\nq_sum 1\nq_count 1\n",
    );
    wait_until("the last push", || gateway.scrape().contains("job=\"u\""));
    let scrape = gateway.get("/metrics");
    assert_eq!(scrape.status, 200);
    check_no_duplicates(&scrape.text());
    let doubled = scrape
        .text()
        .lines()
        .find(|line| line.matches("quantile=").count() > 1)
        .map(str::to_owned);
    assert_eq!(doubled, None);
    let logged = gateway.stderr().lines().count();
    for _ in 0..20 {
        gateway.get("/metrics");
    }
    // A line of an earlier request may reach this process late, but not twenty.
    let added = gateway.stderr().lines().count() - logged;
    assert!(added < 20, "every scrape logs: {}", gateway.stderr());
}

#[test]
fn a_number_halfway_between_two_shortest_texts_is_the_even_one_everywhere() {
    let gateway = Program::gateway().start();
    gateway.put("/metrics/job/j", "m 32896104561542.5625\n");
    assert!(
        gateway
            .scrape()
            .contains("m{instance=\"\",job=\"j\"} 3.2896104561542562e+13")
    );
    let api = gateway.get("/api/v1/metrics").text();
    assert!(
        api.contains("\"value\":\"3.2896104561542562e+13\""),
        "{api}"
    );
}
