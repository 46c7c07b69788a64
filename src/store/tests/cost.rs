//! What operations cost, counted by what they make anew.

use std::collections::BTreeSet;

use super::*;
use crate::store::state::State;

/// How many buffers of a scrape are not among those of another, nor part of one.
fn fresh_buffers(scraped: &Scraped, before: &Scraped) -> usize {
    let places = |scraped: &Scraped| -> Vec<_> {
        let buffers = scraped.runs.iter().flat_map(|run| run.iter());
        let place = |buffer: &bytes::Bytes| {
            let start = buffer.as_ptr().addr();
            start..start + buffer.len()
        };
        buffers.map(place).collect()
    };
    let known = places(before);
    let is_known = |place: &std::ops::Range<usize>| {
        let mut known = known.iter();
        known.any(|known| known.start <= place.start && place.end <= known.end)
    };
    let now = places(scraped).into_iter();
    now.filter(|place| !is_known(place)).count()
}

/// Cost is counted, not timed: a push makes anew the pages that its metrics are on and no others.
#[test]
fn a_push_costs_the_same_whatever_else_is_in_the_store() {
    let fresh_after_push = |groups: usize| {
        let mut subject = filled(groups);
        let before = subject.store.snapshot().unwrap();
        subject
            .push(
                &job("job00007"),
                PushMode::Replace,
                &[untyped("a", "x", 2.0), untyped("b", "x", 2.0)],
            )
            .unwrap();
        let after = subject.store.snapshot().unwrap();
        let pages = |snapshot: &Snapshot| -> BTreeSet<usize> {
            let families = snapshot.0.exhibit().families().values();
            families
                .flat_map(|family| family.pages.iter())
                .map(|page| Arc::as_ptr(page).addr())
                .collect()
        };
        pages(&after).difference(&pages(&before)).count()
    };
    // One page each of both families and of `push_time_seconds`.
    assert_eq!(fresh_after_push(10), 3);
    assert_eq!(fresh_after_push(2000), 3);
}

/// Where the pages of a store are in memory.
fn addresses(snapshot: &Snapshot) -> BTreeSet<usize> {
    let families = snapshot.0.exhibit().families().values();
    families
        .flat_map(|family| family.pages.iter())
        .map(|page| page.text().plain().as_ptr().addr())
        .collect()
}

#[test]
fn new_values_are_put_in_place_unless_a_snapshot_shows_the_old_ones() {
    let mut subject = filled(100);
    let pushed = |subject: &mut Subject, value| {
        let families = [untyped("a", "x", value), untyped("b", "x", value)];
        subject
            .push(&job("job00007"), PushMode::Replace, &families)
            .unwrap();
        addresses(&subject.store.snapshot().unwrap())
    };
    let before = pushed(&mut subject, 2.0);
    assert_eq!(pushed(&mut subject, 123_456.0), before);
    let held = subject.store.snapshot().unwrap();
    let text = text_of(&held);
    let moved = pushed(&mut subject, 4.0);
    assert_ne!(moved, before);
    assert_eq!(text_of(&held), text);
    drop(held);
    // A scrape that has ended holds nothing.
    subject.text();
    assert_eq!(pushed(&mut subject, 5.0), moved);
}

#[test]
fn pushes_that_wait_together_are_put_in_place_one_after_the_other() {
    let subject = filled(100);
    let prepared = |group: &str, value: f64| {
        let families = [untyped("a", "x", value), untyped("b", "x", value)];
        let at = Timestamp::from_nanos(9_000_000_000_000);
        let store = &subject.store;
        let push = store.prepare(job(group), PushMode::Replace, at, &families);
        push.unwrap()
    };
    let pushes = [("job00007", 12_345.0), ("job00008", 0.5), ("job00007", 7.0)]
        .map(|(group, value)| prepared(group, value));
    let mut together = State::clone(&subject.store.published());
    let repeats: Vec<_> = pushes
        .iter()
        .map(|push| together.repeat(push).unwrap())
        .collect();
    for repeat in &repeats {
        together.put_in_place(repeat);
    }
    for push in pushes {
        subject.submit(Request::Push(push)).unwrap();
    }
    assert_eq!(text_of(&Snapshot(Arc::new(together))), subject.text());
}

#[test]
fn a_scrape_makes_anew_only_what_changed_since_the_last() {
    let mut subject = filled(2000);
    let scrape = |subject: &Subject, compression| {
        subject
            .store
            .snapshot()
            .unwrap()
            .scrape(&[], TEXT, compression)
    };
    for compression in [Compression::Identity, Compression::Gzip] {
        let first = scrape(&subject, compression);
        let families = subject
            .store
            .snapshot()
            .unwrap()
            .0
            .exhibit()
            .families()
            .clone();
        let pages = families.values().map(|family| family.pages.iter().count());
        assert!(pages.sum::<usize>() > 40, "there are many pages");
        // What is made for each scrape are four family headers, and in gzip the trailer.
        let made = if compression == Compression::Gzip {
            5
        } else {
            4
        };
        assert_eq!(fresh_buffers(&scrape(&subject, compression), &first), made);
        let snapshot = subject.store.snapshot().unwrap();
        assert!(snapshot.is_listed(TEXT, compression));
        subject
            .push(&job("job00007"), PushMode::Merge, &[untyped("a", "x", 3.0)])
            .unwrap();
        let snapshot = subject.store.snapshot().unwrap();
        assert!(!snapshot.is_listed(TEXT, compression));
        // And one page each of the family and of `push_time_seconds`.
        assert_eq!(
            fresh_buffers(&scrape(&subject, compression), &first),
            made + 2
        );
    }
}
