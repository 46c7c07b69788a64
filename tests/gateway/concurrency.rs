//! Many clients at once: a push is seen whole or not at all, and in the order in which it was answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::Program;
use crate::harness::http::{Connection, Request};

const GROUPS: usize = 4;
const PUSHES: usize = 150;

/// Pushes increasing numbers, all families of a push with the same.
fn push_numbers(address: SocketAddr, group: usize) {
    let mut connection = Connection::new(address);
    for number in 1..=PUSHES {
        let method = ["PUT", "POST"][number % 2];
        let body = format!("first {number}\nmiddle {number}\nlast {number}\n");
        let target = format!("/metrics/job/g{group}");
        let response = connection
            .send(&Request::new(method, target).body(body))
            .unwrap();
        assert_eq!(response.status, 200, "{}", response.brief());
        let scrape = connection
            .send(&Request::new("GET", "/metrics"))
            .unwrap()
            .text();
        assert_eq!(
            numbers(&scrape, group),
            [number; 3],
            "an answered push is not seen"
        );
    }
}

/// The numbers of a group's families in a scrape.
fn numbers(scrape: &str, group: usize) -> Vec<usize> {
    let label = format!("job=\"g{group}\"}} ");
    let samples = scrape.lines().filter(|line| !line.starts_with("push_"));
    let numbers = samples.filter_map(|line| line.split_once(&label));
    numbers.map(|(_, number)| number.parse().unwrap()).collect()
}

#[test]
fn a_scrape_sees_each_push_whole_and_never_goes_back() {
    let gateway = Program::gateway().start();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let pushers: Vec<_> = (0..GROUPS)
            .map(|group| scope.spawn(move || push_numbers(gateway.address, group)))
            .collect();
        scope.spawn(|| {
            let mut connection = Connection::new(gateway.address);
            let mut seen = [0; GROUPS];
            while !is_over.load(Ordering::Relaxed) {
                let scrape = connection
                    .send(&Request::new("GET", "/metrics"))
                    .unwrap()
                    .text();
                for (group, seen) in seen.iter_mut().enumerate() {
                    let numbers = numbers(&scrape, group);
                    let is_whole = numbers.iter().all(|number| *number == numbers[0]);
                    assert!(is_whole && matches!(numbers.len(), 0 | 3), "{numbers:?}");
                    let number = numbers.first().copied().unwrap_or_default();
                    assert!(
                        number >= *seen,
                        "group {group} went from {seen} back to {number}"
                    );
                    *seen = number;
                }
            }
        });
        let results: Vec<_> = pushers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
}

#[test]
fn of_two_groups_that_clash_one_is_refused_however_close_they_come() {
    let gateway = Program::gateway().start();
    for round in 0..100 {
        let statuses: Vec<u16> = thread::scope(|scope| {
            let push = |metric_type: &'static str| {
                let gateway = &gateway;
                scope.spawn(move || {
                    let body = format!("# TYPE m{round} {metric_type}\nm{round} 1\n");
                    gateway
                        .put(&format!("/metrics/job/{metric_type}"), body)
                        .status
                })
            };
            let both = [push("gauge"), push("counter")];
            both.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(
            matches!(statuses[..], [200, 400] | [400, 200]),
            "round {round}: {statuses:?}"
        );
        assert_eq!(gateway.get("/metrics").status, 200);
    }
}
