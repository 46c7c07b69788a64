//! The values of all flags of the main command.

use crate::telemetry::Logging;

use super::duration::GoDuration;
use super::external_url::ExternalUrl;
use super::value::{Bytes, Count, Timeout};

/// The command line as typed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch")]
pub(super) struct Flags {
    pub(super) systemd_socket: bool,
    pub(super) listen_address: Vec<String>,
    pub(super) web_config_file: String,
    pub(super) telemetry_path: String,
    pub(super) external_url: ExternalUrl,
    pub(super) route_prefix: String,
    pub(super) enable_lifecycle: bool,
    pub(super) enable_admin_api: bool,
    pub(super) disable_consistency_check: bool,
    pub(super) enable_utf8_names: bool,
    pub(super) persistence_file: String,
    pub(super) persistence_interval: GoDuration,
    pub(super) logging: Logging,
    pub(super) probe_listen_address: String,
    pub(super) drain_timeout: GoDuration,
    pub(super) username_file: String,
    pub(super) password_file: String,
    pub(super) body_bytes: Bytes,
    pub(super) inflated_body_bytes: Bytes,
    pub(super) bodies_in_flight_bytes: Bytes,
    pub(super) groups: Count,
    pub(super) series: Count,
    pub(super) series_per_group: Count,
    pub(super) labels_per_series: Count,
    pub(super) label_name_bytes: Bytes,
    pub(super) label_value_bytes: Bytes,
    pub(super) help_bytes: Bytes,
    pub(super) head_bytes: Bytes,
    pub(super) head_timeout: Timeout,
    pub(super) body_timeout: Timeout,
    pub(super) idle_timeout: Timeout,
    pub(super) connections: Count,
    pub(super) queued_pushes: Count,
}
