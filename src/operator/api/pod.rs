//! What the gateway's pod is made of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When nodes pull an image.
#[derive(JsonSchema, Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ImagePullPolicy {
    /// At each start of a pod.
    Always,
    /// When the node has it not.
    IfNotPresent,
    /// Not at all: the node has it, or the pod does not start.
    Never,
}

/// A Secret in the namespace of the PushGateway.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalSecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A flag of the gateway.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtraArg {
    /// Its name, without the leading dashes.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[a-z0-9][a-z0-9.-]*$"))]
    pub name: String,
    /// Its value; none for a switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,
}

/// The least severe level that is logged.
#[derive(JsonSchema, Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What an operator wants to have seen.
    #[default]
    Info,
    /// What may need attention.
    Warn,
    /// What needs attention.
    Error,
}

/// The form of log lines.
#[derive(JsonSchema, Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum LogFormat {
    /// `key=value key="quoted value"`.
    #[default]
    Logfmt,
    /// One object a line.
    Json,
}

/// Thresholds of the three probes.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probes {
    /// When the gateway is restarted.
    #[serde(default = "ProbeThresholds::liveness")]
    pub liveness: ProbeThresholds,
    /// When the gateway gets no requests.
    #[serde(default = "ProbeThresholds::readiness")]
    pub readiness: ProbeThresholds,
    /// How long the gateway may take to read its persistence file.
    #[serde(default = "ProbeThresholds::startup")]
    pub startup: ProbeThresholds,
}

/// Thresholds of a probe.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeThresholds {
    /// Seconds from the start of the container to the first probe.
    #[serde(default)]
    #[schemars(range(min = 0, max = 3600))]
    pub initial_delay_seconds: i32,
    /// Seconds between probes.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 3600))]
    pub period_seconds: i32,
    /// Seconds after which a probe has failed.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 3600))]
    pub timeout_seconds: i32,
    /// Failures in a row that count.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100_000))]
    pub failure_threshold: i32,
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            liveness: ProbeThresholds::liveness(),
            readiness: ProbeThresholds::readiness(),
            startup: ProbeThresholds::startup(),
        }
    }
}

impl ProbeThresholds {
    fn liveness() -> Self {
        Self {
            initial_delay_seconds: 0,
            period_seconds: ten(),
            timeout_seconds: five(),
            failure_threshold: three(),
        }
    }

    fn readiness() -> Self {
        Self {
            period_seconds: 5,
            ..Self::liveness()
        }
    }

    /// Ten minutes: at disk speed, enough for any file that fits in memory.
    fn startup() -> Self {
        Self {
            period_seconds: 1,
            failure_threshold: 600,
            ..Self::liveness()
        }
    }
}

fn three() -> i32 {
    3
}

fn five() -> i32 {
    5
}

fn ten() -> i32 {
    10
}
