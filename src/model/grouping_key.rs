//! The labels in the push URL that identify a group.

use std::cmp::Ordering;
use std::fmt;

use smallvec::SmallVec;
use thiserror::Error;

/// The label that every grouping key has.
pub const JOB: &str = "job";
/// The label that every exposed metric has beside [`JOB`], empty if nobody set it.
pub const INSTANCE: &str = "instance";

/// Identifies a group: label names and values, sorted by name, with a non-empty `job` among them.
///
/// `{job="a"}` and `{instance="",job="a"}` are different keys although their metrics are exposed with the
/// same labels.
///
/// Every group has one for as long as it lives, so all labels are in one string, and where they end is mostly with it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct GroupingKey {
    /// Each name followed by its value.
    text: Box<str>,
    /// Where each name and each value ends in the text.
    ends: SmallVec<[u32; 4]>,
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
    /// Names and values take more than 4 GiB.
    #[error("labels are too long")]
    TooLong,
}

impl GroupingKey {
    /// The key of these labels; of a name given twice the last value counts.
    pub fn new<N, V>(labels: impl IntoIterator<Item = (N, V)>) -> Result<Self, GroupingKeyError>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let labels: Vec<_> = labels.into_iter().collect();
        let mut sorted = Vec::<(&str, &str)>::with_capacity(labels.len());
        for (name, value) in &labels {
            let name = name.as_ref();
            if name.is_empty() || name.starts_with("__") || name.contains('\0') {
                return Err(GroupingKeyError::ImproperLabelName(name.into()));
            }
            sorted.push((name, value.as_ref()));
        }
        // Mostly they come in order.
        if !sorted.is_sorted_by(|(a, _), (b, _)| a < b) {
            sorted.reverse();
            sorted.sort_by_key(|(name, _)| *name);
            sorted.dedup_by_key(|(name, _)| *name);
        }
        let key = Self::of_sorted(&sorted)?;
        if key.job().is_empty() {
            return Err(GroupingKeyError::NoJob);
        }
        Ok(key)
    }

    fn of_sorted(labels: &[(&str, &str)]) -> Result<Self, GroupingKeyError> {
        let parts = || labels.iter().flat_map(|(name, value)| [*name, *value]);
        let mut text = String::with_capacity(parts().map(str::len).sum());
        let mut ends = SmallVec::with_capacity(2 * labels.len());
        for part in parts() {
            text.push_str(part);
            ends.push(u32::try_from(text.len()).map_err(|_| GroupingKeyError::TooLong)?);
        }
        Ok(Self {
            text: text.into(),
            ends,
        })
    }

    /// The value of the label `job`.
    pub fn job(&self) -> &str {
        self.value(JOB).unwrap_or_default()
    }

    /// The value of a label, if the key has it.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.labels().find(|(label, _)| *label == name)?;
        Some(value)
    }

    /// Names and values in the order of the names.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        let mut start = 0;
        self.ends.chunks_exact(2).map(move |ends| {
            let (name_end, value_end) = (ends[0] as usize, ends[1] as usize);
            let (name, value) = (&self.text[start..name_end], &self.text[name_end..value_end]);
            start = value_end;
            (name, value)
        })
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

impl Ord for GroupingKey {
    /// Label by label.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.ends == other.ends {
            // Each name and each value is as long as the other's, so it takes no look at where they end.
            return self.text.cmp(&other.text);
        }
        self.labels().cmp(other.labels())
    }
}

impl PartialOrd for GroupingKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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
    fn keys_are_in_the_order_of_their_labels() {
        let keys = [
            &[("a", "1"), ("b", "2"), ("job", "j")][..],
            &[("a", "1"), ("job", "j")],
            &[("a", "2"), ("job", "j")],
            &[("ab", ""), ("job", "j")],
            &[("job", "j")],
            &[("job", "j"), ("k", "")],
            &[("job", "jk")],
            &[("job", "jl")],
        ];
        let keys = keys.map(|labels| key(labels).unwrap());
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_ne!(keys[5], keys[6], "both are `jobjk` in a row");
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
