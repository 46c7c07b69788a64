//! The web configuration file as a source that can change.

use std::path::{Path, PathBuf};

use super::reload::Source;
use super::{WebConfig, WebConfigError};

/// Where the web configuration file is.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
}

impl ConfigFile {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn parse(&self, content: &[u8]) -> Result<WebConfig, WebConfigError> {
        let text = String::from_utf8_lossy(content);
        let directory = self.path.parent().unwrap_or_else(|| Path::new(""));
        Ok(WebConfig::parse(&text)?.relative_to(directory))
    }
}

impl Source for ConfigFile {
    type Input = Vec<u8>;
    type Value = WebConfig;
    type Error = WebConfigError;
    const WHAT: &'static str = "web config file";

    fn read(&self) -> Result<Vec<u8>, WebConfigError> {
        std::fs::read(&self.path).map_err(|source| WebConfigError::Read {
            path: self.path.clone(),
            source,
        })
    }

    fn build(&self, content: &Vec<u8>) -> Result<WebConfig, WebConfigError> {
        self.parse(content)
            .map_err(|error| WebConfigError::Invalid {
                path: self.path.clone(),
                source: Box::new(error),
            })
    }
}
