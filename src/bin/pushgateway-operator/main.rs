//! The operator's program: from the command line to a running operator, or to a text.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;
use kube::Client;
use pushgateway::build_info::BUILD_INFO;
use pushgateway::operator::{self, Defaults, LeaseSettings, Settings};
use pushgateway::server;
use pushgateway::shutdown::{self, Signals};
use pushgateway::telemetry::{self, LogFormat, LogLevel, Logging};
use tracing::info;

/// Runs Pushgateways on Kubernetes: makes what each PushGateway object asks for, and keeps it so.
///
/// Which cluster is taken from the pod's service account, or else from the kubeconfig, as kubectl does.
#[derive(Parser)]
#[command(name = "pushgateway-operator", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator; the same as no command at all.
    Run(RunArgs),
    /// Print the CustomResourceDefinition, for kubectl apply --server-side -f -
    Crd,
    /// Print all that the operator would make of PushGateways in a file, without a cluster.
    Render(RenderArgs),
    /// Print the version.
    Version,
}

#[derive(Args)]
struct RunArgs {
    /// Namespaces to watch, with commas between or the flag repeated. Without any, all namespaces.
    #[arg(long, env = "WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// Image of the gateway where a PushGateway names none.
    #[arg(long, env = "GATEWAY_IMAGE", default_value_t = Defaults::default().image)]
    gateway_image: String,
    /// Address for /healthz, /readyz and /metrics.
    #[arg(long, default_value = ":8080")]
    listen_address: String,
    /// Work without a lease. Two operators that do so in one cluster disturb each other.
    #[arg(long)]
    no_leader_election: bool,
    /// Name of the lease.
    #[arg(long, default_value = "pushgateway-operator")]
    lease_name: String,
    /// Namespace of the lease. By default that of the pod.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    lease_namespace: String,
    /// Name of this instance in lease and events, by default made up.
    #[arg(long, env = "POD_NAME")]
    instance: Option<String>,
    /// Time between two looks whether the cluster serves ServiceMonitors and HTTPRoutes, as in 30s or 1m.
    #[arg(long, default_value = "1m", value_parser = interval)]
    discovery_interval: Duration,
    /// Least severe level that is logged: debug, info, warn or error.
    #[arg(long = "log.level", default_value = "info")]
    log_level: LogLevel,
    /// Form of the log lines: logfmt or json.
    #[arg(long = "log.format", default_value = "logfmt")]
    log_format: LogFormat,
}

#[derive(Args)]
struct RenderArgs {
    /// File with one or more PushGateways; - is standard input.
    #[arg(short, long)]
    filename: PathBuf,
    /// Image of the gateway where a PushGateway names none.
    #[arg(long, env = "GATEWAY_IMAGE", default_value_t = Defaults::default().image)]
    gateway_image: String,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => run(cli.run),
        Some(Command::Run(args)) => run(args),
        Some(Command::Crd) => print(&operator::crd::yaml()),
        Some(Command::Render(args)) => render(args),
        Some(Command::Version) => print(&format!("{BUILD_INFO}\n")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error cannot be written to, the exit status has to do.
            let _ = writeln!(io::stderr(), "pushgateway-operator: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<()> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn render(args: RenderArgs) -> Result<()> {
    let text = if args.filename == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    } else {
        fs::read_to_string(&args.filename)
            .with_context(|| format!("could not read {}", args.filename.display()))?
    };
    let defaults = Defaults {
        image: args.gateway_image,
    };
    print(&operator::render(&text, &defaults)?)
}

#[tokio::main]
async fn run(args: RunArgs) -> Result<()> {
    let logging = Logging {
        level: args.log_level,
        format: args.log_format,
    };
    telemetry::init(logging, SystemTime::now)?;
    info!(version = %BUILD_INFO.version_summary(), "starting pushgateway-operator");
    let signals = Signals::listen()?;
    let (trigger, stop) = shutdown::channel();
    tokio::spawn(signals.watch(trigger));
    let client = Client::try_default()
        .await
        .context("found no cluster: neither a service account nor a usable kubeconfig")?;
    let listener = server::listen(&args.listen_address).await?;
    info!(address = %listener.local_addr()?, "Listening on");
    let instance = args.instance.unwrap_or_else(invented_name);
    let settings = Settings {
        namespaces: args.watch_namespaces,
        defaults: Defaults {
            image: args.gateway_image,
        },
        lease: (!args.no_leader_election).then(|| LeaseSettings {
            namespace: args.lease_namespace,
            name: args.lease_name,
            identity: instance.clone(),
        }),
        instance,
        discovery_interval: args.discovery_interval,
    };
    Ok(operator::run(client, settings, listener, stop).await?)
}

fn interval(typed: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = typed.parse().map_err(|error| format!("{error}"))?;
    match Duration::try_from(parsed) {
        Ok(interval) if !interval.is_zero() => Ok(interval),
        _ => Err("it must be longer than nothing".to_owned()),
    }
}

/// A name that no other process of the host has, and hardly one elsewhere.
fn invented_name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
