//! Keeps the latest row of each key.
//!
//! Within an epoch the last row of a partition wins, by its position there. Rows of the same key
//! from two partitions have no order, so they must be equal, unless the rows carry a version.

use super::chunk::{Chunk, Origin};
use super::key_hash::{KeyHash, spread};
use super::logic::Fail;
use super::operator::{Epoch, Logic};
use super::small_bytes::{Arena, SmallBytes};
use crate::stage::EncodedStep;
use hashbrown::HashTable;
use std::collections::HashMap;

struct Slot {
    key: SmallBytes,
    hash: u32,
    row: SmallBytes,
    /// The version of the row, in the ordered encoding; empty where rows have none.
    version: SmallBytes,
}

/// What an epoch has brought for one key so far: rows that no order decides between. There is one
/// for each partition, its last, and one alone where rows have a version.
type Pending = Vec<Latest>;

struct Latest {
    version: Vec<u8>,
    row: Vec<u8>,
    origin: Origin,
}

pub(crate) struct Upsert {
    root: Box<dyn EncodedStep>,
    fail: Fail,
    /// Whether values start with a version, which then decides instead of the position.
    versioned: bool,
    describe: Box<dyn Fn(&[u8]) -> String>,
    hasher: KeyHash,
    index: HashTable<u32>,
    slots: Vec<Slot>,
    arena: Arena,
    pending: HashMap<Vec<u8>, Pending>,
}

impl Upsert {
    pub(crate) fn new(
        root: Box<dyn EncodedStep>,
        versioned: bool,
        describe: Box<dyn Fn(&[u8]) -> String>,
        fail: Fail,
    ) -> Self {
        Self {
            root,
            fail,
            versioned,
            describe,
            hasher: KeyHash::default(),
            index: HashTable::new(),
            slots: Vec::new(),
            arena: Arena::default(),
            pending: HashMap::new(),
        }
    }

    fn take(&mut self, key: &[u8], version: &[u8], row: &[u8], origin: Origin) {
        let latest = || Latest { version: version.to_vec(), row: row.to_vec(), origin };
        let Some(pending) = self.pending.get_mut(key) else {
            self.pending.insert(key.to_vec(), vec![latest()]);
            return;
        };
        if self.versioned {
            // Equal versions: the greater row, so that arrival order does not matter.
            let known = &mut pending[0];
            if (version, row) > (&known.version, &known.row) {
                *known = latest();
            }
            return;
        }
        let same = |known: &&mut Latest| known.origin.is_in_order_with(origin);
        if let Some(known) = pending.iter_mut().find(same) {
            known.row.clear();
            known.row.extend_from_slice(row);
        } else if origin.partition != 0 || pending.iter().all(|known| known.row != row) {
            pending.push(latest());
        }
    }

    fn apply(&mut self, key: &[u8], pending: &Latest) {
        let inline = SmallBytes::inline(key);
        let hash = self.hasher.hash(key, inline);
        let (slots, arena) = (&self.slots, &self.arena);
        let found = self
            .index
            .find(spread(hash), |&slot| {
                let slot = &slots[slot as usize];
                slot.hash == hash && slot.key.is(key, inline, arena)
            })
            .copied();
        let Some(at) = found else {
            let at = u32::try_from(self.slots.len()).expect("under four billion keys");
            self.slots.push(Slot {
                key: SmallBytes::new(key, &mut self.arena),
                hash,
                row: SmallBytes::new(&pending.row, &mut self.arena),
                version: SmallBytes::new(&pending.version, &mut self.arena),
            });
            let slots = &self.slots;
            self.index.insert_unique(spread(hash), at, |&slot| spread(slots[slot as usize].hash));
            self.root.push(&pending.row, &[], 1);
            return;
        };
        let slot = &self.slots[at as usize];
        let (old, version) = (slot.row.get(&self.arena), slot.version.get(&self.arena));
        let older =
            self.versioned && (pending.version.as_slice(), pending.row.as_slice()) < (version, old);
        if older || old == pending.row {
            return;
        }
        self.root.push(old, &[], -1);
        self.root.push(&pending.row, &[], 1);
        self.arena.release(slot.row);
        self.arena.release(slot.version);
        let row = SmallBytes::new(&pending.row, &mut self.arena);
        let version = SmallBytes::new(&pending.version, &mut self.arena);
        let slot = &mut self.slots[at as usize];
        (slot.row, slot.version) = (row, version);
    }

    fn rebuild_arena(&mut self) {
        let mut arena = Arena::default();
        for slot in &mut self.slots {
            for bytes in [&mut slot.key, &mut slot.row, &mut slot.version] {
                *bytes = SmallBytes::new(bytes.get(&self.arena), &mut arena);
            }
        }
        self.arena = arena;
    }
}

impl Logic for Upsert {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        for (key, mut row, _) in chunk.iter() {
            let version = if self.versioned {
                let len = crate::schema::take_len(&mut row);
                crate::schema::take_bytes(&mut row, len)
            } else {
                &[]
            };
            self.take(key.unwrap_or_default(), version, row, chunk.origin);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut pending: Vec<(Vec<u8>, Pending)> = self.pending.drain().collect();
        // Outputs and errors in the order of keys rather than of a hash table.
        pending.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (key, pending) in &pending {
            let (first, others) = pending.split_first().expect("a pending key has a row");
            // The least and the greatest, so that the message depends on no order either.
            let rows = || pending.iter().map(|latest| &latest.row);
            if others.iter().any(|other| other.row != first.row)
                && let (Some(least), Some(greatest)) = (rows().min(), rows().max())
            {
                let problem = format!(
                    "two rows with one key arrive in one epoch, and nothing orders them: {} and {}",
                    (self.describe)(least),
                    (self.describe)(greatest),
                );
                (self.fail)(Some(key), problem);
                break;
            }
            self.apply(key, first);
        }
        if self.arena.is_wasteful() {
            self.rebuild_arena();
        }
        true
    }
}
