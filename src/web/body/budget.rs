//! How many bytes all request bodies may hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::BodyError;

/// The bytes that are free, shared by all requests.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    limit: usize,
    free: Arc<AtomicUsize>,
}

/// A share of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Budget,
    held: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        let free = Arc::new(AtomicUsize::new(limit));
        Self { limit, free }
    }

    /// A share of no bytes, to grow.
    pub(super) fn reserve_nothing(&self) -> Reservation {
        let budget = self.clone();
        Reservation { budget, held: 0 }
    }
}

impl Reservation {
    /// Takes so many bytes more.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        let taken = self
            .budget
            .free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
                free.checked_sub(bytes)
            });
        if taken.is_err() {
            let limit = self.budget.limit;
            return Err(BodyError::TooManyInFlight { limit });
        }
        self.held += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_holds_another_cannot_have_until_it_is_dropped() {
        let budget = Budget::new(10);
        let mut first = budget.reserve_nothing();
        let mut second = budget.reserve_nothing();
        first.grow(4).unwrap();
        first.grow(4).unwrap();
        assert_eq!(
            second.grow(3).unwrap_err().to_string(),
            "request bodies in flight exceed 10 bytes (--limit.bodies-in-flight-bytes); try again later"
        );
        second.grow(2).unwrap();
        drop(first);
        second.grow(8).unwrap();
    }
}
