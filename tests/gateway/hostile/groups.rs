//! Groups and refusals that must not harm what others pushed.

use super::{check_refused_without_trace, check_unharmed};
use crate::harness::Program;
use crate::harness::http::{Connection, Request};

#[test]
fn a_group_that_cannot_be_exposed_is_refused_without_trace() {
    let gateway = Program::gateway().start();
    for target in [
        "/metrics/job/%FF",
        "/metrics/job@base64/_w",
        "/metrics/job/j/l/%C3",
        "/metrics/job/j/l@base64/_w==",
        "/metrics/job/j/%FF/v",
        "/metrics/job/j/__l/v",
    ] {
        for body in ["m 1\n", "", "m 1 1\n"] {
            check_refused_without_trace(&gateway, &gateway.put(target, body), target);
        }
    }
}

#[test]
fn a_group_with_a_reserved_or_nul_name_is_refused_without_trace() {
    let gateway = Program::gateway().flag("--push.enable-utf8-names").start();
    for target in [
        "/metrics/job/j/U______foo/v",
        "/metrics/job/j/U__a_0_b/v",
        "/metrics/job/j/a%00b/v",
        "/metrics/job/j/U__/v",
    ] {
        check_refused_without_trace(&gateway, &gateway.put(target, "m 1\n"), target);
    }
}

#[test]
fn a_group_that_differs_by_an_empty_instance_only_is_refused_without_trace() {
    let (plain, twin) = ("/metrics/job/j", "/metrics/job/j/instance@base64/=");
    for (first, second) in [(plain, twin), (twin, plain)] {
        let gateway = Program::gateway().start();
        assert_eq!(gateway.put(first, "m 1\n").status, 200);
        let before = gateway.get("/api/v1/metrics");
        for body in ["m 1\n", "n 1\n", "", "n 1 1\n"] {
            let response = gateway.put(second, body);
            assert_eq!(response.status, 400, "{second}: {}", response.brief());
            assert_eq!(gateway.get("/api/v1/metrics").body, before.body, "{second}");
        }
        assert_eq!(gateway.put(first, "m 2\n").status, 200);
        check_unharmed(&gateway, second);
        assert_eq!(gateway.delete(first).status, 202);
        assert_eq!(gateway.put(second, "m 1\n").status, 200);
        check_unharmed(&gateway, second);
    }
}

#[test]
fn a_refused_push_leaves_scrapes_and_other_groups_alone() {
    let gateway = Program::gateway().start();
    gateway.put(
        "/metrics/job/j",
        "# TYPE m gauge\nm 1\n# TYPE s summary\ns_sum 1\ns_count 1\n",
    );
    let unchanged = |scrape: &str| scrape.contains("m{instance=\"\",job=\"j\"} 1\n");
    for body in [
        "# TYPE m counter\nm 1\n",
        "s 1\n",
        "s_count 1\n",
        "m{job=\"j\"} 1\nm{job=\"k\"} 1\n",
        "n{__x=\"y\"} 1\n",
        "n 1 1\n",
        "n{a=\"b\"} 1\nn{a=\"b\"} 2\n",
        "# TYPE pushgateway_build_info counter\npushgateway_build_info 1\n",
    ] {
        let response = gateway.put("/metrics/job/other", body);
        assert_eq!(response.status, 400, "{body:?}: {}", response.brief());
        check_unharmed(&gateway, body);
        assert!(unchanged(&gateway.get("/metrics").text()), "{body:?}");
    }
}

#[test]
fn push_times_sent_by_a_client_are_discarded() {
    let gateway = Program::gateway().start();
    for metric_type in ["untyped", "gauge", "counter", "histogram", "summary"] {
        for name in ["push_time_seconds", "push_failure_time_seconds"] {
            let sample = match metric_type {
                "histogram" | "summary" => format!("{name}_sum 7\n{name}_count 7\n"),
                _ => format!("{name} 7\n{name}{{l=\"v\"}} 7\n"),
            };
            let body = format!("# HELP {name} Lies.\n# TYPE {name} {metric_type}\n{sample}m 1\n");
            for method in ["PUT", "POST", "PUT"] {
                let request = Request::new(method, "/metrics/job/j").body(body.as_str());
                let response = gateway.send(&request);
                assert_eq!(response.status, 200, "{body:?}: {}", response.brief());
            }
            check_unharmed(&gateway, &body);
            let scrape = gateway.scrape();
            for line in [
                "push_failure_time_seconds{instance=\"\",job=\"j\"} 0",
                "push_time_seconds{instance=\"\",job=\"j\"} <unix-seconds>",
                "m{instance=\"\",job=\"j\"} 1",
            ] {
                assert!(
                    scrape.lines().any(|found| found == line),
                    "{line} is not in:\n{scrape}"
                );
            }
            assert!(
                !scrape.contains("Lies") && !scrape.contains(" 7"),
                "{body:?}:\n{scrape}"
            );
        }
    }
}

#[test]
fn a_delete_and_a_wipe_are_applied_when_answered() {
    let gateway = Program::gateway().flag("--web.enable-admin-api").start();
    let mut connection = Connection::new(gateway.address);
    for round in 0..100 {
        connection
            .send(&Request::new("PUT", "/metrics/job/j").body("m 1\n"))
            .unwrap();
        let deleted = connection
            .send(&Request::new("DELETE", "/metrics/job/j"))
            .unwrap();
        assert_eq!(deleted.status, 202);
        assert_eq!(gateway.scrape(), "", "round {round}");
    }
    for number in 0..2000 {
        let target = format!("/metrics/job/j/n/{number}");
        connection
            .send(&Request::new("PUT", target).body("m 1\n"))
            .unwrap();
    }
    let wiped = connection
        .send(&Request::new("PUT", "/api/v1/admin/wipe"))
        .unwrap();
    assert_eq!(wiped.status, 202);
    assert_eq!(gateway.scrape(), "");
}
