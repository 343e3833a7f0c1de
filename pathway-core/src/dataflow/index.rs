//! An index: the rows of a table by key, shared by all joins that ask for the same key.
//!
//! It has two versions: *sealed*, up to the epoch before, and *current*, with what this epoch has
//! brought so far. A join names the side it wants: with ΔL and ΔR the updates of the epoch,
//!
//! ```text
//! Δ(L ⋈ R)  =  L added ⋈ R current  −  L retracted ⋈ R sealed  +  L kept ⋈ ΔR
//! ```
//!
//! where the *kept* rows are the sealed ones without those that this epoch retracts. So no pair is
//! given that exists neither before the epoch nor after it: a user's closure sees none.
//!
//! Both versions are one structure. The rows of a key are a chain through a log, the latest in
//! front, so the rows of this epoch are the front part of the chain of a key that it has touched,
//! and sealing an epoch moves nothing. Retractions are rows of their own until then, when they
//! cancel what they retract.
//!
//! The rows of an epoch are also kept in the order of their arrival, with their keys, so that a
//! join reads them as they lie in memory, and looks their matches up in batches: the processor
//! waits for the memory of a batch together.

use super::key_hash::Key;
use super::key_table::{self, KeyTable};
use super::row_log::{NONE, Place, RowLog, halves, word};
use super::small_bytes::SmallBytes;
use super::state::{Pending, Saved, State, StateSize};
use crate::persistence::records::{Id, Record};
use crate::stage::Diff;
use hashbrown::{HashMap, HashTable};
use std::collections::BTreeMap;

/// Longer chains are searched by hash.
const SCANNED_MAX: usize = 24;
/// Rows that are looked up together.
const BATCH_ROWS: usize = key_table::BATCH;

/// Payload: where the chain begins, now and as of the last epoch.
const HEADS: usize = 0;
/// Payload: the sum of the diffs of the chain's rows.
const COUNT: usize = 1;

/// A row of this epoch.
struct Fresh {
    /// The key if it is short; nothing otherwise.
    key: SmallBytes,
    hash: u32,
    slot: u32,
    place: Place,
}

/// The row has not been linked to its key yet.
const UNSETTLED: u32 = u32::MAX;

/// Rows by key.
pub(crate) struct Index {
    keys: KeyTable,
    log: RowLog,
    /// The rows of long chains by their hash, once a retraction has asked for one.
    lookups: HashMap<u32, HashTable<Place>, foldhash::fast::RandomState>,
    /// The stamp of the keys that this epoch has touched.
    stamp: u32,
    fresh: Vec<Fresh>,
    /// How many rows at the end of `fresh` are not linked yet.
    unsettled: usize,
    touched: Vec<u32>,
    /// The keys of this epoch's retractions.
    retracted: Vec<u32>,
    /// The slot of the rows whose key is null, which matches nothing.
    null: Option<u32>,
    /// For each join that reads this index, whether it has read what this epoch has brought.
    read: Vec<bool>,
    /// How many of them may still ask for rows of the past.
    keepers: usize,
    /// Whether nothing will be added or taken away any more.
    ended: bool,
    /// What has changed of rows that were saved. Rows that were not tell so themselves.
    pending: Pending,
}

/// Which rows of an index a join wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Those up to the epoch before.
    Sealed,
    /// Those with this epoch's.
    Current,
    /// Those up to the epoch before that this one does not retract.
    Kept,
}

impl Version {
    /// What a row meets that is added or taken away.
    pub(crate) fn of(diff: Diff) -> Self {
        if diff > 0 { Self::Current } else { Self::Sealed }
    }
}

/// A key that this epoch has touched.
#[derive(Clone, Copy)]
pub(crate) struct TouchedKey<'a> {
    index: &'a Index,
    slot: u32,
}

impl<'a> TouchedKey<'a> {
    pub(crate) fn is_null(self) -> bool {
        self.index.null == Some(self.slot)
    }

    /// The number of rows, counted with their diffs.
    pub(crate) fn current_count(self) -> Diff {
        self.index.keys.payload(self.slot)[COUNT].cast_signed()
    }

    /// The number of rows as of the epoch before.
    pub(crate) fn sealed_count(self) -> Diff {
        let (head, sealed) = halves(self.index.keys.payload(self.slot)[HEADS]);
        let fresh: Diff = self.index.log.chain(head, sealed).map(|(_, diff)| diff).sum();
        self.current_count() - fresh
    }

    /// The rows of the same key in another index; none of a null key.
    pub(crate) fn matches_in(self, other: &'a Index) -> Matches<'a> {
        let slot = if self.is_null() {
            None
        } else {
            let key = self.index.keys.key_at(self.slot);
            let hash = self.index.keys.hash_at(self.slot);
            other.keys.find(self.index.as_key(&key, hash))
        };
        Matches { index: other, slot }
    }
}

/// The rows of a key that was looked up.
#[derive(Clone, Copy)]
pub(crate) struct Matches<'a> {
    index: &'a Index,
    slot: Option<u32>,
}

impl<'a> Matches<'a> {
    /// Calls `f` with each row and its diff.
    #[inline]
    pub(crate) fn for_each(self, version: Version, mut f: impl FnMut(&'a [u8], Diff)) {
        let Some(slot) = self.slot else { return };
        let Index { keys, log, stamp, .. } = self.index;
        let (head, sealed) = halves(keys.payload(slot)[HEADS]);
        let fresh_end = if keys.stamp(slot) == *stamp { sealed } else { head };
        let all = log.chain(if version == Version::Current { head } else { fresh_end }, NONE);
        let is_retracted = || log.chain(head, fresh_end).any(|(_, diff)| diff < 0);
        if version == Version::Sealed || !is_retracted() {
            all.for_each(|(row, diff)| f(row, diff));
            return;
        }
        // What is retracted must not be met.
        let mut sums: BTreeMap<&[u8], Diff> = BTreeMap::new();
        all.for_each(|(row, diff)| *sums.entry(row).or_insert(0) += diff);
        if version == Version::Kept {
            let retracted = log.chain(head, fresh_end).filter(|(_, diff)| *diff < 0);
            retracted.for_each(|(row, diff)| *sums.entry(row).or_insert(0) += diff);
        }
        sums.into_iter().filter(|(_, diff)| *diff != 0).for_each(|(row, diff)| f(row, diff));
    }

    /// The number of rows, counted with their diffs: those of now, or as of the epoch before.
    pub(crate) fn count(self, version: Version) -> Diff {
        let index = self.index;
        self.slot.map_or(0, |slot| {
            let key = TouchedKey { index, slot };
            let touched = index.keys.stamp(slot) == index.stamp;
            if touched && version == Version::Sealed {
                key.sealed_count()
            } else {
                key.current_count()
            }
        })
    }

    /// Where the chain begins.
    fn head(self) -> Place {
        self.slot.map_or(NONE, |slot| halves(self.index.keys.payload(slot)[HEADS]).0)
    }
}

impl Index {
    pub(crate) fn new() -> Self {
        Self {
            keys: KeyTable::new(2),
            log: RowLog::default(),
            lookups: HashMap::default(),
            stamp: 1,
            fresh: Vec::new(),
            unsettled: 0,
            touched: Vec::new(),
            retracted: Vec::new(),
            null: None,
            read: Vec::new(),
            keepers: 0,
            ended: false,
            pending: Pending::default(),
        }
    }

    /// Registers a join that will call [`release`](Self::release) with this number after it has
    /// read what an epoch has brought. `keeps` tells whether it needs rows of earlier epochs.
    pub(crate) fn add_reader(&mut self, keeps: bool) -> usize {
        self.read.push(false);
        self.keepers += usize::from(keeps);
        self.read.len() - 1
    }

    /// Whether one join alone reads this index.
    pub(crate) fn has_one_reader(&self) -> bool {
        self.read.len() == 1
    }

    /// Notes that nothing will be added or taken away any more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Notes that one join will ask for no row of the past any more, because the rows that they
    /// would meet have ended. Once no join does, nothing is kept from epoch to epoch.
    pub(crate) fn stop_keeping(&mut self) {
        self.keepers -= 1;
        if self.keepers == 0 && self.fresh.is_empty() {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.keys = KeyTable::new(2);
        self.log = RowLog::default();
        self.lookups = HashMap::default();
        self.null = None;
        // What is there from now on is handed over as a whole.
        self.pending = Pending::default();
    }

    /// How many rows this epoch has brought so far.
    pub(crate) fn fresh_len(&self) -> usize {
        self.fresh.len()
    }

    /// The rows that this epoch has brought, in the order of their arrival.
    pub(crate) fn fresh_rows(&self) -> impl Iterator<Item = (&[u8], Diff)> {
        self.fresh.iter().map(|row| {
            let (bytes, diff, _) = self.log.read(row.place);
            (bytes, diff)
        })
    }

    /// Two rows of one key, if this epoch has left some key with more than one. The least two, so
    /// that the choice depends on no order.
    pub(crate) fn twins(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.settle();
        let keys = self.touched().filter(|key| !key.is_null() && key.current_count() > 1);
        keys.filter_map(|key| {
            let mut sums: BTreeMap<&[u8], Diff> = BTreeMap::new();
            let (head, _) = halves(self.keys.payload(key.slot)[HEADS]);
            for (row, diff) in self.log.chain(head, NONE) {
                *sums.entry(row).or_insert(0) += diff;
            }
            let copies = |(row, sum)| std::iter::repeat_n(row, if sum > 1 { 2 } else { sum });
            let mut rows = sums
                .into_iter()
                .map(|(row, sum)| (row, usize::try_from(sum).unwrap_or(0)))
                .flat_map(copies);
            Some((rows.next()?.to_vec(), rows.next()?.to_vec()))
        })
        .min()
    }

    /// Adds an update of this epoch.
    pub(crate) fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        let place = self.log.push(row, diff);
        let Some(key) = key else {
            self.settle();
            let slot = self.null.unwrap_or_else(|| self.insert_null());
            self.fresh.push(Fresh { key: SmallBytes::ABSENT, hash: 0, slot, place });
            self.link(slot, place);
            return;
        };
        let key = self.keys.key(key);
        if let Some(inline) = key.inline {
            self.fresh.push(Fresh { key: inline, hash: key.hash, slot: UNSETTLED, place });
            self.unsettled += 1;
            if self.unsettled == BATCH_ROWS {
                self.settle();
            }
            return;
        }
        self.settle();
        let slot = self.slot(key);
        self.fresh.push(Fresh { key: SmallBytes::ABSENT, hash: key.hash, slot, place });
        self.link(slot, place);
    }

    fn insert_null(&mut self) -> u32 {
        let slot = self.keys.insert_hidden();
        self.keys.payload_mut(slot)[HEADS] = word(NONE, NONE);
        self.null = Some(slot);
        slot
    }

    fn slot(&mut self, key: Key<'_>) -> u32 {
        self.keys.find(key).unwrap_or_else(|| {
            let slot = self.keys.insert(key);
            self.keys.payload_mut(slot)[HEADS] = word(NONE, NONE);
            slot
        })
    }

    /// Links the rows that wait to their keys. Joins call it before they read.
    pub(crate) fn settle(&mut self) {
        let end = self.fresh.len();
        let first = end - self.unsettled;
        if first == end {
            return;
        }
        let mut keys = [Key::EMPTY; BATCH_ROWS];
        for (row, key) in self.fresh[first..].iter().zip(&mut keys) {
            *key = inline_key(&row.key, row.hash);
        }
        let mut found = [None; BATCH_ROWS];
        self.keys.find_all(&keys[..end - first], &mut found);
        for (at, found) in (first..end).zip(found) {
            let Fresh { key, hash, place, .. } = self.fresh[at];
            let slot = found.unwrap_or_else(|| self.slot(inline_key(&key, hash)));
            self.fresh[at].slot = slot;
            self.link(slot, place);
        }
        self.unsettled = 0;
    }

    /// Puts a row of this epoch in front of its key's.
    fn link(&mut self, slot: u32, place: Place) {
        let first = self.keys.stamp(slot) != self.stamp;
        let diff = self.log.diff(place);
        let payload = self.keys.payload_mut(slot);
        payload[COUNT] = payload[COUNT].wrapping_add_signed(diff);
        let (head, sealed) = halves(payload[HEADS]);
        payload[HEADS] = word(place, if first { head } else { sealed });
        self.log.link(place, head);
        if first {
            self.keys.set_stamp(slot, self.stamp);
            self.keys.mark(slot);
            self.touched.push(slot);
        }
        if diff < 0 {
            self.retracted.push(slot);
        }
        if !self.lookups.is_empty() && self.lookups.contains_key(&slot) {
            self.log.link_back(head, place);
        }
    }

    fn as_key<'a>(&'a self, key: &'a SmallBytes, hash: u32) -> Key<'a> {
        let bytes = self.keys.bytes(key);
        Key { bytes, inline: SmallBytes::inline(bytes), hash }
    }

    /// The keys that this epoch has touched.
    pub(crate) fn touched(&self) -> impl Iterator<Item = TouchedKey<'_>> {
        self.touched.iter().map(|&slot| TouchedKey { index: self, slot })
    }

    /// The rows of a key.
    pub(crate) fn matches(&self, key: &[u8]) -> Matches<'_> {
        Matches { index: self, slot: self.keys.find(self.keys.key(key)) }
    }

    /// Looks up the rows of this epoch in another index: gives each with its matches there.
    pub(crate) fn probe<'a>(
        &'a self,
        other: &'a Self,
        mut f: impl FnMut(&'a [u8], Diff, Matches<'a>),
    ) {
        let mut matches = [Matches { index: other, slot: None }; BATCH_ROWS];
        for batch in self.fresh.chunks(BATCH_ROWS) {
            self.find_batch(other, batch, &mut matches);
            let matches = &matches[..batch.len()];
            other.log.fetch_chains(matches.iter().map(|matches| matches.head()));
            for (row, &matches) in batch.iter().zip(matches) {
                let (bytes, diff, _) = self.log.read(row.place);
                f(bytes, diff, matches);
            }
        }
    }

    fn find_batch(&self, other: &Self, batch: &[Fresh], matches: &mut [Matches<'_>; BATCH_ROWS]) {
        let mut found = [None; BATCH_ROWS];
        if batch.iter().all(|row| !row.key.is_absent()) {
            let mut keys = [Key::EMPTY; BATCH_ROWS];
            for (row, key) in batch.iter().zip(&mut keys) {
                *key = inline_key(&row.key, row.hash);
            }
            other.keys.find_all(&keys[..batch.len()], &mut found);
        } else {
            for (row, found) in batch.iter().zip(&mut found) {
                *found = self.find_in(other, row);
            }
        }
        for (slot, matches) in found.into_iter().zip(matches) {
            matches.slot = slot;
        }
    }

    fn find_in(&self, other: &Self, row: &Fresh) -> Option<u32> {
        if !row.key.is_absent() {
            return other.keys.find(inline_key(&row.key, row.hash));
        }
        if self.null == Some(row.slot) {
            return None;
        }
        let key = self.keys.key_at(row.slot);
        other.keys.find(self.as_key(&key, row.hash))
    }

    /// Notes that a join has read what this epoch has brought; the last one seals it.
    pub(crate) fn release(&mut self, reader: usize) {
        if self.fresh.is_empty() {
            return;
        }
        self.settle();
        self.read[reader] = true;
        if self.read.iter().all(|&read| read) {
            self.read.fill(false);
            self.seal();
        }
    }

    /// Makes this epoch's rows part of the sealed version.
    fn seal(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        let mut retracted = std::mem::take(&mut self.retracted);
        let is_kept = self.keepers > 0 || self.read.is_empty();
        if !is_kept {
            self.clear();
            retracted.clear();
        }
        if !self.lookups.is_empty() {
            // Rows that are found by hash have no twins.
            retracted.extend(touched.iter().filter(|&&slot| self.lookups.contains_key(&slot)));
        }
        retracted.sort_unstable();
        retracted.dedup();
        for &slot in &retracted {
            self.cancel(slot);
        }
        self.touched = touched;
        self.retracted = retracted;
        self.touched.clear();
        self.retracted.clear();
        self.fresh.clear();
        self.touched.shrink_to(FRESH_KEPT);
        self.retracted.shrink_to(FRESH_KEPT);
        self.fresh.shrink_to(FRESH_KEPT);
        self.stamp = self.stamp.checked_add(1).unwrap_or_else(|| {
            self.keys.clear_stamps();
            1
        });
        if self.log.is_wasteful() || self.log.is_scattered() {
            self.rewrite_log();
        }
    }

    /// Lets the rows of this epoch cancel or add to equal ones.
    fn cancel(&mut self, slot: u32) {
        let (head, sealed) = halves(self.keys.payload(slot)[HEADS]);
        let head = match self.lookups.remove(&slot) {
            Some(mut lookup) => {
                let head = self.merge_fresh(slot, &mut lookup, head, sealed);
                if lookup.len() > SCANNED_MAX / 2 {
                    self.lookups.insert(slot, lookup);
                }
                head
            }
            None => self.merge_all(slot, head),
        };
        if head != NONE {
            self.keys.payload_mut(slot)[HEADS] = word(head, head);
            return;
        }
        self.keys.remove(slot);
        if self.null == Some(slot) {
            self.null = None;
        }
    }

    fn row_hash(log: &RowLog, keys: &KeyTable, place: Place) -> u64 {
        keys.hasher().hash_bytes(log.row(place))
    }

    /// Merges the front of a chain whose other rows are found by hash.
    fn merge_fresh(
        &mut self,
        slot: u32,
        lookup: &mut HashTable<Place>,
        head: Place,
        sealed: Place,
    ) -> Place {
        let (mut head, mut changed) = (head, Vec::new());
        let Self { log, keys, pending, null, .. } = self;
        let keys = &*keys;
        let key = keys.key_at(slot);
        let key = (*null != Some(slot)).then(|| keys.bytes(&key));
        let mut at = head;
        while at != sealed {
            let place = at;
            at = log.next(place);
            let hash = Self::row_hash(log, keys, place);
            let twin = lookup.find(hash, |&other| log.row(other) == log.row(place)).copied();
            if let Some(twin) = twin {
                merge_twins(log, pending, key, twin, place);
                head = log.unlink(head, place);
                changed.push(twin);
            } else {
                lookup.insert_unique(hash, place, |&place| Self::row_hash(log, keys, place));
            }
        }
        // What has come to nothing goes last: another row may still add to it.
        changed.sort_unstable();
        changed.dedup();
        let gone = changed.into_iter().filter(|&place| log.diff(place) == 0);
        let gone: Vec<Place> = gone.collect();
        for place in gone {
            let hash = Self::row_hash(log, keys, place);
            if let Ok(found) = lookup.find_entry(hash, |&other| other == place) {
                found.remove();
            }
            head = log.unlink(head, place);
        }
        head
    }

    /// Merges all rows of a chain, and makes them found by hash if they are many.
    fn merge_all(&mut self, slot: u32, head: Place) -> Place {
        let mut kept: Vec<Place> = Vec::new();
        let places = self.log.places(head).collect::<Vec<Place>>();
        let Self { log, keys, pending, null, .. } = self;
        let keys = &*keys;
        let key = keys.key_at(slot);
        let key = (*null != Some(slot)).then(|| keys.bytes(&key));
        if places.len() <= SCANNED_MAX {
            for &place in &places {
                match kept.iter().find(|&&other| log.row(other) == log.row(place)) {
                    None => kept.push(place),
                    Some(&twin) => {
                        merge_twins(log, pending, key, twin, place);
                        log.forget(place);
                    }
                }
            }
        } else {
            let mut lookup: HashTable<Place> = HashTable::with_capacity(places.len());
            for &place in &places {
                let hash = Self::row_hash(log, keys, place);
                let twin = lookup.find(hash, |&other| log.row(other) == log.row(place)).copied();
                if let Some(twin) = twin {
                    merge_twins(log, pending, key, twin, place);
                    log.forget(place);
                } else {
                    lookup.insert_unique(hash, place, |&place| Self::row_hash(log, keys, place));
                    kept.push(place);
                }
            }
            lookup.retain(|&mut place| log.diff(place) != 0);
            if lookup.len() > SCANNED_MAX / 2 {
                self.lookups.insert(slot, lookup);
            }
        }
        kept.retain(|&place| {
            let kept = log.diff(place) != 0;
            if !kept {
                log.forget(place);
            }
            kept
        });
        for (at, &place) in kept.iter().enumerate() {
            log.link(place, kept.get(at + 1).copied().unwrap_or(NONE));
            log.link_back(place, if at == 0 { NONE } else { kept[at - 1] });
        }
        kept.first().copied().unwrap_or(NONE)
    }

    /// Copies the rows into a new log, those of a key next to each other.
    fn rewrite_log(&mut self) {
        let old = std::mem::take(&mut self.log);
        self.lookups.clear();
        let slots: Vec<u32> = self.keys.slots().chain(self.null).collect();
        for slots in slots.chunks(BATCH_ROWS) {
            let head = |slot| halves(self.keys.payload(slot)[HEADS]).0;
            let heads: Vec<Place> = slots.iter().map(|&slot| head(slot)).collect();
            old.fetch_chains(heads.iter().copied());
            for (&slot, head) in slots.iter().zip(heads) {
                let first = self.log.copy_chain(&old, head, |_, _| {});
                self.keys.payload_mut(slot)[HEADS] = word(first, first);
            }
        }
    }
}

/// Adds the copies of a row to those of an equal one, which stays. Where either was saved, what is
/// there is noted as saved, with what the other brings as a change to it.
fn merge_twins(
    log: &mut RowLog,
    pending: &mut Pending,
    key: Option<&[u8]>,
    twin: Place,
    other: Place,
) {
    if pending.is_on() {
        let saved = [twin, other].map(|place| log.is_marked(place));
        if saved != [false, false] {
            for (place, saved) in [twin, other].into_iter().zip(saved) {
                if !saved {
                    pending.add(Id { key, place: log.row(place) }, log.diff(place));
                }
            }
            log.mark(twin);
        }
    }
    log.set_diff(twin, log.diff(twin) + log.diff(other));
}

/// Buffers for that many rows are kept from epoch to epoch.
const FRESH_KEPT: usize = 1 << 16;

fn inline_key(key: &SmallBytes, hash: u32) -> Key<'_> {
    Key { bytes: key.inline_bytes(), inline: Some(*key), hash }
}

impl State for Index {
    fn size(&self) -> StateSize {
        let lookups = self.lookups.values().map(HashTable::allocation_size).sum::<usize>();
        let bytes = self.keys.memory() + self.log.memory() + lookups;
        StateSize { rows: self.log.len(), bytes }
    }

    fn save(&mut self, out: &mut Saved) {
        let pending = self.pending.begin();
        let records = out.part(&[], pending.is_none());
        if let Some(pending) = pending {
            *records = pending;
        }
        let changed = self.keys.take_changed();
        let null = self.null.filter(|_| changed.whole);
        for slot in changed.slots.into_iter().chain(null) {
            let key = self.keys.key_at(slot);
            let key = (self.null != Some(slot)).then(|| self.keys.bytes(&key));
            let mut place = halves(self.keys.payload(slot)[HEADS]).0;
            while place != NONE {
                let (row, diff, next) = self.log.read(place);
                if !self.log.is_marked(place) {
                    records.add(Id { key, place: row }, diff);
                    self.log.mark(place);
                }
                place = next;
            }
        }
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        self.update(record.id.key, record.id.place, record.copies());
        if self.fresh.len() >= FRESH_KEPT {
            self.settle();
            self.seal();
        }
    }

    fn loaded(&mut self) {
        self.settle();
        self.seal();
    }

    fn kept(&mut self) {
        let slots: Vec<u32> = self.keys.slots().chain(self.null).collect();
        for slot in slots {
            let mut place = halves(self.keys.payload(slot)[HEADS]).0;
            while place != NONE {
                self.log.mark(place);
                place = self.log.next(place);
            }
        }
        self.keys.all_saved();
        self.pending.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;
    use crate::testing::Random;

    type Model = BTreeMap<Option<Vec<u8>>, BTreeMap<Vec<u8>, i64>>;

    type Sums = BTreeMap<Vec<u8>, i64>;

    fn sums(matches: Matches<'_>, version: Version) -> Sums {
        let mut sums = Sums::new();
        matches.for_each(version, |row, diff| *sums.entry(row.to_vec()).or_insert(0) += diff);
        sums.retain(|_, diff| *diff != 0);
        sums
    }

    fn rows(index: &Index, key: &[u8], version: Version) -> Sums {
        sums(Matches { index, slot: index.keys.find(index.keys.key(key)) }, version)
    }

    fn rows_of(model: &Model, key: &[u8]) -> BTreeMap<Vec<u8>, i64> {
        model.get(&Some(key.to_vec())).cloned().unwrap_or_default()
    }

    fn add(model: &mut Model, key: Option<&[u8]>, row: &[u8], diff: i64) {
        let key = key.map(<[u8]>::to_vec);
        let rows = model.entry(key.clone()).or_default();
        *rows.entry(row.to_vec()).or_insert(0) += diff;
        rows.retain(|_, diff| *diff != 0);
        if rows.is_empty() {
            model.remove(&key);
        }
    }

    fn product(sum: i64, left: &[u8], left_diff: i64, right: &[u8], right_diff: i64) -> i64 {
        let hash = |bytes| crate::schema::stable_hash(bytes).cast_signed();
        let pair = hash(left).wrapping_mul(hash(right));
        sum.wrapping_add(pair.wrapping_mul(left_diff * right_diff))
    }

    fn bytes(random: &mut Random, distinct: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![b'x'; len];
        bytes.extend_from_slice(&random.below(distinct).to_le_bytes()[..2]);
        bytes
    }

    fn all_rows(index: &Index) -> Model {
        let mut model = Model::new();
        for slot in index.keys.slots().chain(index.null) {
            let key = index.keys.key_at(slot);
            let key = (index.null != Some(slot)).then(|| index.keys.bytes(&key));
            let (head, _) = halves(index.keys.payload(slot)[HEADS]);
            index.log.chain(head, NONE).for_each(|(row, diff)| add(&mut model, key, row, diff));
        }
        model
    }

    /// What was handed over, all of it and then what has changed, is what is there; also with many
    /// equal rows, rows that are found by hash, and logs that are copied.
    #[test]
    fn a_loaded_index_has_the_rows_of_the_saved_one() {
        for seed in 0..60 {
            let mut random = Random::new(seed);
            let (mut index, mut stored) = (Index::new(), Stored::default());
            let mut there: Vec<(Option<Vec<u8>>, Vec<u8>)> = Vec::new();
            let (keys, distinct) = *random.pick(&[(3, 400), (40, 5), (1, 30)]);
            for epoch in 0..20 {
                for _ in 0..random.below(80) {
                    if random.one_in(2) && !there.is_empty() {
                        let (key, row) = there.swap_remove(random.index(there.len()));
                        index.update(key.as_deref(), &row, -1);
                    } else {
                        let len = *random.pick(&[1, 30]);
                        let key = (!random.one_in(9)).then(|| bytes(&mut random, keys, len));
                        let row = bytes(&mut random, distinct, 4);
                        index.update(key.as_deref(), &row, 1);
                        there.push((key, row));
                    }
                }
                index.settle();
                index.seal();
                if random.one_in(5) {
                    index.rewrite_log();
                }
                if random.one_in(2) {
                    stored.save(&mut index);
                    let mut loaded = Index::new();
                    stored.load(&mut loaded);
                    let mut expected = Model::new();
                    for (key, row) in &there {
                        add(&mut expected, key.as_deref(), row, 1);
                    }
                    assert_eq!(all_rows(&loaded), expected, "seed {seed}, epoch {epoch}");
                    if random.one_in(2) {
                        index = loaded;
                    }
                }
            }
            // What has not changed is not handed over again.
            stored.save(&mut index);
            stored.save(&mut index);
            assert_eq!(stored.last_len(), 0, "seed {seed}");
        }
    }

    /// Random epochs, with that many distinct rows of one length, then everything is taken away.
    fn check(seed: u64, keys: u64, distinct: u64, row_len: usize, per_epoch: u64) {
        let mut random = Random::new(seed);
        let mut index = Index::new();
        let readers = [index.add_reader(true), index.add_reader(true)];
        let mut model = Model::new();
        for epoch in 0..40 {
            let before = model.clone();
            let mut updates: Vec<(Option<Vec<u8>>, Vec<u8>, i64)> = Vec::new();
            if epoch == 39 {
                for (key, rows) in &model {
                    let all = rows.iter().map(|(row, diff)| (key.clone(), row.clone(), -diff));
                    updates.extend(all);
                }
            } else {
                for _ in 0..random.below(per_epoch) {
                    let key_len = *random.pick(&[0, 13, 20]);
                    let key = bytes(&mut random, keys, key_len);
                    let key = if random.one_in(8) { None } else { Some(key) };
                    let row = bytes(&mut random, distinct, row_len);
                    let there = model.get(&key).and_then(|rows| rows.get(&row)).copied();
                    let diff = match there {
                        Some(there) if random.one_in(2) => -there,
                        _ => 1 + i64::from(random.one_in(5)),
                    };
                    add(&mut model, key.as_deref(), &row, diff);
                    updates.push((key, row, diff));
                }
                model.clone_from(&before);
            }
            for (key, row, diff) in &updates {
                index.update(key.as_deref(), row, *diff);
                add(&mut model, key.as_deref(), row, *diff);
            }
            index.settle();
            let all = before.keys().chain(model.keys()).flatten();
            for key in all {
                assert_eq!(rows(&index, key, Version::Sealed), rows_of(&before, key));
                assert_eq!(rows(&index, key, Version::Current), rows_of(&model, key));
            }
            for touched in index.touched() {
                let key = (!touched.is_null()).then(|| index.keys.key_at(touched.slot));
                let key = key.map(|key| index.keys.bytes(&key).to_vec());
                let expected = model.get(&key).cloned().unwrap_or_default();
                let matches = Matches { index: &index, slot: Some(touched.slot) };
                assert_eq!(sums(matches, Version::Current), expected);
                assert_eq!(touched.current_count(), expected.values().sum::<i64>());
                let expected = before.get(&key).cloned().unwrap_or_default();
                assert_eq!(touched.sealed_count(), expected.values().sum::<i64>());
                let mut kept = expected;
                for (_, row, diff) in updates.iter().filter(|(other, ..)| *other == key) {
                    if *diff < 0 {
                        *kept.entry(row.clone()).or_insert(0) += diff;
                    }
                }
                kept.retain(|_, diff| *diff != 0);
                assert_eq!(sums(matches, Version::Kept), kept);
            }
            // A product of hashes stands for each pair.
            let mut probed = 0;
            index.probe(&index, |row, diff, matches| {
                let mut sum = 0;
                matches.for_each(Version::Sealed, |other, count| {
                    sum += count;
                    probed = product(probed, row, diff, other, count);
                });
                assert_eq!(matches.count(Version::Sealed), sum);
            });
            let mut expected = 0;
            for (key, row, diff) in updates.iter().filter(|(key, ..)| key.is_some()) {
                for (other, count) in before.get(key).into_iter().flatten() {
                    expected = product(expected, row, *diff, other, *count);
                }
            }
            assert_eq!(probed, expected);
            index.release(readers[0]);
            // Not sealed before every reader has read.
            for key in before.keys().flatten() {
                assert_eq!(rows(&index, key, Version::Sealed), rows_of(&before, key));
            }
            index.release(readers[1]);
            for key in model.keys().flatten() {
                assert_eq!(rows(&index, key, Version::Sealed), rows_of(&model, key));
            }
        }
        assert_eq!(index.size().rows, 0);
        assert_eq!(index.keys.len(), 0);
        assert!(index.lookups.is_empty() && index.null.is_none());
    }

    #[test]
    fn many_keys_are_looked_up_in_batches() {
        check(1, 60_000, 4, 0, 2_000);
    }

    #[test]
    fn short_lists_of_many_keys() {
        (0..20).for_each(|seed| check(seed, 300, 4, 0, 200));
    }

    #[test]
    fn long_lists_of_few_keys() {
        (0..20).for_each(|seed| check(seed, 2, 500, 20, 300));
    }

    #[test]
    fn lists_that_grow_and_shrink_around_the_length_that_is_scanned() {
        (0..40).for_each(|seed| check(seed, 1, 40, 3, 40));
    }

    #[test]
    fn large_rows_that_go_are_freed() {
        check(1, 3, 200, 20_000, 60);
        let mut index = Index::new();
        let reader = index.add_reader(true);
        let row = |n: u32| [&[7; 10_000], &n.to_le_bytes()[..]].concat();
        (0..1_000).for_each(|n| index.update(Some(b"key"), &row(n), 1));
        index.release(reader);
        let full = index.size().bytes;
        (0..990).for_each(|n| index.update(Some(b"key"), &row(n), -1));
        index.release(reader);
        assert!(index.size().bytes < full / 4, "{} of {full}", index.size().bytes);
        assert_eq!(rows(&index, b"key", Version::Sealed).len(), 10);
    }

    #[test]
    fn equal_rows_that_stayed_apart_leave_nothing_behind() {
        let mut index = Index::new();
        let reader = index.add_reader(true);
        (0..40).for_each(|_| index.update(Some(b"key"), b"row", 1));
        index.release(reader);
        index.update(Some(b"key"), b"row", -40);
        index.release(reader);
        assert_eq!(index.size().rows, 0);
        assert_eq!(index.keys.len(), 0);
    }

    #[test]
    fn rows_that_are_read_often_are_put_next_to_each_other() {
        let (mut index, mut other) = (Index::new(), Index::new());
        let readers = [index.add_reader(true), other.add_reader(true)];
        let keys: Vec<[u8; 2]> = (0..1_000_u16).map(u16::to_be_bytes).collect();
        for round in 0..20_u8 {
            keys.iter().for_each(|key| index.update(Some(key), &[round; 40], 1));
        }
        index.release(readers[0]);
        let expected: Sums = (0..20).map(|round| (vec![round; 40], 1)).collect();
        let mut was_scattered = false;
        for epoch in 0..4_u8 {
            keys.iter().for_each(|key| other.update(Some(key), &[epoch], 1));
            other.settle();
            other.probe(&index, |_, _, found| {
                let seen: Sums =
                    sums(found, Version::Current).into_iter().filter(|row| row.0[0] < 20).collect();
                assert_eq!(seen, expected);
            });
            other.release(readers[1]);
            was_scattered |= index.log.is_scattered();
            index.update(Some(&keys[0]), &[100 + epoch], 1);
            index.release(readers[0]);
            assert!(!index.log.is_scattered());
        }
        assert!(was_scattered);
        let first = index.matches(&keys[7]).head();
        assert_eq!(index.log.next(first) - first, 8, "a row of 60 bytes lies behind the other");
        assert_eq!(index.log.len(), 20_004);
    }
}
