//! How the gateway serves HTTP.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Paths, TLS and authentication. Probes and the ServiceMonitor follow by themselves.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.configSecret) || !(has(self.tls) || has(self.basicAuth))").message("configSecret excludes tls and basicAuth: the web configuration file says both")
)]
pub struct Web {
    /// Prefix of all paths that the gateway serves. Defaults to the path of externalURL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^/[^\s?#]*$"))]
    pub route_prefix: Option<String>,
    /// URL under which users reach the gateway, for instance through an Ingress.
    #[serde(
        default,
        rename = "externalURL",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 2048), regex(pattern = r"^https?://[^\s]+$"))]
    pub external_url: Option<String>,
    /// Path that Prometheus scrapes, below the route prefix. The paths for pushes do not move with it.
    #[serde(default = "default_telemetry_path")]
    #[schemars(length(min = 2, max = 1024), regex(pattern = r"^/[^\s?#]*[^\s?#/]$"))]
    pub telemetry_path: String,
    /// Whether clients may wipe, export and import all groups.
    #[serde(default, rename = "enableAdminAPI")]
    pub enable_admin_api: bool,
    /// Whether clients may stop the gateway by /-/quit.
    #[serde(default)]
    pub enable_lifecycle: bool,
    /// TLS. The gateway's probes stay plain, on a port of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Basic authentication for all that clients and Prometheus ask; probes need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// A Secret with a whole web configuration file, for what tls and basicAuth can't say. The ServiceMonitor can't
    /// follow what stands in it: set serviceMonitor.tlsConfig and serviceMonitor.basicAuth to match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_secret: Option<SecretKeyRef>,
}

/// TLS from a Secret of the type kubernetes.io/tls, as cert-manager makes them. A renewed certificate is used at once.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// The Secret with the keys tls.crt and tls.key. Prometheus trusts its key ca.crt, which it must have.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// A Secret with the key ca.crt: clients must show a certificate that it has signed. Prometheus needs one, too:
    /// see serviceMonitor.tlsConfig.
    #[serde(
        default,
        rename = "clientCASecretName",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 253))]
    pub client_ca_secret_name: Option<String>,
    /// The oldest version of TLS that is spoken.
    #[serde(default)]
    pub min_version: MinTlsVersion,
}

/// A version of TLS.
#[derive(JsonSchema, Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum MinTlsVersion {
    /// TLS 1.2.
    #[default]
    TLS12,
    /// TLS 1.3.
    TLS13,
}

/// Basic authentication from a Secret.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BasicAuth {
    /// A Secret of the type kubernetes.io/basic-auth, with the keys username and password. Changes are used at once.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// One key of a Secret in the namespace of the PushGateway.
#[derive(JsonSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// The Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key.
    #[serde(default = "default_config_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            route_prefix: None,
            external_url: None,
            telemetry_path: default_telemetry_path(),
            enable_admin_api: false,
            enable_lifecycle: false,
            tls: None,
            basic_auth: None,
            config_secret: None,
        }
    }
}

fn default_telemetry_path() -> String {
    "/metrics".to_owned()
}

fn default_config_key() -> String {
    "web-config.yaml".to_owned()
}
