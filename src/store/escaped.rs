//! A family as it is exposed to a scraper that does not take UTF-8 names.
//!
//! Escaping may make two different names equal. A name that needed no escaping keeps what is under it; what
//! would become its double is left out of the scrape.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use super::pages::{Entry, Names, Page, Pages};
use crate::exposition::sample_line::{SampleLine, last_line, unescape};
use crate::exposition::{Escaping, NameKind, escape_name};

/// The forms of a family under each way of escaping, made when asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct EscapedFamilies {
    underscores: OnceLock<EscapedFamily>,
    dots: OnceLock<EscapedFamily>,
    values: OnceLock<EscapedFamily>,
}

/// A family under names that were escaped in one way.
#[derive(Clone, Debug)]
pub(super) struct EscapedFamily {
    /// All lines, in scrape order.
    pub(super) text: bytes::Bytes,
    /// Places, counted over all pages, of metrics that have no double.
    shown: HashSet<usize>,
    /// How many metrics are left out.
    pub(super) left_out: usize,
}

impl EscapedFamilies {
    /// The form under this way of escaping; none if nothing is escaped at all.
    pub(super) fn get(
        &self,
        name: &str,
        pages: &Pages,
        escaping: Escaping,
    ) -> Option<&EscapedFamily> {
        let form = match escaping {
            Escaping::Underscores => &self.underscores,
            Escaping::Dots => &self.dots,
            Escaping::Values => &self.values,
            Escaping::AllowUtf8 => return None,
        };
        Some(form.get_or_init(|| EscapedFamily::new(name, pages, escaping)))
    }
}

impl EscapedFamily {
    fn new(name: &str, pages: &Pages, escaping: Escaping) -> Self {
        let shown = shown(pages, escaping);
        let mut text = Vec::new();
        let entries: Vec<_> = pages.iter().flat_map(|page| page.entries()).collect();
        let count = entries.len();
        for (place, (_, lines)) in entries.into_iter().enumerate() {
            if shown.contains(&place) {
                lines
                    .split_inclusive(|&byte| byte == b'\n')
                    .for_each(|line| append_escaped(&mut text, name, line, escaping));
            }
        }
        Self {
            text: text.into(),
            left_out: count - shown.len(),
            shown,
        }
    }

    /// The metrics that are shown, of all that the pages hold.
    pub(super) fn entries<'a>(&'a self, pages: &'a Pages) -> impl Iterator<Item = Entry> + 'a {
        let entries = pages.iter().flat_map(|page| page.entries()).enumerate();
        entries
            .filter(|(place, _)| self.shown.contains(place))
            .map(|(_, (entry, _))| entry)
    }
}

/// The places of metrics whose labels have no double after escaping.
fn shown(pages: &Pages, escaping: Escaping) -> HashSet<usize> {
    let entries: Vec<_> = pages
        .iter()
        .flat_map(|page| {
            page.entries()
                .map(move |(_, lines)| (page, last_line(lines)))
        })
        .map(|(page, line)| (needs_escaping(page, line), line))
        .collect();
    let mut seen = HashSet::new();
    let mut shown = HashSet::new();
    // What needs no escaping comes first, and so wins.
    for pass in [Names::Legacy, Names::Utf8] {
        for (place, (_, line)) in entries
            .iter()
            .enumerate()
            .filter(|(_, (names, _))| *names == pass)
        {
            if escaped_labels(line, escaping).is_some_and(|labels| seen.insert(labels)) {
                shown.insert(place);
            }
        }
    }
    shown
}

fn needs_escaping(page: &Page, line: &[u8]) -> Names {
    let is_quoted = |name: &[u8]| !crate::model::is_legacy_label_name(name);
    let quoted = page.names() == Names::Utf8
        && SampleLine::new(line)
            .labels()
            .any(|label| is_quoted(label.name));
    if quoted { Names::Utf8 } else { Names::Legacy }
}

/// The labels after escaping, sorted; none if two have the same name then.
fn escaped_labels(line: &[u8], escaping: Escaping) -> Option<Vec<(String, Vec<u8>)>> {
    let escaped = |label: crate::exposition::sample_line::RawLabel<'_>| {
        (
            escape_raw(label.name, NameKind::Label, escaping),
            label.value.to_vec(),
        )
    };
    let mut labels: Vec<_> = SampleLine::new(line).labels().map(escaped).collect();
    labels.sort();
    let is_double = |pair: &[(String, Vec<u8>)]| pair[0].0 == pair[1].0;
    (!labels.windows(2).any(is_double)).then_some(labels)
}

/// Writes a line again with its names escaped. `family` is the name of its family.
fn append_escaped(out: &mut Vec<u8>, family: &str, line: &[u8], escaping: Escaping) {
    let sample = SampleLine::new(line);
    let name = unescape(sample.name);
    // Only the family's name is escaped, not a suffix such as `_sum`.
    let suffix = name.strip_prefix(family.as_bytes()).unwrap_or_default();
    out.extend_from_slice(escape_name(family, escaping, NameKind::Metric).as_bytes());
    out.extend_from_slice(suffix);
    let mut separator = b'{';
    for label in sample.labels() {
        out.push(separator);
        out.extend_from_slice(escape_raw(label.name, NameKind::Label, escaping).as_bytes());
        out.extend_from_slice(b"=\"");
        out.extend_from_slice(label.value);
        out.push(b'"');
        separator = b',';
    }
    if separator == b',' {
        out.push(b'}');
    }
    out.push(b' ');
    out.extend_from_slice(sample.value);
    out.push(b'\n');
}

fn escape_raw(raw: &[u8], kind: NameKind, escaping: Escaping) -> String {
    let plain = unescape(raw);
    let name: Cow<'_, str> = String::from_utf8_lossy(&plain);
    escape_name(&name, escaping, kind).into_owned()
}
