//! What a scrape sends: the pages of all families with the gateway's own metrics among them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::consistency::{suffixes, without_suffix};
use super::deflate::{Member, Piece, Run};
use super::families::Family;
use super::groups::{GroupFamily, GroupId};
use super::pages::{Entry, Page, SortKey};
use super::shared_labels::SharedLabels;
use super::state::State;
use crate::exposition::negotiation::{Compression, ScrapeEncoding, ScrapeFormat};
use crate::exposition::protobuf;
use crate::exposition::text_encoder::{append_header, append_metric};
use crate::exposition::{Escaping, NameKind, escape_name};
use crate::model::{Label, Metric, MetricFamily, MetricType, Metrics, Value};

/// What is at hand but below this size is copied behind what was made for the scrape.
const COPIED_BYTES: usize = 16 << 10;

/// What the gateway's own metrics and the headers of some families fit into.
const MADE_BYTES: usize = 16 << 10;

/// The body of a scrape.
#[derive(Debug)]
pub struct Scraped {
    /// Buffers whose contents, one after the other, are the body.
    pub runs: Vec<Run>,
    /// How many metrics were left out because their names are others' after escaping.
    pub left_out: usize,
}

/// A part of the body: all pages of a family, one page, a piece that stays for the next scrape, other bytes that are at
/// hand, or some of what was made for this scrape.
enum Part<'a> {
    Pages(&'a Family),
    Page(&'a Arc<Page>),
    Kept(&'a Piece),
    Bytes(Bytes),
    Made(Range<usize>),
}

/// Puts together the body of a scrape. `own` are the gateway's own metrics, sorted by name.
pub(super) fn scrape(
    state: &State,
    own: &[MetricFamily<'_>],
    format: ScrapeFormat,
    compression: Compression,
) -> Scraped {
    let mut scrape = Scrape {
        state,
        format,
        parts: Vec::new(),
        made: Vec::with_capacity(MADE_BYTES),
        parted: 0,
        left_out: 0,
    };
    let names = EscapedNames::new(state, own, format.escaping);
    for (name, own, pushed) in by_name(state, own) {
        match names.of(name) {
            Some(exposed) => scrape.family(&exposed, name, own, pushed),
            None => scrape.left_out += pushed.map_or(0, |family| family.pages.owners().count()),
        }
    }
    scrape.part();
    let Scrape {
        parts,
        made,
        left_out,
        ..
    } = scrape;
    let runs = match compression {
        Compression::Identity => plain(parts, made),
        Compression::Gzip => compressed(parts, &made),
    };
    Scraped { runs, left_out }
}

/// Whether a scrape like this has been made of this state, and no work of it would have to be done again.
pub(super) fn is_listed(state: &State, format: ScrapeFormat, compression: Compression) -> bool {
    let families = || state.exhibit().families().iter();
    format.encoding == ScrapeEncoding::Text
        && families().all(|(name, family)| family.is_listed(name, compression))
}

fn plain(parts: Vec<Part<'_>>, made: Vec<u8>) -> Vec<Run> {
    let made = Bytes::from(made);
    let plain = |part| match part {
        Part::Pages(family) => family.text().clone(),
        Part::Page(page) => [page.shared_text()].into(),
        Part::Kept(piece) => [piece.plain().clone()].into(),
        Part::Bytes(bytes) => [bytes].into(),
        Part::Made(range) => [made.slice(range)].into(),
    };
    parts.into_iter().map(plain).collect()
}

fn compressed(parts: Vec<Part<'_>>, made: &[u8]) -> Vec<Run> {
    let mut member = Member::new();
    for part in parts {
        match part {
            Part::Pages(family) => member.push(|by| family.deflated(by).clone()),
            Part::Page(page) => member.push(|by| page.text().deflated(by).clone().into()),
            Part::Kept(piece) => member.push(|by| piece.deflated(by).clone().into()),
            Part::Bytes(bytes) => member.push_once(&bytes),
            Part::Made(range) => member.push_once(&made[range]),
        }
    }
    member.finish()
}

/// All families in the order of their names: the gateway's own, those pushed, and those that are both.
fn by_name<'a>(
    state: &'a State,
    own: &'a [MetricFamily<'a>],
) -> impl Iterator<Item = (&'a str, Option<&'a MetricFamily<'a>>, Option<&'a Family>)> {
    let mut own = own.iter().peekable();
    let mut pushed = state
        .exhibit()
        .families()
        .iter()
        .map(|(name, family)| (&**name, &**family))
        .peekable();
    std::iter::from_fn(move || {
        let order = match (own.peek(), pushed.peek()) {
            (Some(own), Some((name, _))) => (*own.name).cmp(*name),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let own = if order.is_le() { own.next() } else { None };
        let pushed = if order.is_ge() { pushed.next() } else { None };
        let name = own
            .map(|family| &*family.name)
            .or_else(|| pushed.map(|(name, _)| name))?;
        Some((name, own, pushed.map(|(_, family)| family)))
    })
}

/// A scrape in the making.
struct Scrape<'a> {
    state: &'a State,
    format: ScrapeFormat,
    parts: Vec<Part<'a>>,
    /// What is made for it: one part as long as no other comes between, for each costs a start of the compressor.
    made: Vec<u8>,
    /// How much of that is among the parts.
    parted: usize,
    left_out: usize,
}

impl<'a> Scrape<'a> {
    /// Makes a part of what was made since the last one.
    fn part(&mut self) {
        let range = self.parted..self.made.len();
        self.parted = range.end;
        if !range.is_empty() {
            self.parts.push(Part::Made(range));
        }
    }

    fn push(&mut self, part: Part<'a>) {
        match part {
            Part::Bytes(bytes) if bytes.len() < COPIED_BYTES => self.made.extend_from_slice(&bytes),
            part => {
                self.part();
                self.parts.push(part);
            }
        }
    }

    /// Adds a family, whose name is exposed as `exposed`.
    fn family(
        &mut self,
        exposed: &str,
        name: &str,
        own: Option<&'a MetricFamily<'a>>,
        pushed: Option<&'a Family>,
    ) {
        let none = Metrics::default();
        let own_metrics = own.map_or(&none, |family| &family.metrics);
        if pushed.is_none() && own_metrics.is_empty() {
            return;
        }
        let help = match own {
            Some(own) => own.help.as_deref(),
            None => pushed.and_then(|family| family.help()).map(|help| &**help),
        };
        let metric_type = own
            .map(|family| family.metric_type)
            .or_else(|| pushed.map(Family::metric_type));
        let head = Head {
            name: exposed,
            help,
            metric_type: metric_type.unwrap_or(MetricType::Untyped),
        };
        match self.format.encoding {
            ScrapeEncoding::Text => self.text_family(&head, name, own_metrics, pushed),
            ScrapeEncoding::Protobuf => self.protobuf_family(&head, name, own_metrics, pushed),
        }
    }

    fn text_family(
        &mut self,
        head: &Head<'_>,
        name: &str,
        own: &Metrics<'_>,
        pushed: Option<&'a Family>,
    ) {
        append_header(
            &mut self.made,
            head.name,
            head.help,
            head.metric_type,
            self.format.escaping,
        );
        let escaped = pushed.and_then(|family| family.escaped(name, self.format.escaping));
        if let Some(escaped) = escaped {
            self.left_out += escaped.left_out;
            for (_, lines) in own_lines(head.name, own) {
                self.made.extend(lines);
            }
            return self.push(Part::Bytes(escaped.text.clone()));
        }
        match pushed {
            Some(family) if own.is_empty() => self.push(Part::Pages(family)),
            None if own.len() == 1 => own
                .iter()
                .for_each(|only| append_own(&mut self.made, head.name, only)),
            _ => self.merge(own_lines(head.name, own), pushed),
        }
    }

    /// Adds own lines, sorted by key, among the pages of a family.
    fn merge(&mut self, own: Vec<(SortKey, Vec<u8>)>, pushed: Option<&'a Family>) {
        let mut own = own.into_iter().peekable();
        for page in pushed.into_iter().flat_map(|family| family.pages.iter()) {
            while let Some((_, lines)) = own.next_if(|(key, _)| page.comes_after(key)) {
                self.made.extend(lines);
            }
            let mut done = 0;
            while let Some((key, lines)) = own.next_if(|(key, _)| page.holds_place_of(key)) {
                let at = page.offset_of(&key);
                self.push(Part::Bytes(page.shared_text().slice(done..at)));
                self.made.extend(lines);
                done = at;
            }
            self.push(match done {
                0 => Part::Page(page),
                _ => Part::Bytes(page.shared_text().slice(done..)),
            });
        }
        own.for_each(|(_, lines)| self.made.extend(lines));
    }

    fn protobuf_family(
        &mut self,
        head: &Head<'_>,
        name: &str,
        own: &Metrics<'_>,
        pushed: Option<&'a Family>,
    ) {
        let mut first = Vec::new();
        for (labels, metric) in own.iter() {
            let labels = labels.iter().map(|label| (&*label.name, &*label.value));
            protobuf::append_metric(&mut first, labels, metric);
        }
        let mut metrics = vec![Part::Bytes(first.into())];
        if let Some(family) = pushed {
            match family.escaped(name, self.format.escaping) {
                Some(escaped) => {
                    self.left_out += escaped.left_out;
                    let entries = escaped.entries(&family.pages);
                    metrics.push(Part::Bytes(encode(
                        self.state,
                        name,
                        entries,
                        self.format.escaping,
                    )));
                }
                None => metrics.extend(family.pages.iter().map(|page| {
                    Part::Kept(page.protobuf(|page| encode_page(self.state, name, page)))
                })),
            }
        }
        let length = metrics.iter().map(Part::len).sum();
        let header = &mut self.made;
        protobuf::append_family_header(header, head.name, head.help, head.metric_type, length);
        for part in metrics {
            self.push(part);
        }
    }
}

/// What stands above the metrics of a family.
struct Head<'a> {
    name: &'a str,
    help: Option<&'a str>,
    metric_type: MetricType,
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Pages(family) => family.text().iter().map(Bytes::len).sum(),
            Self::Page(page) => page.text().plain().len(),
            Self::Kept(piece) => piece.plain().len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Made(range) => range.len(),
        }
    }
}

/// The lines of own metrics with their places in scrape order.
fn own_lines(name: &str, metrics: &Metrics<'_>) -> Vec<(SortKey, Vec<u8>)> {
    let mut buffer = Vec::new();
    let metrics = metrics.iter().map(|(labels, metric)| {
        let mut lines = Vec::with_capacity(256);
        append_own(&mut lines, name, (labels, metric));
        (SortKey::of(labels, &mut buffer), lines)
    });
    let mut lines: Vec<_> = metrics.collect();
    lines.sort();
    lines
}

/// Appends the lines of an own metric; one without a value has none.
fn append_own(out: &mut Vec<u8>, name: &str, (labels, metric): (&[Label<'_>], &Metric<'_>)) {
    if let Some(value) = &metric.value {
        append_metric(out, name, labels, value, Escaping::AllowUtf8);
    }
}

fn encode_page(state: &State, name: &str, page: &Page) -> Bytes {
    encode(
        state,
        name,
        page.entries().map(|(entry, _)| entry),
        Escaping::AllowUtf8,
    )
}

/// The metrics in protobuf, taken from their groups.
fn encode(
    state: &State,
    name: &str,
    entries: impl Iterator<Item = Entry>,
    escaping: Escaping,
) -> Bytes {
    let entries: Vec<_> = entries.collect();
    let families: HashMap<GroupId, GroupFamily> = entries
        .iter()
        .filter_map(|entry| {
            Some((
                entry.group,
                state.group(entry.group)?.family_or_gauge(name)?,
            ))
        })
        .collect();
    let metrics: HashMap<GroupId, Metrics<'_>> = families
        .iter()
        .map(|(&group, family)| {
            (
                group,
                protobuf::decode_metrics(&family.stored.packed).unwrap_or_default(),
            )
        })
        .collect();
    let mut out = Vec::with_capacity(entries.len() * 64);
    for entry in entries {
        let metric = metrics
            .get(&entry.group)
            .and_then(|metrics| metrics.get(entry.index as usize));
        if let (Some(group), Some((own, metric))) = (state.group(entry.group), metric) {
            let mut labels = Vec::with_capacity(8);
            let shared = SharedLabels::of(group.grouping_key());
            shared.append_exposed(own.iter().cloned(), &mut labels);
            let name_of = |label: &Label<'_>| {
                escape_name(&label.name, escaping, NameKind::Label).into_owned()
            };
            let labels: Vec<_> = labels
                .iter()
                .map(|label| (name_of(label), label.value.clone()))
                .collect();
            let labels = labels.iter().map(|(name, value)| (&**name, &**value));
            protobuf::append_metric(&mut out, labels, &readable(metric));
        }
    }
    out.into()
}

/// The metric as Prometheus takes it in: without native buckets that would make it drop the whole scrape.
fn readable<'a>(metric: &'a Metric<'a>) -> Cow<'a, Metric<'a>> {
    match &metric.value {
        Some(Value::Histogram(histogram)) if !histogram.is_readable() => {
            let value = Value::Histogram(Box::new(histogram.without_native()));
            Cow::Owned(Metric {
                value: Some(value),
                ..metric.clone()
            })
        }
        _ => Cow::Borrowed(metric),
    }
}

/// The names that families are exposed under.
struct EscapedNames {
    /// Names that change, by the name as pushed; none where another family has the name already.
    changed: BTreeMap<String, Option<String>>,
}

impl EscapedNames {
    fn new(state: &State, own: &[MetricFamily<'_>], escaping: Escaping) -> Self {
        let mut taken: BTreeMap<String, MetricType> = BTreeMap::new();
        let mut changed = BTreeMap::new();
        let families = || by_name(state, own);
        let type_of = |own: Option<&MetricFamily<'_>>, pushed: Option<&Family>| {
            own.map(|family| family.metric_type)
                .or_else(|| pushed.map(Family::metric_type))
        };
        let escaped = |name: &str| match escape_name(name, escaping, NameKind::Metric) {
            Cow::Borrowed(_) => None,
            Cow::Owned(other) => Some(other).filter(|other| other != name),
        };
        if families().all(|(name, ..)| escaped(name).is_none()) {
            return Self { changed };
        }
        for (name, own, pushed) in families().filter(|(name, ..)| escaped(name).is_none()) {
            taken.extend(type_of(own, pushed).map(|metric_type| (name.to_owned(), metric_type)));
        }
        for (name, own, pushed) in families() {
            let (Some(exposed), Some(metric_type)) = (escaped(name), type_of(own, pushed)) else {
                continue;
            };
            let free = is_free(&taken, &exposed, metric_type);
            if free {
                taken.insert(exposed.clone(), metric_type);
            }
            changed.insert(name.to_owned(), free.then_some(exposed));
        }
        Self { changed }
    }

    /// The name that a family is exposed under, if it is.
    fn of<'a>(&'a self, name: &'a str) -> Option<Cow<'a, str>> {
        match self.changed.get(name) {
            None => Some(name.into()),
            Some(exposed) => exposed.as_deref().map(Into::into),
        }
    }
}

/// Whether a family of this name and type collides with none of those that are there.
fn is_free(taken: &BTreeMap<String, MetricType>, name: &str, metric_type: MetricType) -> bool {
    let part_of_another = without_suffix(name).is_some_and(|(base, suffix)| {
        taken
            .get(base)
            .is_some_and(|&whole| suffixes(whole).contains(&suffix))
    });
    let mut parts = suffixes(metric_type).iter();
    !part_of_another
        && !taken.contains_key(name)
        && !parts.any(|suffix| taken.contains_key(&format!("{name}{suffix}")))
}
