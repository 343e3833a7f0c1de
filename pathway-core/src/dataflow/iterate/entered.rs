//! What has entered a loop, for durable pipelines.
//!
//! A loop is not saved but computed anew from its inputs, so these are its state. They are not kept
//! in memory beside the loop: what has entered since the last time is handed over, and it is the
//! store that adds it up.

use super::{Pair, Row};
use crate::dataflow::state::{Pending, Saved, State, StateSize};
use crate::persistence::records::{Id, Record};
use crate::stage::Diff;

/// The rows that have entered a loop at one place.
#[derive(Debug)]
pub(crate) struct Entered {
    changes: Pending,
    /// Those that had entered before the run, until they enter again.
    restored: Vec<(Pair, Diff)>,
}

impl Entered {
    pub(crate) fn new() -> Self {
        let mut changes = Pending::default();
        changes.begin();
        Self { changes, restored: Vec::new() }
    }

    /// Notes a row that enters.
    pub(super) fn note(&mut self, key: Option<&[u8]>, value: &[u8], diff: Diff) {
        self.changes.add(Id { key, place: value }, diff);
    }

    /// What had entered before the run.
    pub(super) fn take_restored(&mut self) -> Vec<(Pair, Diff)> {
        std::mem::take(&mut self.restored)
    }
}

impl State for Entered {
    fn size(&self) -> StateSize {
        StateSize { rows: 0, bytes: self.changes.bytes() }
    }

    fn save(&mut self, out: &mut Saved) {
        let changes = self.changes.begin().expect("changes are noted from the beginning");
        *out.part(&[], false) = changes;
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let Record { id, .. } = record;
        self.changes.add(id, record.copies());
        self.restored.push(((Row::of(id.key), Row::new(id.place)), record.copies()));
    }

    fn kept(&mut self) {
        self.changes.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;

    #[test]
    fn what_has_entered_enters_again() {
        let (mut entered, mut stored) = (Entered::new(), Stored::default());
        let row = |n: u8| (Row::of(Some(&[n])), Row::new(&[n, n]));
        for (n, diff) in [(1, 2), (2, 1), (1, -1)] {
            entered.note(Some(&[n]), &[n, n], diff);
        }
        entered.note(None, b"null", 1);
        stored.save(&mut entered);
        entered.note(Some(&[2]), &[2, 2], -1);
        entered.note(Some(&[3]), &[3, 3], 1);
        stored.save(&mut entered);
        let mut loaded = Entered::new();
        stored.load(&mut loaded);
        let mut restored = loaded.take_restored();
        differential_dataflow::consolidation::consolidate(&mut restored);
        let null = (Row::of(None), Row::new(b"null"));
        let mut expected = vec![(row(1), 1), (row(3), 1), (null, 1)];
        expected.sort();
        assert_eq!(restored, expected);
        assert!(loaded.take_restored().is_empty());
    }
}
