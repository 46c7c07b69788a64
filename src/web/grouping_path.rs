//! The grouping key in a push URL: `/job/<job>{/<name>/<value>}`, both ways.
//!
//! Works on the percent-decoded path, so an encoded slash separates as a plain one does. Names and values that
//! cannot be exposed are refused here, before anything is stored.

use std::str;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use self::base64::Corrupt;
use crate::exposition::quoting::Quoted;
use crate::model::{GroupingKey, JOB, NameScheme};

mod base64;
mod utf8_name;

/// After a label name or `job`: the value that follows is URL-safe base64.
const BASE64_SUFFIX: &str = "@base64";

/// Why a path is no grouping key. The first five are worded as the Go Pushgateway words them.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PathError {
    /// The job is marked as base64 but is none.
    #[error("invalid base64 encoding in job name {}: {corrupt}", Quoted(&corrupt.decoded))]
    JobNotBase64 {
        /// Where decoding stopped.
        corrupt: Corrupt,
    },
    /// A label value is marked as base64 but is none.
    #[error(
        "invalid base64 encoding for label {name}={}: {corrupt}",
        Quoted(value)
    )]
    ValueNotBase64 {
        /// The label name as sent, without its marker.
        name: String,
        /// The value as sent.
        value: Vec<u8>,
        /// Where decoding stopped.
        corrupt: Corrupt,
    },
    /// A label name without a value.
    #[error("odd number of components in label string {}", Quoted(.0))]
    OddComponents(Vec<u8>),
    /// A label name that is reserved or not valid.
    #[error("improper label name {}", Quoted(.0))]
    ImproperLabelName(Vec<u8>),
    /// The job is empty.
    #[error("job name is required")]
    NoJob,
    /// A label name that is reserved once it is unescaped.
    #[error("label name {} is reserved (sent as {})", Quoted(name.as_bytes()), Quoted(sent))]
    ReservedName {
        /// The name as unescaped.
        name: String,
        /// The name as sent.
        sent: Vec<u8>,
    },
    /// A label name that Prometheus would not take.
    #[error("label name {} holds a NUL character", Quoted(.0.as_bytes()))]
    NulInName(String),
    /// The job cannot be exposed.
    #[error("job name {} is not valid UTF-8", Quoted(.0))]
    JobNotUtf8(Vec<u8>),
    /// A label value cannot be exposed.
    #[error("value {} of label {} is not valid UTF-8", Quoted(value), Quoted(name.as_bytes()))]
    ValueNotUtf8 {
        /// The label name.
        name: String,
        /// The value, decoded.
        value: Vec<u8>,
    },
}

/// The grouping key in what follows `/metrics/job` in a decoded path: `/<job>…` or `@base64/<job>…`.
pub fn parse(after_job: &[u8], scheme: NameScheme) -> Result<GroupingKey, PathError> {
    let (is_base64, path) = match after_job.strip_prefix(BASE64_SUFFIX.as_bytes()) {
        Some(path) => (true, path),
        None => (false, after_job),
    };
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let job_end = memchr::memchr(b'/', path).unwrap_or(path.len());
    let (job, labels) = path.split_at(job_end);
    let job = if is_base64 {
        base64::decode(job).map_err(|corrupt| PathError::JobNotBase64 { corrupt })?
    } else {
        job.to_vec()
    };
    let mut labels = parse_labels(labels, scheme)?;
    if job.is_empty() {
        return Err(PathError::NoJob);
    }
    let job = String::from_utf8(job).map_err(|error| PathError::JobNotUtf8(error.into_bytes()))?;
    labels.push((JOB.to_owned(), job));
    // Everything that a grouping key refuses was refused above in our own words.
    GroupingKey::new(labels).map_err(|_| PathError::NoJob)
}

fn parse_labels(path: &[u8], scheme: NameScheme) -> Result<Vec<(String, String)>, PathError> {
    let Some((_, components @ [_, ..])) = path.split_first() else {
        return Ok(Vec::new());
    };
    let components: Vec<_> = components.split(|&byte| byte == b'/').collect();
    let (pairs, odd) = components.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(PathError::OddComponents(path.to_vec()));
    }
    let mut labels = Vec::with_capacity(pairs.len() + 1);
    for [name, value] in pairs {
        labels.push(parse_label(name, value, scheme)?);
    }
    Ok(labels)
}

fn parse_label(
    sent_name: &[u8],
    sent_value: &[u8],
    scheme: NameScheme,
) -> Result<(String, String), PathError> {
    let (is_base64, sent_name) = match sent_name.strip_suffix(BASE64_SUFFIX.as_bytes()) {
        Some(name) => (true, name),
        None => (false, sent_name),
    };
    let name = parse_name(sent_name, scheme)?;
    let value = if is_base64 {
        base64::decode(sent_value).map_err(|corrupt| PathError::ValueNotBase64 {
            name: String::from_utf8_lossy(sent_name).into_owned(),
            value: sent_value.to_vec(),
            corrupt,
        })?
    } else {
        sent_value.to_vec()
    };
    match String::from_utf8(value) {
        Ok(value) => Ok((name, value)),
        Err(error) => Err(PathError::ValueNotUtf8 {
            name,
            value: error.into_bytes(),
        }),
    }
}

fn parse_name(sent: &[u8], scheme: NameScheme) -> Result<String, PathError> {
    let improper = || PathError::ImproperLabelName(sent.to_vec());
    let text = str::from_utf8(sent).map_err(|_| improper())?;
    let name = match scheme {
        NameScheme::Legacy => text.to_owned(),
        NameScheme::Utf8 => utf8_name::unescape(text),
    };
    if !scheme.allows_label_name(name.as_bytes()) || text.starts_with("__") {
        return Err(improper());
    }
    if name.starts_with("__") {
        let sent = sent.to_vec();
        return Err(PathError::ReservedName { name, sent });
    }
    if name.contains('\0') {
        return Err(PathError::NulInName(name));
    }
    Ok(name)
}

/// The path under `/metrics/` that leads to a group: `job@base64/<job>{/<name>@base64/<value>=}`.
///
/// In the UTF-8 scheme names are escaped where they must be, so that any key survives the way. In the legacy
/// scheme a server does not unescape: there, names go as they are.
pub fn to_path(key: &GroupingKey, scheme: NameScheme) -> String {
    let mut path = format!("{JOB}{BASE64_SUFFIX}/{}", base64::encode(key.job()));
    for (name, value) in key.labels().filter(|(name, _)| *name != JOB) {
        let name = match scheme {
            NameScheme::Legacy => name.into(),
            NameScheme::Utf8 => utf8_name::escape(name),
        };
        let name = utf8_percent_encode(&name, &UNSAFE_IN_NAME);
        // The padding makes an empty value a component that no path cleaning removes.
        let value = base64::encode(value);
        path.extend([format!("/{name}{BASE64_SUFFIX}/{value}=")]);
    }
    path
}

const UNSAFE_IN_NAME: percent_encoding::AsciiSet = NON_ALPHANUMERIC.remove(b'_');

#[cfg(test)]
mod tests;
