//! The Go Pushgateway's persistence file, read and written.
//!
//! It is one value in Go's `gob` encoding: a map from grouping key to a struct of `Labels` and `Metrics`, the latter a
//! map from name to a struct of `Timestamp` and `GobbableMetricFamily`. A gob stream first defines its types, under
//! numbers that the program which writes it happens to assign; so they are found by structure and field names here.
//! The families in it are protobuf messages, of which this module knows nothing.

use thiserror::Error;

use crate::model::Timestamp;

mod definitions;
mod gob;
mod reading;
mod writing;

pub use reading::{is_upstream, read};
pub use writing::write;

/// A group as the Go Pushgateway keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpstreamGroup {
    /// The grouping labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The families, sorted by name, the two push gauges among them.
    pub families: Vec<UpstreamFamily>,
}

/// A family of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamFamily {
    /// The name that it is filed under.
    pub name: String,
    /// When it was pushed; the epoch if the file does not tell.
    pub timestamp: Timestamp,
    /// A `MetricFamily` message. Empty in a corrupt file.
    pub protobuf: Vec<u8>,
}

/// A file that could be read only up to some point.
#[derive(Debug, Error)]
#[error("the Go Pushgateway's file is damaged at byte {at}: {problem}")]
pub struct Partial {
    /// The groups before it. The last one may lack families.
    pub groups: Vec<UpstreamGroup>,
    /// Where it goes wrong.
    pub at: usize,
    /// What is wrong.
    pub problem: &'static str,
}

#[cfg(test)]
mod tests;
