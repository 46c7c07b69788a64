//! From the configuration to a server, and back down in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use anyhow::{Context, Result};
use pushgateway::build_info::BUILD_INFO;
use pushgateway::flags::{Config, ConsistencyCheck, ListenOn, PersistenceConfig};
use pushgateway::instrumentation::{Instrumentation, own_families, raise};
use pushgateway::server::tls::Tls;
use pushgateway::server::{self, Connections};
use pushgateway::shutdown::{self, Signals, Trigger};
use pushgateway::store::log::{Loaded, Log, Opened};
use pushgateway::store::{self, Check, Durability, HelpRule, Limits, OwnFamily, Replay, Store};
use pushgateway::web::auth::{Authenticator, SecretFiles};
use pushgateway::web::body::BodyLimits;
use pushgateway::web::guard::guard;
use pushgateway::web::{self, AdminApi, Gateway, LifecycleApi, Observe, PushRules, Settings};
use pushgateway::web_config::ConfigFile;
use pushgateway::web_config::reload::{Refresh, Reloading, keep_fresh};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tracing::{error, info, warn};

/// Serves until told to stop.
pub(crate) fn run(config: Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<()> {
    let signals = Signals::listen()?;
    let (trigger, stop) = shutdown::channel();
    let guards = Guards::open(&config)?;
    let opened = config
        .persistence
        .file
        .as_deref()
        .map(Log::open)
        .transpose()?;
    let listeners = Listeners::bind(&config).await?;

    let store = Store::new(store_options(&config));
    if opened.is_none() {
        store.start(Replay::default());
    }
    let instrumentation = Arc::new(Instrumentation::new(BUILD_INFO));
    let connections = Connections::default();
    let quit = Arc::new(Notify::new());
    let backend = Arc::new(Gateway::new(
        store.clone(),
        Arc::clone(&instrumentation),
        guards.observe(connections.clone()),
        push_rules(&config),
        config.body_limits.in_flight_bytes,
    ));
    let settings = settings(&config, &quit);
    let limits = server_limits(&config);

    tokio::spawn(signals.watch(trigger.clone()));
    tokio::spawn(quit_on_request(quit, trigger.clone()));
    tokio::spawn(keep_fresh(guards.refreshables()));

    let router = guards.around(web::router(settings.clone(), Arc::clone(&backend)));
    let options = server::Options {
        tls: guards.tls.clone(),
        limits: limits.clone(),
        connections,
    };
    let main = server::run(listeners.main, router, options, stop.clone().requested());
    let probe_options = server::Options {
        limits,
        ..server::Options::default()
    };
    let probe_router = web::probe_router(settings, backend);
    // Probes are answered until the last request is.
    let (drained, probes_stop) = oneshot::channel();
    let probes = server::run(listeners.probe, probe_router, probe_options, async {
        let _ = probes_stop.await;
    });
    let serving = tokio::spawn(async {
        tokio::join!(
            async {
                main.await;
                let _ = drained.send(());
            },
            probes
        )
    });

    // In the thread that the process began with: glibc lets its heap grow by 32 pages at a time and those of other threads
    // by one, each time with a call of the kernel.
    let started = opened.map_or(Ok(()), |opened| {
        let fill = || start(&store, opened, &config.persistence, &instrumentation);
        tokio::task::block_in_place(fill).inspect_err(|_| trigger.fire())
    });
    serving.await.context("the server broke off")?;
    let closed = tokio::task::spawn_blocking(move || store.close()).await?;
    started?;
    if let Err(error) = closed {
        error!(err = %error, "problem shutting down metric storage");
        return Err(error.into());
    }
    Ok(())
}

/// Fills the store from its file and starts it.
fn start(
    store: &Store,
    opened: Opened,
    persistence: &PersistenceConfig,
    instrumentation: &Instrumentation,
) -> Result<()> {
    instrumentation
        .persistence_interval_seconds
        .set(persistence.interval.as_secs_f64());
    let durability = match persistence.interval {
        interval if interval.is_zero() => Durability::EachCommit,
        interval => {
            let interval_seconds = interval.as_secs_f64();
            warn!(
                interval_seconds,
                "pushes are answered before they are on disk; --persistence.interval=0s makes them durable first"
            );
            Durability::Interval(interval)
        }
    };
    let (replay, log) = load(opened)?;
    store.start_persistent(replay, Box::new(log), durability);
    Ok(())
}

/// Reads a persistence file, and reports what was found.
fn load(opened: Opened) -> Result<(Replay, Log)> {
    let mut replay = Replay::default();
    let mut import = |group: store::upstream::UpstreamGroup| {
        let labels = format!("{:?}", group.labels);
        match store::import(group) {
            Ok(imported) => {
                imported.dropped.iter().for_each(|family| {
                    warn!(
                        group = labels,
                        family, "metric family of the Go Pushgateway's file not imported"
                    );
                });
                Some(imported.change)
            }
            Err(error) => {
                warn!(group = labels, err = %error, "group of the Go Pushgateway's file not imported");
                None
            }
        }
    };
    let (log, loaded) = opened.load(&mut import, &mut |change| replay.apply(change))?;
    report(log.path(), &loaded, replay.group_count());
    Ok((replay, log))
}

fn report(file: &Path, loaded: &Loaded, groups: usize) {
    let file = file.display();
    if let Some(original) = &loaded.imported_from {
        let original = original.display();
        info!(%file, %original, "persistence file of the Go Pushgateway imported, the original is kept");
    }
    if let Some(problem) = &loaded.import_error {
        error!(%file, err = problem, "the Go Pushgateway's file is damaged; what comes before that was imported");
    }
    if let Some(original) = &loaded.set_aside {
        let (original, damage) = (original.display(), &loaded.damage);
        error!(
            %file, %original, ?damage,
            "persistence file was damaged; what is intact was loaded, the file as it was is kept"
        );
    }
    if loaded.torn_bytes > 0 {
        let bytes = loaded.torn_bytes;
        info!(%file, bytes, "end of a write that was broken off, and never acknowledged, cut from persistence file");
    }
    info!(%file, groups, changes = loaded.changes, bytes = loaded.bytes, "persistence file loaded");
}

async fn quit_on_request(quit: Arc<Notify>, trigger: Trigger) {
    quit.notified().await;
    warn!("received termination request via web service, exiting gracefully...");
    trigger.fire();
}

/// The sockets, bound.
struct Listeners {
    main: Vec<TcpListener>,
    probe: Vec<TcpListener>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self> {
        let mut main = Vec::new();
        match &config.listen.on {
            ListenOn::SystemdSockets => main = server::from_systemd()?,
            ListenOn::Addresses(addresses) => {
                for address in addresses {
                    main.push(server::listen(address).await?);
                }
            }
        }
        let mut probe = Vec::new();
        if let Some(address) = &config.listen.probe_address {
            probe.push(server::listen(address).await?);
        }
        let address = |listener: &TcpListener| -> Result<SocketAddr> { Ok(listener.local_addr()?) };
        for listener in &main {
            info!(address = %address(listener)?, "Listening on");
        }
        for listener in &probe {
            info!(address = %address(listener)?, "Listening for probes on");
        }
        Ok(Self { main, probe })
    }
}

/// What stands between a client and the routes, from files that may change.
struct Guards {
    web_config: Option<Arc<Reloading<ConfigFile>>>,
    secret_files: Option<Arc<Reloading<SecretFiles>>>,
    tls: Option<Arc<Tls>>,
}

impl Guards {
    fn open(config: &Config) -> Result<Self> {
        let open = |path| Reloading::open(ConfigFile::new(path)).map(Arc::new);
        let web_config = config.web_config_file.as_ref().map(open).transpose()?;
        let tls = web_config
            .as_ref()
            .map(Tls::open)
            .transpose()?
            .flatten()
            .map(Arc::new);
        let files = config.basic_auth.clone();
        let files = files.map(|files| (Some(files.username_file), Some(files.password_file)));
        let (username, password) = files.unwrap_or_default();
        let secret_files = SecretFiles::new(username, password)?;
        let secret_files = secret_files.map(Reloading::open).transpose()?.map(Arc::new);
        if tls.is_some() {
            info!("TLS is enabled.");
        } else {
            info!("TLS is disabled.");
        }
        Ok(Self {
            web_config,
            secret_files,
            tls,
        })
    }

    fn around(&self, router: axum::Router) -> axum::Router {
        let authenticator = Authenticator::new(self.web_config.clone(), self.secret_files.clone());
        guard(router, self.web_config.as_ref(), authenticator)
    }

    /// Tells the instrumentation what the server and the files have to tell.
    fn observe(&self, connections: Connections) -> Observe {
        let web_config = self.web_config.clone();
        let tls = self.tls.clone();
        Box::new(move |instrumentation| {
            let open = i64::try_from(connections.open()).unwrap_or(i64::MAX);
            instrumentation.connections.set(open);
            raise(
                &instrumentation.refused_connections_total,
                connections.refused(),
            );
            if let Some(web_config) = &web_config {
                let is_stale =
                    web_config.is_stale() || tls.as_ref().is_some_and(|tls| tls.is_stale());
                let successful = if is_stale { 0.0 } else { 1.0 };
                instrumentation
                    .web_config_last_reload_successful
                    .set(successful);
            }
        })
    }

    fn refreshables(&self) -> Vec<Arc<dyn Refresh>> {
        let web_config = self
            .web_config
            .clone()
            .map(|config| config as Arc<dyn Refresh>);
        let tls = self.tls.as_ref().map(|tls| tls.refreshable());
        let secret_files = self
            .secret_files
            .clone()
            .map(|files| files as Arc<dyn Refresh>);
        [web_config, tls, secret_files]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn settings(config: &Config, quit: &Arc<Notify>) -> Settings {
    let web = &config.web;
    let external_prefix = match &*web.external_prefix {
        "" => ".".to_owned(),
        prefix => prefix.to_owned(),
    };
    Settings {
        route_prefix: web.route_prefix.clone(),
        telemetry_path: web.telemetry_path.clone(),
        external_prefix,
        name_scheme: config.push.name_scheme,
        lifecycle: if web.enable_lifecycle {
            LifecycleApi::Enabled(Arc::clone(quit))
        } else {
            LifecycleApi::Disabled
        },
        admin_api: if web.enable_admin_api {
            AdminApi::Enabled
        } else {
            AdminApi::Disabled
        },
        body_limits: BodyLimits {
            bytes: config.body_limits.bytes,
            inflated_bytes: config.body_limits.inflated_bytes,
            in_flight_bytes: config.body_limits.in_flight_bytes,
        },
        flags: config
            .flag_map
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        build_info: BUILD_INFO,
        started: SystemTime::now().into(),
        zone: Arc::new(LazyLock::new(web::system_zone)),
    }
}

fn check(config: &Config) -> Check {
    match config.push.check {
        ConsistencyCheck::Checked => Check::Checked,
        ConsistencyCheck::Unchecked => Check::Unchecked,
    }
}

fn push_rules(config: &Config) -> PushRules {
    PushRules {
        name_scheme: config.push.name_scheme,
        check: check(config),
        inflated_body_bytes: config.body_limits.inflated_bytes,
    }
}

fn store_options(config: &Config) -> store::Options {
    let limits = config.store_limits;
    store::Options {
        check: check(config),
        limits: Limits {
            groups: limits.groups,
            series: limits.series,
            series_per_group: limits.series_per_group,
            labels_per_series: limits.labels_per_series,
            label_name_bytes: limits.label_name_bytes,
            label_value_bytes: limits.label_value_bytes,
            help_bytes: limits.help_bytes,
        },
        queued_requests: config.push.queue,
        own_families: own_families().map(own_family).collect(),
    }
}

/// The gateway's own families as the store reserves them.
fn own_family(family: &pushgateway::instrumentation::OwnFamily) -> OwnFamily {
    // The Go Pushgateway puts its help in the place of a pushed one for what it exposes from the start.
    let is_late = family.name.starts_with("pushgateway_http_");
    OwnFamily {
        name: family.name,
        metric_type: family.metric_type,
        help: family.help,
        help_rule: if is_late {
            HelpRule::Refused
        } else {
            HelpRule::Replaced
        },
    }
}

fn server_limits(config: &Config) -> server::Limits {
    let limits = config.server_limits;
    server::Limits {
        head_bytes: limits.head_bytes,
        head_time: limits.head_timeout,
        idle_time: limits.idle_timeout,
        body_stall: limits.body_timeout,
        connections: limits.connections,
        drain_time: config.listen.drain_timeout,
        ..server::Limits::default()
    }
}
