//! The labels in the push URL that identify a group.

use std::fmt;

use thiserror::Error;

/// The label that every grouping key has.
pub const JOB: &str = "job";
/// The label that every exposed metric has beside [`JOB`], empty if nobody set it.
pub const INSTANCE: &str = "instance";

/// Identifies a group: label names and values, sorted by name, with a non-empty `job` among them.
///
/// `{job="a"}` and `{instance="",job="a"}` are different keys although their metrics are exposed with the
/// same labels.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupingKey {
    labels: Box<[(Box<str>, Box<str>)]>,
}

/// Why labels are no grouping key.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum GroupingKeyError {
    /// The job is empty or absent.
    #[error("job name is required")]
    NoJob,
    /// A label name that a metric cannot be exposed with.
    #[error("improper label name {0:?}")]
    ImproperLabelName(String),
}

impl GroupingKey {
    /// The key of these labels; of a name given twice the last value counts.
    pub fn new<N, V>(labels: impl IntoIterator<Item = (N, V)>) -> Result<Self, GroupingKeyError>
    where
        N: Into<Box<str>>,
        V: Into<Box<str>>,
    {
        let mut sorted = Vec::<(Box<str>, Box<str>)>::new();
        for (name, value) in labels {
            let name = name.into();
            if name.is_empty() || name.starts_with("__") || name.contains('\0') {
                return Err(GroupingKeyError::ImproperLabelName(name.into()));
            }
            sorted.push((name, value.into()));
        }
        // Mostly they come in order.
        if !sorted.is_sorted_by(|(a, _), (b, _)| a < b) {
            sorted.reverse();
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            sorted.dedup_by(|(a, _), (b, _)| a == b);
        }
        let key = Self {
            labels: sorted.into(),
        };
        if key.job().is_empty() {
            return Err(GroupingKeyError::NoJob);
        }
        Ok(key)
    }

    /// The value of the label `job`.
    pub fn job(&self) -> &str {
        self.value(JOB).unwrap_or_default()
    }

    /// The value of a label, if the key has it.
    pub fn value(&self, name: &str) -> Option<&str> {
        let at = self
            .labels
            .binary_search_by(|(label, _)| (**label).cmp(name))
            .ok()?;
        Some(&self.labels[at].1)
    }

    /// Names and values in the order of the names.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.labels.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The other key whose metrics are exposed with the same labels, if there is one: an empty `instance`
    /// added or taken away.
    pub fn twin(&self) -> Option<Self> {
        let labels = || self.labels();
        let twin = match self.value(INSTANCE) {
            None => Self::new(labels().chain([(INSTANCE, "")])),
            Some("") => Self::new(labels().filter(|(name, _)| *name != INSTANCE)),
            Some(_) => return None,
        };
        twin.ok()
    }
}

impl fmt::Display for GroupingKey {
    /// As a label set: `{instance="i",job="j"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.labels().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(labels: &[(&str, &str)]) -> Result<GroupingKey, GroupingKeyError> {
        GroupingKey::new(labels.iter().copied())
    }

    #[test]
    fn sorts_by_name_and_lets_the_last_value_win() {
        let key = key(&[("job", "j"), ("a", "1"), ("a", "2")]).unwrap();
        assert_eq!(key.to_string(), r#"{a="2",job="j"}"#);
        assert_eq!(
            (key.job(), key.value("a"), key.value("b")),
            ("j", Some("2"), None)
        );
    }

    #[test]
    fn refuses_an_empty_job_and_reserved_names() {
        assert_eq!(key(&[("job", "")]), Err(GroupingKeyError::NoJob));
        assert_eq!(key(&[("a", "b")]), Err(GroupingKeyError::NoJob));
        let reserved = key(&[("job", "j"), ("__a", "b")]);
        assert_eq!(
            reserved,
            Err(GroupingKeyError::ImproperLabelName("__a".into()))
        );
    }

    #[test]
    fn the_twin_differs_in_an_empty_instance_only() {
        let bare = key(&[("job", "j")]).unwrap();
        let empty = key(&[("job", "j"), ("instance", "")]).unwrap();
        assert_eq!(bare.twin(), Some(empty.clone()));
        assert_eq!(empty.twin(), Some(bare));
        assert_eq!(
            key(&[("job", "j"), ("instance", "i")]).unwrap().twin(),
            None
        );
    }
}
