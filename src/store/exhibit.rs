//! What a scrape shows: every family over all groups, and what is left out of it because it clashes.
//!
//! Knows grouping keys only as far as they name labels; which groups there are is above it.

use std::collections::BTreeSet;
use std::slice::Iter;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use tracing::info;

use super::change::StoredFamily;
use super::consistency::{
    HelpRule, OwnFamily, collected_before, suffixes, types_go_together, without_suffix,
};
use super::families::Family;
use super::groups::{Exposed, GroupId};
use super::metadata::Metadata;
use super::pages::{Duplicate, Places, Rendered, SortKey};
use super::prepare::{PreparedFamily, sort_keys};
use crate::model::MetricType;

mod made_at_once;

/// Every family that a scrape shows, the gateway's own not among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Exhibit {
    families: OrdMap<Arc<str>, Arc<Family>>,
    /// Families of groups that clash with what was pushed later.
    left_out: OrdSet<(Arc<str>, GroupId)>,
    /// Families whose latest push is gone, see [`Family::is_undecided`].
    undecided: OrdSet<Arc<str>>,
}

/// What stands in the way of a family of a group.
#[derive(Debug)]
pub(super) enum Clash {
    /// The gateway's own metrics.
    Own(String),
    /// All that other groups, or the group itself, have under a name.
    Family {
        /// What is wrong.
        what: String,
        /// The name.
        name: Arc<str>,
    },
    /// The metrics of one other group under the same name.
    Metric {
        /// What is wrong.
        what: String,
        /// That group.
        owner: GroupId,
    },
}

impl Exhibit {
    /// The families by name.
    pub(super) fn families(&self) -> &OrdMap<Arc<str>, Arc<Family>> {
        &self.families
    }

    /// Families of groups that are left out.
    pub(super) fn left_out(&self) -> &OrdSet<(Arc<str>, GroupId)> {
        &self.left_out
    }

    /// Gives a family the metadata of one that is shown under its name, if they are equal.
    pub(super) fn share_metadata(&self, stored: &mut StoredFamily) {
        let family = self.families.get(&stored.metadata.name);
        if let Some(known) = family.and_then(|family| family.equal_metadata(&stored.metadata)) {
            stored.metadata = Arc::clone(known);
        }
    }

    /// Puts a family of a group in, in place of what the group had of that name. Changes nothing if something
    /// stands in the way.
    pub(super) fn put(
        &mut self,
        group: GroupId,
        new: &PreparedFamily,
        old: Option<Exposed<'_>>,
        own: &[OwnFamily],
    ) -> Result<(), Clash> {
        let (name, stored) = (new.name(), &new.stored);
        let was_left_out = self.left_out.contains(&(Arc::clone(name), group));
        let old = old.filter(|old| !was_left_out && old.metrics > 0);
        let mut family = self.family(name);
        if let Some(old) = &old {
            family.count_out(old.stored);
        }
        if new.metrics > 0 {
            self.check_names(stored, &family, own)?;
        }
        let replaced = family
            .pages
            .put(group, &new.rendered)
            .map_err(|duplicate| {
                let Duplicate { owner, series } = duplicate;
                let what = collected_before(&series);
                Clash::Metric { what, owner }
            })?;
        if let Some(old) = old.filter(|old| old.metrics > replaced) {
            family.pages.remove(group, &keys_gone(&old, new));
        }
        if new.metrics > 0 {
            let is_news = !family.has(stored);
            family.count_in(stored);
            if is_news && family.helps_differ() {
                info!(family = %name, new = ?stored.metadata.help, "metric families inconsistent help strings");
            }
        }
        self.left_out.remove(&(Arc::clone(name), group));
        self.store(name, family);
        Ok(())
    }

    /// Puts a family in that differs from the old one in nothing but values, at its places, the next ones.
    pub(super) fn put_in_place(
        &mut self,
        group: GroupId,
        new: &PreparedFamily,
        old: &StoredFamily,
        places: &mut Iter<'_, Places>,
    ) {
        let name = new.name();
        if let Some(family) = self.overwrite(name, group, &new.rendered, places) {
            family.count_out(old);
            family.count_in(&new.stored);
            if family.is_undecided() {
                self.undecided.insert(Arc::clone(name));
            }
        }
    }

    /// Overwrites metrics of a group at their places, the next ones.
    pub(super) fn overwrite(
        &mut self,
        name: &str,
        group: GroupId,
        metrics: &[Rendered],
        places: &mut Iter<'_, Places>,
    ) -> Option<&mut Family> {
        let family = self.family_mut(name)?;
        family.pages.overwrite(group, metrics, places);
        Some(family)
    }

    /// Takes a family of a group out.
    pub(super) fn remove(&mut self, group: GroupId, old: Exposed<'_>) {
        let name = &old.stored.metadata.name;
        let was_left_out = self.left_out.remove(&(Arc::clone(name), group)).is_some();
        if was_left_out || old.metrics == 0 {
            return;
        }
        let Some(family) = self.family_mut(name) else {
            return;
        };
        family.pages.remove(group, &sort_keys(old.key, old.stored));
        family.count_out(old.stored);
        self.settle(name);
    }

    /// Takes a family of a group out, which stays in its group.
    pub(super) fn leave_out(&mut self, group: GroupId, old: Exposed<'_>) {
        self.remove(group, old);
        let name = Arc::clone(&old.stored.metadata.name);
        self.left_out.insert((name, group));
    }

    /// Families whose type and help are not known, until [`Exhibit::decide`].
    pub(super) fn undecided(&self) -> &OrdSet<Arc<str>> {
        &self.undecided
    }

    /// Settles type and help of a family by what all groups have that show it.
    pub(super) fn decide<'a>(
        &mut self,
        name: &Arc<str>,
        stored: impl Iterator<Item = &'a StoredFamily>,
    ) {
        if let Some(family) = self.family_mut(name) {
            family.decide(stored);
            self.settle(name);
        }
    }

    /// The groups that have metrics under a name.
    pub(super) fn owners(&self, name: &str) -> BTreeSet<GroupId> {
        self.families
            .get(name)
            .map(|family| family.pages.owners().collect())
            .unwrap_or_default()
    }

    /// Some group that has metrics under a name, another one than this if there is one.
    pub(super) fn owner(&self, name: &str, than: GroupId) -> Option<GroupId> {
        let pages = &self.families.get(name)?.pages;
        pages
            .owners()
            .find(|&owner| owner != than)
            .or_else(|| pages.owners().next())
    }

    fn family(&self, name: &str) -> Family {
        self.families
            .get(name)
            .map(|family| Family::clone(family))
            .unwrap_or_default()
    }

    /// A family, to be changed where it is, which copies nothing that no snapshot has.
    fn family_mut(&mut self, name: &str) -> Option<&mut Family> {
        let family = Arc::make_mut(self.families.get_mut(name)?);
        // What was derived from pages holds on to them: they could not be overwritten in place.
        family.forget_derived();
        Some(family)
    }

    fn store(&mut self, name: &Arc<str>, mut family: Family) {
        family.forget_derived();
        self.families.insert(Arc::clone(name), Arc::new(family));
        self.settle(name);
    }

    /// Takes in what became of a family that was changed: whether it is undecided, or empty and gone.
    fn settle(&mut self, name: &Arc<str>) {
        let Some(family) = self.families.get(name) else {
            return;
        };
        let is_empty = family.pages.is_empty();
        if family.is_undecided() {
            self.undecided.insert(Arc::clone(name));
        } else {
            self.undecided.remove(name);
        }
        if is_empty {
            self.families.remove(name);
        }
    }

    /// Whether a family goes with the gateway's own metrics and with those of other names and groups.
    fn check_names(
        &self,
        stored: &StoredFamily,
        others: &Family,
        own: &[OwnFamily],
    ) -> Result<(), Clash> {
        let Metadata {
            name, metric_type, ..
        } = &*stored.metadata;
        let metric_type = *metric_type;
        clash_with_own(stored, own).map_or(Ok(()), |what| Err(Clash::Own(what)))?;
        if !others.goes_with(metric_type) {
            let (pushed, there) = (metric_type.proto_name(), others.metric_type().proto_name());
            let what = format!("collected metric {name:?} of type {pushed} is not a {there}");
            return Err(Clash::Family {
                what,
                name: Arc::clone(name),
            });
        }
        for suffix in suffixes(metric_type) {
            if let Some((other, _)) = self
                .families
                .get_key_value(format!("{name}{suffix}").as_str())
            {
                let what = collision_with_part(name, metric_type, other);
                return Err(Clash::Family {
                    what,
                    name: Arc::clone(other),
                });
            }
        }
        let Some((base, suffix)) = without_suffix(name) else {
            return Ok(());
        };
        let Some((base, family)) = self.families.get_key_value(base) else {
            return Ok(());
        };
        match family
            .types()
            .find(|whole| suffixes(*whole).contains(&suffix))
        {
            Some(whole) => {
                let what = collision_with_whole(name, whole, base);
                Err(Clash::Family {
                    what,
                    name: Arc::clone(base),
                })
            }
            None => Ok(()),
        }
    }
}

/// The keys of old metrics that are not among the new ones.
fn keys_gone(old: &Exposed<'_>, new: &PreparedFamily) -> Vec<SortKey> {
    let mut keys = sort_keys(old.key, old.stored);
    keys.retain(|key| {
        new.rendered
            .binary_search_by(|metric| metric.key.cmp(key))
            .is_err()
    });
    keys
}

fn collision_with_part(name: &str, metric_type: MetricType, part: &str) -> String {
    let kind = metric_type.text_name();
    format!(
        "collected {kind} named {name:?} collides with previously collected metric named {part:?}"
    )
}

fn collision_with_whole(name: &str, metric_type: MetricType, whole: &str) -> String {
    let kind = metric_type.text_name();
    format!(
        "collected metric named {name:?} collides with previously collected {kind} named {whole:?}"
    )
}

/// Why a family does not go with the gateway's own, if it does not.
fn clash_with_own(stored: &StoredFamily, own: &[OwnFamily]) -> Option<String> {
    let Metadata {
        name,
        help,
        metric_type,
    } = &*stored.metadata;
    let (name, metric_type) = (&**name, *metric_type);
    for family in own {
        if family.name == name {
            if !types_go_together(family.metric_type, metric_type) {
                let (has, should) = (metric_type.proto_name(), family.metric_type.proto_name());
                return Some(format!(
                    "gathered metric family {name} has type {has} but should have {should}"
                ));
            }
            let help = help.as_deref().unwrap_or_default();
            if family.help_rule == HelpRule::Refused && help != family.help {
                let should = family.help;
                return Some(format!(
                    "gathered metric family {name} has help {help:?} but should have {should:?}"
                ));
            }
        } else if is_part_of(name, family.name, family.metric_type) {
            return Some(collision_with_whole(name, family.metric_type, family.name));
        } else if is_part_of(family.name, name, metric_type) {
            return Some(collision_with_part(name, metric_type, family.name));
        }
    }
    None
}

/// Whether a summary or histogram exposes lines under the name.
fn is_part_of(name: &str, whole: &str, metric_type: MetricType) -> bool {
    name.strip_prefix(whole)
        .is_some_and(|suffix| suffixes(metric_type).contains(&suffix))
}
