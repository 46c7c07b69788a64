//! What the parts of a store promise together: what is visible when, what is refused, and why.

use super::*;

#[test]
fn a_snapshot_is_not_touched_by_what_comes_after_it() {
    let mut subject = filled(3);
    let snapshot = subject.store.snapshot().unwrap();
    let before = text_of(&snapshot);
    subject
        .push(
            &job("job00001"),
            PushMode::Replace,
            &[untyped("a", "x", 9.0)],
        )
        .unwrap();
    subject.submit(Request::Wipe).unwrap();
    assert_eq!(text_of(&snapshot), before);
    assert_eq!(subject.text(), "");
}

#[test]
fn what_could_not_be_kept_is_not_visible_and_the_next_push_is() {
    let store = Store::new(options(Check::Checked));
    let recorder = Recorder::default();
    let (kept, failing) = (Arc::clone(&recorder.kept), Arc::clone(&recorder.failing));
    store.start_persistent(
        Replay::default(),
        Box::new(recorder),
        Durability::EachCommit,
    );
    let mut subject = Subject {
        store,
        time: 0,
        kept,
    };
    subject
        .push(&job("a"), PushMode::Replace, &[untyped("m", "x", 1.0)])
        .unwrap();
    let before = subject.text();
    failing.store(true, std::sync::atomic::Ordering::SeqCst);
    let outcome = subject.push(&job("b"), PushMode::Replace, &[untyped("m", "x", 1.0)]);
    assert!(
        matches!(
            outcome,
            Err(Failure::Unavailable(Unavailable::NotStored(_)))
        ),
        "{outcome:?}"
    );
    assert_eq!(subject.text(), before);
    assert!(matches!(
        subject.store.readiness(),
        Readiness::NotReady(Unavailable::NotStored(_))
    ));
    failing.store(false, std::sync::atomic::Ordering::SeqCst);
    subject
        .push(&job("b"), PushMode::Replace, &[untyped("m", "x", 1.0)])
        .unwrap();
    assert_eq!(subject.store.readiness(), Readiness::Ready);
    assert_eq!(
        text_of(&subject.reopened().snapshot().unwrap()),
        subject.text()
    );
}

#[test]
fn with_an_interval_changes_are_kept_together_and_at_the_end() {
    let store = Store::new(options(Check::Checked));
    let recorder = Recorder::default();
    let kept = Arc::clone(&recorder.kept);
    let day = std::time::Duration::from_hours(24);
    store.start_persistent(
        Replay::default(),
        Box::new(recorder),
        Durability::Interval(day),
    );
    let mut subject = Subject {
        store,
        time: 0,
        kept,
    };
    for value in 0..5 {
        subject
            .push(
                &job("a"),
                PushMode::Merge,
                &[untyped("m", "x", f64::from(value))],
            )
            .unwrap();
    }
    subject
        .push(&job("b"), PushMode::Merge, &[untyped("m", "x", 1.0)])
        .unwrap();
    subject.submit(Request::Delete(job("b"))).unwrap();
    assert!(
        subject.kept.lock().unwrap().is_empty(),
        "nothing is kept yet"
    );
    let text = subject.text();
    subject.store.close().unwrap();
    assert_eq!(
        subject.kept.lock().unwrap().len(),
        2,
        "one change a group, however many pushes"
    );
    assert_eq!(text_of(&subject.reopened().snapshot().unwrap()), text);
}

#[test]
fn limits_hold_for_what_grows_and_name_their_flags() {
    let limits = Limits {
        groups: 2,
        series: 3,
        series_per_group: 2,
        ..Limits::unlimited()
    };
    let store = Store::new(Options {
        limits,
        ..options(Check::Checked)
    });
    store.start(Replay::default());
    let mut subject = Subject {
        store,
        time: 0,
        kept: Arc::default(),
    };
    let three = [
        untyped("a", "x", 1.0),
        untyped("b", "x", 1.0),
        untyped("c", "x", 1.0),
    ];
    let check = |outcome: Result<(), Failure>, flag: &str, value: &str| {
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains(flag) && text.contains(value), "{text}");
    };
    check(
        subject.push(&job("a"), PushMode::Merge, &three),
        "--limit.series-per-group",
        "3 series",
    );
    subject
        .push(&job("a"), PushMode::Merge, &three[..2])
        .unwrap();
    check(
        subject.push(&job("b"), PushMode::Merge, &three[..2]),
        "--limit.series)",
        "4 series",
    );
    subject
        .push(&job("b"), PushMode::Merge, &three[..1])
        .unwrap();
    check(
        subject.push(&job("c"), PushMode::Merge, &[]),
        "--limit.groups",
        "3 groups",
    );
    // What was there before is replaced as ever.
    subject
        .push(&job("a"), PushMode::Replace, &three[1..])
        .unwrap();
    assert_eq!(subject.store.snapshot().unwrap().series(), 3);
}

#[test]
fn a_refusal_names_the_other_group() {
    let mut subject = filled(2);
    let mut gauge = untyped("a", "x", 1.0);
    gauge.metric_type = MetricType::Gauge;
    gauge.metrics.metric_mut(0).value = Some(Value::Gauge(1.0));
    let refusal = subject
        .push(&job("new"), PushMode::Replace, &[gauge])
        .unwrap_err();
    let Failure::Refused(Refusal::ClashesWithGroup { other, what }) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!(*other, *job("job00000"));
    assert_eq!(
        what,
        r#"collected metric "a" of type GAUGE is not a UNTYPED"#
    );
}

#[test]
fn a_group_that_differs_in_an_empty_instance_only_is_refused_without_a_trace() {
    let mut subject = filled(1);
    let before = subject.text();
    let twin = Arc::new(GroupingKey::new([("job", "job00000"), ("instance", "")]).unwrap());
    let refusal = subject.push(&twin, PushMode::Replace, &[]).unwrap_err();
    assert!(matches!(refusal, Failure::Refused(Refusal::Twin { .. })));
    assert_eq!(subject.text(), before);
}
