//! The command line as meant: checked, with its parts for whom they concern.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::NameScheme;
use crate::telemetry::Logging;

use super::error::ConfigError;
use super::flag_map::FlagMap;
use super::paths::{self, normalize_prefix};
use super::typed::Flags;
use super::value::Value;

/// What the gateway is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Where connections come from.
    pub listen: ListenConfig,
    /// What a connection may take.
    pub server_limits: ServerLimits,
    /// The file with TLS, users, headers and rate limit.
    pub web_config_file: Option<PathBuf>,
    /// Files with the name and the password of one more user.
    pub basic_auth: Option<BasicAuthFiles>,
    /// Paths, and which of them do something.
    pub web: WebConfig,
    /// What a request body may take.
    pub body_limits: BodyLimits,
    /// What is asked of pushes.
    pub push: PushConfig,
    /// What may be stored.
    pub store_limits: StoreLimits,
    /// What survives.
    pub persistence: PersistenceConfig,
    /// What is logged.
    pub logging: Logging,
    /// All flags as the API and the status page show them.
    pub flag_map: FlagMap,
}

/// Where connections come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenConfig {
    /// The sockets of the gateway.
    pub on: ListenOn,
    /// The address for probes and own metrics, `host:port` as typed.
    pub probe_address: Option<String>,
    /// How long requests in flight may take to end after the stop signal.
    pub drain_timeout: Duration,
}

/// The sockets of the gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListenOn {
    /// Each `host:port` as typed; without a host, all addresses of the machine.
    Addresses(Vec<String>),
    /// Those that systemd hands over.
    SystemdSockets,
}

/// What a connection may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServerLimits {
    /// Open connections.
    pub connections: usize,
    /// First line and headers of a request.
    pub head_bytes: usize,
    /// Time for the TLS handshake, and for first line and headers of a request.
    pub head_timeout: Duration,
    /// Time without progress of a request body.
    pub body_timeout: Duration,
    /// Time between requests.
    pub idle_timeout: Duration,
}

/// Files with the name and the password of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BasicAuthFiles {
    /// Holds the name.
    pub username_file: PathBuf,
    /// Holds the password in plain text.
    pub password_file: PathBuf,
}

/// Paths, and which of them do something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebConfig {
    /// The path of scrapes, the route prefix included.
    pub telemetry_path: String,
    /// Before all routes: empty, or with a slash at the start and none at the end.
    pub route_prefix: String,
    /// Before links on the page, in the same form; if empty, links are relative.
    pub external_prefix: String,
    /// Whether PUT and POST `/-/quit` stop the gateway.
    pub enable_lifecycle: bool,
    /// Whether PUT `/api/v1/admin/wipe` deletes all groups.
    pub enable_admin_api: bool,
}

/// What a request body may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BodyLimits {
    /// As sent.
    pub bytes: usize,
    /// After decompression.
    pub inflated_bytes: usize,
    /// All bodies that are being received or processed together.
    pub in_flight_bytes: usize,
}

/// What is asked of pushes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PushConfig {
    /// Whether a push must fit to what is stored.
    pub check: ConsistencyCheck,
    /// Which names text pushes and push paths may have.
    pub name_scheme: NameScheme,
    /// Pushes and deletions that may wait for being stored.
    pub queue: usize,
}

/// Whether a push must fit to what is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConsistencyCheck {
    /// It is refused if it does not.
    Checked,
    /// It is stored in any case.
    Unchecked,
}

/// What may be stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoreLimits {
    /// Groups.
    pub groups: usize,
    /// Series of all groups.
    pub series: usize,
    /// Series of one group.
    pub series_per_group: usize,
    /// Labels of one series, those of the group included.
    pub labels_per_series: usize,
    /// Length of a label or metric name.
    pub label_name_bytes: usize,
    /// Length of a label value.
    pub label_value_bytes: usize,
    /// Length of a help.
    pub help_bytes: usize,
}

/// What survives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PersistenceConfig {
    /// The file that keeps the groups; without, they are kept in memory only.
    pub file: Option<PathBuf>,
    /// Zero: a push is durable before it is answered. Longer: pushes are written together this often.
    pub interval: Duration,
}

impl Config {
    /// What these flags mean, if they can be obeyed.
    pub(super) fn new(flags: Flags) -> Result<Self, ConfigError> {
        let external_prefix = normalize_prefix(flags.external_url.path());
        let route_prefix = match flags.route_prefix.as_str() {
            "" => external_prefix.clone(),
            given => normalize_prefix(given),
        };
        let telemetry_path = paths::telemetry_path(&route_prefix, &flags.telemetry_path)?;
        Ok(Self {
            listen: flags.listen(),
            server_limits: flags.server_limits(),
            web_config_file: path(&flags.web_config_file),
            basic_auth: flags.basic_auth()?,
            web: WebConfig {
                telemetry_path,
                external_prefix,
                enable_lifecycle: flags.enable_lifecycle,
                enable_admin_api: flags.enable_admin_api,
                route_prefix: route_prefix.clone(),
            },
            body_limits: flags.body_limits()?,
            push: flags.push(),
            store_limits: flags.store_limits(),
            persistence: PersistenceConfig {
                file: path(&flags.persistence_file),
                interval: flags.persistence_interval.to_std(),
            },
            logging: flags.logging,
            flag_map: FlagMap::new(Flags {
                route_prefix,
                ..flags
            }),
        })
    }
}

impl Flags {
    fn listen(&self) -> ListenConfig {
        let on = if self.systemd_socket {
            ListenOn::SystemdSockets
        } else {
            ListenOn::Addresses(self.listen_address.clone())
        };
        let probe = &self.probe_listen_address;
        ListenConfig {
            on,
            probe_address: (!probe.is_empty()).then(|| probe.clone()),
            drain_timeout: self.drain_timeout.to_std(),
        }
    }

    fn server_limits(&self) -> ServerLimits {
        ServerLimits {
            connections: self.connections.0,
            head_bytes: self.head_bytes.0,
            head_timeout: self.head_timeout.0.to_std(),
            body_timeout: self.body_timeout.0.to_std(),
            idle_timeout: self.idle_timeout.0.to_std(),
        }
    }

    fn basic_auth(&self) -> Result<Option<BasicAuthFiles>, ConfigError> {
        const USERNAME: &str = "web.basic-auth.username-file";
        const PASSWORD: &str = "web.basic-auth.password-file";
        let half = |given, missing| Err(ConfigError::HalfOfBasicAuth { given, missing });
        match (path(&self.username_file), path(&self.password_file)) {
            (None, None) => Ok(None),
            (Some(_), None) => half(USERNAME, PASSWORD),
            (None, Some(_)) => half(PASSWORD, USERNAME),
            (Some(username_file), Some(password_file)) => Ok(Some(BasicAuthFiles {
                username_file,
                password_file,
            })),
        }
    }

    fn body_limits(&self) -> Result<BodyLimits, ConfigError> {
        let singles = [
            ("limit.body-bytes", self.body_bytes),
            ("limit.inflated-body-bytes", self.inflated_body_bytes),
        ];
        let total = self.bodies_in_flight_bytes;
        for (single, value) in singles {
            if value.0 > total.0 {
                return Err(ConfigError::TotalBelowSingle {
                    total: "limit.bodies-in-flight-bytes",
                    total_value: total.shown(),
                    single,
                    single_value: value.shown(),
                });
            }
        }
        Ok(BodyLimits {
            bytes: self.body_bytes.0,
            inflated_bytes: self.inflated_body_bytes.0,
            in_flight_bytes: total.0,
        })
    }

    fn push(&self) -> PushConfig {
        PushConfig {
            check: if self.disable_consistency_check {
                ConsistencyCheck::Unchecked
            } else {
                ConsistencyCheck::Checked
            },
            name_scheme: if self.enable_utf8_names {
                NameScheme::Utf8
            } else {
                NameScheme::Legacy
            },
            queue: self.queued_pushes.0,
        }
    }

    fn store_limits(&self) -> StoreLimits {
        StoreLimits {
            groups: self.groups.0,
            series: self.series.0,
            series_per_group: self.series_per_group.0,
            labels_per_series: self.labels_per_series.0,
            label_name_bytes: self.label_name_bytes.0,
            label_value_bytes: self.label_value_bytes.0,
            help_bytes: self.help_bytes.0,
        }
    }
}

/// An empty path is none.
fn path(typed: &str) -> Option<PathBuf> {
    (!typed.is_empty()).then(|| PathBuf::from(typed))
}
