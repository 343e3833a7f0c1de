//! Keeps the latest row of each key.
//!
//! Within an epoch the last row of a partition wins, by its position there. Rows of the same key
//! from two partitions have no order, so they must be equal, unless the rows carry a version.

use super::chunk::{Chunk, Origin};
use super::key_table::KeyTable;
use super::logic::Fail;
use super::operator::{Epoch, Logic};
use super::small_bytes::{Arena, SmallBytes};
use super::state::{Saved, State, StateSize};
use crate::persistence::records::Record;
use crate::schema::{put_bytes, take_sized};
use crate::stage::EncodedStep;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// What an epoch has brought for one key so far: rows that no order decides between. There is one
/// for each partition, its last, and one alone where rows have a version.
type Pending = Vec<Latest>;

struct Latest {
    version: Vec<u8>,
    row: Vec<u8>,
    origin: Origin,
}

/// The latest row of each key.
pub(crate) struct LatestRows {
    /// The payload: the row, then its version in the ordered encoding, empty where rows have none.
    keys: KeyTable,
    arena: Arena,
}

pub(crate) struct Upsert {
    root: Box<dyn EncodedStep>,
    fail: Fail,
    /// Whether values start with a version, which then decides instead of the position.
    versioned: bool,
    describe: Box<dyn Fn(&[u8]) -> String>,
    latest: Rc<RefCell<LatestRows>>,
    pending: HashMap<Vec<u8>, Pending>,
}

impl Upsert {
    pub(crate) fn new(
        root: Box<dyn EncodedStep>,
        versioned: bool,
        describe: Box<dyn Fn(&[u8]) -> String>,
        fail: Fail,
        latest: Rc<RefCell<LatestRows>>,
    ) -> Self {
        Self { root, fail, versioned, describe, latest, pending: HashMap::new() }
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

    fn apply(&mut self, key: &[u8], new: &Latest) {
        let mut latest = self.latest.borrow_mut();
        let latest = &mut *latest;
        let key = latest.keys.key(key);
        let Some(slot) = latest.keys.find(key) else {
            let slot = latest.keys.insert(key);
            latest.keep(slot, &new.row, &new.version);
            self.root.push(&new.row, &[], 1);
            return;
        };
        let (row, version) = kept(latest.keys.payload(slot));
        let (old, old_version) = (row.get(&latest.arena), version.get(&latest.arena));
        let is_older = (new.version.as_slice(), new.row.as_slice()) < (old_version, old);
        if old == new.row || (self.versioned && is_older) {
            return;
        }
        self.root.push(old, &[], -1);
        self.root.push(&new.row, &[], 1);
        latest.arena.release(row);
        latest.arena.release(version);
        latest.keep(slot, &new.row, &new.version);
    }
}

impl LatestRows {
    pub(crate) fn new() -> Self {
        Self { keys: KeyTable::new(4), arena: Arena::default() }
    }

    fn keep(&mut self, slot: u32, row: &[u8], version: &[u8]) {
        let row = SmallBytes::new(row, &mut self.arena);
        let version = SmallBytes::new(version, &mut self.arena);
        put_kept(self.keys.payload_mut(slot), row, version);
        self.keys.mark(slot);
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

impl State for LatestRows {
    fn size(&self) -> StateSize {
        StateSize { rows: self.keys.len(), bytes: self.keys.memory() + self.arena.memory() }
    }

    fn save(&mut self, out: &mut Saved) {
        let changed = self.keys.take_changed();
        changed.save(out, &[], &self.keys, |slot, out| {
            let (row, version) = kept(self.keys.payload(slot));
            put_bytes(row.get(&self.arena), out);
            put_bytes(version.get(&self.arena), out);
        });
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let mut input = record.bytes();
        let [row, version] = [(); 2].map(|()| take_sized(&mut input));
        let slot = self.keys.insert(self.keys.key(record.key()));
        self.keep(slot, row, version);
    }

    fn kept(&mut self) {
        self.keys.all_saved();
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
            let version = if self.versioned { take_sized(&mut row) } else { &[] };
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
        let mut latest = self.latest.borrow_mut();
        if latest.arena.is_wasteful() {
            latest.rebuild_arena();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;

    #[test]
    fn loaded_rows_are_the_saved_ones() {
        let mut latest = LatestRows::new();
        let rows: Vec<Vec<u8>> = (0..50u8).map(|n| vec![n; usize::from(n)]).collect();
        for row in &rows {
            let slot = latest.keys.insert(latest.keys.key(row));
            latest.keep(slot, row, &[7]);
        }
        let mut stored = Stored::default();
        stored.save(&mut latest);
        let full = stored.last_len();
        latest.keep(latest.keys.find(latest.keys.key(&rows[3])).unwrap(), b"new", &[8]);
        stored.save(&mut latest);
        assert!(stored.last_len() < full / 50, "only what has changed is handed over");
        let mut loaded = LatestRows::new();
        stored.load(&mut loaded);
        assert_eq!(loaded.size().rows, rows.len());
        for row in &rows {
            let slot = loaded.keys.find(loaded.keys.key(row)).unwrap();
            let (kept, version) = kept(loaded.keys.payload(slot));
            let expected =
                if *row == rows[3] { (&b"new"[..], &[8][..]) } else { (&row[..], &[7][..]) };
            assert_eq!((kept.get(&loaded.arena), version.get(&loaded.arena)), expected);
        }
    }
}
