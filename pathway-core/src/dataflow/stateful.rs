//! A user's function with a state for each key: history verbs, whose result depends on the order
//! of rows.
//!
//! The rows of an epoch are handed over when it closes, in the order of their source where they
//! have one and in the order of their bytes where they do not, so nothing depends on arrival.

use super::chunk::Chunk;
use super::key_table::KeyTable;
use super::operator::{Epoch, Logic};
use super::state::{Saved, State, StateSize};
use crate::persistence::records::Record;
use crate::stage::KeyedLogic;
use std::cell::RefCell;
use std::rc::Rc;

/// The keys, and the function with its states.
pub(crate) struct States {
    keys: KeyTable,
    logic: Box<dyn KeyedLogic>,
}

impl States {
    pub(crate) fn new(logic: Box<dyn KeyedLogic>) -> Self {
        Self { keys: KeyTable::new(0), logic }
    }

    fn row(&mut self, key: &[u8], row: &[u8]) {
        let found = self.keys.key(key);
        let slot = self.keys.find(found).unwrap_or_else(|| self.keys.insert(found));
        if self.logic.row(slot as usize, key, row) {
            self.keys.mark(slot);
        } else {
            self.keys.remove(slot);
        }
    }
}

impl State for States {
    fn size(&self) -> StateSize {
        StateSize { rows: self.keys.len(), bytes: self.keys.memory() + self.logic.memory() }
    }

    fn save(&mut self, out: &mut Saved) {
        let changed = self.keys.take_changed();
        changed.save(out, &[], &self.keys, |slot, out| self.logic.save(slot as usize, out));
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let slot = self.keys.insert(self.keys.key(record.key()));
        self.logic.load(slot as usize, &mut record.bytes());
    }

    fn kept(&mut self) {
        self.keys.all_saved();
    }
}

pub(crate) struct Stateful {
    pub(crate) states: Rc<RefCell<States>>,
    pub(crate) chunks: Vec<Chunk>,
}

impl Logic for Stateful {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut states = self.states.borrow_mut();
        in_order(&mut self.chunks, |key, row| states.row(key, row));
        self.chunks.clear();
        true
    }
}

/// Hands over the rows of an epoch with their keys: those without an order by their source in the
/// order of their bytes, then the others in the order of their source.
pub(super) fn in_order(chunks: &mut [Chunk], mut f: impl FnMut(&[u8], &[u8])) {
    chunks.sort_by_key(|chunk| chunk.origin);
    let unordered = chunks.partition_point(|chunk| chunk.origin.partition == 0);
    let (unordered, ordered) = chunks.split_at(unordered);
    let mut rows: Vec<(&[u8], &[u8])> = Vec::new();
    for (key, row, diff) in unordered.iter().flat_map(Chunk::iter) {
        rows.extend((0..diff).map(|_| (key.unwrap_or_default(), row)));
    }
    rows.sort_unstable();
    for (key, row) in rows {
        f(key, row);
    }
    for (key, row, diff) in ordered.iter().flat_map(Chunk::iter) {
        for _ in 0..diff {
            f(key.unwrap_or_default(), row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;
    use crate::stage::{AnyStep, Diff, Step, stateful};

    /// Emits the sum of each key so far, and forgets a key at zero.
    fn sums() -> (States, Rc<RefCell<Vec<(u8, i64)>>>) {
        struct Emitted(Rc<RefCell<Vec<(u8, i64)>>>);
        impl Step<(u8, i64)> for Emitted {
            fn push(&mut self, row: (u8, i64), _diff: Diff) {
                self.0.borrow_mut().push(row);
            }
            fn push_ref(&mut self, row: &(u8, i64), diff: Diff) {
                self.push(*row, diff);
            }
        }
        let emitted = Rc::new(RefCell::new(Vec::new()));
        let factory = stateful(
            |key: &u8, state: &mut Option<i64>, row: i64, emit: &mut dyn FnMut((u8, i64), Diff)| {
                let sum = state.unwrap_or(0) + row;
                *state = (sum != 0).then_some(sum);
                emit((*key, sum), 1);
            },
        );
        let next = AnyStep::new::<(u8, i64)>(Box::new(Emitted(Rc::clone(&emitted))));
        (States::new(factory(0, next)), emitted)
    }

    #[test]
    fn loaded_states_go_on_as_the_saved_ones() {
        let (mut states, emitted) = sums();
        let row = |states: &mut States, key: u8, n: i64| states.row(&[key], &n.to_le_bytes());
        row(&mut states, 1, 5);
        row(&mut states, 2, 7);
        row(&mut states, 1, -5);
        assert_eq!(emitted.take(), [(1, 5), (2, 7), (1, 0)]);
        assert_eq!(states.size().rows, 1);
        let mut stored = Stored::default();
        stored.save(&mut states);
        // What goes and what comes afterwards.
        row(&mut states, 2, -7);
        row(&mut states, 3, 4);
        row(&mut states, 1, 2);
        stored.save(&mut states);
        let (mut loaded, emitted) = sums();
        stored.load(&mut loaded);
        row(&mut loaded, 2, 1);
        row(&mut loaded, 1, 1);
        row(&mut loaded, 3, 1);
        assert_eq!(emitted.take(), [(2, 1), (1, 3), (3, 5)]);
    }
}
