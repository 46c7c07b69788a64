//! What the gateways are filled with, made in this process: a store without sockets, and files for both to start from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use bytes::Bytes;
use pushgateway::exposition::negotiation::{Compression, ScrapeEncoding, ScrapeFormat};
use pushgateway::exposition::text_encoder::{append_header, append_metric};
use pushgateway::exposition::{Escaping, ParseLimits, text_parser};
use pushgateway::model::{GroupingKey, MetricFamily, NameScheme, Timestamp};
use pushgateway::store::{
    Check, Failure, Limits, Options, PushMode, PushedFamily, Replay, Request, Store, Waiter, log,
};

use crate::gateway::Program;
use crate::workload;

const FORMAT: ScrapeFormat = ScrapeFormat {
    encoding: ScrapeEncoding::Text,
    escaping: Escaping::AllowUtf8,
};

/// A store in this process that does everything in the thread that asks.
#[derive(Debug)]
pub(crate) struct Content {
    store: Store,
}

/// Takes the outcome of a request.
#[derive(Clone, Default)]
struct Answer(Arc<OnceLock<Result<(), Failure>>>);

impl Waiter for Answer {
    fn is_gone(&self) -> bool {
        false
    }

    fn done(self: Box<Self>, outcome: Result<(), Failure>) {
        self.0.set(outcome).expect("a request is done once");
    }
}

impl Content {
    /// As many groups, each pushed once.
    pub(crate) fn of(groups: usize) -> Result<Self> {
        let store = Store::new(Options {
            check: Check::Checked,
            limits: Limits::unlimited(),
            queued_requests: 1,
            own_families: Vec::new(),
        });
        store.start(Replay::default());
        let content = Self { store };
        for group in 0..groups {
            content.push(group, u32::try_from(group)?)?;
        }
        Ok(content)
    }

    /// What the gateway does for a push once it has the body.
    pub(crate) fn push(&self, group: usize, serial: u32) -> Result<()> {
        let body = workload::body(serial).as_bytes();
        let families = text_parser::parse(body, NameScheme::Legacy, ParseLimits::NONE)?;
        let instance = workload::instance(group);
        let key = GroupingKey::new([("job", workload::JOB), ("instance", &*instance)])?;
        let at = Timestamp::from_nanos(1_760_000_000_000_000_000 + i64::from(serial) * 1_000_000);
        let push = self
            .store
            .prepare(Arc::new(key), PushMode::Replace, at, &families)?;
        let answer = Answer::default();
        self.store
            .submit(Request::Push(push), Box::new(answer.clone()));
        let outcome = answer.0.get().context("the push was not done at once")?;
        Ok(outcome.clone()?)
    }

    /// What a scrape would send.
    pub(crate) fn scrape(&self, compression: Compression) -> Result<Vec<u8>> {
        let scraped = self.store.snapshot()?.scrape(&[], FORMAT, compression);
        Ok(scraped.runs.concat().concat())
    }

    /// Makes the list of what a scrape would send and drops it; how many bytes they are.
    pub(crate) fn scraped_bytes(&self, compression: Compression) -> Result<usize> {
        let scraped = self.store.snapshot()?.scrape(&[], FORMAT, compression);
        let buffers = scraped.runs.iter().flat_map(|run| run.iter());
        Ok(buffers.map(Bytes::len).sum())
    }

    /// Renders the text of every family of every group, as if none were at hand; how many bytes it is.
    pub(crate) fn rendered_bytes(&self) -> Result<usize> {
        let snapshot = self.store.snapshot()?;
        let mut texts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for PushedFamily { family, .. } in snapshot.groups().flat_map(|group| group.families()) {
            let text = match texts.get_mut(&*family.name) {
                Some(text) => text,
                None => texts
                    .entry(family.name.to_string())
                    .or_insert_with(|| header(&family)),
            };
            for (labels, metric) in family.metrics.iter() {
                let value = metric.value.as_ref().context("a metric has a value")?;
                append_metric(text, &family.name, labels, value, FORMAT.escaping);
            }
        }
        Ok(texts.values().map(Vec::len).sum())
    }

    fn write(&self, file: &Path) -> Result<()> {
        let mut out = BufWriter::new(File::create(file)?);
        Ok(log::write_snapshot(
            &mut out,
            self.store.snapshot()?.changes(),
        )?)
    }
}

fn header(family: &MetricFamily<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    let help = family.help.as_deref();
    append_header(
        &mut text,
        &family.name,
        help,
        family.metric_type,
        FORMAT.escaping,
    );
    text
}

/// A persistence file of ours with as many groups, made the first time that it is asked for.
pub(crate) fn native_file(folder: &Path, groups: usize) -> Result<PathBuf> {
    let file = folder.join(format!("{groups}.native"));
    if !file.exists() {
        Content::of(groups)?.write(&file)?;
    }
    Ok(file)
}

/// The same in the form of the Go Pushgateway.
pub(crate) fn gob_file(folder: &Path, groups: usize, ours: &Program) -> Result<PathBuf> {
    let file = folder.join(format!("{groups}.gob"));
    if !file.exists() {
        ours.export_gob(&native_file(folder, groups)?, &file)?;
    }
    Ok(file)
}
