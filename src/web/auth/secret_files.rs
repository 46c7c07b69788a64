//! One user from two mounted files, as Kubernetes mounts a Secret.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::credentials::Credentials;
use super::proof::ProofKey;
use crate::web_config::reload::Source;

/// Where the user name and the password are.
#[derive(Clone, Debug)]
pub struct SecretFiles {
    username: PathBuf,
    password: PathBuf,
}

/// A user name and its password.
#[derive(Clone, Eq, PartialEq)]
pub struct SecretPair {
    username: Vec<u8>,
    password: Vec<u8>,
}

/// Why there is no user in the files.
#[derive(Debug, thiserror::Error)]
pub enum SecretFilesError {
    /// One file was named without the other.
    #[error(
        "--web.basic-auth.username-file and --web.basic-auth.password-file must be given together"
    )]
    OnlyOne,
    /// A file can't be read.
    #[error("could not read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file has nothing in it, which as a password would let everybody in.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// The user name has a colon, which no client could send.
    #[error("the user name in {} has a colon in it, which basic authentication can't carry", .0.display())]
    Colon(PathBuf),
}

impl SecretFiles {
    /// Takes both paths or neither.
    pub fn new(
        username: Option<PathBuf>,
        password: Option<PathBuf>,
    ) -> Result<Option<Self>, SecretFilesError> {
        match (username, password) {
            (Some(username), Some(password)) => Ok(Some(Self { username, password })),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(SecretFilesError::OnlyOne),
        }
    }
}

impl Source for SecretFiles {
    type Input = SecretPair;
    type Value = SecretPair;
    type Error = SecretFilesError;
    const WHAT: &'static str = "basic auth secret";

    fn read(&self) -> Result<SecretPair, SecretFilesError> {
        Ok(SecretPair {
            username: read(&self.username)?,
            password: read(&self.password)?,
        })
    }

    fn build(&self, pair: &SecretPair) -> Result<SecretPair, SecretFilesError> {
        if pair.username.is_empty() {
            return Err(SecretFilesError::Empty(self.username.clone()));
        }
        if pair.password.is_empty() {
            return Err(SecretFilesError::Empty(self.password.clone()));
        }
        if pair.username.contains(&b':') {
            return Err(SecretFilesError::Colon(self.username.clone()));
        }
        Ok(pair.clone())
    }
}

impl SecretPair {
    /// Compares in a time that tells nothing of the pair.
    pub(super) fn matches(&self, given: &Credentials, key: &ProofKey) -> bool {
        let ours = key.prove(&[&self.username, &self.password]);
        ours.matches(&key.prove(&[&given.user, &given.password]))
    }
}

impl fmt::Debug for SecretPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret pair>")
    }
}

/// The content of a file without the newline that editors and `echo` put at its end.
fn read(path: &Path) -> Result<Vec<u8>, SecretFilesError> {
    let mut content = std::fs::read(path).map_err(|source| SecretFilesError::Read {
        path: path.to_owned(),
        source,
    })?;
    if content.ends_with(b"\n") {
        content.pop();
        if content.ends_with(b"\r") {
            content.pop();
        }
    }
    Ok(content)
}
