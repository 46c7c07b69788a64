//! SIGKILL at random moments under load: what was acknowledged is there after the restart, and what was not is
//! there whole or not at all.
//!
//! `PUSHGATEWAY_KILL_SEED` repeats the same pushes; the moments of the kills are the machine's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::thread;

use serde_json::Value;

use crate::harness::http::{Connection, Request};
use crate::harness::random::Random;
use crate::harness::{Gateway, Program, files};

const ROUNDS: usize = 60;
const WORKERS: usize = 4;
const GROUPS_A_WORKER: usize = 8;
const FAMILIES: [&str; 4] = ["a", "b", "c", "padding"];

/// A group that one worker pushes to and deletes.
#[derive(Debug)]
struct Group {
    path: String,
    /// The last acknowledged request.
    certain: Outcome,
    /// The request that was cut off by the kill, if it was to this group.
    cut_off: Option<Outcome>,
}

/// What becomes of a group: the number of its last push, or `None` when it is deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Outcome(Option<u64>);

#[test]
fn no_acknowledged_push_or_delete_is_lost_when_the_process_is_killed() {
    let (_, mut random) = Random::seeded_by("PUSHGATEWAY_KILL_SEED");
    let folder = files::folder();
    let mut file = std::ffi::OsString::from("--persistence.file=");
    file.push(folder.path().join("groups"));
    let program = Program::gateway().flag(file).flag("--web.enable-admin-api");
    let mut workers: Vec<Vec<Group>> = (0..WORKERS).map(groups_of).collect();
    let mut sequence = 0;

    for round in 0..ROUNDS {
        if random.chance(10) {
            program.spawn_anywhere().kill();
        }
        let gateway = program.start();
        check(&gateway, &mut workers, round);
        if random.chance(8) {
            wipe(&gateway, &mut workers);
        }
        let acknowledged = [0, 1, 20, 300][random.below(4)];
        let acknowledged = random.within(0..=acknowledged);
        workers = load_until_killed(gateway, workers, acknowledged, &mut sequence);
    }
    let gateway = program.start();
    check(&gateway, &mut workers, ROUNDS);
    assert_eq!(gateway.terminate().code, Some(0));
    check(&program.start(), &mut workers, ROUNDS + 1);
}

fn groups_of(worker: usize) -> Vec<Group> {
    let group = |number| Group {
        path: format!("/metrics/job/w{worker}/g/{number}"),
        certain: Outcome(None),
        cut_off: None,
    };
    (0..GROUPS_A_WORKER).map(group).collect()
}

/// Lets each worker loose on its groups and kills the gateway once it has acknowledged so much.
fn load_until_killed(
    gateway: Gateway,
    workers: Vec<Vec<Group>>,
    acknowledged: usize,
    sequence: &mut u64,
) -> Vec<Vec<Group>> {
    let address = gateway.address;
    let (acknowledge, acknowledgements) = mpsc::channel();
    let running: Vec<_> = workers
        .into_iter()
        .map(|groups| {
            *sequence += 100_000;
            let (acknowledge, first) = (acknowledge.clone(), *sequence);
            thread::spawn(move || work(address, groups, first, &acknowledge))
        })
        .collect();
    drop(acknowledge);
    for _ in 0..acknowledged {
        acknowledgements
            .recv()
            .expect("the workers go on until the gateway is killed");
    }
    gateway.kill();
    running
        .into_iter()
        .map(|worker| worker.join().unwrap())
        .collect()
}

/// Pushes increasing numbers to its groups, and deletes them, until the gateway is gone.
fn work(
    address: SocketAddr,
    mut groups: Vec<Group>,
    first: u64,
    acknowledge: &Sender<()>,
) -> Vec<Group> {
    let mut random = Random::new(first);
    let mut connection = Connection::new(address);
    for number in first.. {
        let at = random.below(groups.len());
        let group = &mut groups[at];
        let (request, outcome) = if random.chance(20) {
            (Request::new("DELETE", group.path.as_str()), Outcome(None))
        } else {
            (
                push(&mut random, &group.path, number),
                Outcome(Some(number)),
            )
        };
        let Ok(response) = connection.send(&request) else {
            group.cut_off = Some(outcome);
            break;
        };
        assert!(
            matches!(response.status, 200 | 202),
            "{request:?}: {response:?}"
        );
        group.certain = outcome;
        // Nobody counts any more once there were enough.
        let _ = acknowledge.send(());
    }
    groups
}

/// A push of several families that all have the same value, of any length.
fn push(random: &mut Random, path: &str, number: u64) -> Request {
    let method = random.pick(&["PUT", "POST"]);
    let padding = "x".repeat([0, 10, 1000, 15_000][random.below(4)]);
    let body = format!("a {number}\nb {number}\nc {number}\npadding{{p=\"{padding}\"}} {number}\n");
    Request::new(method, path).body(body)
}

fn wipe(gateway: &Gateway, workers: &mut [Vec<Group>]) {
    let response = gateway.send(&Request::new("PUT", "/api/v1/admin/wipe"));
    assert_eq!(response.status, 202);
    for group in workers.iter_mut().flatten() {
        group.certain = Outcome(None);
    }
}

/// Compares what the gateway has with what it acknowledged, and takes what it has as certain from now on.
fn check(gateway: &Gateway, workers: &mut [Vec<Group>], round: usize) {
    let found = groups_found(gateway);
    for group in workers.iter_mut().flatten() {
        let number = Outcome(found.get(&group.path).copied());
        let cut_off = group.cut_off.take();
        assert!(
            number == group.certain || cut_off == Some(number),
            "round {round}: {} has push {number:?}; acknowledged was {:?}, cut off was {cut_off:?}",
            group.path,
            group.certain,
        );
        group.certain = number;
    }
}

/// The pushed number of each group that there is.
fn groups_found(gateway: &Gateway) -> BTreeMap<String, u64> {
    let answer = gateway.get("/api/v1/metrics").json();
    let groups = answer["data"].as_array().unwrap();
    groups
        .iter()
        .map(|group| (path_of(group), number_of(group)))
        .collect()
}

fn path_of(group: &Value) -> String {
    let label = |name| group["labels"][name].as_str().unwrap();
    format!("/metrics/job/{}/g/{}", label("job"), label("g"))
}

/// The number that all families of a group have.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pushed numbers are small"
)]
fn number_of(group: &Value) -> u64 {
    let value = |family: &str| {
        group[family]["metrics"][0]["value"]
            .as_str()?
            .parse::<f64>()
            .ok()
    };
    let values = FAMILIES.map(value);
    let is_whole = values[0].is_some() && values.iter().all(|value| *value == values[0]);
    assert!(is_whole, "a push is half there: {values:?} in {group}");
    values[0].expect("it was just looked at") as u64
}
