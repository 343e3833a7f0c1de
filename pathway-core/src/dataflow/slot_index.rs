//! Which slot has which hash: the index of a table of keys.
//!
//! An open table with linear probing, at most half full. An entry is four bytes: the slot in its
//! low bits, as many as the table has entries for, and a part of its hash in the others. So a
//! lookup reads one cache line, and almost always tells other keys apart before it touches their
//! records. Lookups of a batch take turns, [`fetch`](SlotIndex::fetch) for all, then
//! [`candidate`](SlotIndex::candidate) for all, so that the processor waits for their memory
//! together.

/// Slots by hash.
#[derive(Debug, Default)]
pub(crate) struct SlotIndex {
    /// `[part of the hash | slot + 1]`, zero where there is none. As many as a power of two.
    entries: Vec<u32>,
    len: usize,
}

const ENTRIES_MIN: usize = 16;

impl SlotIndex {
    /// The bits of an entry that are its slot.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a table of 2^32 entries has no other bits"
    )]
    fn slot_bits(&self) -> u32 {
        (self.entries.len() - 1) as u32
    }

    /// Where the search for a hash begins.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "fewer entries than a word can count")]
    fn home(&self, hash: u32) -> usize {
        // The high bits of the product depend on all bits of the hash.
        let spread = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> (64 - self.entries.len().trailing_zeros())) as usize
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.entries.len() - 1)
    }

    /// The entry at which the search for a hash begins, so that it is fetched.
    #[inline]
    pub(crate) fn fetch(&self, hash: u32) -> u32 {
        if self.entries.is_empty() { 0 } else { self.entries[self.home(hash)] }
    }

    /// The slot of that hash for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let slot_bits = self.slot_bits();
        let mut at = self.home(hash);
        loop {
            let entry = self.entries[at];
            if entry == 0 {
                return None;
            }
            if (entry ^ hash) & !slot_bits == 0 {
                let slot = (entry & slot_bits) - 1;
                if is(slot) {
                    return Some(slot);
                }
            }
            at = self.next(at);
        }
    }

    /// The first slot that may have that hash; almost always it is the one that is looked for.
    #[inline]
    pub(crate) fn candidate(&self, hash: u32) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// Adds a slot that is not there yet. `hash_of` tells the hashes of those that are.
    pub(crate) fn insert(&mut self, hash: u32, slot: u32, hash_of: impl Fn(u32) -> u32) {
        // Half full: most searches end where they begin.
        while (self.len + 1) * 2 > self.entries.len() || slot as usize + 1 >= self.entries.len() {
            self.grow(&hash_of);
        }
        self.put(hash, slot);
        self.len += 1;
    }

    fn put(&mut self, hash: u32, slot: u32) {
        let mut at = self.home(hash);
        while self.entries[at] != 0 {
            at = self.next(at);
        }
        self.entries[at] = (hash & !self.slot_bits()) | (slot + 1);
    }

    fn grow(&mut self, hash_of: impl Fn(u32) -> u32) {
        let size = (self.entries.len() * 2).max(ENTRIES_MIN);
        let slot_bits = if self.entries.is_empty() { 0 } else { self.slot_bits() };
        let entries = std::mem::replace(&mut self.entries, vec![0; size]);
        for entry in entries.into_iter().filter(|&entry| entry != 0) {
            let slot = (entry & slot_bits) - 1;
            self.put(hash_of(slot), slot);
        }
    }

    /// Forgets a slot. `hash_of` tells the hashes of the others.
    pub(crate) fn remove(&mut self, hash: u32, slot: u32, hash_of: impl Fn(u32) -> u32) {
        if self.entries.is_empty() {
            return;
        }
        let slot_bits = self.slot_bits();
        let mut at = self.home(hash);
        while self.entries[at] & slot_bits != slot + 1 {
            if self.entries[at] == 0 {
                return;
            }
            at = self.next(at);
        }
        self.len -= 1;
        // Those behind move up, unless their own search begins behind the gap.
        let mut gap = at;
        let mask = self.entries.len() - 1;
        loop {
            at = self.next(at);
            let entry = self.entries[at];
            if entry == 0 {
                self.entries[gap] = 0;
                return;
            }
            let home = self.home(hash_of((entry & slot_bits) - 1));
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.entries[gap] = entry;
                gap = at;
            }
        }
    }

    /// Forgets all slots, and keeps the memory that as many will need again.
    pub(crate) fn clear(&mut self) {
        if self.len < self.entries.len() / 16 {
            // What one unusually large use has grown would be wiped at every one.
            self.entries = Vec::new();
        }
        self.entries.fill(0);
        self.len = 0;
    }

    /// The memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;
    use std::collections::BTreeMap;

    /// Few different hashes, so that runs are long and wrap around the end.
    fn check(hashes: u32, seed: u64) {
        let mut random = Random::new(seed);
        let mut index = SlotIndex::default();
        let mut model: BTreeMap<u32, u32> = BTreeMap::new();
        for _ in 0..2_000 {
            let slot = u32::try_from(random.below(300)).unwrap();
            let hash = u32::try_from(random.below(u64::from(hashes))).unwrap();
            let hash = hash.wrapping_mul(0x9e37_79b9);
            match model.remove(&slot) {
                Some(hash) => index.remove(hash, slot, |slot| model[&slot]),
                None => {
                    index.insert(hash, slot, |slot| model[&slot]);
                    model.insert(slot, hash);
                }
            }
            assert_eq!(index.len, model.len());
            for slot in 0..300 {
                let hash = model.get(&slot).copied();
                let found = index.find(hash.unwrap_or(slot), |other| other == slot);
                assert_eq!(found, hash.map(|_| slot));
            }
        }
    }

    #[test]
    fn slots_come_and_go() {
        for (seed, hashes) in (0..).zip([1, 3, 20, 1_000, u32::MAX]) {
            check(hashes, seed);
        }
    }

    #[test]
    fn an_index_that_was_cleared_is_empty() {
        let mut index = SlotIndex::default();
        assert_eq!(index.candidate(7), None);
        index.remove(7, 1, |slot| slot);
        (0..100).for_each(|slot| index.insert(slot, slot, |slot| slot));
        index.clear();
        assert_eq!(index.candidate(7), None);
        index.insert(7, 3, |slot| slot);
        assert_eq!(index.candidate(7), Some(3));
    }
}
