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
use steps::{backup, chart, monitoring, rollout, takeover};
use tools::{helm, kubectl, shell};

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

fn scenario(report: &mut Report) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/e2e");
    let node = report.step("a node with its control plane", || {
        Node::start(&folder.join("node"), &folder.join("images")).map(Started)
    })?;
    node.0.offer_volumes(8)?;
    report.step("Prometheus Operator and a Prometheus", monitoring::install)?;
    let commands = readme::commands()?;
    report.step("README: the commands on Kubernetes", || {
        commands.iter().try_for_each(|block| {
            println!("{block}");
            println!("{}", shell(block)?);
            Ok(())
        })
    })?;
    report.step(
        "Prometheus has what the CronJob pushed",
        monitoring::scrapes_the_cron_job,
    )?;
    report.step(
        "the drain ends before the kubelet's patience",
        rollout::drain_is_bounded,
    )?;
    report.step("pod deleted under load", rollout::delete_the_pod)?;
    report.step(
        "kill -9 of the gateway under load",
        rollout::kill_the_process,
    )?;
    report.step("new image under load", rollout::roll_out_a_new_image)?;
    report.step("kubectl rollout restart under load", rollout::restart)?;
    report.step(
        "kubectl scale to 0 and back",
        rollout::scale_to_zero_and_back,
    )?;
    report.step(
        "Deployment to StatefulSet, export and import",
        backup::switch_to_a_volume,
    )?;
    report.step(
        "a Go Pushgateway's volume, and the way back",
        takeover::take_over_and_go_back,
    )?;
    report.step(
        "helm install, test and upgrade of the gateway's chart",
        chart::install_test_upgrade,
    )?;
    report.step("helm upgrade of the operator with its rules", || {
        helm(
            "upgrade pushgateway-operator charts/pushgateway-operator --namespace pushgateway-operator --wait \
             --reuse-values --set metrics.serviceMonitor.enabled=true --set metrics.prometheusRule.enabled=true",
        )
        .map(drop)
    })?;
    report.step("the rules of both charts load", || {
        monitoring::loads_rules(&["pushgateway", "pushgateway-operator"])
    })?;
    report.step(
        "helm uninstall of the gateway",
        chart::uninstall_keeps_the_claim,
    )?;
    report.step(
        "kubectl delete of the gateway",
        chart::delete_leaves_the_claim,
    )?;
    report
        .step(
            "helm uninstall of the operator",
            chart::uninstall_leaves_the_definition,
        )
        .map(drop)
}

/// A node that has started; it is there as long as this is.
struct Started(Node);

impl report::Told for Started {
    fn told(&self) -> String {
        format!("logs in {}", self.0.logs().display())
    }
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
