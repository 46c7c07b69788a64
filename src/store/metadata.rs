//! What families say of themselves, as pushed. Many groups say the same, and share it.

use std::sync::Arc;

use crc32fast::Hasher;
use parking_lot::Mutex;

use crate::model::MetricType;

/// Metadata that is longer is not remembered, which bounds what can be held of what nobody has any more.
const REMEMBERED_BYTES: usize = 1024;

/// Name, help and type of a family, as pushed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// The metric name.
    pub name: Arc<str>,
    /// The help; an empty one is not none.
    pub help: Option<Arc<str>>,
    /// The type.
    pub metric_type: MetricType,
}

/// Metadata that came lately, and is likely to come again.
///
/// Each has one place by its checksum, where the next of that place replaces it. So sharing costs little, however many
/// there are and whoever chose them.
#[derive(Debug)]
pub(super) struct KnownMetadata {
    places: Box<[Mutex<Option<Arc<Metadata>>>]>,
}

impl KnownMetadata {
    /// With so many places, or a few more.
    pub(super) fn with_places(count: usize) -> Self {
        let places = std::iter::repeat_with(Mutex::default);
        Self {
            places: places.take(count.next_power_of_two()).collect(),
        }
    }

    /// This metadata, the one that came before if it is still known.
    pub(super) fn share(
        &self,
        name: &str,
        help: Option<&str>,
        metric_type: MetricType,
    ) -> Arc<Metadata> {
        let mut place = self.place(name, help).lock();
        let is_same = |known: &&Arc<Metadata>| {
            *known.name == *name
                && known.help.as_deref() == help
                && known.metric_type == metric_type
        };
        if let Some(known) = place.as_ref().filter(is_same) {
            return Arc::clone(known);
        }
        let new = Arc::new(Metadata {
            name: name.into(),
            help: help.map(Into::into),
            metric_type,
        });
        if name.len() + help.map_or(0, str::len) <= REMEMBERED_BYTES {
            *place = Some(Arc::clone(&new));
        }
        new
    }

    fn place(&self, name: &str, help: Option<&str>) -> &Mutex<Option<Arc<Metadata>>> {
        let mut checksum = Hasher::new();
        checksum.update(name.as_bytes());
        checksum.update(help.unwrap_or_default().as_bytes());
        &self.places[checksum.finalize() as usize & (self.places.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_metadata_is_shared_and_other_is_told_apart() {
        let known = KnownMetadata::with_places(1);
        let share = |help, metric_type| known.share("m", help, metric_type);
        let first = share(Some("Help."), MetricType::Gauge);
        assert!(Arc::ptr_eq(
            &first,
            &share(Some("Help."), MetricType::Gauge)
        ));
        assert_eq!(share(Some(""), MetricType::Gauge).help.as_deref(), Some(""));
        assert_eq!(share(None, MetricType::Gauge).help, None);
        let counter = share(Some("Help."), MetricType::Counter);
        assert_eq!(counter.metric_type, MetricType::Counter);
        assert_eq!(known.share("n", None, MetricType::Counter).name, "n".into());
    }

    #[test]
    fn long_metadata_is_not_held() {
        let known = KnownMetadata::with_places(1);
        let help = "h".repeat(REMEMBERED_BYTES + 1);
        let long = known.share("m", Some(&help), MetricType::Gauge);
        assert_eq!(Arc::strong_count(&long), 1);
    }
}
