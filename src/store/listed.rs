//! The pages of a family as scrapes send them: listed by the first scrape that needs them, until a page changes.
//!
//! Families have thousands of pages, and to look at each of them takes longer than to send it. A list holds on to
//! what the pages hold, and copies none of it.

use std::sync::OnceLock;

use super::deflate::{Deflated, Deflater, Run};
use super::pages::{Names, Page, Pages};
use crate::exposition::negotiation::Compression;

/// The lists of one family.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    names: OnceLock<Names>,
    plain: OnceLock<Run>,
    deflated: OnceLock<Deflated<Run>>,
}

impl Listed {
    /// Whether a name on any of the pages may need escaping.
    pub(super) fn names(&self, pages: &Pages) -> Names {
        let mut all = pages.iter().map(|page| page.names());
        *self.names.get_or_init(|| {
            let utf8 = all.find(|&names| names == Names::Utf8);
            utf8.unwrap_or(Names::Legacy)
        })
    }

    /// The text of the pages.
    pub(super) fn plain(&self, pages: &Pages) -> &Run {
        self.plain
            .get_or_init(|| pages.iter().map(Page::shared_text).collect())
    }

    /// The text of the pages, compressed where it is not yet.
    pub(super) fn deflated(&self, pages: &Pages, deflater: &mut Deflater) -> &Deflated<Run> {
        self.deflated.get_or_init(|| {
            let texts: Vec<_> = pages.iter().map(|page| page.text()).collect();
            deflater.deflate_all(&texts)
        })
    }

    /// Whether there is nothing left to do for a scrape of legacy names.
    pub(super) fn is_done(&self, compression: Compression) -> bool {
        let is_listed = match compression {
            Compression::Identity => self.plain.get().is_some(),
            Compression::Gzip => self.deflated.get().is_some(),
        };
        is_listed && self.names.get() == Some(&Names::Legacy)
    }
}
