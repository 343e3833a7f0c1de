//! Where the outputs of windows go: on at once, or early at intervals.

use super::{Moment, PANE_LEN};
use crate::dataflow::group_table::GroupOutput;
use crate::dataflow::state::Saved;
use crate::persistence::records::{Id, Record};
use crate::schema::{Schema, put_bytes, take_sized};
use crate::stage::{Diff, EncodedStep};
use std::collections::BTreeMap;

/// Where the outputs of windows go: bounds and key, the old outputs and the new ones.
pub(super) trait WindowOutput {
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>);
}

impl<O: WindowOutput + ?Sized> WindowOutput for &mut O {
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        (**self).emit(key, old, new);
    }
}

pub(super) struct ToRoot<'a>(pub(super) &'a mut dyn EncodedStep);

impl WindowOutput for ToRoot<'_> {
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        if let Some(old) = old {
            self.0.push(key, old, -1);
        }
        if let Some(new) = new {
            self.0.push(key, new, 1);
        }
    }
}

/// Puts the bounds of a window in front of the keys of its groups.
pub(super) struct InWindow<O> {
    output: O,
    key: Vec<u8>,
}

impl<O> InWindow<O> {
    pub(super) fn new((start, end): (i128, i128), output: O) -> Self {
        Self { output, key: [start.to_le_bytes(), end.to_le_bytes()].concat() }
    }
}

impl<O: WindowOutput> GroupOutput for InWindow<O> {
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        self.key.truncate(2 * PANE_LEN);
        self.key.extend_from_slice(key);
        self.output.emit(&self.key, old, new);
    }
}

/// When the window that stands in front of a key ends.
pub(super) fn end_of(key: &[u8]) -> i128 {
    i128::decode(&mut &key[PANE_LEN..])
}

/// Takes the outputs of groups back.
pub(super) struct Taken<O>(pub(super) O);

impl<O: GroupOutput> GroupOutput for Taken<O> {
    fn emit(&mut self, key: &[u8], _old: Option<&[u8]>, new: Option<&[u8]>) {
        self.0.emit(key, new, None);
    }
}

/// The parts of a state that say how far time has come, and which early results wait.
const OVER: &[u8] = b"over";
const EARLY: &[u8] = b"early";

/// Outputs that wait for an interval to be over, or for their window to be.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// By window and key, what has changed since the last interval: outputs, with how much more
    /// often they are there. Sessions of one key may have the same bounds.
    pending: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Diff>>,
    /// When it is due.
    due: Option<i64>,
}

impl WindowOutput for Early {
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        let pending = self.pending.entry(key.to_vec()).or_default();
        for (outputs, diff) in old.map(|old| (old, -1)).into_iter().chain(new.map(|new| (new, 1))) {
            let known = pending.entry(outputs.to_vec()).or_insert(0);
            *known += diff;
            if *known == 0 {
                pending.remove(outputs);
            }
        }
        if pending.is_empty() {
            self.pending.remove(key);
        }
    }
}

impl Early {
    /// When outputs are due.
    pub(super) fn due(&self) -> Option<i64> {
        self.due
    }

    /// The memory of what waits, in bytes.
    pub(super) fn memory(&self) -> usize {
        let each = self.pending.iter().map(|(key, pending)| {
            let outputs =
                pending.keys().map(|outputs| outputs.capacity() + size_of::<(Vec<u8>, Diff)>());
            key.capacity() + size_of::<Vec<u8>>() + outputs.sum::<usize>()
        });
        each.sum()
    }

    /// Ends an epoch whose outputs are here: emits all if it is time, otherwise those of the
    /// windows that are over, given their bounds and key.
    pub(super) fn close(
        &mut self,
        interval: i64,
        is_over: impl Fn(&[u8]) -> bool,
        at: &Moment,
        root: &mut dyn EncodedStep,
    ) {
        let is_due = at.ended || self.due.is_some_and(|due| due <= at.now);
        self.pending.retain(|key, pending| {
            if !is_due && !is_over(key) {
                return true;
            }
            let (gone, new): (Vec<_>, Vec<_>) = pending.iter().partition(|(_, diff)| **diff < 0);
            for (outputs, diff) in gone.into_iter().chain(new) {
                root.push(key, outputs, *diff);
            }
            false
        });
        let due = self.due.filter(|_| !is_due);
        let next = || due.unwrap_or(at.now.saturating_add(interval));
        self.due = (!self.pending.is_empty()).then(next);
    }

    /// Hands over how far time has come for a state, and what waits. Behind so many bytes of the names
    /// of `pending` stands the key that decides on whose worker they are; nothing if no key does.
    pub(super) fn save(&self, out: &mut Saved, times: &[i128], front: Option<usize>) {
        out.small(OVER, |out| {
            times.iter().for_each(|time| time.encode(out));
            self.due.encode(out);
        });
        let records = out.part(EARLY, true);
        let mut place = Vec::new();
        for (name, pending) in &self.pending {
            for (outputs, diff) in pending {
                place.clear();
                put_bytes(name, &mut place);
                place.extend_from_slice(outputs);
                let key = front.map(|front| &name[front..]);
                records.add(Id { key, place: &place }, *diff);
            }
        }
    }

    /// Takes a record back if it is of what [`save`](Self::save) hands over. Answers whether it is.
    /// Of several workers the furthest times count, and the first at which outputs are due.
    pub(super) fn load<const N: usize>(
        &mut self,
        part: &[u8],
        record: &Record<'_>,
        times: [&mut i128; N],
    ) -> bool {
        if part == OVER {
            let mut input = record.bytes();
            times.into_iter().for_each(|time| *time = i128::decode(&mut input).max(*time));
            let due = Option::<i64>::decode(&mut input);
            self.due = self.due.into_iter().chain(due).min();
        } else if part == EARLY {
            let mut outputs = record.id.place;
            let name = take_sized(&mut outputs);
            let pending = self.pending.entry(name.to_vec()).or_default();
            pending.insert(outputs.to_vec(), record.copies());
        }
        part == OVER || part == EARLY
    }
}
