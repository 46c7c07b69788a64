//! What the handlers obey and show.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::tz::TimeZone;
use tokio::sync::Notify;

use super::body::BodyLimits;
use crate::build_info::BuildInfo;
use crate::model::{NameScheme, Timestamp};

/// What the handlers obey, from the command line.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In front of all routes: empty, or with a leading and no trailing slash.
    pub route_prefix: String,
    /// The whole path of the scrape, with the route prefix.
    pub telemetry_path: String,
    /// In front of `/static/…` in links of the status page: `.`, or the path of the external URL.
    pub external_prefix: String,
    /// Which label names paths may have.
    pub name_scheme: NameScheme,
    /// Whether and how `/-/quit` stops the gateway.
    pub lifecycle: LifecycleApi,
    /// Whether `/api/v1/admin/…` exists.
    pub admin_api: AdminApi,
    /// How large bodies may be.
    pub body_limits: BodyLimits,
    /// All flags with their values, to show.
    pub flags: BTreeMap<String, String>,
    /// What was built, to show.
    pub build_info: BuildInfo,
    /// When the gateway started.
    pub started: Timestamp,
    /// The time zone that times are shown in, looked up when the first is.
    pub zone: Arc<LazyLock<TimeZone>>,
}

/// `--web.enable-lifecycle`.
#[derive(Clone, Debug)]
pub enum LifecycleApi {
    /// `/-/quit` notifies one waiter, who is to stop the gateway.
    Enabled(Arc<Notify>),
    /// `/-/quit` is forbidden.
    Disabled,
}

/// `--web.enable-admin-api`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AdminApi {
    /// It has its routes.
    Enabled,
    /// It does not exist.
    Disabled,
}

impl Settings {
    /// What was built, by the names of the JSON API and the status page, sorted.
    pub(super) fn build_entries(&self) -> [(&'static str, &'static str); 6] {
        let info = self.build_info;
        [
            ("branch", info.branch),
            ("buildDate", info.build_date),
            ("buildUser", info.build_user),
            ("goVersion", info.rustc_version),
            ("revision", info.revision),
            ("version", info.version),
        ]
    }
}
