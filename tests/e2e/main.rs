//! End to end on a real Kubernetes node: the images, the charts and the README's commands, as a user has them.
//!
//! `make e2e` builds the images and runs this. It needs Linux and root, for namespaces and containers.

mod http;
mod node;
mod place;
mod pusher;
mod readme;
mod report;
mod steps;
mod tools;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use node::Node;
use report::Report;
use steps::{backup, chart, monitoring, rollout, sizes, takeover};
use tools::kubectl;

fn main() -> ExitCode {
    let mut report = Report::default();
    let result = place::enter().and_then(|outside| match outside {
        Some(status) => Ok(status.success()),
        None => scenario(&mut report).map(|()| {
            report.print();
            true
        }),
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report.print();
            eprintln!("\ne2e: {error:#}\n");
            diagnose();
            ExitCode::FAILURE
        }
    }
}

/// Does one thing as a user would and checks what came of it; returns what is worth telling.
type Step = fn() -> Result<String>;

/// What happens on the node, in this order.
const STEPS: &[(&str, Step)] = &[
    ("Prometheus Operator and a Prometheus", monitoring::install),
    ("README: the commands on Kubernetes", readme::run),
    (
        "Prometheus has what the CronJob pushed",
        monitoring::scrapes_the_cron_job,
    ),
    (
        "the drain ends before the kubelet's patience",
        rollout::drain_is_bounded,
    ),
    ("pod deleted under load", rollout::delete_the_pod),
    (
        "kill -9 of the gateway under load",
        rollout::kill_the_process,
    ),
    ("new image under load", rollout::roll_out_a_new_image),
    ("kubectl rollout restart under load", rollout::restart),
    (
        "kubectl scale to 0 and back",
        rollout::scale_to_zero_and_back,
    ),
    (
        "Deployment to StatefulSet, export and import",
        backup::switch_to_a_volume,
    ),
    (
        "a Go Pushgateway's volume, and the way back",
        takeover::take_over_and_go_back,
    ),
    (
        "chart of a gateway: upgrade and test",
        chart::upgrade_the_gateway,
    ),
    (
        "chart of the operator: upgrade with its rules",
        chart::upgrade_the_operator,
    ),
    ("the rules of both charts load", monitoring::loads_rules),
    ("resident memory", sizes::memory),
    (
        "chart of a gateway: uninstall",
        chart::uninstall_keeps_the_claim,
    ),
    (
        "kubectl delete of a gateway",
        chart::delete_leaves_the_claim,
    ),
    (
        "chart of the operator: uninstall",
        chart::uninstall_leaves_the_definition,
    ),
    (
        "the operator from the flat file",
        chart::install_from_the_flat_file,
    ),
];

fn scenario(report: &mut Report) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/e2e");
    let images = folder.join("images");
    report.step("our images", || sizes::images(&images))?;
    let folder = folder.join("node");
    if let Err(error) = report.step("a node with its control plane", || {
        let node = Node::start(&folder, &images)?;
        node.offer_volumes(8)?;
        Ok(format!("logs in {}", node.logs().display()))
    }) {
        // Nothing of ours runs yet.
        println!("e2e: SKIP: this machine runs no node: {error:#}");
        println!("e2e: SKIP: logs are in {}", folder.display());
        return Ok(());
    }
    STEPS
        .iter()
        .try_for_each(|(step, run)| report.step(step, run))
}

/// Prints what somebody would look at first.
fn diagnose() {
    for look in [
        "get all -A -o wide",
        "get pgw -A -o yaml",
        "get events -A --sort-by=.lastTimestamp",
        "logs -n pushgateway-operator deployment/pushgateway-operator --tail=50",
    ] {
        eprintln!("$ kubectl {look}");
        match kubectl(look) {
            Ok(text) => eprintln!("{text}"),
            Err(error) => eprintln!("{error:#}"),
        }
    }
}
