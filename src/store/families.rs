//! What a scrape shows: for each metric name, the metrics of all groups that pushed it.

use std::sync::Arc;

use super::change::StoredFamily;
use super::consistency::types_go_together;
use super::deflate::{Deflated, Deflater, Run};
use super::escaped::{EscapedFamilies, EscapedFamily};
use super::listed::Listed;
use super::metadata::Metadata;
use super::pages::{Names, Pages};
use crate::exposition::Escaping;
use crate::exposition::negotiation::Compression;
use crate::model::{MetricType, Timestamp, is_legacy_metric_name};

/// One metric family over all groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Family {
    pub(super) pages: Pages,
    /// The types and helps that groups pushed; few, mostly one.
    variants: Vec<Variant>,
    /// The metrics under names that were escaped, once a scrape asked for them.
    escaped: EscapedFamilies,
    /// The pages as scrapes send them, likewise.
    listed: Listed,
}

/// A type and a help under which groups pushed a family.
#[derive(Clone, Debug)]
struct Variant {
    metadata: Arc<Metadata>,
    /// How many groups have pushed it so.
    owners: usize,
    /// When the latest of them was pushed.
    latest: Timestamp,
    /// The latest one is gone, so the time is not known until all groups have been looked at.
    is_undecided: bool,
}

impl Family {
    /// The metrics under escaped names, if they differ from those under their own.
    pub(super) fn escaped(&self, name: &str, escaping: Escaping) -> Option<&EscapedFamily> {
        let needs_none = is_legacy_metric_name(name.as_bytes())
            && self.listed.names(&self.pages) == Names::Legacy;
        if needs_none {
            return None;
        }
        self.escaped.get(name, &self.pages, escaping)
    }

    /// The text of all metrics.
    pub(super) fn text(&self) -> &Run {
        self.listed.plain(&self.pages)
    }

    /// The text of all metrics, compressed.
    pub(super) fn deflated(&self, deflater: &mut Deflater) -> &Deflated<Run> {
        self.listed.deflated(&self.pages, deflater)
    }

    /// Whether a scrape of the text, under whatever escaping, has been made since the metrics changed.
    pub(super) fn is_listed(&self, name: &str, compression: Compression) -> bool {
        is_legacy_metric_name(name.as_bytes()) && self.listed.is_done(compression)
    }

    /// Forgets what was derived from the metrics before they changed.
    pub(super) fn forget_derived(&mut self) {
        self.escaped = EscapedFamilies::default();
        self.listed = Listed::default();
    }

    /// The type, which is that of the latest push.
    pub(super) fn metric_type(&self) -> MetricType {
        let latest = self.variants.iter().max_by_key(|variant| variant.latest);
        latest.map_or(MetricType::Untyped, |variant| variant.metadata.metric_type)
    }

    /// The help that was pushed last.
    pub(super) fn help(&self) -> Option<&Arc<str>> {
        let with_help = self
            .variants
            .iter()
            .filter(|variant| variant.metadata.help.is_some());
        with_help
            .max_by_key(|variant| variant.latest)?
            .metadata
            .help
            .as_ref()
    }

    /// The metadata in here that equals this.
    pub(super) fn equal_metadata(&self, metadata: &Metadata) -> Option<&Arc<Metadata>> {
        let mut known = self.variants.iter().map(|variant| &variant.metadata);
        known.find(|known| ***known == *metadata)
    }

    /// Whether groups pushed different helps.
    pub(super) fn helps_differ(&self) -> bool {
        self.variants
            .windows(2)
            .any(|pair| pair[0].metadata.help != pair[1].metadata.help)
    }

    /// Whether a group pushed it with this very type and help.
    pub(super) fn has(&self, stored: &StoredFamily) -> bool {
        self.variants.iter().any(|variant| variant.is_of(stored))
    }

    /// The types that groups pushed it as.
    pub(super) fn types(&self) -> impl Iterator<Item = MetricType> {
        self.variants
            .iter()
            .map(|variant| variant.metadata.metric_type)
    }

    /// Whether metrics of this type can be exposed among those that are here.
    pub(super) fn goes_with(&self, metric_type: MetricType) -> bool {
        self.variants
            .iter()
            .all(|variant| types_go_together(variant.metadata.metric_type, metric_type))
    }

    /// Whether it takes a look at all groups to tell which type and help were pushed last.
    pub(super) fn is_undecided(&self) -> bool {
        self.variants.len() > 1 && self.variants.iter().any(|variant| variant.is_undecided)
    }

    /// Counts anew, from what all groups have.
    pub(super) fn decide<'a>(&mut self, stored: impl Iterator<Item = &'a StoredFamily>) {
        self.variants.clear();
        stored.for_each(|stored| self.count_in(stored));
    }

    /// Counts a group in that has the family with this type and help.
    pub(super) fn count_in(&mut self, stored: &StoredFamily) {
        let pushed_at = stored.pushed_at;
        match self
            .variants
            .iter_mut()
            .find(|variant| variant.is_of(stored))
        {
            Some(variant) => {
                variant.owners += 1;
                if pushed_at >= variant.latest {
                    variant.latest = pushed_at;
                    variant.is_undecided = false;
                }
            }
            None => self.variants.push(Variant {
                metadata: Arc::clone(&stored.metadata),
                owners: 1,
                latest: pushed_at,
                is_undecided: false,
            }),
        }
    }

    /// Counts a group out that had the family with this type and help.
    pub(super) fn count_out(&mut self, stored: &StoredFamily) {
        let at = self
            .variants
            .iter()
            .position(|variant| variant.is_of(stored));
        let Some(at) = at else { return };
        let variant = &mut self.variants[at];
        variant.owners -= 1;
        variant.is_undecided |= stored.pushed_at == variant.latest;
        if variant.owners == 0 {
            self.variants.remove(at);
        }
    }
}

impl Variant {
    fn is_of(&self, stored: &StoredFamily) -> bool {
        self.metadata == stored.metadata
    }
}
