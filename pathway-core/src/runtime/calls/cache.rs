//! The results that are remembered, and the rows that wait for one.

use crate::dataflow::async_calls::Outcome;
use crate::stage::CallRow;
use std::collections::HashMap;

/// Results by row, at most so many, or one more where that is an odd number.
///
/// There are two generations of at most half as many. What is asked for moves to the young one;
/// once that is full it becomes the old one, and what was in the old one is forgotten.
pub(super) struct Cache {
    young: HashMap<CallRow, Outcome>,
    old: HashMap<CallRow, Outcome>,
    generation_max: usize,
}

impl Cache {
    /// A cache of that many results; none if that is zero.
    pub(super) fn new(entries: usize) -> Self {
        let (young, old) = (HashMap::new(), HashMap::new());
        Self { young, old, generation_max: entries.div_ceil(2) }
    }

    pub(super) fn is_on(&self) -> bool {
        self.generation_max > 0
    }

    pub(super) fn get(&mut self, row: &CallRow) -> Option<Outcome> {
        if let Some(outcome) = self.young.get(row) {
            return Some(outcome.clone());
        }
        let outcome = self.old.remove(row)?;
        self.put(CallRow::clone(row), outcome.clone());
        Some(outcome)
    }

    pub(super) fn put(&mut self, row: CallRow, outcome: Outcome) {
        if self.generation_max == 0 {
            return;
        }
        if self.young.len() >= self.generation_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(row, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u8) -> CallRow {
        CallRow::from([n])
    }

    #[test]
    fn results_are_bounded_and_those_in_use_stay() {
        let mut cache = Cache::new(8);
        for n in 0..100 {
            cache.put(row(n), Outcome::Row(vec![n]));
            assert_eq!(cache.get(&row(0)), Some(Outcome::Row(vec![0])));
            assert!(cache.young.len() + cache.old.len() <= 8);
        }
        assert_eq!(cache.get(&row(1)), None);
        assert_eq!(cache.get(&row(98)), Some(Outcome::Row(vec![98])));
        assert_eq!(Cache::new(0).get(&row(1)), None);
        assert!(!Cache::new(0).is_on());
    }
}
