//! Where the outputs of windows go: on at once, or early at intervals.

use super::{Moment, PANE_LEN};
use crate::dataflow::group_table::GroupOutput;
use crate::schema::{Schema, put_len, take_bytes, take_len};
use crate::stage::EncodedStep;
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

/// Outputs of a group that wait for the next interval.
#[derive(Debug, Default)]
struct Pending {
    /// What came out last.
    emitted: Option<Vec<u8>>,
    latest: Option<Vec<u8>>,
}

/// Outputs that wait for an interval to be over, or for their window to be.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// By window and key, what has changed since the last interval.
    pending: BTreeMap<Vec<u8>, Pending>,
    /// When it is due.
    due: Option<i64>,
}

impl WindowOutput for Early {
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        let latest = new.map(<[u8]>::to_vec);
        match self.pending.get_mut(key) {
            Some(pending) => pending.latest = latest,
            None => {
                let emitted = old.map(<[u8]>::to_vec);
                self.pending.insert(key.to_vec(), Pending { emitted, latest });
            }
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
        let capacity = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::capacity);
        let each = self.pending.iter().map(|(key, outputs)| {
            key.capacity() + capacity(&outputs.emitted) + capacity(&outputs.latest)
        });
        each.sum::<usize>() + self.pending.len() * size_of::<(Vec<u8>, Pending)>()
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
        self.pending.retain(|key, outputs| {
            if !is_due && !is_over(key) {
                return true;
            }
            if outputs.emitted != outputs.latest {
                ToRoot(root).emit(key, outputs.emitted.as_deref(), outputs.latest.as_deref());
            }
            false
        });
        let due = self.due.filter(|_| !is_due);
        let next = || due.unwrap_or(at.now.saturating_add(interval));
        self.due = (!self.pending.is_empty()).then(next);
    }

    pub(super) fn save(&self, out: &mut Vec<u8>) {
        self.due.encode(out);
        put_len(self.pending.len(), out);
        for (key, outputs) in &self.pending {
            for part in [&Some(key.clone()), &outputs.emitted, &outputs.latest] {
                out.push(u8::from(part.is_some()));
                let bytes = part.as_deref().unwrap_or_default();
                put_len(bytes.len(), out);
                out.extend_from_slice(bytes);
            }
        }
    }

    pub(super) fn load(&mut self, input: &mut &[u8]) {
        self.due = Option::decode(input);
        for _ in 0..take_len(input) {
            let mut part = || {
                let is_some = bool::decode(input);
                let len = take_len(input);
                Some(take_bytes(input, len).to_vec()).filter(|_| is_some)
            };
            let (key, emitted, latest) = (part(), part(), part());
            self.pending.insert(key.unwrap_or_default(), Pending { emitted, latest });
        }
    }
}
