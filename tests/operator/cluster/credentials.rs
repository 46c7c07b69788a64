//! Who may speak with the API server, and the keys that all sides need for it.

use std::fs;
use std::net::SocketAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use serde_json::json;

use super::folder::Folder;

/// Who asks the API server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum User {
    /// May do everything.
    Admin,
    /// The operator: may do what a test grants it.
    Operator,
    /// May do what anybody may who has a name.
    Stranger,
    /// The controller manager, with the rights that Kubernetes gives it.
    ControllerManager,
}

impl User {
    const ALL: [Self; 4] = [
        Self::Admin,
        Self::Operator,
        Self::Stranger,
        Self::ControllerManager,
    ];

    /// The name in role bindings and in the audit log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Stranger => "stranger",
            Self::ControllerManager => "system:kube-controller-manager",
        }
    }

    fn groups(self) -> &'static str {
        match self {
            Self::Admin => "system:masters",
            Self::Operator | Self::Stranger | Self::ControllerManager => "",
        }
    }

    fn token(self) -> String {
        format!("token-of-{}", self.name())
    }

    /// The name of the kubeconfig in the cluster's folder.
    pub(super) fn kubeconfig(self) -> String {
        format!("{}.kubeconfig", self.name())
    }
}

/// Writes `ca.crt`, `apiserver.{crt,key}`, `service-accounts.{key,pub}`, `tokens.csv` and each user's kubeconfig
/// for the API server at `address`.
pub(super) fn write(folder: &Folder, address: SocketAddr) {
    write_keys(folder, address);
    let tokens = User::ALL.map(|user| {
        let name = user.name();
        format!("{},{name},{name},\"{}\"\n", user.token(), user.groups())
    });
    fs::write(folder.file("tokens.csv"), tokens.concat()).unwrap();
    for user in User::ALL {
        let text = kubeconfig(user, folder, address).to_string();
        fs::write(folder.file(&user.kubeconfig()), text).unwrap();
    }
}

fn write_keys(folder: &Folder, address: SocketAddr) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.file("ca.crt"), authority.pem()).unwrap();

    let mut params = CertificateParams::new([address.ip().to_string()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    fs::write(folder.file("apiserver.crt"), certificate.pem()).unwrap();
    fs::write(folder.file("apiserver.key"), key.serialize_pem()).unwrap();

    let key = KeyPair::generate().unwrap();
    fs::write(folder.file("service-accounts.key"), key.serialize_pem()).unwrap();
    fs::write(folder.file("service-accounts.pub"), key.public_key_pem()).unwrap();
}

/// A kubeconfig is YAML, which JSON is too.
fn kubeconfig(user: User, folder: &Folder, address: SocketAddr) -> serde_json::Value {
    let server = format!("https://{address}");
    let authority = folder.file("ca.crt");
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": "user", "user": {"token": user.token()}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        "current-context": "test",
    })
}
