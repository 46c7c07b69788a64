//! GET `/` and `/status`: the groups and the gateway's own status, as one page for people.
//!
//! The page is bounded: it lists so many groups, holds the metrics of the first ones, and leaves the others to be
//! fetched when a reader opens them. It needs nothing from outside, and no script but to delete.

use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use self::families::append_families;
use self::frame::{FOOT, append_head, append_status};
use self::labels::append_grouping_labels;
use super::answer;
use super::backend::{Backend, PushedGroup, Snapshot};
use super::chunks::{self, CHUNK_BYTES, ChunkSource, Progress, append};
use super::error::Error;
use super::grouping_path;
use super::html::Escaped;
use super::{AdminApi, AppState, Settings};
use crate::model::{GroupingKey, JOB, NameScheme};

mod families;
mod frame;
mod labels;

/// How many groups a page lists; the next page continues behind them.
const GROUPS_PER_PAGE: usize = 1000;
/// Once a page has so many bytes, groups come without their metrics.
const INLINE_BYTES: usize = 1 << 20;

/// GET `/` and `/status`, from the group on that the query names, or of that one alone.
pub(super) async fn page<B: Backend>(
    state: &AppState<B>,
    query: Option<&str>,
) -> Result<Response, Error> {
    let page = Page {
        settings: Arc::clone(&state.settings),
        scope: Scope::of(query.unwrap_or_default()),
        content: Content::Unlisted(state.backend.snapshot()?),
        bytes: 0,
    };
    let body = chunks::body(page).await?;
    Ok(([(header::CONTENT_TYPE, answer::HTML)], body).into_response())
}

/// Which groups a page shows. Queries name them as push paths do, in the UTF-8 scheme: it can say any name.
enum Scope {
    /// From the first one on.
    All,
    /// Those behind this one: `?after=`.
    After(GroupingKey),
    /// This one with its metrics: `?group=`.
    Only(GroupingKey),
}

impl Scope {
    fn of(query: &str) -> Self {
        let parameters = query
            .split('&')
            .filter_map(|parameter| parameter.split_once('='));
        for (name, path) in parameters {
            let path: Vec<u8> = percent_decode_str(path).collect();
            let key = path
                .strip_prefix(JOB.as_bytes())
                .and_then(|after_job| grouping_path::parse(after_job, NameScheme::Utf8).ok());
            match (name, key) {
                ("after", Some(key)) => return Self::After(key),
                ("group", Some(key)) => return Self::Only(key),
                _ => {}
            }
        }
        Self::All
    }
}

struct Page<S: Snapshot> {
    settings: Arc<Settings>,
    scope: Scope,
    content: Content<S>,
    /// How many were written before this chunk.
    bytes: usize,
}

enum Content<S: Snapshot> {
    /// Nothing was written yet.
    Unlisted(S),
    /// These groups are left, and behind them perhaps further pages.
    Listed(std::vec::IntoIter<S::Group>, NextPage),
}

/// Where the groups go on that a page has no room for.
#[derive(Clone)]
enum NextPage {
    After(GroupingKey),
    None,
}

impl<S: Snapshot> ChunkSource for Page<S> {
    fn append_chunk(&mut self, out: &mut Vec<u8>) -> Progress {
        if let Content::Unlisted(snapshot) = &self.content {
            let groups = snapshot.groups();
            self.append_start(out, groups.len());
            self.content = self.listed(groups);
        }
        let Content::Listed(groups, next_page) = &mut self.content else {
            return Progress::Done;
        };
        while out.len() < CHUNK_BYTES {
            let Some(group) = groups.next() else {
                append_end(out, next_page);
                return Progress::Done;
            };
            let metrics = match self.scope {
                Scope::Only(_) => Metrics::Open,
                _ if self.bytes + out.len() < INLINE_BYTES => Metrics::Inline,
                _ => Metrics::OnDemand,
            };
            append_group(out, &group, metrics, &self.settings);
        }
        self.bytes += out.len();
        Progress::More
    }
}

impl<S: Snapshot> Page<S> {
    /// Those of all groups that the page shows.
    fn listed(&self, mut groups: Vec<S::Group>) -> Content<S> {
        let first = match &self.scope {
            Scope::All => 0,
            Scope::After(key) => groups.partition_point(|group| group.grouping_key() <= key),
            Scope::Only(key) => {
                groups.retain(|group| group.grouping_key() == key);
                0
            }
        };
        let behind = groups.len().min(first + GROUPS_PER_PAGE);
        let next_page = match groups.get(behind) {
            Some(_) => NextPage::After(groups[behind - 1].grouping_key().clone()),
            None => NextPage::None,
        };
        groups.truncate(behind);
        Content::Listed(groups.split_off(first).into_iter(), next_page)
    }

    fn append_start(&self, out: &mut Vec<u8>, group_count: usize) {
        append_head(out, &self.settings);
        append_status(out, &self.settings);
        append(
            out,
            format_args!(
                "<section id=\"metrics\">\n\
                 <h2>Groups: <span id=\"group-count\">{group_count}</span></h2>\n"
            ),
        );
        if self.settings.admin_api == AdminApi::Enabled {
            let disabled = if group_count == 0 { " disabled" } else { "" };
            append(
                out,
                format_args!(
                    "<button type=\"button\" id=\"wipe\" data-wipe=\"api/v1/admin/wipe\"{disabled}>\
                     Delete All Groups</button>\n"
                ),
            );
        }
        if !matches!(self.scope, Scope::All) {
            out.extend_from_slice(b"<p><a href=\"status\">All groups from the start</a></p>\n");
        }
        out.extend_from_slice(b"<p id=\"outcome\" role=\"status\"></p>\n");
    }
}

/// Whether a group comes with its metrics.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Metrics {
    /// It does, and is open.
    Open,
    /// It does.
    Inline,
    /// They are fetched when the reader opens it.
    OnDemand,
}

fn append_group(
    out: &mut Vec<u8>,
    group: &impl PushedGroup,
    metrics: Metrics,
    settings: &Settings,
) {
    let key = group.grouping_key();
    let open = if metrics == Metrics::Open {
        " open"
    } else {
        ""
    };
    append(
        out,
        format_args!("<details class=\"group\"{open}><summary>"),
    );
    append_grouping_labels(out, key, settings.name_scheme);
    if !group.last_push_successful() {
        out.extend_from_slice(b" <span class=\"badge failed\">Last push failed!</span>");
    }
    append(
        out,
        format_args!(
            "</summary>\n<div><button type=\"button\" data-delete=\"metrics/{}\" data-labels=\"{}\">\
             Delete Group</button></div>\n<div class=\"families\">\n",
            Escaped(grouping_path::to_path(key, settings.name_scheme)),
            Escaped(key)
        ),
    );
    match metrics {
        Metrics::Open | Metrics::Inline => append_families(out, &group.families(), settings),
        Metrics::OnDemand => append(
            out,
            format_args!(
                "<a class=\"load\" href=\"status?group={}\">Show metrics</a>\n",
                Escaped(grouping_path::to_path(key, NameScheme::Utf8))
            ),
        ),
    }
    out.extend_from_slice(b"</div>\n</details>\n");
}

fn append_end(out: &mut Vec<u8>, next_page: &NextPage) {
    if let NextPage::After(last) = next_page {
        append(
            out,
            format_args!(
                "<p><a href=\"status?after={}\" rel=\"next\">More groups</a></p>\n",
                Escaped(grouping_path::to_path(last, NameScheme::Utf8))
            ),
        );
    }
    out.extend_from_slice(FOOT.as_bytes());
}

#[cfg(test)]
mod tests;
