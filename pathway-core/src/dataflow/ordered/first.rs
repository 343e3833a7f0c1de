//! The first rows of each partition, of rows that are never taken away.
//!
//! A row behind those that are shown can then never matter, so a partition is a short chain of
//! rows in one log, its last row in front: most rows are compared with that one, and dropped. Rows
//! travel and are kept in the compact encoding; only ties of the sort key are compared as rows are
//! ordered.

use super::entry::Entry;
use crate::dataflow::chunk::Chunk;
use crate::dataflow::key_hash::Key;
use crate::dataflow::key_table::{BATCH, KeyTable};
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::row_log::{NONE, Place, RowLog, halves, word};
use crate::dataflow::state::{Pending, Saved, State, StateSize};
use crate::persistence::records::{Id, Record, Records};
use crate::schema::{DataType, ordered, put_len, take_bytes, take_len};
use crate::stage::{Diff, EncodedStep, put_sort_header};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

/// Longer chains are not walked: what is shown then is found in a tree.
pub(crate) const FIRST_MAX: u64 = 64;

/// A row as it travels and is kept: what it is sorted by, in the ordered encoding, and the row.
fn parts(mut message: &[u8]) -> (&[u8], &[u8]) {
    let key_len = take_len(&mut message);
    let key = take_bytes(&mut message, key_len);
    (key, message)
}

/// Appends a row as it travels to a tree, which is also how stores keep it.
pub(crate) fn put_entry(rows: DataType, message: &[u8], out: &mut Vec<u8>) {
    let (key, row) = parts(message);
    let mut sort = key.to_vec();
    ordered::from_compact(rows, &mut &*row, &mut sort);
    put_sort_header(key.len(), sort.len(), out);
    out.extend_from_slice(&sort);
}

/// Appends a row as it travels here, of one as it travels to a tree.
fn put_message(rows: DataType, entry: &[u8], out: &mut Vec<u8>) {
    let entry = Entry::read(entry, 1);
    put_len(entry.key().len(), out);
    out.extend_from_slice(entry.key());
    ordered::to_compact(rows, &mut entry.row(), out);
}

/// How rows follow each other.
struct Order {
    rows: DataType,
    /// Two rows in the ordered encoding, while they are compared.
    forms: [Vec<u8>; 2],
}

impl Order {
    fn compare(&mut self, a: &[u8], b: &[u8]) -> Ordering {
        let ((a_key, a_row), (b_key, b_row)) = (parts(a), parts(b));
        match a_key.cmp(b_key) {
            Ordering::Equal if a_row == b_row => Ordering::Equal,
            Ordering::Equal => {
                for (form, row) in self.forms.iter_mut().zip([a_row, b_row]) {
                    form.clear();
                    ordered::from_compact(self.rows, &mut &*row, form);
                }
                self.forms[0].cmp(&self.forms[1])
            }
            other => other,
        }
    }
}

/// The first rows of each partition.
pub(crate) struct FirstRows {
    /// How many copies of rows a partition keeps.
    rows_max: u32,
    order: Order,
    /// The payload is the chain of a partition, its last row in front, and how many copies of
    /// rows there are in it.
    keys: KeyTable,
    log: RowLog,
    /// The epoch: partitions with that stamp have been touched.
    stamp: u32,
    /// The partitions that change in this epoch, and where their rows begin in `before`.
    touched: Vec<(u32, usize)>,
    /// The chains of these as they were before.
    before: Vec<(Place, Diff)>,
    changes: Pending,
}

impl FirstRows {
    /// The state of a limit of `rows_max`, from one to [`FIRST_MAX`].
    pub(crate) fn new(rows_max: u64, rows: DataType) -> Self {
        Self {
            rows_max: u32::try_from(rows_max.min(FIRST_MAX)).expect("a small number"),
            order: Order { rows, forms: Default::default() },
            keys: KeyTable::new(1),
            log: RowLog::default(),
            stamp: 1,
            touched: Vec::new(),
            before: Vec::new(),
            changes: Pending::default(),
        }
    }

    fn receive(&mut self, chunk: &Chunk) {
        let mut updates = chunk.iter();
        let mut keys = [Key::EMPTY; BATCH];
        let mut rows = [(&[][..], 0); BATCH];
        let mut found = [None; BATCH];
        loop {
            let mut len = 0;
            for (key, row, diff) in updates.by_ref().take(BATCH) {
                keys[len] = self.keys.key(key.unwrap_or_default());
                rows[len] = (row, diff);
                len += 1;
            }
            if len == 0 {
                break;
            }
            self.keys.find_all(&keys[..len], &mut found);
            // The last rows of all of them are waited for together.
            let lasts = found[..len].iter().flatten().map(|&slot| self.chain(slot).0);
            std::hint::black_box(lasts.fold(0, |all, last| all ^ self.log.next(last)));
            for ((&key, &(row, diff)), &found) in keys[..len].iter().zip(&rows).zip(&found) {
                // It may have come with a row in front.
                let slot = found.or_else(|| self.keys.find(key));
                let slot = slot.unwrap_or_else(|| self.insert_key(key));
                self.update(slot, row, diff);
            }
        }
        self.tidy();
    }

    fn insert_key(&mut self, key: Key<'_>) -> u32 {
        let slot = self.keys.insert(key);
        self.keys.payload_mut(slot)[0] = word(NONE, 0);
        slot
    }

    fn chain(&self, slot: u32) -> (Place, u32) {
        halves(self.keys.payload(slot)[0])
    }

    /// Takes copies of a row that come in this epoch.
    fn update(&mut self, slot: u32, message: &[u8], diff: Diff) {
        let (last, copies) = self.chain(slot);
        if copies == self.rows_max
            && self.order.compare(message, self.log.row(last)) != Ordering::Less
        {
            return;
        }
        if self.keys.stamp(slot) != self.stamp {
            self.keys.set_stamp(slot, self.stamp);
            self.touched.push((slot, self.before.len()));
            let (log, before) = (&self.log, &mut self.before);
            before.extend(log.places(last).map(|place| (place, log.diff(place))));
        }
        self.add(slot, message, diff);
    }

    /// Puts copies of a row where they belong, and drops those that are too many. Answers where a
    /// row is that was not there.
    fn add(&mut self, slot: u32, message: &[u8], diff: Diff) -> Option<Place> {
        assert!(diff > 0, "nothing is taken away from rows that are never retracted");
        let (mut last, copies) = self.chain(slot);
        let (mut behind, mut at) = (NONE, last);
        let is_there = loop {
            if at == NONE {
                break false;
            }
            match self.order.compare(message, self.log.row(at)) {
                Ordering::Less => (behind, at) = (at, self.log.next(at)),
                Ordering::Equal => break true,
                Ordering::Greater => break false,
            }
        };
        let mut new = None;
        if is_there {
            self.log.set_diff(at, self.log.diff(at).saturating_add(diff));
        } else {
            let place = self.log.push(message, diff);
            self.log.link(place, at);
            if behind == NONE {
                last = place;
            } else {
                self.log.link(behind, place);
            }
            new = Some(place);
        }
        let mut copies = i64::from(copies).saturating_add(diff);
        while copies > i64::from(self.rows_max) {
            let of_last = self.log.diff(last);
            let over = copies - i64::from(self.rows_max);
            if of_last > over {
                self.log.set_diff(last, of_last - over);
                copies -= over;
            } else {
                copies -= of_last;
                let next = self.log.next(last);
                if !self.log.is_marked(last) {
                    self.log.forget(last);
                }
                last = next;
            }
        }
        let copies = u32::try_from(copies).expect("so few are kept");
        self.keys.payload_mut(slot)[0] = word(last, copies);
        new
    }

    /// Ends an epoch: calls `emit` with the rows that come and go.
    fn close(&mut self, mut emit: impl FnMut(&[u8], Diff)) {
        let Self { log, keys, changes, touched, before, .. } = self;
        let (mut found, mut entry) = (Vec::new(), Vec::new());
        let ends = touched.iter().skip(1).map(|&(_, start)| start).chain([before.len()]);
        for (&(slot, start), end) in touched.iter().zip(ends) {
            let key = keys.key_at(slot);
            found.clear();
            differences(log, halves(keys.payload(slot)[0]).0, &before[start..end], &mut found);
            for &Difference { place, diff, is_gone } in &found {
                let message = log.row(place);
                emit(parts(message).1, diff);
                if changes.is_on() {
                    entry.clear();
                    put_entry(self.order.rows, message, &mut entry);
                    changes.add(Id { key: Some(keys.bytes(&key)), place: &entry }, diff);
                }
                if is_gone {
                    log.forget(place);
                } else {
                    log.mark(place);
                }
            }
        }
        touched.clear();
        before.clear();
        self.stamp = self.stamp.checked_add(1).unwrap_or_else(|| {
            self.keys.clear_stamps();
            1
        });
        self.tidy();
    }

    /// Copies the rows that are left into a new log where many have been dropped: also within an
    /// epoch, in which each row may take the place of the one before.
    fn tidy(&mut self) {
        if !self.log.is_wasteful() {
            return;
        }
        let old = std::mem::take(&mut self.log);
        let mut moved = HashMap::new();
        let slots: Vec<u32> = self.keys.slots().collect();
        for slot in slots {
            let (head, copies) = self.chain(slot);
            let is_touched = self.keys.stamp(slot) == self.stamp;
            let last = self.log.copy_chain(&old, head, |at, place| {
                if is_touched {
                    moved.insert(at, place);
                }
            });
            self.keys.payload_mut(slot)[0] = word(last, copies);
        }
        for (at, _) in &mut self.before {
            // What has been dropped is to be emitted yet.
            *at = moved.get(at).copied().unwrap_or_else(|| self.log.push(old.row(*at), 1));
        }
    }
}

/// A row that is there more or less often than before.
struct Difference {
    place: Place,
    diff: Diff,
    is_gone: bool,
}

/// Finds the rows of a chain that are there more or less often than before. Rows that stay follow
/// each other as they did; those that come are not marked.
fn differences(log: &RowLog, last: Place, before: &[(Place, Diff)], found: &mut Vec<Difference>) {
    let gone = |(place, copies): (Place, Diff)| Difference { place, diff: -copies, is_gone: true };
    let mut before = before.iter().copied();
    for place in log.places(last) {
        let mut old = 0;
        if log.is_marked(place) {
            for row in before.by_ref() {
                if row.0 == place {
                    old = row.1;
                    break;
                }
                found.push(gone(row));
            }
        }
        let diff = log.diff(place) - old;
        if diff != 0 {
            found.push(Difference { place, diff, is_gone: false });
        }
    }
    found.extend(before.map(gone));
}

impl State for FirstRows {
    fn size(&self) -> StateSize {
        StateSize { rows: self.log.len(), bytes: self.keys.memory() + self.log.memory() }
    }

    fn save(&mut self, out: &mut Saved) {
        let (keys, log, rows) = (&self.keys, &self.log, self.order.rows);
        self.changes.save(out, &[], |records: &mut Records| {
            let mut entry = Vec::new();
            for slot in keys.slots() {
                let key = keys.key_at(slot);
                for (message, copies) in log.chain(halves(keys.payload(slot)[0]).0, NONE) {
                    entry.clear();
                    put_entry(rows, message, &mut entry);
                    records.add(Id { key: Some(keys.bytes(&key)), place: &entry }, copies);
                }
            }
        });
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let mut message = Vec::new();
        put_message(self.order.rows, record.id.place, &mut message);
        let key = self.keys.key(record.key());
        let slot = self.keys.find(key).unwrap_or_else(|| self.insert_key(key));
        let place = self.add(slot, &message, record.copies());
        place.into_iter().for_each(|place| self.log.mark(place));
    }

    fn kept(&mut self) {
        self.changes.begin();
    }
}

/// Keeps the first rows of each partition.
pub(crate) struct First {
    pub(crate) state: Rc<RefCell<FirstRows>>,
    pub(crate) root: Box<dyn EncodedStep>,
}

impl Logic for First {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.state.borrow_mut().receive(&chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let root = &mut self.root;
        self.state.borrow_mut().close(|row, diff| root.push(row, &[], diff));
        true
    }
}
