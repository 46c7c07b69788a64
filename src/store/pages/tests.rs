//! Pages against a sorted map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::Label;

fn key_of(labels: &[(&str, &str)]) -> SortKey {
    let labels = labels.iter().map(|(name, value)| Label::new(*name, *value));
    SortKey::of(&labels.collect::<Vec<_>>(), &mut Vec::new())
}

fn label_of(label: u16) -> (String, String) {
    let value = format!("{:05}{}", label / 3, "x".repeat(180));
    (format!("l{}", label % 3), value)
}

/// A metric with one label, padded so that some eighty of them fill a page. Three neighbours have the same value under
/// different names, so their ranks are equal.
fn rendered(label: u16, value: u8) -> Rendered {
    let (name, label_value) = label_of(label);
    let text = format!("m{{{name}=\"{label_value}\"}} {value}\n");
    let key = key_of(&[(&name, &label_value)]);
    // Pushed in the opposite order of the names.
    let index = u32::from(u16::MAX - label);
    Rendered {
        key,
        text: text.into(),
        index,
        names: Names::Legacy,
        is_tied: true,
    }
}

fn sorted(labels: &BTreeMap<u16, u8>) -> Vec<Rendered> {
    labels
        .iter()
        .map(|(label, value)| rendered(*label, *value))
        .collect()
}

fn check(pages: &Pages, expected: &BTreeMap<u16, (GroupId, u8)>) {
    let shown = pages.iter().flat_map(|page| page.entries());
    let mut shown: Vec<_> = shown
        .map(|(entry, lines)| (entry.group, lines.to_vec()))
        .collect();
    let rank = |(_, lines): &(GroupId, Vec<u8>)| SortKey::of_lines(lines).rank().to_vec();
    assert!(shown.is_sorted_by_key(rank), "ranks are in order");
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(label, (group, value))| (*group, rendered(*label, *value).text.to_vec()))
        .collect();
    shown.sort();
    expected.sort();
    assert_eq!(shown, expected);
    for page in pages.iter() {
        assert!(
            page.text().plain().len() <= SPLIT_BYTES,
            "no page is too long"
        );
        assert!(!page.entries.is_empty(), "no page is empty");
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Put(GroupId, BTreeMap<u16, u8>),
    Remove(GroupId, Vec<u16>),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    // Runs of neighbours fill pages and empty them; scattered labels hit many pages at once.
    let run = (0..2000_u16, 1..300_u16, any::<u8>()).prop_map(|(from, count, value)| {
        (from..from + count).map(|label| (label, value)).collect()
    });
    let scattered = proptest::collection::btree_map(0..2300_u16, any::<u8>(), 1..30);
    let labels = prop_oneof![run, scattered];
    let put = (0..3_u64, labels.clone()).prop_map(|(group, labels)| Edit::Put(group, labels));
    let remove = (0..3_u64, labels).prop_map(|(group, labels): (_, BTreeMap<u16, u8>)| {
        Edit::Remove(group, labels.into_keys().collect())
    });
    proptest::collection::vec(prop_oneof![3 => put, 2 => remove], 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn are_what_a_sorted_map_is(edits in edits()) {
        let mut pages = Pages::default();
        let mut expected: BTreeMap<u16, (GroupId, u8)> = BTreeMap::new();
        for edit in edits {
            match edit {
                Edit::Put(group, labels) => {
                    let clashes =
                        |label: &u16| expected.get(label).is_some_and(|(owner, _)| *owner != group);
                    let is_refused = labels.keys().any(clashes);
                    let had = labels.keys().filter(|label| expected.contains_key(label)).count();
                    match pages.put(group, &sorted(&labels)) {
                        Ok(replaced) => {
                            prop_assert!(!is_refused);
                            prop_assert_eq!(replaced, had);
                            expected.extend(labels.into_iter().map(|(label, value)| (label, (group, value))));
                        }
                        Err(duplicate) => {
                            prop_assert!(is_refused);
                            prop_assert_ne!(duplicate.owner, group);
                        }
                    }
                }
                Edit::Remove(group, labels) => {
                    let keys: Vec<_> = labels.iter().map(|label| rendered(*label, 0).key).collect();
                    pages.remove(group, &keys);
                    expected.retain(|label, (owner, _)| *owner != group || !labels.contains(label));
                }
            }
            check(&pages, &expected);
        }
        let mut batch = Batch::default();
        for (label, (group, value)) in expected.iter().rev() {
            let (name, label_value) = label_of(*label);
            let metric = rendered(*label, *value);
            batch.add(*group, metric.index, &[Label::new(name, label_value)], |text| {
                text.extend_from_slice(&metric.text);
                metric.names
            });
        }
        check(&batch.take_pages().unwrap(), &expected);
    }
}

/// The order of metrics in a scrape: fewer labels first, then values in the order of the names, then names.
#[test]
fn keys_are_ordered_as_metrics_in_a_scrape() {
    let in_order = [
        key_of(&[]),
        key_of(&[("z", "")]),
        key_of(&[("z", "\0")]),
        key_of(&[("z", "\0\0")]),
        key_of(&[("z", "\0a")]),
        key_of(&[("z", "\u{1}")]),
        key_of(&[("a", "b")]),
        key_of(&[("z", "b")]),
        key_of(&[("a", "b\0")]),
        key_of(&[("a", "ba")]),
        key_of(&[("a", "b"), ("b", "a")]),
        key_of(&[("a", "b"), ("c", "a")]),
        key_of(&[("a", "ba"), ("b", "")]),
    ];
    assert!(in_order.is_sorted());
    assert!(in_order.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_key_is_read_back_from_lines_with_escapes() {
    let labels = [("l.1", "a\\b\"c\nd"), ("m", "")];
    let mut text = Vec::new();
    let value = crate::model::Value::Gauge(1.0);
    let escaping = crate::exposition::Escaping::AllowUtf8;
    crate::exposition::text_encoder::append_metric(&mut text, "a.b", labels, &value, escaping);
    assert_eq!(SortKey::of_lines(&text), key_of(&labels));
}

/// `m{a="1"}` and `m{b="1"}` differ in names only: a scrape shows them as they were pushed.
#[test]
fn metrics_that_differ_in_names_only_stay_in_pushed_order() {
    let metric = |name: &str, index: u32| {
        let key = key_of(&[(name, "1")]);
        let text = format!("m{{{name}=\"1\"}} 1\n").into();
        Rendered {
            key,
            text,
            index,
            names: Names::Legacy,
            is_tied: true,
        }
    };
    let shown = |pages: &Pages| -> String {
        let page = pages.iter().next().unwrap();
        page.text()
            .plain()
            .iter()
            .map(|byte| char::from(*byte))
            .filter(|c| "abc".contains(*c))
            .collect()
    };
    let mut pages = Pages::default();
    assert_eq!(
        pages
            .put(7, &[metric("a", 1), metric("b", 0), metric("c", 2)])
            .unwrap(),
        0
    );
    assert_eq!(shown(&pages), "bac");
    assert_eq!(
        pages
            .put(7, &[metric("a", 2), metric("b", 1), metric("c", 0)])
            .unwrap(),
        3
    );
    assert_eq!(shown(&pages), "cba");
    pages.remove(7, &[metric("b", 0).key]);
    assert_eq!(shown(&pages), "ca");
}

/// A tie as long as many pages costs no more than other metrics do: it is cut up by names.
#[test]
fn a_tie_longer_than_a_page_is_cut_up() {
    let metric = |index: u32| {
        let name = format!("l{index:05}");
        let key = key_of(&[(&name, "1")]);
        let text = format!("m{{{name}=\"1\"}} 1\n").into();
        Rendered {
            key,
            text,
            index,
            names: Names::Legacy,
            is_tied: true,
        }
    };
    let metrics: Vec<_> = (0..5000).map(metric).collect();
    let mut pages = Pages::default();
    assert_eq!(pages.put(1, &metrics).unwrap(), 0);
    assert_eq!(pages.put(1, &metrics).unwrap(), 5000);
    assert!(
        pages
            .iter()
            .all(|page| page.text().plain().len() <= SPLIT_BYTES)
    );
    assert!(pages.put(2, &metrics[4000..4001]).is_err());
    assert_eq!(pages.owners().count(), 5000);
}
