//! Where a table gets its watermark.
//!
//! Lateness concerns updates: taking a row away that is below the watermark is as late as adding
//! one. The updates of a key in one epoch, such as a row and the one that replaces it, are accepted
//! or refused together. What has been refused is not there, so taking it away later is refused
//! too, with what replaces it.

use super::judge::OutOfTime;
use super::{Judge, time_and_key};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::out_buffer::SharedBuffer;
use crate::dataflow::state::{Saved, State, StateSize};
use crate::persistence::records::{Id, Record};
use crate::schema::Schema;
use crate::stage::{Diff, EncodedStep};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Rows in time that were refused with other updates of their keys, with their copies. Once the
/// watermark has passed one, taking it away is late by itself.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// By time and row, with the key.
    rows: BTreeMap<(i128, Vec<u8>), (Vec<u8>, Diff)>,
}

impl Refused {
    /// Forgets what is below a time.
    fn forget(&mut self, below: i128) {
        self.rows = self.rows.split_off(&(below, Vec::new()));
    }

    fn holds(&self, time: i128, row: &[u8]) -> bool {
        !self.rows.is_empty() && self.rows.contains_key(&(time, row.to_vec()))
    }

    /// Notes an update of a key that was refused.
    fn update(&mut self, key: &[u8], time: i128, row: &[u8], diff: Diff) {
        let entry = self.rows.entry((time, row.to_vec()));
        let (_, copies) = entry.or_insert_with(|| (key.to_vec(), 0));
        *copies += diff;
        if *copies <= 0 {
            self.rows.remove(&(time, row.to_vec()));
        }
    }
}

impl State for Refused {
    fn size(&self) -> StateSize {
        let each = self.rows.iter().map(|((_, row), (key, _))| row.capacity() + key.capacity());
        let entry = size_of::<((i128, Vec<u8>), (Vec<u8>, Diff))>();
        let bytes = each.sum::<usize>() + self.rows.len() * entry;
        StateSize { rows: self.rows.len(), bytes }
    }

    fn save(&mut self, out: &mut Saved) {
        let records = out.part(&[], true);
        let mut place = Vec::new();
        for ((time, row), (key, copies)) in &self.rows {
            place.clear();
            time.encode(&mut place);
            place.extend_from_slice(row);
            records.add(Id { key: Some(key), place: &place }, *copies);
        }
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let mut row = record.id.place;
        let time = i128::decode(&mut row);
        self.rows.insert((time, row.to_vec()), (record.key().to_vec(), record.copies()));
    }
}

/// Tells updates of a table that are in time from late ones.
pub(crate) struct TableEdge {
    pub(crate) judge: Judge,
    pub(crate) rows: Box<dyn EncodedStep>,
    /// To the merges of all workers.
    pub(crate) progress: SharedBuffer,
    pub(crate) refused: Rc<RefCell<Refused>>,
    /// Those of this epoch.
    pub(crate) chunks: Vec<Chunk>,
}

/// The updates of one key in an epoch: by time and row, the sum of their diffs and the partition
/// that one came from.
type Updates<'a> = BTreeMap<(i128, &'a [u8]), (Diff, u64)>;

impl TableEdge {
    fn decide(&mut self, key: &[u8], updates: &Updates<'_>) {
        let mut refused = self.refused.borrow_mut();
        let changed = || updates.iter().filter(|(_, (diff, _))| *diff != 0);
        let verdict = |(&(time, row), &(diff, _)): (&(i128, &[u8]), &(Diff, u64))| {
            let was_refused = diff < 0 && refused.holds(time, row);
            self.judge.judge(time).or(was_refused.then_some(OutOfTime::WithOthers))
        };
        let verdicts: Vec<Option<OutOfTime>> = changed().map(verdict).collect();
        let in_time = verdicts.iter().all(Option::is_none);
        for ((&(time, row), &(diff, partition)), verdict) in changed().zip(verdicts) {
            if in_time {
                self.rows.push(row, &[], diff);
                self.progress.borrow_mut().note_time(partition, time);
                continue;
            }
            // What is late by itself will be so for ever.
            if !matches!(verdict, Some(OutOfTime::Late | OutOfTime::Missing)) {
                refused.update(key, time, row, diff);
            }
            self.judge.refuse(row, time, diff, verdict.unwrap_or(OutOfTime::WithOthers));
        }
    }
}

impl Logic for TableEdge {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let chunks = std::mem::take(&mut self.chunks);
        let mut keys: BTreeMap<&[u8], Updates<'_>> = BTreeMap::new();
        for chunk in &chunks {
            for (key, row, diff) in chunk.iter() {
                let (time, key) = time_and_key(key.expect("each row has a place for its time"));
                let updates = keys.entry(key).or_default();
                updates.entry((time, row)).or_insert((0, chunk.origin.partition)).0 += diff;
            }
        }
        self.refused.borrow_mut().forget(self.judge.watermark.get());
        for (key, updates) in &keys {
            self.decide(key, updates);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;

    #[test]
    fn refused_rows_are_kept_until_the_watermark_has_passed_them() {
        let mut refused = Refused::default();
        for (time, row, diff) in [(5, b"five", 1), (9, b"nine", 2), (9, b"nine", -1)] {
            refused.update(b"key", time, row, diff);
        }
        let mut stored = Stored::default();
        stored.save(&mut refused);
        let mut loaded = Refused::default();
        stored.load(&mut loaded);
        assert_eq!(loaded.rows, refused.rows);
        assert!(loaded.holds(5, b"five") && loaded.holds(9, b"nine"));
        loaded.forget(9);
        assert!(!loaded.holds(5, b"five") && loaded.holds(9, b"nine"));
        loaded.update(b"key", 9, b"nine", -1);
        assert_eq!(loaded.size().rows, 0);
    }
}
