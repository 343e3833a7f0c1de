//! Keeps the latest row of each key.
//!
//! Within an epoch the last row of a partition wins, by its position there. Rows of the same key
//! from two partitions have no order, so they must be equal, unless the rows carry a version.

use super::chunk::{Chunk, Origin};
use super::key_table::KeyTable;
use super::logic::Fail;
use super::operator::{Epoch, Logic};
use super::small_bytes::{Arena, SmallBytes};
use crate::stage::EncodedStep;
use std::collections::HashMap;

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
    /// The payload: the row, then its version in the ordered encoding, empty where rows have none.
    keys: KeyTable,
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
            keys: KeyTable::new(4),
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
        let key = self.keys.key(key);
        let Some(slot) = self.keys.find(key) else {
            let slot = self.keys.insert(key);
            self.keep(slot, pending);
            self.root.push(&pending.row, &[], 1);
            return;
        };
        let (row, version) = kept(self.keys.payload(slot));
        let (old, old_version) = (row.get(&self.arena), version.get(&self.arena));
        let new = (pending.version.as_slice(), pending.row.as_slice());
        if old == new.1 || (self.versioned && new < (old_version, old)) {
            return;
        }
        self.root.push(old, &[], -1);
        self.root.push(&pending.row, &[], 1);
        self.arena.release(row);
        self.arena.release(version);
        self.keep(slot, pending);
    }

    fn keep(&mut self, slot: u32, latest: &Latest) {
        let row = SmallBytes::new(&latest.row, &mut self.arena);
        let version = SmallBytes::new(&latest.version, &mut self.arena);
        put_kept(self.keys.payload_mut(slot), row, version);
    }

    fn rebuild_arena(&mut self) {
        let mut arena = Arena::default();
        let slots: Vec<u32> = self.keys.slots().collect();
        for slot in slots {
            let (row, version) = kept(self.keys.payload(slot));
            let row = SmallBytes::new(row.get(&self.arena), &mut arena);
            let version = SmallBytes::new(version.get(&self.arena), &mut arena);
            put_kept(self.keys.payload_mut(slot), row, version);
        }
        self.arena = arena;
    }
}

/// The row and its version.
fn kept(payload: &[u64]) -> (SmallBytes, SmallBytes) {
    let bytes = |at: usize| SmallBytes::from_words(payload[at], payload[at + 1]);
    (bytes(0), bytes(2))
}

fn put_kept(payload: &mut [u64], row: SmallBytes, version: SmallBytes) {
    (payload[0], payload[1]) = row.words();
    (payload[2], payload[3]) = version.words();
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
