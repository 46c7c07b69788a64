//! The command `self-test`: asks a running gateway to keep a metric.

use std::time::SystemTime;

use anyhow::Result;
use pushgateway::flags::{self, SelfTestConfig};
use pushgateway::self_test::{self, ServerIdentity, Target, Tls, User};

/// Below this, the digits of a marker are shown one by one.
const MARKERS: u64 = 1_000_000;

/// Pushes a metric, reads it back and deletes it.
pub(crate) fn run(config: SelfTestConfig) -> Result<String> {
    let SelfTestConfig {
        url,
        telemetry_path,
        basic_auth,
        server_identity,
        client_certificate,
        timeout,
    } = config;
    let user = basic_auth.map(|files| User::read(&files.username_file, &files.password_file));
    let target = Target {
        telemetry_path,
        user: user.transpose()?,
        tls: Tls {
            server_identity: match server_identity {
                flags::ServerIdentity::Unverified => ServerIdentity::Unverified,
                flags::ServerIdentity::SignedBy(file) => ServerIdentity::SignedBy(file),
            },
            client_certificate: client_certificate.map(|files| (files.certificate, files.key)),
        },
        timeout,
        url,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let marker = u32::try_from(now.as_secs() % MARKERS)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(self_test::run(&target, marker))?;
    Ok(format!(
        "{}: pushed, read back and deleted a metric\n",
        target.url
    ))
}
