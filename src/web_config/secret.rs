//! Texts that are written to the file but never to a log.

use std::fmt;
use std::str::FromStr;

use bcrypt::HashParts;
use serde::{Deserialize, Serialize};

/// A private text, of which [`Debug`] shows nothing.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

/// The bcrypt hash of a password.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash(String);

/// Why a text is no password hash. Does not repeat the text, which might be the password itself.
#[derive(Debug, thiserror::Error)]
#[error("password is not a bcrypt hash: {0}; make one with `htpasswd -nBC 10 USER`")]
pub struct PasswordHashError(String);

impl PasswordHash {
    /// The hash as bcrypt writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = PasswordHashError;

    fn try_from(text: String) -> Result<Self, PasswordHashError> {
        match HashParts::from_str(&text) {
            Ok(parts) if !(4..=31).contains(&parts.get_cost()) => {
                let cost = parts.get_cost();
                Err(PasswordHashError(format!("cost {cost} is not in 4 to 31")))
            }
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(PasswordHashError(error.to_string())),
        }
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        hash.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<password hash>")
    }
}
