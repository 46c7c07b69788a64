//! How much memory a pushed body may take once it is parsed.

use thiserror::Error;

use crate::model::Metrics;

/// Bounds on what is made of one pushed body.
///
/// A body of `m 1` lines, or of empty protobuf messages, takes some fifty times its size in memory once it is
/// parsed; a limit on the size of bodies is therefore not enough.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParseLimits {
    /// How many bytes the families, metrics, labels, summaries, histograms and what is in them may take in all, apart from
    /// what they borrow from the body and from what vectors reserve ahead, which is as much again at most.
    pub max_memory: usize,
}

/// The body would take more memory than it may.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "the metrics in the push would take more than {limit} bytes of memory; split it into several pushes"
)]
pub struct TooLarge {
    /// The limit.
    pub limit: usize,
}

/// What is left of [`ParseLimits::max_memory`].
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    limit: usize,
}

impl ParseLimits {
    /// No bounds, for bytes that this program wrote itself.
    pub const NONE: Self = Self {
        max_memory: usize::MAX,
    };
}

impl Budget {
    pub(super) fn new(limits: ParseLimits) -> Self {
        Self {
            left: limits.max_memory,
            limit: limits.max_memory,
        }
    }

    /// Takes the memory for so many values.
    #[inline]
    pub(super) fn take<T>(&mut self, count: usize) -> Result<(), TooLarge> {
        self.take_bytes(count.saturating_mul(size_of::<T>()))
    }

    /// Takes the memory for so many metrics, labels and values aside.
    #[inline]
    pub(super) fn take_metrics(&mut self, count: usize) -> Result<(), TooLarge> {
        self.take_bytes(count.saturating_mul(Metrics::METRIC_BYTES))
    }

    #[inline]
    fn take_bytes(&mut self, bytes: usize) -> Result<(), TooLarge> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(TooLarge { limit: self.limit })?;
        Ok(())
    }

    /// Refuses so many values if there never was memory for them.
    #[inline]
    pub(super) fn check<T>(&self, count: usize) -> Result<(), TooLarge> {
        if count.saturating_mul(size_of::<T>()) > self.limit {
            return Err(TooLarge { limit: self.limit });
        }
        Ok(())
    }
}
