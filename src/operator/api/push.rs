//! Which pushes the gateway accepts.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which pushes are accepted.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Push {
    /// Whether a push is checked against what is stored, and refused where it clashes.
    #[serde(default = "yes")]
    pub consistency_check: bool,
    /// Whether metric and label names may be any UTF-8.
    #[serde(default, rename = "utf8Names")]
    pub utf8_names: bool,
    /// Limits, each with the gateway's own default where it is left out.
    #[serde(default)]
    pub limits: Limits,
}

/// Limits of the gateway. Sizes are bytes, or a number with KiB, MiB or GiB.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Largest request body as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 24),
        regex(pattern = r"^[1-9][0-9]*(KiB|MiB|GiB)?$")
    )]
    pub body_bytes: Option<String>,
    /// Largest request body after decompression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 24),
        regex(pattern = r"^[1-9][0-9]*(KiB|MiB|GiB)?$")
    )]
    pub inflated_body_bytes: Option<String>,
    /// Memory of all request bodies that are being received or processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 24),
        regex(pattern = r"^[1-9][0-9]*(KiB|MiB|GiB)?$")
    )]
    pub bodies_in_flight_bytes: Option<String>,
    /// Groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub groups: Option<i64>,
    /// Series of all groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub series: Option<i64>,
    /// Series of one group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub series_per_group: Option<i64>,
    /// Labels of one series, those of the group included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub labels_per_series: Option<i64>,
    /// Length of a label or metric name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 24),
        regex(pattern = r"^[1-9][0-9]*(KiB|MiB|GiB)?$")
    )]
    pub label_name_bytes: Option<String>,
    /// Length of a label value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 24),
        regex(pattern = r"^[1-9][0-9]*(KiB|MiB|GiB)?$")
    )]
    pub label_value_bytes: Option<String>,
    /// Length of a HELP text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 24),
        regex(pattern = r"^[1-9][0-9]*(KiB|MiB|GiB)?$")
    )]
    pub help_bytes: Option<String>,
    /// Size of a request's first line and headers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 24),
        regex(pattern = r"^[1-9][0-9]*(KiB|MiB|GiB)?$")
    )]
    pub head_bytes: Option<String>,
    /// Time for the TLS handshake, and for the first line and headers of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        regex(pattern = r"^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$")
    )]
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("headTimeout must be above zero"))]
    pub head_timeout: Option<String>,
    /// Time that may pass without progress of a request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        regex(pattern = r"^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$")
    )]
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("bodyTimeout must be above zero"))]
    pub body_timeout: Option<String>,
    /// Time that a connection may stay open between requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        regex(pattern = r"^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$")
    )]
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("idleTimeout must be above zero"))]
    pub idle_timeout: Option<String>,
    /// Open connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub connections: Option<i64>,
    /// Pushes and deletions that wait for being stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub queued_pushes: Option<i64>,
}

impl Default for Push {
    fn default() -> Self {
        Self {
            consistency_check: yes(),
            utf8_names: false,
            limits: Limits::default(),
        }
    }
}

fn yes() -> bool {
    true
}
