//! Label sets as bytes that compare as metrics stand in a scrape.

use smallvec::SmallVec;

use crate::exposition::sample_line::{SampleLine, last_line, unescape};
use crate::model::Label;

/// A label set as bytes whose order is the order of metrics in a scrape: fewer labels first, then the values in
/// the order of the names, then, so that no two label sets are equal, the names.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::store) struct SortKey(pub(super) KeyBytes);

/// The bytes of a key. Those of most are short: they are where the key is, which spares whoever compares keys a look
/// elsewhere in memory.
pub(super) type KeyBytes = SmallVec<[u8; 64]>;

impl SortKey {
    /// The part that decides on the place in a scrape: the values without the names. No rank begins another.
    ///
    /// Metrics of equal rank stand in the order in which they were pushed, as the Go Pushgateway has them. So pages
    /// are apart by key, and the metrics of a page by rank.
    pub(in crate::store) fn rank(&self) -> &[u8] {
        let count = u16::from_be_bytes([
            self.0.first().copied().unwrap_or(0),
            self.0.get(1).copied().unwrap_or(0),
        ]);
        let mut end = self.0.len().min(2);
        for _ in 0..count {
            while let Some(nul) = memchr::memchr(0, &self.0[end..]) {
                end += nul + 2;
                if self.0.get(end - 1) == Some(&0) {
                    break;
                }
            }
        }
        &self.0[..end]
    }

    /// The key of labels that are sorted by name.
    pub(in crate::store) fn of(labels: &[Label<'_>]) -> Self {
        Self::new(
            labels
                .iter()
                .map(|label| (label.name.as_bytes(), label.value.as_bytes())),
        )
    }

    /// The key of these labels, which are sorted by name.
    pub(in crate::store) fn new<'a>(
        labels: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    ) -> Self {
        let mut bytes = KeyBytes::new();
        append_sort_key(&mut bytes, labels);
        Self(bytes)
    }
}

/// What [`SortKey::new`] makes. Values may hold any byte: a NUL becomes NUL 0xFF, and NUL NUL ends a value, so that a value sorts before its
/// own continuations. Names hold no NUL.
fn append_sort_key<'a>(
    out: &mut KeyBytes,
    labels: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
) {
    let count_at = out.len();
    out.extend_from_slice(&[0, 0]);
    let mut count = 0_u16;
    for (_, value) in labels.clone() {
        append_value(out, value);
        count = count.saturating_add(1);
    }
    out[count_at..count_at + 2].copy_from_slice(&count.to_be_bytes());
    for (name, _) in labels {
        out.extend_from_slice(name);
        out.push(0);
    }
}

fn append_value(out: &mut KeyBytes, value: &[u8]) {
    let mut rest = value;
    while let Some(nul) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..nul]);
        out.extend_from_slice(&[0, 0xFF]);
        rest = &rest[nul + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 0]);
}

/// The sort key of a metric, read from its lines.
pub(super) fn append_key_of_lines(out: &mut KeyBytes, lines: &[u8]) {
    let line = SampleLine::new(last_line(lines));
    let labels = line.labels();
    if memchr::memchr(b'\\', last_line(lines)).is_none() {
        append_sort_key(out, labels.map(|label| (label.name, label.value)));
        return;
    }
    let plain: Vec<_> = labels
        .map(|label| (unescape(label.name), unescape(label.value)))
        .collect();
    append_sort_key(out, plain.iter().map(|(name, value)| (&**name, &**value)));
}
