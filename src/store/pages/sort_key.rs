//! Label sets as bytes that compare as metrics stand in a scrape.

use smallvec::SmallVec;

use crate::exposition::sample_line::{SampleLine, last_line, unescape};
use crate::model::Label;

/// A label set as bytes whose order is the order of metrics in a scrape: fewer labels first, then the values in
/// the order of the names, then, so that no two label sets are equal, the names.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::store) struct SortKey {
    /// Those of most label sets are short: they are where the key is, which spares whoever compares keys a look elsewhere
    /// in memory.
    bytes: SmallVec<[u8; 64]>,
    /// Where the values end.
    rank_end: usize,
}

impl SortKey {
    /// All of it.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part that decides on the place in a scrape: the values without the names. No rank begins another.
    ///
    /// Metrics of equal rank stand in the order in which they were pushed, as the Go Pushgateway has them. So pages
    /// are apart by key, and the metrics of a page by rank.
    pub(in crate::store) fn rank(&self) -> &[u8] {
        &self.bytes[..self.rank_end]
    }

    /// The key of labels that are sorted by name, put together in a buffer that may be used again.
    pub(in crate::store) fn of(labels: &[Label<'_>], buffer: &mut Vec<u8>) -> Self {
        buffer.clear();
        let rank_end = append_key_of_labels(buffer, labels);
        Self::new(buffer, rank_end)
    }

    /// The key of a metric, read from its lines.
    pub(super) fn of_lines(lines: &[u8]) -> Self {
        let mut buffer = Vec::with_capacity(128);
        let rank_end = append_key_of_lines(&mut buffer, lines);
        Self::new(&buffer, rank_end)
    }

    /// The key of these bytes, with the end of its rank.
    pub(super) fn new(bytes: &[u8], rank_end: usize) -> Self {
        let bytes = SmallVec::from_slice(bytes);
        Self { bytes, rank_end }
    }
}

/// Appends the bytes of a key, and tells where its rank ends.
///
/// Values may hold any byte: a NUL becomes NUL 0xFF, and NUL NUL ends a value, so that a value sorts before its own
/// continuations. Names hold no NUL.
fn append_sort_key<'a>(
    out: &mut Vec<u8>,
    labels: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    append_value: impl Fn(&mut Vec<u8>, &[u8]),
) -> usize {
    let count_at = out.len();
    out.extend_from_slice(&[0, 0]);
    let mut count = 0_u16;
    for (_, value) in labels.clone() {
        append_value(out, value);
        count = count.saturating_add(1);
    }
    out[count_at..count_at + 2].copy_from_slice(&count.to_be_bytes());
    let rank_end = out.len();
    for (name, _) in labels {
        out.extend_from_slice(name);
        out.push(0);
    }
    rank_end
}

fn append_value(out: &mut Vec<u8>, value: &[u8]) {
    let mut rest = value;
    while let Some(nul) = find_nul(rest) {
        out.extend_from_slice(&rest[..nul]);
        out.extend_from_slice(&[0, 0xFF]);
        rest = &rest[nul + 1..];
    }
    append_value_without_nul(out, rest);
}

fn append_value_without_nul(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(value);
    out.extend_from_slice(&[0, 0]);
}

fn find_nul(bytes: &[u8]) -> Option<usize> {
    // A search that has to be set up is slower in what most labels are.
    if bytes.len() <= 16 {
        return bytes.iter().position(|&byte| byte == 0);
    }
    memchr::memchr(0, bytes)
}

/// Appends the bytes of the key of labels that are sorted by name, and tells where its rank ends.
pub(super) fn append_key_of_labels(out: &mut Vec<u8>, labels: &[Label<'_>]) -> usize {
    let labels = labels
        .iter()
        .map(|label| (label.name.as_bytes(), label.value.as_bytes()));
    append_sort_key(out, labels, append_value)
}

/// Appends the bytes of a metric's key, read from its lines, and tells where its rank ends.
pub(super) fn append_key_of_lines(out: &mut Vec<u8>, lines: &[u8]) -> usize {
    let line = last_line(lines);
    let labels: SmallVec<[_; 12]> = SampleLine::new(line).labels().collect();
    if memchr::memchr2(b'\\', 0, line).is_some() {
        let plain: Vec<_> = labels
            .iter()
            .map(|label| (unescape(label.name), unescape(label.value)))
            .collect();
        let labels = plain.iter().map(|(name, value)| (&**name, &**value));
        return append_sort_key(out, labels, append_value);
    }
    let labels = labels.iter().map(|label| (label.name, label.value));
    append_sort_key(out, labels, append_value_without_nul)
}
