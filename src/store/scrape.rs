//! What a scrape sends: the pages of all families with the gateway's own metrics among them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
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
use crate::model::{Label, Metric, MetricFamily, MetricType, Value};

/// Parts below this size are copied together.
const JOINED_BYTES: usize = 16 << 10;

/// What most headers and metrics that are made for a scrape fit into.
const MADE_BYTES: usize = 256;

/// The body of a scrape.
#[derive(Debug)]
pub struct Scraped {
    /// Buffers whose contents, one after the other, are the body.
    pub runs: Vec<Run>,
    /// How many metrics were left out because their names are others' after escaping.
    pub left_out: usize,
}

/// A part of the body: all pages of a family, one page, a piece that stays for the next scrape, or one made for this
/// scrape.
enum Part<'a> {
    Pages(&'a Family),
    Page(&'a Arc<Page>),
    Kept(&'a Piece),
    Made(Bytes),
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
        left_out: 0,
    };
    let names = EscapedNames::new(state, own, format.escaping);
    for (name, own, pushed) in by_name(state, own) {
        match names.of(name) {
            Some(exposed) => scrape.family(&exposed, name, own, pushed),
            None => scrape.left_out += pushed.map_or(0, |family| family.pages.owners().count()),
        }
    }
    let Scrape {
        parts, left_out, ..
    } = scrape;
    Scraped {
        runs: compress(joined(parts), compression),
        left_out,
    }
}

/// Whether a scrape like this has been made of this state, and no work of it would have to be done again.
pub(super) fn is_listed(state: &State, format: ScrapeFormat, compression: Compression) -> bool {
    let families = || state.exhibit().families().iter();
    format.encoding == ScrapeEncoding::Text
        && families().all(|(name, family)| family.is_listed(name, compression))
}

/// Joins neighbours that were made for this scrape: each piece by itself costs a start of the compressor.
fn joined(parts: Vec<Part<'_>>) -> Vec<Part<'_>> {
    let mut joined = Vec::with_capacity(parts.len());
    let mut made = Vec::new();
    for part in parts {
        match part {
            Part::Made(bytes) if bytes.len() < JOINED_BYTES => made.extend_from_slice(&bytes),
            part => {
                if !made.is_empty() {
                    joined.push(Part::Made(std::mem::take(&mut made).into()));
                }
                joined.push(part);
            }
        }
    }
    if !made.is_empty() {
        joined.push(Part::Made(made.into()));
    }
    joined
}

fn compress(parts: Vec<Part<'_>>, compression: Compression) -> Vec<Run> {
    match compression {
        Compression::Identity => parts
            .into_iter()
            .map(|part| match part {
                Part::Pages(family) => family.text().clone(),
                Part::Page(page) => [page.shared_text()].into(),
                Part::Kept(piece) => [piece.plain().clone()].into(),
                Part::Made(bytes) => [bytes].into(),
            })
            .collect(),
        Compression::Gzip => {
            let mut member = Member::new();
            for part in parts {
                match part {
                    Part::Pages(family) => member.push(|by| family.deflated(by).clone()),
                    Part::Page(page) => member.push(|by| page.text().deflated(by).clone().into()),
                    Part::Kept(piece) => member.push(|by| piece.deflated(by).clone().into()),
                    Part::Made(bytes) => member.push_once(&bytes),
                }
            }
            member.finish()
        }
    }
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
    left_out: usize,
}

impl<'a> Scrape<'a> {
    /// Adds a family, whose name is exposed as `exposed`.
    fn family(
        &mut self,
        exposed: &str,
        name: &str,
        own: Option<&'a MetricFamily<'a>>,
        pushed: Option<&'a Family>,
    ) {
        let own_metrics = own.map_or(&[][..], |family| &family.metrics);
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
        own: &[Metric<'_>],
        pushed: Option<&'a Family>,
    ) {
        let mut text = Vec::with_capacity(MADE_BYTES);
        append_header(
            &mut text,
            head.name,
            head.help,
            head.metric_type,
            self.format.escaping,
        );
        let escaped = pushed.and_then(|family| family.escaped(name, self.format.escaping));
        if let Some(escaped) = escaped {
            self.left_out += escaped.left_out;
            for (_, lines) in own_lines(head.name, own) {
                text.extend(lines);
            }
            self.parts
                .extend([Part::Made(text.into()), Part::Made(escaped.text.clone())]);
            return;
        }
        if let (Some(family), []) = (pushed, own) {
            self.parts
                .extend([Part::Made(text.into()), Part::Pages(family)]);
            return;
        }
        let mut own = own_lines(head.name, own).into_iter().peekable();
        for page in pushed.into_iter().flat_map(|family| family.pages.iter()) {
            let mut done = 0;
            while let Some((_, lines)) = own.next_if(|(key, _)| page.comes_after(key)) {
                text.extend(lines);
            }
            self.parts
                .push(Part::Made(std::mem::take(&mut text).into()));
            while let Some((key, lines)) = own.next_if(|(key, _)| page.holds_place_of(key)) {
                let at = page.offset_of(&key);
                self.parts
                    .push(Part::Made(page.shared_text().slice(done..at)));
                self.parts.push(Part::Made(lines.into()));
                done = at;
            }
            self.parts.push(match done {
                0 => Part::Page(page),
                _ => Part::Made(page.shared_text().slice(done..)),
            });
        }
        own.for_each(|(_, lines)| text.extend(lines));
        self.parts.push(Part::Made(text.into()));
        self.parts
            .retain(|part| !matches!(part, Part::Made(bytes) if bytes.is_empty()));
    }

    fn protobuf_family(
        &mut self,
        head: &Head<'_>,
        name: &str,
        own: &[Metric<'_>],
        pushed: Option<&'a Family>,
    ) {
        let mut first = Vec::new();
        for metric in own {
            let labels = metric
                .labels
                .iter()
                .map(|label| (&*label.name, &*label.value));
            protobuf::append_metric(&mut first, labels, metric);
        }
        let mut metrics = vec![Part::Made(first.into())];
        if let Some(family) = pushed {
            match family.escaped(name, self.format.escaping) {
                Some(escaped) => {
                    self.left_out += escaped.left_out;
                    let entries = escaped.entries(&family.pages);
                    metrics.push(Part::Made(encode(
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
        let mut header = Vec::new();
        protobuf::append_family_header(&mut header, head.name, head.help, head.metric_type, length);
        self.parts.push(Part::Made(header.into()));
        self.parts.extend(metrics);
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
            Self::Made(bytes) => bytes.len(),
        }
    }
}

/// The lines of own metrics with their places in scrape order.
fn own_lines(name: &str, metrics: &[Metric<'_>]) -> Vec<(SortKey, Vec<u8>)> {
    let mut buffer = Vec::new();
    let mut lines: Vec<_> = metrics
        .iter()
        .filter_map(|metric| {
            let labels = metric.labels.iter();
            let labels = labels.map(|label| (&*label.name, &*label.value));
            let value = metric.value.as_ref()?;
            let mut text = Vec::with_capacity(MADE_BYTES);
            append_metric(&mut text, name, labels, value, Escaping::AllowUtf8);
            Some((SortKey::of(&metric.labels, &mut buffer), text))
        })
        .collect();
    lines.sort();
    lines
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
    let metrics: HashMap<GroupId, Vec<Metric<'_>>> = families
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
        if let (Some(group), Some(metric)) = (state.group(entry.group), metric) {
            let mut labels = metric.labels.clone();
            SharedLabels::of(group.grouping_key()).add_to(&mut labels);
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
