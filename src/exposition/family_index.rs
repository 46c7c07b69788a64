//! Which family of a body has some name.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Up to this many names are compared one by one; that is faster than to hash them.
const FEW: usize = 16;

/// Names by number, counted from zero in the order in which they were added. Hashed under a random key, so that no
/// body can make them collide.
#[derive(Debug)]
pub(super) struct FamilyIndex<N> {
    /// The names as long as they are few, then none.
    few: Vec<N>,
    many: HashMap<N, usize>,
}

impl<N: Eq + Hash> FamilyIndex<N> {
    pub(super) fn get<Q>(&self, name: &Q) -> Option<usize>
    where
        N: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if self.many.is_empty() {
            self.few.iter().position(|known| known.borrow() == name)
        } else {
            self.many.get(name).copied()
        }
    }

    /// Adds a name that there is not yet.
    pub(super) fn push(&mut self, name: N) {
        if self.many.is_empty() && self.few.len() < FEW {
            self.few.push(name);
            return;
        }
        let known = self.few.drain(..).chain([name]);
        let from = self.many.len();
        self.many.extend(known.zip(from..));
    }
}

impl<N> Default for FamilyIndex<N> {
    fn default() -> Self {
        Self {
            few: Vec::new(),
            many: HashMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_few_names_and_many() {
        let mut index = FamilyIndex::<String>::default();
        for number in 0..3 * FEW {
            let name = |number: usize| format!("m{number}");
            assert_eq!(index.get(name(number).as_str()), None);
            index.push(name(number));
            for known in 0..=number {
                assert_eq!(index.get(name(known).as_str()), Some(known));
            }
        }
    }
}
