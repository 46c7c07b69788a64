//! The gateway's flags that the operator sets, which users can't set beside it.

use super::Invalid;
use super::api::ExtraArg;

/// Names of flags that follow from other fields of the spec. So do all that begin with `limit.`.
pub const MANAGED_FLAGS: [&str; 22] = [
    "web.listen-address",
    "web.probe-listen-address",
    "web.systemd-socket",
    "web.config.file",
    "web.telemetry-path",
    "web.external-url",
    "web.route-prefix",
    "web.enable-lifecycle",
    "web.enable-admin-api",
    "web.basic-auth.username-file",
    "web.basic-auth.password-file",
    "web.drain-timeout",
    "push.disable-consistency-check",
    "push.enable-utf8-names",
    "persistence.file",
    "persistence.interval",
    "log.level",
    "log.format",
    "help",
    "help-long",
    "help-man",
    "version",
];

/// Whether a flag, or its negation, is for the operator to set.
pub fn is_managed(name: &str) -> bool {
    name.starts_with("no-") || name.starts_with("limit.") || MANAGED_FLAGS.contains(&name)
}

pub(super) fn check(arguments: &[ExtraArg]) -> Result<(), Invalid> {
    for (at, argument) in arguments.iter().enumerate() {
        let name = &argument.name;
        let field = format!("spec.extraArgs[{at}].name");
        if is_managed(name) {
            let message = format!(
                "{name:?} is a flag that another field sets (web, push, persistence, logLevel, logFormat, terminationGracePeriodSeconds); use that field"
            );
            return Err(Invalid::new(field, message));
        }
        if !is_name(name) {
            let message = format!(
                "{name:?} is no name of a flag; write it without leading dashes, and its value beside it"
            );
            return Err(Invalid::new(field, message));
        }
        if arguments[..at].iter().any(|before| before.name == *name) {
            let message = format!("{name:?} is there twice; remove one");
            return Err(Invalid::new(field, message));
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |c: char| is_alphanumeric(c) || c == '.' || c == '-';
    name.starts_with(is_alphanumeric) && name.chars().all(is_part)
}
