//! Keys with a few words of state each: what groups, indexes and upserts have in common.
//!
//! All that is kept of a key stands in one record of 64-bit words, so that a visit costs one
//! cache miss behind the one of the index:
//!
//! ```text
//! [key, 2 words: inline or its place in the arena][hash, 32 bits | stamp, 32 bits][payload …]
//! ```
//!
//! The stamp is the owner's: it tells whether this epoch has touched the key, so that no pass over
//! the touched keys is needed to forget it.

use super::changed::{Changed, ChangedSlots};
use super::key_hash::{Key, KeyHash};
use super::slot_index::SlotIndex;
use super::small_bytes::{Arena, SmallBytes};
use std::collections::BTreeSet;

/// The most keys that are looked up together: enough to wait for memory together, few enough to
/// stay in the cache.
pub(crate) const BATCH: usize = 64;

/// Fewer keys are not worth the question whether most of them have changed.
const WHOLE_MIN: usize = if cfg!(test) { 8 } else { 1_000 };

const MARK: usize = 2;
const PAYLOAD: usize = 3;

/// Keys, each with that many words of payload.
pub(crate) struct KeyTable {
    hasher: KeyHash,
    by_key: SlotIndex,
    records: Vec<u64>,
    stride: usize,
    free: Vec<u32>,
    arena: Arena,
    /// What has changed, once it has been saved.
    changed: Option<Box<Changed>>,
}

/// The part of `records` that is one record, and the two halves of its mark.
fn record(records: &[u64], stride: usize, slot: u32) -> &[u64] {
    let start = slot as usize * stride;
    &records[start..start + stride]
}

#[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
fn hash_of(record: &[u64]) -> u32 {
    record[MARK] as u32
}

fn key_of(record: &[u64]) -> SmallBytes {
    SmallBytes::from_words(record[0], record[1])
}

impl KeyTable {
    pub(crate) fn new(payload: usize) -> Self {
        Self {
            hasher: KeyHash::default(),
            by_key: SlotIndex::default(),
            records: Vec::new(),
            stride: PAYLOAD + payload,
            free: Vec::new(),
            arena: Arena::default(),
            changed: None,
        }
    }

    /// Notes that a record has changed since it was saved.
    #[inline]
    pub(crate) fn mark(&mut self, slot: u32) {
        if let Some(changed) = &mut self.changed {
            changed.mark(slot);
        }
    }

    /// What has changed since the last time. The first time, and where that is most of it, it is
    /// everything: to write the rest as well takes less than to merge it with what was written. It is
    /// taken for saved.
    pub(crate) fn take_changed(&mut self) -> ChangedSlots {
        if let Some(changed) = &mut self.changed {
            let changed = changed.take();
            if changed.slots.len() * 2 < self.len() || self.len() < WHOLE_MIN {
                return changed;
            }
        }
        let slots = self.slots().collect();
        self.all_saved();
        ChangedSlots { whole: true, slots, gone: BTreeSet::new() }
    }

    /// Notes that everything has been saved as it is.
    pub(crate) fn all_saved(&mut self) {
        self.changed = Some(Box::new(Changed::all_saved(self.slots())));
    }

    /// A key as this table, and every other one, looks for it.
    #[inline(always)]
    pub(crate) fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        self.hasher.key(bytes)
    }

    pub(crate) fn hasher(&self) -> &KeyHash {
        &self.hasher
    }

    /// Something of a record, so that all of it is fetched: it may lie in two cache lines.
    #[inline]
    pub(crate) fn fetch(&self, slot: u32) -> u64 {
        let record = record(&self.records, self.stride, slot);
        record[0] ^ record[self.stride - 1]
    }

    /// The slot of a key.
    #[inline]
    pub(crate) fn find(&self, key: Key<'_>) -> Option<u32> {
        self.by_key.find(key.hash, |slot| {
            let record = record(&self.records, self.stride, slot);
            key_of(record).is(key.bytes, key.inline, &self.arena)
        })
    }

    /// Looks many keys up: waits for the memory of all their records together. There are at most
    /// [`BATCH`].
    pub(crate) fn find_all(&self, keys: &[Key<'_>], found: &mut [Option<u32>; BATCH]) {
        let fetched = keys.iter().fold(0, |all, key| all ^ self.by_key.fetch(key.hash));
        std::hint::black_box(fetched);
        for (key, found) in keys.iter().zip(&mut *found) {
            *found = self.by_key.candidate(key.hash);
        }
        let found_ones = found[..keys.len()].iter().flatten();
        std::hint::black_box(found_ones.fold(0, |all, &slot| all ^ self.fetch(slot)));
        for (&key, found) in keys.iter().zip(found) {
            if let Some(slot) = *found {
                let record = record(&self.records, self.stride, slot);
                if !key_of(record).is(key.bytes, key.inline, &self.arena) {
                    // Another key with the same hash.
                    *found = self.find(key);
                }
            }
        }
    }

    /// A new slot, with a payload of zeros, for a key that has none.
    pub(crate) fn insert(&mut self, key: Key<'_>) -> u32 {
        let small = key.inline.unwrap_or_else(|| SmallBytes::new(key.bytes, &mut self.arena));
        let slot = self.insert_record(small, key.hash);
        let (records, stride) = (&self.records, self.stride);
        self.by_key.insert(key.hash, slot, |slot| hash_of(record(records, stride, slot)));
        slot
    }

    /// A new slot that no key finds: its owner remembers it.
    pub(crate) fn insert_hidden(&mut self) -> u32 {
        self.insert_record(SmallBytes::ABSENT, 0)
    }

    fn insert_record(&mut self, key: SmallBytes, hash: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            let slots = self.records.len() / self.stride;
            self.records.resize(self.records.len() + self.stride, 0);
            u32::try_from(slots).expect("a worker's table holds under four billion keys")
        });
        let start = slot as usize * self.stride;
        let record = &mut self.records[start..start + self.stride];
        (record[0], record[1]) = key.words();
        record[MARK] = u64::from(hash);
        slot
    }

    /// Forgets a key and its payload.
    pub(crate) fn remove(&mut self, slot: u32) {
        let (records, stride) = (&self.records, self.stride);
        let of_slot = record(records, stride, slot);
        let (key, hash) = (key_of(of_slot), hash_of(of_slot));
        if let Some(changed) = &mut self.changed
            && changed.forget(slot)
            && !key.is_absent()
        {
            changed.note_gone(key.get(&self.arena));
        }
        if !key.is_absent() {
            self.by_key.remove(hash, slot, |slot| hash_of(record(records, stride, slot)));
        }
        let start = slot as usize * stride;
        let record = &mut self.records[start..start + stride];
        record.fill(0);
        (record[0], record[1]) = SmallBytes::ABSENT.words();
        self.arena.release(key);
        self.free.push(slot);
        if self.arena.is_wasteful() {
            self.rebuild_arena();
        }
    }

    fn rebuild_arena(&mut self) {
        let mut arena = Arena::default();
        for record in self.records.chunks_exact_mut(self.stride) {
            let key = key_of(record);
            if !key.is_absent() {
                (record[0], record[1]) = SmallBytes::new(key.get(&self.arena), &mut arena).words();
            }
        }
        self.arena = arena;
    }

    /// The key of a slot; [`bytes`](Self::bytes) reads it.
    pub(crate) fn key_at(&self, slot: u32) -> SmallBytes {
        key_of(record(&self.records, self.stride, slot))
    }

    pub(crate) fn hash_at(&self, slot: u32) -> u32 {
        hash_of(record(&self.records, self.stride, slot))
    }

    pub(crate) fn bytes<'a>(&'a self, key: &'a SmallBytes) -> &'a [u8] {
        key.get(&self.arena)
    }

    #[inline]
    pub(crate) fn payload(&self, slot: u32) -> &[u64] {
        &record(&self.records, self.stride, slot)[PAYLOAD..]
    }

    #[inline]
    pub(crate) fn payload_mut(&mut self, slot: u32) -> &mut [u64] {
        let start = slot as usize * self.stride;
        &mut self.records[start + PAYLOAD..start + self.stride]
    }

    /// The stamp that was set last; zero at first.
    #[inline]
    pub(crate) fn stamp(&self, slot: u32) -> u32 {
        (record(&self.records, self.stride, slot)[MARK] >> 32) as u32
    }

    #[inline]
    pub(crate) fn set_stamp(&mut self, slot: u32, stamp: u32) {
        let mark = &mut self.records[slot as usize * self.stride + MARK];
        *mark = (*mark & u64::from(u32::MAX)) | u64::from(stamp) << 32;
    }

    /// Sets all stamps to zero: their owner has run out of them.
    pub(crate) fn clear_stamps(&mut self) {
        for record in self.records.chunks_exact_mut(self.stride) {
            record[MARK] &= u64::from(u32::MAX);
        }
    }

    /// The number of keys, hidden ones included.
    pub(crate) fn len(&self) -> usize {
        self.slots_max() - self.free.len()
    }

    /// How many slots there are, used or free.
    pub(crate) fn slots_max(&self) -> usize {
        self.records.len() / self.stride
    }

    /// The slots that a key finds.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..)
            .zip(self.records.chunks_exact(self.stride))
            .filter(|(_, record)| !key_of(record).is_absent())
            .map(|(slot, _)| slot)
    }

    /// Forgets all keys, and keeps the memory that as many will need again.
    pub(crate) fn clear(&mut self) {
        self.changed = None;
        self.by_key.clear();
        self.records.clear();
        self.free.clear();
        self.arena = Arena::default();
    }

    /// The memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.arena.memory()
            + self.changed.as_ref().map_or(0, |changed| changed.memory())
            + self.by_key.memory()
            + self.records.capacity() * size_of::<u64>()
            + self.free.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_and_go() {
        let mut table = KeyTable::new(1);
        let names: Vec<Vec<u8>> = (0..200).map(|n| vec![b'k'; n % 40 + 1]).collect();
        for (at, name) in names.iter().enumerate().take(40) {
            assert_eq!(table.find(table.key(name)), None);
            let slot = table.insert(table.hasher.clone().key(name));
            table.payload_mut(slot)[0] = at as u64;
            table.set_stamp(slot, 7);
        }
        assert_eq!(table.len(), 40);
        for (at, name) in names.iter().enumerate().take(40) {
            let slot = table.find(table.key(name)).unwrap();
            assert_eq!(table.payload(slot), [at as u64]);
            assert_eq!(table.bytes(&table.key_at(slot)), name);
            assert_eq!(table.stamp(slot), 7);
        }
        table.clear_stamps();
        let slots: Vec<u32> = table.slots().collect();
        for slot in slots {
            assert_eq!(table.stamp(slot), 0);
            table.remove(slot);
        }
        assert_eq!(table.len(), 0);
        assert_eq!(table.find(table.key(&names[3])), None);
        // A slot that is used again is as new.
        let slot = table.insert(table.hasher.clone().key(&names[3]));
        assert_eq!(table.payload(slot), [0]);
        assert_eq!(table.slots_max(), 40);
    }

    #[test]
    fn long_keys_that_go_are_freed() {
        let mut table = KeyTable::new(0);
        let long = |n: u32| [&[b'k'; 5_000], &n.to_le_bytes()[..]].concat();
        let hasher = table.hasher.clone();
        let slots: Vec<u32> = (0..1_000).map(|n| table.insert(hasher.key(&long(n)))).collect();
        let full = table.memory();
        slots[..990].iter().for_each(|&slot| table.remove(slot));
        assert!(table.memory() < full / 4, "{} of {full}", table.memory());
        assert!(table.find(table.key(&long(995))).is_some());
    }
}
