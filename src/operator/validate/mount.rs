//! The volumes that the operator gives a pod, and where the gateway finds them.

/// A volume of the operator's making.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mount {
    /// The persistence file.
    Storage,
    /// The web configuration file.
    WebConfig,
    /// Certificate and key.
    Tls,
    /// Authorities that sign clients' certificates.
    ClientCa,
    /// A user's name and password.
    BasicAuth,
}

impl Mount {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Storage,
        Self::WebConfig,
        Self::Tls,
        Self::ClientCa,
        Self::BasicAuth,
    ];

    /// Name of the volume. That of the storage is the name of the claim template, as in the community chart.
    pub fn volume(self) -> &'static str {
        match self {
            Self::Storage => "storage-volume",
            Self::WebConfig => "web-config",
            Self::Tls => "tls",
            Self::ClientCa => "client-ca",
            Self::BasicAuth => "basic-auth",
        }
    }

    /// Where it is mounted.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Storage => "/data",
            Self::WebConfig => "/etc/pushgateway/web-config",
            Self::Tls => "/etc/pushgateway/tls",
            Self::ClientCa => "/etc/pushgateway/client-ca",
            Self::BasicAuth => "/etc/pushgateway/basic-auth",
        }
    }

    /// A file in it.
    pub fn file(self, name: &str) -> String {
        format!("{}/{name}", self.folder())
    }
}
