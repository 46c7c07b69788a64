//! All groups and what a scrape of them shows, as one value: cheap to clone, changed by making the next one.
//!
//! Whoever holds a state sees it unchanged for ever. A push makes the next state from the last and shares with
//! it all that it does not touch; a push that is refused, or can't be stored, is undone by forgetting the next.

use std::panic;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use imbl::{HashMap, OrdMap};

use super::Limits;
use super::change::{Change, PushGauge, PushMode};
use super::consistency::{Check, OwnFamily, Refusal};
use super::exhibit::{Clash, Exhibit};
use super::groups::{Gauge, Group, GroupFamily, GroupId};
use super::prepare::{PreparedFamily, PreparedPush};
use crate::model::{GroupingKey, Timestamp};

mod repeat;

pub(super) use repeat::Repeat;

/// All groups, and what a scrape shows of them.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// In the order of the grouping keys, for lists.
    order: OrdMap<Arc<GroupingKey>, GroupId>,
    /// The same for a push, which finds its group without comparing keys that are all over the memory.
    ids: HashMap<Arc<GroupingKey>, GroupId>,
    groups: OrdMap<GroupId, Arc<Group>>,
    exhibit: Exhibit,
    next_id: GroupId,
    /// Sample lines over all groups, the push gauges not counted.
    series: usize,
}

/// What a state goes by when it is changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) check: Check,
    pub(super) limits: &'a Limits,
    pub(super) own: &'a [OwnFamily],
}

impl State {
    /// The groups in the order of their grouping keys.
    pub(super) fn groups(&self) -> impl ExactSizeIterator<Item = &Arc<Group>> {
        self.order.values().map(|id| &self.groups[id])
    }

    /// The group with this id.
    pub(super) fn group(&self, id: GroupId) -> Option<&Arc<Group>> {
        self.groups.get(&id)
    }

    /// The group with this grouping key.
    pub(super) fn group_of(&self, key: &GroupingKey) -> Option<&Arc<Group>> {
        self.groups.get(self.ids.get(key)?)
    }

    /// What a scrape shows.
    pub(super) fn exhibit(&self) -> &Exhibit {
        &self.exhibit
    }

    /// How many sample lines were pushed and are still here.
    pub(super) fn series(&self) -> usize {
        self.series
    }

    /// The state after a push.
    pub(super) fn pushed(&self, push: &PreparedPush, rules: &Rules<'_>) -> Result<Self, Refusal> {
        self.with_families(push, &[(Gauge::Pushed, PushGauge::of(push.at))], rules)
    }

    /// The state after a push was refused.
    pub(super) fn refused(
        &self,
        key: &Arc<GroupingKey>,
        at: Timestamp,
        rules: &Rules<'_>,
    ) -> Result<Self, Refusal> {
        let nothing = PreparedPush::from_stored(key, PushMode::Merge, at, &[]);
        self.with_families(&nothing, &[(Gauge::Failed, PushGauge::of(at))], rules)
    }

    /// The state with this group as a whole in place of what there was of it.
    pub(super) fn with_group(
        &self,
        push: &PreparedPush,
        pushed: PushGauge,
        failed: PushGauge,
        rules: &Rules<'_>,
    ) -> Result<Self, Refusal> {
        self.with_families(
            push,
            &[(Gauge::Pushed, pushed), (Gauge::Failed, failed)],
            rules,
        )
    }

    /// The state without the group, if there is one.
    pub(super) fn without(&self, key: &GroupingKey, rules: &Rules<'_>) -> Option<Self> {
        let mut next = self.clone();
        next.delete(key, rules).then_some(next)
    }

    /// Takes a group out, if there is one.
    pub(super) fn delete(&mut self, key: &GroupingKey, rules: &Rules<'_>) -> bool {
        let Some(group) = self.group_of(key).map(Arc::clone) else {
            return false;
        };
        for family in &group.families {
            self.exhibit.remove(group.id, family.exposed(key));
        }
        for gauge in Gauge::ALL {
            let family = gauge.prepared(&group).as_group_family();
            self.exhibit.remove(group.id, family.exposed(key));
        }
        self.order.remove(key);
        self.ids.remove(key);
        self.groups.remove(&group.id);
        self.series -= group.series();
        self.readmit(rules);
        self.decide();
        true
    }

    /// The state without any group.
    pub(super) fn wiped(&self) -> Self {
        Self {
            next_id: self.next_id,
            ..Self::default()
        }
    }

    /// The state of groups, sorted by when they were pushed to. Nothing is refused; of what clashes a scrape
    /// shows what was pushed later.
    pub(super) fn of_groups(changes: impl Iterator<Item = Change>, own: &[OwnFamily]) -> Self {
        let mut groups: Vec<_> = (0..)
            .zip(changes)
            .filter_map(|(id, change)| Group::of_change(id, change))
            .collect();
        let Some(exhibit) = Exhibit::of_groups(&mut groups, own) else {
            return Self::of_clashing_groups(&groups, own);
        };
        let id = |group: &Group| (Arc::clone(group.grouping_key()), group.id);
        let keys: Vec<_> = groups.iter().map(id).collect();
        let series = groups.iter().map(Group::series).sum();
        let next_id = groups.last().map_or(0, |last| last.id + 1);
        let (order, (ids, groups)) = both(
            || keys.iter().cloned().collect(),
            || {
                let groups = groups.into_iter();
                let by_id = groups.map(|group| (group.id, Arc::new(group)));
                (keys.iter().cloned().collect(), by_id.collect())
            },
        );
        Self {
            order,
            ids,
            groups,
            exhibit,
            next_id,
            series,
        }
    }

    fn of_clashing_groups(groups: &[Group], own: &[OwnFamily]) -> Self {
        let limits = Limits::unlimited();
        let rules = Rules {
            check: Check::Unchecked,
            limits: &limits,
            own,
        };
        let mut state = Self::default();
        for group in groups {
            let (pushed, failed) = (group.pushed(), group.failed());
            let families: Vec<_> = group.stored_families().cloned().collect();
            let key = group.grouping_key();
            let push =
                PreparedPush::from_stored(key, PushMode::Replace, pushed.stored_at, &families);
            state = state
                .with_group(&push, pushed, failed, &rules)
                .unwrap_or(state);
        }
        state
    }

    fn with_families(
        &self,
        push: &PreparedPush,
        gauges: &[(Gauge, PushGauge)],
        rules: &Rules<'_>,
    ) -> Result<Self, Refusal> {
        let mut next = self.clone();
        let mut group = next.group_for(&push.key, rules)?;
        if push.mode == PushMode::Replace {
            for gone in group.take_all_but(&push.families) {
                next.exhibit.remove(group.id, gone.exposed(&push.key));
            }
        }
        for family in &push.families {
            next.expose(&group, family, group.family(family.name()), rules)?;
            group.put(family.as_group_family());
        }
        self.check_size(&group, rules.limits)?;
        next.set_gauges(&mut group, gauges, rules)?;
        next.series = next.series + group.series() - self.series_of(group.id);
        next.groups.insert(group.id, Arc::new(group));
        next.readmit(rules);
        next.decide();
        Ok(next)
    }

    /// The group with this key, made if there is none.
    fn group_for(&mut self, key: &Arc<GroupingKey>, rules: &Rules<'_>) -> Result<Group, Refusal> {
        if let Some(group) = self.group_of(key) {
            return Ok(Group::clone(group));
        }
        if rules.check == Check::Checked
            && let Some(twin) = key.twin().and_then(|twin| self.group_of(&twin))
        {
            let twin = Arc::clone(twin.grouping_key());
            return Err(Refusal::Twin {
                key: Arc::clone(key),
                twin,
            });
        }
        let (value, limit) = (self.groups.len() + 1, rules.limits.groups);
        if value > limit {
            return Err(Refusal::StoreFull {
                what: "groups",
                value,
                limit,
                flag: "--limit.groups",
            });
        }
        let id = self.next_id;
        self.next_id += 1;
        self.order.insert(Arc::clone(key), id);
        self.ids.insert(Arc::clone(key), id);
        Ok(Group::new(id, Arc::clone(key)))
    }

    fn series_of(&self, id: GroupId) -> usize {
        self.groups.get(&id).map_or(0, |group| group.series())
    }

    /// Refuses a group that has grown past a limit. What does not grow is let be.
    fn check_size(&self, group: &Group, limits: &Limits) -> Result<(), Refusal> {
        let (had, value) = (self.series_of(group.id), group.series());
        if value <= had {
            return Ok(());
        }
        let limit = limits.series_per_group;
        if value > limit {
            let (what, value) = (
                format!("group {}", group.grouping_key()),
                format!("{value} series"),
            );
            return Err(Refusal::TooLarge {
                what,
                value,
                limit,
                flag: "--limit.series-per-group",
            });
        }
        let (value, limit) = (self.series - had + value, limits.series);
        if value > limit {
            return Err(Refusal::StoreFull {
                what: "series",
                value,
                limit,
                flag: "--limit.series",
            });
        }
        Ok(())
    }

    /// Sets push gauges of a group. A group that is new gets those that are not given as 0.
    fn set_gauges(
        &mut self,
        group: &mut Group,
        given: &[(Gauge, PushGauge)],
        rules: &Rules<'_>,
    ) -> Result<(), Refusal> {
        let is_new = !self.groups.contains_key(&group.id);
        for gauge in Gauge::ALL {
            let set = given
                .iter()
                .find(|(which, _)| *which == gauge)
                .map(|(_, value)| *value);
            let never = given.first().map(|(_, now)| PushGauge {
                value: 0.0,
                stored_at: now.stored_at,
            });
            let Some(value) = set.or_else(|| never.filter(|_| is_new)) else {
                continue;
            };
            gauge.set(group, value);
            let new = gauge.prepared(group);
            // Of the old gauge only type, help and labels count here, which are those of the new one.
            let old = new.as_group_family();
            self.expose(group, &new, (!is_new).then_some(&old), rules)?;
        }
        Ok(())
    }

    /// Puts a family of a group where a scrape finds it, in place of what the group had of that name.
    ///
    /// Unchecked, what stands in the way is left out from now on, unless it is the gateway's own.
    fn expose(
        &mut self,
        group: &Group,
        new: &PreparedFamily,
        old: Option<&GroupFamily>,
        rules: &Rules<'_>,
    ) -> Result<(), Refusal> {
        let old = old.map(|old| old.exposed(group.grouping_key()));
        while let Err(clash) = self.exhibit.put(group.id, new, old, rules.own) {
            if rules.check == Check::Checked {
                return Err(self.refusal(group, clash));
            }
            match clash {
                Clash::Own(_) => {
                    let old = old.unwrap_or_else(|| new.exposed_as_nothing(group.grouping_key()));
                    self.exhibit.leave_out(group.id, old);
                    break;
                }
                Clash::Family { name, .. } => {
                    for owner in self.exhibit.owners(&name) {
                        self.leave_out(group, owner, &name);
                    }
                }
                Clash::Metric { owner, .. } => self.leave_out(group, owner, new.name()),
            }
        }
        Ok(())
    }

    /// Leaves a family of a group out of what a scrape shows. `current` is the group that is being changed.
    fn leave_out(&mut self, current: &Group, owner: GroupId, name: &str) {
        let group = if owner == current.id {
            Some(current)
        } else {
            self.groups.get(&owner).map(|group| &**group)
        };
        let Some(group) = group else { return };
        if let Some(family) = group.family_or_gauge(name) {
            self.exhibit
                .leave_out(owner, family.exposed(group.grouping_key()));
        }
    }

    /// Shows again what was left out, as far as nothing stands in the way any more.
    fn readmit(&mut self, rules: &Rules<'_>) {
        for (name, id) in self.exhibit.left_out().clone() {
            let Some(group) = self.groups.get(&id) else {
                continue;
            };
            if let Some(family) = group.family_or_gauge(&name) {
                let prepared = PreparedFamily::from_stored(group.grouping_key(), &family.stored);
                // What still clashes stays left out.
                let _ = self.exhibit.put(id, &prepared, None, rules.own);
            }
        }
    }

    /// Finds out which type and help was pushed last where the group that had done so is gone.
    ///
    /// Only families that groups push under several helps or types need this look at all of them.
    fn decide(&mut self) {
        for name in self.exhibit.undecided().clone() {
            let owners = self.exhibit.owners(&name).into_iter();
            let families =
                owners.filter_map(|owner| self.groups.get(&owner)?.family_or_gauge(&name));
            let families: Vec<_> = families.collect();
            self.exhibit
                .decide(&name, families.iter().map(|family| &*family.stored));
        }
    }

    fn refusal(&self, group: &Group, clash: Clash) -> Refusal {
        let (what, owner) = match clash {
            Clash::Own(what) => return Refusal::ClashesWithOwn(what),
            Clash::Family { what, name } => (what, self.exhibit.owner(&name, group.id)),
            Clash::Metric { what, owner } => (what, Some(owner)),
        };
        match owner
            .filter(|owner| *owner != group.id)
            .and_then(|owner| self.groups.get(&owner))
        {
            Some(other) => Refusal::ClashesWithGroup {
                what,
                other: Arc::clone(other.grouping_key()),
            },
            None => Refusal::Invalid(format!("{what}, in this very group")),
        }
    }
}

/// What becomes of two tasks, each on a core of its own if the system has one.
fn both<A: Send, B>(one: impl Fn() -> A + Sync, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, &one);
        let other = other();
        let one = match thread.map(ScopedJoinHandle::join) {
            Ok(Ok(one)) => one,
            Ok(Err(panic)) => panic::resume_unwind(panic),
            // The system gives no thread.
            Err(_) => one(),
        };
        (one, other)
    })
}

/// Every group of the state as a change that makes it.
pub(super) fn changes(state: &State) -> impl Iterator<Item = Change> + Send + use<> {
    let groups: Vec<_> = state.groups().map(Arc::clone).collect();
    groups.into_iter().map(|group| group.to_change())
}
