//! Pushes that bring new values for the series that their group has, and nothing else: what most jobs do each time.
//!
//! Such a push can't be refused and moves no series, so it needs no way back: it is put in place. What no snapshot
//! shares is overwritten, without copies of the pages and of all that leads to them.

use std::sync::Arc;
use std::{mem, slice};

use smallvec::SmallVec;

use super::State;
use crate::store::change::{Change, PushGauge, PushMode};
use crate::store::groups::{Gauge, GroupFamily, GroupId};
use crate::store::pages::{Place, Places, Rendered};
use crate::store::prepare::{PreparedFamily, PreparedPush};

/// Where a push finds what it overwrites. Stays true while nothing but such pushes changes the state.
#[derive(Debug)]
pub(in crate::store) struct Repeat<'a> {
    push: &'a PreparedPush,
    group: GroupId,
    /// The places of the push's families among those of the group.
    families: SmallVec<[usize; 8]>,
    /// Of the metrics of all families of the push, then that of the gauge.
    places: Vec<Places>,
}

impl Repeat<'_> {
    /// What is written down of the push.
    pub(in crate::store) fn to_change(&self) -> Change {
        self.push.to_change()
    }
}

impl State {
    /// How to put a push in place; none if it does more than to bring new values.
    pub(in crate::store) fn repeat<'a>(&self, push: &'a PreparedPush) -> Option<Repeat<'a>> {
        let group = self.group_of(&push.key)?;
        if push.mode == PushMode::Replace && push.families.len() != group.families.len() {
            return None;
        }
        let mut repeat = Repeat {
            push,
            group: group.id,
            families: SmallVec::new(),
            // Mostly one for each family and the gauge, seldom two.
            places: Vec::with_capacity(2 * (push.families.len() + 1)),
        };
        let mut find = |name: &str, metrics: &[Rendered], near| {
            let pages = &self.exhibit.families().get(name)?.pages;
            pages.find_again(group.id, metrics, near, &mut repeat.places)
        };
        for family in &push.families {
            let next = repeat.families.last().map_or(0, |last| last + 1);
            let at = group.place_near(next, &family.stored.metadata)?;
            let old = &group.families[at];
            if !shows_the_same_series(family, old) {
                return None;
            }
            find(family.name(), &family.rendered, old.place)?;
            repeat.families.push(at);
        }
        let push_time = push.push_time.as_slice();
        find(Gauge::Pushed.name(), push_time, group.push_time_place)?;
        Some(repeat)
    }

    /// Puts a push in place.
    pub(in crate::store) fn put_in_place(&mut self, repeat: &Repeat<'_>) {
        let (push, id) = (repeat.push, repeat.group);
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        let group = Arc::make_mut(group);
        let mut places = repeat.places.iter();
        for (family, &at) in push.families.iter().zip(&repeat.families) {
            let mut new = family.as_group_family();
            new.place = first_place(&places);
            let old = mem::replace(&mut group.families[at], new);
            group.families[at].share_metadata(&old);
            self.exhibit
                .put_in_place(id, family, &old.stored, &mut places);
        }
        group.pushed = PushGauge::of(push.at);
        group.push_time_place = first_place(&places);
        let push_time = push.push_time.as_slice();
        self.exhibit
            .overwrite(Gauge::Pushed.name(), id, push_time, &mut places);
        self.decide();
    }
}

/// The next of these places.
fn first_place(places: &slice::Iter<'_, Places>) -> Place {
    places
        .as_slice()
        .first()
        .map_or_else(Place::default, Places::first)
}

/// Whether a family would show as many series as the one before it, under the same type and help. That they are the
/// same shows when they are found again.
fn shows_the_same_series(new: &PreparedFamily, old: &GroupFamily) -> bool {
    new.stored.metadata == old.stored.metadata
        && new.series == old.series()
        && [old.metrics(), new.rendered.len()] == [new.metrics; 2]
}
