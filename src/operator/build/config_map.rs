//! ConfigMaps: where to push to, and the web configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use k8s_openapi::api::core::v1::ConfigMap;

use super::{PUSH_URL_KEY, metadata};
use crate::operator::api::{MinTlsVersion, Tls};
use crate::operator::validate::{Mount, ValidatedPushGateway};
use crate::web_config::{ClientAuthType, TlsServerConfig, TlsVersion, WebConfig};

/// Name of the web configuration file, as key of the ConfigMap and as mounted.
pub(super) const WEB_CONFIG_FILE: &str = "web-config.yaml";

/// Name of the ConfigMap with the web configuration file.
pub(super) fn web_name(gateway: &ValidatedPushGateway) -> String {
    format!("{}-web-config", gateway.name())
}

/// Tells jobs where to push to, by `envFrom`.
pub(super) fn push(gateway: &ValidatedPushGateway) -> ConfigMap {
    let name = format!("{}-push", gateway.name());
    with_entry(gateway, name, PUSH_URL_KEY, gateway.url())
}

/// The web configuration file, which names files of mounted Secrets.
pub(super) fn web(gateway: &ValidatedPushGateway) -> Option<ConfigMap> {
    let config = WebConfig {
        tls_server_config: tls_server_config(gateway.web().tls.as_ref()?),
        ..WebConfig::default()
    };
    let yaml = serde_yaml::to_string(&config).expect("the web configuration is plain YAML");
    Some(with_entry(
        gateway,
        web_name(gateway),
        WEB_CONFIG_FILE,
        yaml,
    ))
}

fn tls_server_config(tls: &Tls) -> TlsServerConfig {
    let has_client_ca = tls.client_ca_secret_name.is_some();
    TlsServerConfig {
        cert_file: Some(PathBuf::from(Mount::Tls.file("tls.crt"))),
        key_file: Some(PathBuf::from(Mount::Tls.file("tls.key"))),
        client_auth_type: has_client_ca.then_some(ClientAuthType::RequireAndVerifyClientCert),
        client_ca_file: has_client_ca.then(|| PathBuf::from(Mount::ClientCa.file("ca.crt"))),
        min_version: match tls.min_version {
            MinTlsVersion::TLS12 => TlsVersion::Tls12,
            MinTlsVersion::TLS13 => TlsVersion::Tls13,
        },
        ..TlsServerConfig::default()
    }
}

fn with_entry(gateway: &ValidatedPushGateway, name: String, key: &str, value: String) -> ConfigMap {
    ConfigMap {
        metadata: metadata::of_child(gateway, name),
        data: Some(BTreeMap::from([(key.to_owned(), value)])),
        ..ConfigMap::default()
    }
}
