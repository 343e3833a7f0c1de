//! An index: the rows of a table by key, shared by all joins that ask for the same key.
//!
//! It has two versions: *sealed*, up to the epoch before, and *current*, with what this epoch has
//! brought so far. A join names the side it wants: with ΔL and ΔR the updates of the epoch,
//!
//! ```text
//! Δ(L ⋈ R)  =  ΔL ⋈ R sealed  +  L current ⋈ ΔR
//! ```
//!
//! Both versions are one structure: the rows of a key are a list whose first part is sealed, and
//! sealing an epoch moves the mark of the keys that it touched. Retractions are entries of their
//! own until then, when they cancel what they retract.

use super::key_hash::{KeyHash, spread};
use super::small_bytes::{Arena, SmallBytes};
use super::state::{State, StateSize};
use crate::schema::{Schema, put_len, take_bytes, take_len};
use crate::stage::Diff;
use hashbrown::HashTable;

/// One row of a key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    row: SmallBytes,
    diff: Diff,
}

/// The rows of one key.
enum Postings {
    One(Entry),
    Many(Box<Many>),
}

struct Many {
    entries: Vec<Entry>,
    /// Entries by the hash of their row, once a retraction has asked for it in a long list.
    lookup: Option<HashTable<u32>>,
}

/// Longer lists are searched by hash.
const SCANNED_MAX: usize = 24;

struct Slot {
    key: SmallBytes,
    hash: u32,
    touched: u32,
    postings: Postings,
}

const UNTOUCHED: u32 = u32::MAX;

struct Touched {
    slot: u32,
    sealed: u32,
}

/// Rows by key.
pub(crate) struct Index {
    hasher: KeyHash,
    by_key: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    arena: Arena,
    touched: Vec<Touched>,
    /// The slot of the rows whose key is null, which matches nothing.
    null: Option<u32>,
    /// How many joins read this index, and how many still have to read this epoch.
    readers: usize,
    unread: usize,
    entries: usize,
}

impl Postings {
    fn as_slice(&self) -> &[Entry] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Many(many) => &many.entries,
        }
    }
}

/// The rows of one key in one of the two versions, and those of this epoch alone.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    entries: &'a [Entry],
    arena: &'a Arena,
}

impl<'a> Rows<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a [u8], Diff)> {
        let arena = self.arena;
        self.entries.iter().map(move |entry| (entry.row.get(arena), entry.diff))
    }

    /// The number of rows, counted with their diffs.
    pub(crate) fn count(self) -> Diff {
        self.entries.iter().map(|entry| entry.diff).sum()
    }
}

/// A key that this epoch has touched.
pub(crate) struct TouchedKey<'a> {
    /// The key, or null.
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) sealed: Rows<'a>,
    pub(crate) fresh: Rows<'a>,
    pub(crate) current: Rows<'a>,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self {
            hasher: KeyHash::default(),
            by_key: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            arena: Arena::default(),
            touched: Vec::new(),
            null: None,
            readers: 0,
            unread: 0,
            entries: 0,
        }
    }

    /// Registers a join that will call [`release`](Self::release) at each epoch that has touched
    /// the index.
    pub(crate) fn add_reader(&mut self) {
        self.readers += 1;
    }

    fn find(&self, key: &[u8], inline: Option<SmallBytes>, hash: u32) -> Option<u32> {
        self.by_key
            .find(spread(hash), |&slot| {
                let slot = &self.slots[slot as usize];
                slot.hash == hash && slot.key.is(key, inline, &self.arena)
            })
            .copied()
    }

    fn slot_of(&self, key: &[u8]) -> Option<u32> {
        let inline = SmallBytes::inline(key);
        self.find(key, inline, self.hasher.hash(key, inline))
    }

    /// Adds an update of this epoch.
    pub(crate) fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        let entry = Entry { row: SmallBytes::new(row, &mut self.arena), diff };
        self.entries += 1;
        let (hash, found) = match key {
            Some(key) => {
                let inline = SmallBytes::inline(key);
                let hash = self.hasher.hash(key, inline);
                (hash, self.find(key, inline, hash))
            }
            None => (0, self.null),
        };
        if let Some(at) = found {
            let slot = &mut self.slots[at as usize];
            let len = slot.postings.as_slice().len();
            if slot.touched == UNTOUCHED {
                slot.touched = number(self.touched.len());
                self.touched.push(Touched { slot: at, sealed: number(len) });
            }
            push(&mut slot.postings, entry);
            return;
        }
        let small = key.map_or(SmallBytes::ABSENT, |key| SmallBytes::new(key, &mut self.arena));
        let touched = number(self.touched.len());
        let new = Slot { key: small, hash, touched, postings: Postings::One(entry) };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = new;
                at
            }
            None => {
                self.slots.push(new);
                number(self.slots.len() - 1)
            }
        };
        self.touched.push(Touched { slot: at, sealed: 0 });
        if key.is_some() {
            let slots = &self.slots;
            self.by_key.insert_unique(spread(hash), at, |&slot| spread(slots[slot as usize].hash));
        } else {
            self.null = Some(at);
        }
    }

    /// The keys that this epoch has touched.
    pub(crate) fn touched(&self) -> impl Iterator<Item = TouchedKey<'_>> {
        self.touched.iter().map(|touched| {
            let slot = &self.slots[touched.slot as usize];
            let entries = slot.postings.as_slice();
            let (sealed, fresh) = entries.split_at(touched.sealed as usize);
            let rows = |entries| Rows { entries, arena: &self.arena };
            let key = (!slot.key.is_absent()).then(|| slot.key.get(&self.arena));
            TouchedKey { key, sealed: rows(sealed), fresh: rows(fresh), current: rows(entries) }
        })
    }

    /// The rows of a key up to the epoch before.
    pub(crate) fn sealed(&self, key: &[u8]) -> Rows<'_> {
        let rows = |entries| Rows { entries, arena: &self.arena };
        let Some(at) = self.slot_of(key) else { return rows(&[]) };
        let slot = &self.slots[at as usize];
        let entries = slot.postings.as_slice();
        match slot.touched {
            UNTOUCHED => rows(entries),
            touched => rows(&entries[..self.touched[touched as usize].sealed as usize]),
        }
    }

    /// The rows of a key with those of this epoch.
    pub(crate) fn current(&self, key: &[u8]) -> Rows<'_> {
        let at = self.slot_of(key);
        let entries = at.map_or(&[] as &[Entry], |at| self.slots[at as usize].postings.as_slice());
        Rows { entries, arena: &self.arena }
    }

    /// Notes that one join has read this epoch; the last one seals it.
    pub(crate) fn release(&mut self) {
        if self.touched.is_empty() {
            return;
        }
        if self.unread == 0 {
            self.unread = self.readers;
        }
        self.unread -= 1;
        if self.unread == 0 {
            self.seal();
        }
    }

    /// Makes this epoch's rows part of the sealed version.
    fn seal(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        for &Touched { slot: at, sealed } in &touched {
            let slot = &mut self.slots[at as usize];
            slot.touched = UNTOUCHED;
            let before = slot.postings.as_slice().len();
            cancel(&mut slot.postings, sealed as usize, &mut self.arena, &self.hasher);
            let after = slot.postings.as_slice().len();
            self.entries -= before - after;
            if after == 0 {
                self.remove(at);
            }
        }
        self.touched = touched;
        self.touched.clear();
        if self.touched.capacity() > 1 << 16 {
            self.touched = Vec::new();
        }
        if self.arena.is_wasteful() {
            self.rebuild_arena();
        }
    }

    fn remove(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        if slot.key.is_absent() {
            self.null = None;
        } else if let Ok(entry) = self.by_key.find_entry(spread(slot.hash), |&other| other == at) {
            entry.remove();
        }
        self.arena.release(slot.key);
        slot.key = SmallBytes::ABSENT;
        slot.postings = Postings::Many(Box::new(Many { entries: Vec::new(), lookup: None }));
        self.free.push(at);
    }

    fn rebuild_arena(&mut self) {
        let mut arena = Arena::default();
        for slot in &mut self.slots {
            if !slot.key.is_absent() {
                slot.key = SmallBytes::new(slot.key.get(&self.arena), &mut arena);
            }
            let entries = match &mut slot.postings {
                Postings::One(entry) => std::slice::from_mut(entry),
                Postings::Many(many) => &mut many.entries,
            };
            for entry in entries {
                entry.row = SmallBytes::new(entry.row.get(&self.arena), &mut arena);
            }
        }
        self.arena = arena;
    }

    /// The rows of a touched key of another index in the sealed version of this one.
    pub(crate) fn sealed_of(&self, key: &TouchedKey<'_>) -> Rows<'_> {
        key.key.map_or(Rows { entries: &[], arena: &self.arena }, |key| self.sealed(key))
    }

    /// The rows of a touched key of another index in the current version of this one.
    pub(crate) fn current_of(&self, key: &TouchedKey<'_>) -> Rows<'_> {
        key.key.map_or(Rows { entries: &[], arena: &self.arena }, |key| self.current(key))
    }
}

impl State for Index {
    fn size(&self) -> StateSize {
        let many = |slot: &Slot| match &slot.postings {
            Postings::One(_) => 0,
            Postings::Many(many) => {
                size_of::<Many>()
                    + many.entries.capacity() * size_of::<Entry>()
                    + many.lookup.as_ref().map_or(0, |lookup| lookup.capacity() * 4)
            }
        };
        let bytes = self.arena.memory()
            + self.by_key.capacity() * size_of::<u32>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.slots.iter().map(many).sum::<usize>();
        StateSize { rows: self.entries, bytes }
    }

    fn save(&self, out: &mut Vec<u8>) {
        put_len(self.slots.len() - self.free.len(), out);
        for (at, slot) in self.slots.iter().enumerate() {
            let entries = slot.postings.as_slice();
            if entries.is_empty() {
                continue;
            }
            let is_null = self.null == Some(number(at));
            out.push(u8::from(!is_null));
            let key = slot.key.get(&self.arena);
            put_len(key.len(), out);
            out.extend_from_slice(key);
            put_len(entries.len(), out);
            for entry in entries {
                let row = entry.row.get(&self.arena);
                put_len(row.len(), out);
                out.extend_from_slice(row);
                entry.diff.encode(out);
            }
        }
    }

    fn load(&mut self, input: &mut &[u8]) {
        for _ in 0..take_len(input) {
            let keyed = bool::decode(input);
            let len = take_len(input);
            let key = take_bytes(input, len);
            for _ in 0..take_len(input) {
                let len = take_len(input);
                let row = take_bytes(input, len);
                self.update(keyed.then_some(key), row, Diff::decode(input));
            }
        }
        self.seal();
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).expect("a worker's index holds under four billion keys and rows")
}

fn push(postings: &mut Postings, entry: Entry) {
    match postings {
        Postings::One(first) => {
            let entries = vec![*first, entry];
            *postings = Postings::Many(Box::new(Many { entries, lookup: None }));
        }
        // The lookup covers sealed entries; those of this epoch join it when they are sealed.
        Postings::Many(many) => many.entries.push(entry),
    }
}

/// Lets the entries behind `sealed` cancel or add to equal rows in front of them.
fn cancel(postings: &mut Postings, sealed: usize, arena: &mut Arena, hasher: &KeyHash) {
    let Postings::Many(many) = postings else { return };
    let retracts = many.entries[sealed..].iter().any(|entry| entry.diff < 0);
    if !retracts && many.lookup.is_none() {
        // Equal rows stay apart: finding them would touch every row of the key.
        return;
    }
    let fresh = if many.lookup.is_some() {
        many.entries.split_off(sealed)
    } else {
        // Equal rows that stayed apart come together now: a retraction finds one place alone.
        std::mem::take(&mut many.entries)
    };
    if fresh.len() > SCANNED_MAX && many.lookup.is_none() {
        many.lookup = Some(HashTable::with_capacity(fresh.len()));
    }
    for entry in fresh {
        many.merge(entry, arena, hasher);
    }
    if many.entries.len() <= SCANNED_MAX / 2 {
        many.lookup = None;
    }
    if let [only] = many.entries.as_slice() {
        *postings = Postings::One(*only);
    }
}

fn row_hash(entries: &[Entry], at: u32, arena: &Arena, hasher: &KeyHash) -> u64 {
    hasher.hash_bytes(entries[at as usize].row.get(arena))
}

impl Many {
    /// Adds an entry to an equal row, or as a new one.
    fn merge(&mut self, entry: Entry, arena: &mut Arena, hasher: &KeyHash) {
        let row = entry.row.get(arena);
        let inline = SmallBytes::inline(row);
        let Self { entries, lookup } = self;
        let found = match lookup {
            None => entries.iter().position(|other| other.row.is(row, inline, arena)),
            Some(lookup) => {
                let hash = hasher.hash_bytes(row);
                lookup
                    .find(hash, |&at| entries[at as usize].row.is(row, inline, arena))
                    .map(|&at| at as usize)
            }
        };
        let Some(at) = found else {
            entries.push(entry);
            if let Some(lookup) = lookup {
                let at = number(entries.len() - 1);
                let hash = row_hash(entries, at, arena, hasher);
                lookup.insert_unique(hash, at, |&at| row_hash(entries, at, arena, hasher));
            }
            return;
        };
        arena.release(entry.row);
        entries[at].diff += entry.diff;
        if entries[at].diff != 0 {
            return;
        }
        let last = entries.len() - 1;
        if let Some(lookup) = lookup {
            let remove = |lookup: &mut HashTable<u32>, at: u32| {
                let hash = row_hash(entries, at, arena, hasher);
                if let Ok(found) = lookup.find_entry(hash, |&other| other == at) {
                    found.remove();
                }
            };
            remove(lookup, number(at));
            if at != last {
                remove(lookup, number(last));
                let hash = row_hash(entries, number(last), arena, hasher);
                lookup.insert_unique(hash, number(at), |&other| {
                    // While the last entry moves, its place is found under either number.
                    row_hash(
                        entries,
                        if other == number(at) { number(last) } else { other },
                        arena,
                        hasher,
                    )
                });
            }
        }
        arena.release(entries[at].row);
        entries.swap_remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;
    use std::collections::BTreeMap;

    type Model = BTreeMap<Option<Vec<u8>>, BTreeMap<Vec<u8>, i64>>;

    fn summed(rows: Rows<'_>) -> BTreeMap<Vec<u8>, i64> {
        let mut sums = BTreeMap::new();
        for (row, diff) in rows.iter() {
            *sums.entry(row.to_vec()).or_insert(0) += diff;
        }
        sums.retain(|_, diff| *diff != 0);
        sums
    }

    fn rows_of(model: &Model, key: &[u8]) -> BTreeMap<Vec<u8>, i64> {
        model.get(&Some(key.to_vec())).cloned().unwrap_or_default()
    }

    fn add(model: &mut Model, key: Option<&[u8]>, row: &[u8], diff: i64) {
        let rows = model.entry(key.map(<[u8]>::to_vec)).or_default();
        *rows.entry(row.to_vec()).or_insert(0) += diff;
        rows.retain(|_, diff| *diff != 0);
        model.retain(|_, rows| !rows.is_empty());
    }

    fn bytes(random: &mut Random, distinct: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![b'x'; len];
        bytes.extend_from_slice(&random.below(distinct).to_le_bytes()[..2]);
        bytes
    }

    /// Random epochs, with that many distinct rows of one length, then everything is taken away.
    fn check(seed: u64, keys: u64, rows: u64, row_len: usize, per_epoch: u64) {
        let mut random = Random::new(seed);
        let mut index = Index::new();
        index.add_reader();
        index.add_reader();
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
                    let row = bytes(&mut random, rows, row_len);
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
            let all = before.keys().chain(model.keys()).flatten();
            for key in all {
                assert_eq!(summed(index.sealed(key)), rows_of(&before, key));
                assert_eq!(summed(index.current(key)), rows_of(&model, key));
            }
            for touched in index.touched() {
                let key = touched.key.map(<[u8]>::to_vec);
                let expected = model.get(&key).cloned().unwrap_or_default();
                assert_eq!(summed(touched.current), expected);
                assert_eq!(touched.current.count(), expected.values().sum::<i64>());
            }
            index.release();
            // Not sealed before every reader has read.
            for key in before.keys().flatten() {
                assert_eq!(summed(index.sealed(key)), rows_of(&before, key));
            }
            index.release();
            for key in model.keys().flatten() {
                assert_eq!(summed(index.sealed(key)), rows_of(&model, key));
            }
        }
        assert_eq!(index.size().rows, 0);
        assert_eq!(index.free.len(), index.slots.len());
        assert!(index.by_key.is_empty() && index.null.is_none());
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
        index.add_reader();
        let row = |n: u32| [&[7; 10_000], &n.to_le_bytes()[..]].concat();
        (0..1_000).for_each(|n| index.update(Some(b"key"), &row(n), 1));
        index.release();
        let full = index.size().bytes;
        (0..990).for_each(|n| index.update(Some(b"key"), &row(n), -1));
        index.release();
        assert!(index.size().bytes < full / 4, "{} of {full}", index.size().bytes);
        assert_eq!(index.sealed(b"key").iter().count(), 10);
    }

    #[test]
    fn equal_rows_that_stayed_apart_leave_nothing_behind() {
        let mut index = Index::new();
        index.add_reader();
        (0..40).for_each(|_| index.update(Some(b"key"), b"row", 1));
        index.release();
        index.update(Some(b"key"), b"row", -40);
        index.release();
        assert_eq!(index.size().rows, 0);
        assert!(index.by_key.is_empty());
    }
}
