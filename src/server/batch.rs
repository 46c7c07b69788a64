//! Buffers of a response that are written with one call.
//!
//! hyper hands the system at most sixteen frames at a time, however short they are. A scrape in gzip consists of
//! hundreds of buffers of less than a kilobyte, so several make a frame here. None is copied.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// As many as hyper writes at a time.
const MOST_BUFFERS: usize = 64;
/// Enough for one call. What a body makes as it is asked for is not to pile up.
const MOST_BYTES: usize = 256 << 10;

/// The data of a frame.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// None of them empty.
    buffers: VecDeque<Bytes>,
    bytes: usize,
}

impl Batch {
    /// Adds a buffer to the end.
    pub(super) fn push(&mut self, buffer: Bytes) {
        self.bytes += buffer.len();
        if !buffer.is_empty() {
            self.buffers.push_back(buffer);
        }
    }

    /// Whether there is no byte in it.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether more would be of no use.
    pub(super) fn is_full(&self) -> bool {
        self.buffers.len() >= MOST_BUFFERS || self.bytes >= MOST_BYTES
    }
}

impl Buf for Batch {
    fn remaining(&self) -> usize {
        self.bytes
    }

    fn chunk(&self) -> &[u8] {
        self.buffers.front().map(Buf::chunk).unwrap_or_default()
    }

    fn advance(&mut self, mut count: usize) {
        self.bytes -= count;
        while let Some(first) = self.buffers.front_mut()
            && count > 0
        {
            let here = count.min(first.len());
            first.advance(here);
            count -= here;
            if first.is_empty() {
                self.buffers.pop_front();
            }
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pairs = slices.iter_mut().zip(&self.buffers);
        pairs
            .map(|(slice, buffer)| *slice = IoSlice::new(buffer))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(buffers: &[&'static str]) -> Batch {
        let mut batch = Batch::default();
        for buffer in buffers {
            batch.push(Bytes::from_static(buffer.as_bytes()));
        }
        batch
    }

    #[test]
    fn is_read_in_steps_of_any_length() {
        for step in 1..8 {
            let mut batch = batch(&["abc", "", "d", "ef", "g"]);
            let mut read = Vec::new();
            while batch.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 3];
                let filled = batch.chunks_vectored(&mut slices);
                let shown: Vec<u8> = slices[..filled]
                    .iter()
                    .flat_map(|slice| slice.to_vec())
                    .collect();
                assert!(shown.starts_with(batch.chunk()) && !batch.chunk().is_empty());
                let step = step.min(shown.len());
                read.extend_from_slice(&shown[..step]);
                batch.advance(step);
            }
            assert_eq!(read, b"abcdefg", "in steps of {step}");
            assert!(batch.is_empty() && batch.chunk().is_empty());
        }
    }

    #[test]
    fn is_full_by_number_or_by_length() {
        assert!(!batch(&["a"; MOST_BUFFERS - 1]).is_full());
        assert!(batch(&["a"; MOST_BUFFERS]).is_full());
        let mut long = batch(&["a"]);
        long.push(vec![0; MOST_BYTES].into());
        assert!(long.is_full());
    }
}
