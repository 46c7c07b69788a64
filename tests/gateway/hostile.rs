//! What the gateway must survive: input and circumstances that could make it lie, break or stop.

use crate::harness::Gateway;
use crate::harness::http::Response;

mod families;
mod files;
mod groups;
mod scrapes;
mod wire;

/// A scrape is complete and valid, and a push to another group works.
fn check_unharmed(gateway: &Gateway, after: &str) {
    let pushed = gateway.put("/metrics/job/bystander", "bystander 1\n");
    assert_eq!(pushed.status, 200, "{after}: {}", pushed.brief());
    for target in ["/metrics", "/api/v1/metrics", "/", "/-/healthy", "/-/ready"] {
        let response = gateway.get(target);
        assert_eq!(
            response.status,
            200,
            "{after}: {target}: {}",
            response.brief()
        );
    }
    let scrape = gateway.get("/metrics").text();
    assert!(
        scrape.contains("bystander{instance=\"\",job=\"bystander\"} 1\n"),
        "{after}: {scrape}"
    );
    assert!(scrape.ends_with('\n'), "{after}: {scrape}");
    check_no_duplicates(&scrape);
}

/// No series and no comment comes twice.
fn check_no_duplicates(scrape: &str) {
    let mut keys: Vec<&str> = scrape
        .lines()
        .map(|line| {
            if line.starts_with('#') {
                line
            } else {
                line.rsplit_once(' ').unwrap().0
            }
        })
        .collect();
    keys.sort_unstable();
    let twice = keys.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "{scrape}");
}

/// A push that is refused with 400, leaves no trace of a group, and harms nobody.
fn check_refused_without_trace(gateway: &Gateway, response: &Response, what: &str) {
    assert_eq!(response.status, 400, "{what}: {}", response.brief());
    check_unharmed(gateway, what);
    let groups = gateway.get("/api/v1/metrics").json()["data"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(groups, 1, "{what}: there is a group beside the bystander's");
}

/// A push that is refused with 400; its group may show the failure, nothing else changes.
fn check_refused(gateway: &Gateway, response: &Response, what: &str) {
    assert_eq!(response.status, 400, "{what}: {}", response.brief());
    check_unharmed(gateway, what);
    let scrape = gateway.scrape();
    let stored = scrape.lines().find(|line| {
        !line.starts_with('#') && !line.starts_with("push_") && !line.starts_with("bystander")
    });
    assert_eq!(stored, None, "{what}");
}
