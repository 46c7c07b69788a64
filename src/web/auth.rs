//! Basic authentication: the users of the web configuration file, and those of mounted secret files.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::guard::refusal;
use crate::web_config::ConfigFile;
use crate::web_config::reload::Reloading;

mod credentials;
mod passwords;
mod proof;
mod secret_files;

pub use secret_files::{SecretFiles, SecretFilesError, SecretPair};

use credentials::Credentials;
use passwords::Passwords;
use proof::ProofKey;

/// Decides who may use the gateway.
///
/// Users come from two places, either of which may be absent: `basic_auth_users` of the web configuration
/// file, and one user from a pair of secret files. With both, any of them may come in; with neither,
/// everybody may.
#[derive(Debug)]
pub struct Authenticator {
    web_config: Option<Arc<Reloading<ConfigFile>>>,
    secret_files: Option<Arc<Reloading<SecretFiles>>>,
    key: ProofKey,
    passwords: Passwords,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Allowed,
    Denied,
    /// Too many passwords are being checked already.
    Busy,
}

impl Authenticator {
    /// Takes users from what is given. Where nothing is, nobody needs to be asked who they are.
    pub fn new(
        web_config: Option<Arc<Reloading<ConfigFile>>>,
        secret_files: Option<Arc<Reloading<SecretFiles>>>,
    ) -> Option<Self> {
        if web_config.is_none() && secret_files.is_none() {
            return None;
        }
        Some(Self {
            web_config,
            secret_files,
            key: ProofKey::random(),
            passwords: Passwords::new(),
        })
    }

    async fn judge(&self, authorization: Option<&HeaderValue>) -> Verdict {
        let web_config = self.web_config.as_ref().map(|config| config.current());
        let users = web_config.as_ref().map(|config| &config.basic_auth_users);
        let users = users.filter(|users| !users.is_empty());
        let secret = self.secret_files.as_ref().map(|files| files.current());
        if users.is_none() && secret.is_none() {
            return Verdict::Allowed;
        }
        let Some(given) = authorization.and_then(Credentials::parse) else {
            return Verdict::Denied;
        };
        if secret.is_some_and(|secret| secret.matches(&given, &self.key)) {
            return Verdict::Allowed;
        }
        match users {
            Some(users) => self.passwords.check(users, given, &self.key).await,
            None => Verdict::Denied,
        }
    }
}

/// Answers 401 to those who may not use the gateway.
pub async fn authenticate(
    State(authenticator): State<Arc<Authenticator>>,
    request: Request,
    next: Next,
) -> Response {
    // Copied, since a request can't be borrowed across a wait: its body is not to be shared.
    let authorization = request.headers().get(AUTHORIZATION).cloned();
    match authenticator.judge(authorization.as_ref()).await {
        Verdict::Allowed => next.run(request).await,
        Verdict::Denied => {
            let mut response = refusal(StatusCode::UNAUTHORIZED, "Unauthorized\n");
            let basic = HeaderValue::from_static("Basic");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
            response
        }
        Verdict::Busy => {
            let text = "too many passwords are being checked\n";
            let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, text);
            let soon = HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, soon);
            response
        }
    }
}

#[cfg(test)]
mod tests;
