//! The Secrets that samples name, with contents that fit together.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use serde_json::Value;

const USER: &str = "batch";
const PASSWORD: &str = "correct horse: battery";

/// Values by the name of the Secret and the key.
pub(super) struct Secrets {
    values: Vec<((&'static str, &'static str), String)>,
}

impl Secrets {
    /// For a gateway with that host name.
    pub(super) fn new(host: &str) -> Self {
        let servers = authority();
        let clients = authority();
        let (certificate, key) = issue(&servers, host, ExtendedKeyUsagePurpose::ServerAuth);
        let (client, client_key) =
            issue(&clients, "prometheus", ExtendedKeyUsagePurpose::ClientAuth);
        let hash = bcrypt::hash(PASSWORD, 4).unwrap();
        let values = [
            (("push-certificate", "tls.crt"), certificate),
            (("push-certificate", "tls.key"), key),
            (("push-certificate", "ca.crt"), servers.pem()),
            (("clients-ca", "ca.crt"), clients.pem()),
            (("prometheus-certificate", "tls.crt"), client),
            (("prometheus-certificate", "tls.key"), client_key),
            (("push-user", "username"), USER.to_owned()),
            (("push-user", "password"), PASSWORD.to_owned()),
            (("prometheus-user", "username"), USER.to_owned()),
            (("prometheus-user", "password"), PASSWORD.to_owned()),
            (
                ("push-web-config", "web.yml"),
                format!("basic_auth_users:\n  {USER}: {hash}\n"),
            ),
        ];
        Self {
            values: values.into(),
        }
    }

    /// The value of a key.
    pub(super) fn value(&self, secret: &str, key: &str) -> &str {
        let mut values = self.values.iter();
        let found = values.find(|(place, _)| *place == (secret, key));
        let (_, value) = found.unwrap_or_else(|| panic!("unknown key {key} of Secret {secret}"));
        value
    }

    /// The value that an object with `name` and `key` refers to.
    pub(super) fn by_reference(&self, reference: &Value) -> &str {
        let text = |field: &str| reference[field].as_str().unwrap();
        self.value(text("name"), text("key"))
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    // Or curl would take what it issues for self-signed.
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name, and its key.
fn issue(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    purpose: ExtendedKeyUsagePurpose,
) -> (String, String) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}
