//! What the Go Pushgateway 1.11.3 was seen to answer, and the prefixes.

use super::*;
use crate::web::tests::settings;
use crate::web::{AdminApi, Settings, probe_routes, routes};

/// As `<endpoint> <rest>`, `<status> <location>` or `<status> <allow>`.
fn show(routed: Routed) -> String {
    match routed.outcome {
        Outcome::Endpoint(endpoint, rest) => {
            let rest = String::from_utf8_lossy(&rest);
            format!("{endpoint:?} {rest}").trim_end().to_owned()
        }
        Outcome::Redirect { status, location } => format!("{} {location}", status.as_u16()),
        Outcome::MethodNotAllowed { allow } => format!("405 {allow}"),
        Outcome::Options { allow } => format!("200 {allow}"),
        Outcome::NotFound => "404".to_owned(),
        Outcome::Malformed => "400".to_owned(),
    }
}

fn check_table(table: &RouteTable, cases: &[(&str, &str)]) {
    for (request, expected) in cases {
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let routed = table.route(&method.parse().unwrap(), path, query);
        assert_eq!(&show(routed), expected, "{request}");
    }
}

fn check(cases: &[(&str, &str)]) {
    check_table(&routes(&settings()), cases);
}

#[test]
fn every_route_is_reached() {
    check(&[
        ("GET /", "StatusPage"),
        ("GET /status", "StatusPage"),
        ("GET /metrics", "Scrape"),
        ("GET /-/healthy", "Healthy"),
        ("GET /-/ready", "Ready"),
        ("PUT /-/quit", "Quit"),
        ("POST /-/quit", "Quit"),
        ("GET /-/quit", "QuitByGet"),
        ("GET /static/", "Static"),
        ("GET /static/functions.js?v=1", "Static functions.js"),
        ("GET /static/x/y", "Static x/y"),
        ("PUT /metrics/job/foo", "Push(Replace) /foo"),
        ("POST /metrics/job/foo", "Push(Merge) /foo"),
        ("DELETE /metrics/job/foo/a/b", "Delete /foo/a/b"),
        ("PUT /metrics/job/foo/", "Push(Replace) /foo/"),
        ("PUT /metrics/job/foo?x=y", "Push(Replace) /foo"),
        ("PUT /metrics/job@base64/Zm9v", "Push(Replace) @base64/Zm9v"),
        (
            "PUT /metrics/job%40base64/Zm9v",
            "Push(Replace) @base64/Zm9v",
        ),
        ("PUT /metrics/job/foo%2Fbar", "Push(Replace) /foo/bar"),
        ("PUT /metrics/job/%2F", "Push(Replace) //"),
        ("PUT /metrics/job@base64/%2F", "Push(Replace) @base64//"),
        ("PUT /metrics/job/%2e%2e/a/b", "Push(Replace) /../a/b"),
        ("PUT /metrics%2Fjob/x", "Push(Replace) /x"),
        ("PUT /metrics/job/☃", "Push(Replace) /☃"),
        ("PUT /metrics/job/*", "Push(Replace) /*"),
        ("OPTIONS /api/v1/", "ApiOptions"),
        ("OPTIONS /api/v1/any/thing", "ApiOptions any/thing"),
        ("GET /api/v1/status", "ApiStatus"),
        ("GET /api/v1/metrics", "ApiMetrics"),
        ("GET /api/v1/%6Detrics", "ApiMetrics"),
        ("PUT /api/v1/admin/wipe", "Wipe"),
        ("GET /api/v1/admin/export", "Export"),
        ("PUT /api/v1/admin/import", "Import"),
    ]);
}

#[test]
fn paths_are_cleaned_by_redirect_and_not_encoded_twice() {
    check(&[
        ("PUT /metrics/job//", "307 /metrics/job/"),
        ("PUT /metrics/job/foo//a/b", "307 /metrics/job/foo/a/b"),
        ("PUT /metrics/job/foo/a//b/c", "307 /metrics/job/foo/a/b/c"),
        ("PUT /metrics/job/foo/a/..", "307 /metrics/job/foo"),
        (
            "PUT /metrics/job/../metrics/job/x",
            "307 /metrics/metrics/job/x",
        ),
        ("PUT /metrics/job/..", "307 /metrics"),
        ("PUT /metrics/job/.", "307 /metrics/job"),
        ("PUT /metrics/job/foo/a/b//", "307 /metrics/job/foo/a/b/"),
        ("PUT /metrics/job/./x", "307 /metrics/job/x"),
        ("GET /a/../metrics", "307 /metrics"),
        ("GET //metrics?x=/../y", "307 /metrics?x=/../y"),
        ("GET //evil.example/", "307 /evil.example/"),
        ("HEAD //metrics", "307 /metrics"),
        ("PUT //metrics/job/a%20b%2f", "307 /metrics/job/a%20b%2f"),
        ("PUT //metrics/job/☃", "307 /metrics/job/%E2%98%83"),
        ("GET /\\evil.example/..", "307 /"),
        ("GET //\\evil.example/", "307 /%5Cevil.example/"),
        ("GET /api/v1", "307 /api/v1/"),
        ("GET /api//v1?x", "307 /api/v1/?x"),
        ("PUT /metrics/job/x/a/%2E%2e", "Push(Replace) /x/a/.."),
        ("CONNECT //metrics", "404"),
    ]);
}

#[test]
fn a_slash_too_much_or_too_little_is_redirected() {
    check(&[
        ("GET /metrics/", "301 /metrics"),
        ("GET /status/", "301 /status"),
        ("GET /status/?a=b", "301 /status?a=b"),
        ("GET /static", "301 /static/"),
        ("GET /-/quit/", "301 /-/quit"),
        ("PUT /-/quit/", "307 /-/quit"),
        ("PUT /metrics/job/", "307 /metrics/job"),
        ("PUT /metrics/job", "404"),
        ("DELETE /metrics/job", "404"),
        ("GET /metrics/job/", "404"),
        ("PUT /metrics/job@base64/", "404"),
        ("PUT /metrics/job@base64", "404"),
        ("PUT /metrics/", "404"),
        ("GET /%2F", "301 /"),
        // Upstream forgets the prefix that its API router does not see.
        ("GET /api/v1/status/", "301 /api/v1/status"),
        ("PUT /api/v1/admin/wipe/", "307 /api/v1/admin/wipe"),
    ]);
}

#[test]
fn wrong_letter_case_is_redirected() {
    check(&[
        ("PUT /Metrics/Job/Foo", "307 /metrics/job/Foo"),
        (
            "PUT /METRICS/JOB/Foo%20/A/b?q",
            "307 /metrics/job/Foo%20/A/b?q",
        ),
        (
            "PUT /metrics/job@Base64/Zm9v",
            "307 /metrics/job@base64/Zm9v",
        ),
        ("PUT /Metrics/Job%2F%2Fx", "307 /metrics/job/x"),
        ("PUT /Metrics/Job/", "404"),
        ("PUT /Metrics/Job@base64/", "404"),
        ("GET /Status", "301 /status"),
        ("GET /STATUS/", "301 /status"),
        ("GET /Static/X.js", "301 /static/X.js"),
        ("GET /STATIC", "301 /static/"),
        ("GET /%2E%2e/metrics", "301 /metrics"),
        ("GET /%2E", "301 /"),
        ("POST /-/Quit", "307 /-/quit"),
        ("GET /api/v1/Status", "301 /api/v1/status"),
        ("GET /API/v1/status", "404"),
    ]);
}

#[test]
fn other_methods_are_told() {
    check(&[
        ("HEAD /-/healthy", "405 GET, OPTIONS"),
        ("HEAD /metrics", "405 GET, OPTIONS"),
        ("HEAD /", "405 GET, OPTIONS"),
        ("DELETE /-/quit", "405 GET, OPTIONS, POST, PUT"),
        ("DELETE /metrics", "405 GET, OPTIONS"),
        (
            "GET /metrics/job/foo/bar/baz",
            "405 DELETE, OPTIONS, POST, PUT",
        ),
        ("PATCH /metrics/job/foo", "405 DELETE, OPTIONS, POST, PUT"),
        ("POST /api/v1/metrics", "405 GET, OPTIONS"),
        ("HEAD /api/v1/metrics", "405 GET, OPTIONS"),
        ("GET /api/v1/admin/wipe", "405 OPTIONS, PUT"),
        ("OPTIONS /-/healthy", "200 GET, OPTIONS"),
        ("OPTIONS /metrics", "200 GET, OPTIONS"),
        ("OPTIONS /metrics/job/x", "200 DELETE, OPTIONS, POST, PUT"),
        ("OPTIONS *", "200 "),
    ]);
}

#[test]
fn the_rest_is_not_found() {
    check(&[
        ("GET /nope", "404"),
        ("HEAD /nope", "404"),
        ("OPTIONS /nope", "404"),
        ("GET /flags", "404"),
        ("GET /-/reload", "404"),
        ("GET /favicon.ico", "404"),
        ("GET /api", "404"),
        ("GET /api/", "404"),
        ("GET /api/v1/", "404"),
        ("GET /api/v1/nope", "404"),
        ("GET /api/v1%2Fmetrics", "404"),
        ("GET /debug/pprof/", "404"),
        ("GET /metrics/job", "404"),
        ("PUT /metrics/job/%zz", "400"),
        ("GET /%", "400"),
    ]);
}

#[test]
fn without_the_admin_api_its_paths_do_not_exist() {
    let table = routes(&Settings {
        admin_api: AdminApi::Disabled,
        ..settings()
    });
    check_table(
        &table,
        &[
            ("PUT /api/v1/admin/wipe", "404"),
            ("GET /api/v1/admin/wipe", "404"),
            ("GET /api/v1/admin/export", "404"),
            ("OPTIONS /api/v1/admin/wipe", "ApiOptions admin/wipe"),
        ],
    );
}

#[test]
fn the_route_prefix_is_in_front_of_all_but_one() {
    let table = routes(&Settings {
        route_prefix: "/pre fix".to_owned(),
        telemetry_path: "/pre fix/own".to_owned(),
        ..settings()
    });
    check_table(
        &table,
        &[
            ("GET /pre%20fix", "301 /pre%20fix/"),
            ("GET /pre%20fix/", "StatusPage"),
            ("GET /pre%20fix/own", "Scrape"),
            ("GET /pre%20fix/metrics", "404"),
            ("PUT /pre%20fix/metrics/job/x", "Push(Replace) /x"),
            ("GET /pre%20fix/api/v1", "307 /pre%20fix/api/v1/"),
            ("GET /pre%20fix/api/v1/metrics", "ApiMetrics"),
            (
                "GET /pre%20fix/api/v1/metrics/",
                "301 /pre%20fix/api/v1/metrics",
            ),
            ("GET /pre%20fix/-/quit", "405 OPTIONS, POST, PUT"),
            ("PUT /-/quit", "405 GET, OPTIONS"),
            ("GET /-/quit", "QuitByGet"),
            ("GET /", "404"),
            ("GET /metrics", "404"),
            ("GET /api/v1/metrics", "404"),
        ],
    );
}

#[test]
fn the_probe_listener_knows_three_paths() {
    check_table(
        &probe_routes(&settings()),
        &[
            ("GET /-/healthy", "Healthy"),
            ("GET /-/ready", "Ready"),
            ("GET /metrics", "OwnMetrics"),
            ("GET /", "404"),
            ("PUT /metrics/job/x", "404"),
            ("GET /api/v1/metrics", "404"),
        ],
    );
}
