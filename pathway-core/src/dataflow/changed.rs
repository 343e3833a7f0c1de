//! Which records of a table have changed since they were saved last.

use super::key_table::KeyTable;
use super::state::Saved;
use crate::persistence::records::Id;
use std::collections::BTreeSet;

/// Two bits for each slot: whether it has changed since it was saved, and whether it was saved.
#[derive(Debug, Default)]
pub(super) struct Changed {
    bits: Vec<u64>,
    /// The keys of slots that were saved and are gone.
    gone: BTreeSet<Box<[u8]>>,
}

const CHANGED: u64 = 1;
const SAVED: u64 = 2;
/// So many slots share a word.
const SLOTS: usize = 32;

/// What has changed since the last time.
#[derive(Debug)]
pub(crate) struct ChangedSlots {
    /// These are all, rather than those that have changed.
    pub(crate) whole: bool,
    pub(crate) slots: Vec<u32>,
    /// The keys that were saved and are gone. They may have come back since.
    pub(crate) gone: BTreeSet<Box<[u8]>>,
}

impl ChangedSlots {
    /// Hands these over as a part: each key with what `write` says of its slot.
    pub(super) fn save(
        self,
        out: &mut Saved,
        name: &[u8],
        keys: &KeyTable,
        mut write: impl FnMut(u32, &mut Vec<u8>),
    ) {
        let records = out.part(name, self.whole);
        for key in &self.gone {
            records.gone(Id::of(key));
        }
        for slot in self.slots {
            let key = keys.key_at(slot);
            records.put(Id::of(keys.bytes(&key)), |out| write(slot, out));
        }
    }
}

impl Changed {
    /// Notes that nothing has changed since these were saved.
    pub(super) fn all_saved(slots: impl Iterator<Item = u32>) -> Self {
        let mut changed = Self::default();
        slots.for_each(|slot| *changed.word(slot) |= SAVED << shift(slot));
        changed
    }

    fn word(&mut self, slot: u32) -> &mut u64 {
        let at = slot as usize / SLOTS;
        if at >= self.bits.len() {
            self.bits.resize(at + 1, 0);
        }
        &mut self.bits[at]
    }

    pub(super) fn mark(&mut self, slot: u32) {
        *self.word(slot) |= CHANGED << shift(slot);
    }

    /// Forgets a slot. Answers whether its key was saved, and is to be noted as gone.
    pub(super) fn forget(&mut self, slot: u32) -> bool {
        let word = self.word(slot);
        let was_saved = *word & SAVED << shift(slot) != 0;
        *word &= !((CHANGED | SAVED) << shift(slot));
        was_saved
    }

    pub(super) fn note_gone(&mut self, key: &[u8]) {
        self.gone.insert(key.into());
    }

    pub(super) fn take(&mut self) -> ChangedSlots {
        let mut slots = Vec::new();
        for (at, word) in self.bits.iter_mut().enumerate() {
            // The lower bits of the pairs.
            let mut marks = *word & 0x5555_5555_5555_5555;
            *word = (*word & !marks) | marks << 1;
            while marks != 0 {
                let slot = at * SLOTS + marks.trailing_zeros() as usize / 2;
                slots.push(u32::try_from(slot).expect("slots are numbered so"));
                marks &= marks - 1;
            }
        }
        ChangedSlots { whole: false, slots, gone: std::mem::take(&mut self.gone) }
    }

    pub(super) fn memory(&self) -> usize {
        self.bits.capacity() * size_of::<u64>()
            + self.gone.iter().map(|key| key.len() + size_of::<Box<[u8]>>()).sum::<usize>()
    }
}

fn shift(slot: u32) -> u32 {
    slot % 32 * 2
}
