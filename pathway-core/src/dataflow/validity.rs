//! Rows that are there from one time to another.
//!
//! Each row says from when it is there and from when it is gone: by the watermark, or by the clock.
//! At the close of an epoch the rows come whose time has begun, and those go whose time is over.
//! Which rows are there follows from the rows and the time alone, so nothing need be kept of what
//! is gone, nor of what will never go: a retraction of a row that has come is handed on, and one of
//! a row that is gone has nothing to take back.
//!
//! When a stream ends, every row has come: no earlier one can follow. None goes for that: time has
//! come as far as the last row. So a file gives what its rows give one after the other.

use super::chunk::Chunk;
use super::epoch_clock::{Alarm, NEVER};
use super::operator::{Epoch, Logic};
use super::state::{Pending, Saved, State, StateSize};
use super::watermark::{END, START, Watermark};
use crate::persistence::records::{Id, Record};
use crate::schema::Schema;
use crate::stage::{Diff, EncodedStep};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

/// Whose time counts.
pub(crate) enum ValidityTime {
    /// The watermark's.
    Event(Rc<Watermark>),
    /// The clock's.
    Clock(Alarm),
}

/// The rows that are still to come, and those that are still to go.
#[derive(Debug)]
pub(crate) struct Validity {
    /// By the time from when each is there, and the time from when it is gone.
    coming: BTreeMap<(i128, i128, Box<[u8]>), Diff>,
    coming_changes: Pending,
    /// By the time from when each is gone. Those that are there for ever are not here.
    going: BTreeMap<(i128, Box<[u8]>), Diff>,
    going_changes: Pending,
    /// The time up to which rows have gone.
    over: i128,
}

impl Default for Validity {
    fn default() -> Self {
        Self {
            coming: BTreeMap::new(),
            coming_changes: Pending::default(),
            going: BTreeMap::new(),
            going_changes: Pending::default(),
            over: START,
        }
    }
}

fn change<K: Ord>(rows: &mut BTreeMap<K, Diff>, row: K, diff: Diff) {
    // Within an epoch a retraction may come in front of its row.
    match rows.entry(row) {
        Entry::Vacant(vacant) => {
            vacant.insert(diff);
        }
        Entry::Occupied(mut occupied) => {
            *occupied.get_mut() += diff;
            if *occupied.get() == 0 {
                occupied.remove();
            }
        }
    }
}

/// How far time has come.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// Rows come whose time begins here or before.
    begun: i128,
    /// Rows go whose time ends here or before.
    over: i128,
}

impl Validity {
    /// Lets time come further.
    fn advance(&mut self, now: Now, root: &mut dyn EncodedStep) {
        self.over = now.over;
        while let Some(entry) = self.going.first_entry().filter(|row| row.key().0 <= now.over) {
            let ((to, row), copies) = entry.remove_entry();
            self.going_changes.add(Id::at(&place(&[to], &row)), -copies);
            root.push(&row, &[], -copies);
        }
        while let Some(entry) = self.coming.first_entry().filter(|row| row.key().0 <= now.begun) {
            let ((from, to, row), copies) = entry.remove_entry();
            self.coming_changes.add(Id::at(&place(&[from, to], &row)), -copies);
            self.come(to, row, copies, now, root);
        }
    }

    fn come(&mut self, to: i128, row: Box<[u8]>, diff: Diff, now: Now, root: &mut dyn EncodedStep) {
        if to <= now.over {
            return;
        }
        root.push(&row, &[], diff);
        if to != END {
            self.going_changes.add(Id::at(&place(&[to], &row)), diff);
            change(&mut self.going, (to, row), diff);
        }
    }

    /// Takes an update of a row that is there from one time to another.
    fn update(
        &mut self,
        (from, to): (i128, i128),
        row: &[u8],
        diff: Diff,
        now: Now,
        root: &mut dyn EncodedStep,
    ) {
        if from >= to || to <= now.over {
            return;
        }
        if from > now.begun {
            self.coming_changes.add(Id::at(&place(&[from, to], row)), diff);
            change(&mut self.coming, (from, to, row.into()), diff);
        } else {
            self.come(to, row.into(), diff, now, root);
        }
    }

    /// When the next row comes or goes.
    fn next(&self) -> i128 {
        let comes = self.coming.first_key_value().map_or(END, |((from, ..), _)| *from);
        let goes = self.going.first_key_value().map_or(END, |((to, _), _)| *to);
        comes.min(goes)
    }
}

impl State for Validity {
    fn size(&self) -> StateSize {
        let coming = self.coming.keys().map(|(.., row)| row.len()).sum::<usize>();
        let going = self.going.keys().map(|(_, row)| row.len()).sum::<usize>();
        let entries = self.coming.len() * size_of::<((i128, i128, Box<[u8]>), Diff)>()
            + self.going.len() * size_of::<((i128, Box<[u8]>), Diff)>();
        StateSize { rows: self.coming.len() + self.going.len(), bytes: coming + going + entries }
    }

    fn save(&mut self, out: &mut Saved) {
        out.small(OVER, |out| self.over.encode(out));
        let Self { coming, going, .. } = self;
        self.coming_changes.save(out, COMING, |records| {
            for ((from, to, row), copies) in coming {
                records.add(Id::at(&place(&[*from, *to], row)), *copies);
            }
        });
        self.going_changes.save(out, GOING, |records| {
            for ((to, row), copies) in going {
                records.add(Id::at(&place(&[*to], row)), *copies);
            }
        });
    }

    fn load(&mut self, part: &[u8], record: Record<'_>) {
        if part == OVER {
            self.over = i128::decode(&mut record.bytes());
            return;
        }
        let mut row = record.id.place;
        if part == COMING {
            let (from, to) = (i128::decode(&mut row), i128::decode(&mut row));
            change(&mut self.coming, (from, to, row.into()), record.copies());
        } else {
            let to = i128::decode(&mut row);
            change(&mut self.going, (to, row.into()), record.copies());
        }
    }

    fn kept(&mut self) {
        self.coming_changes.begin();
        self.going_changes.begin();
    }
}

const OVER: &[u8] = b"over";
const COMING: &[u8] = b"coming";
const GOING: &[u8] = b"going";

/// A row behind its times.
fn place(times: &[i128], row: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(size_of_val(times) + row.len());
    times.iter().for_each(|time| time.encode(&mut place));
    place.extend_from_slice(row);
    place
}

/// Lets rows come and go as time does. Their keys are the two times.
pub(crate) struct RunValidity {
    pub(crate) rows: Rc<RefCell<Validity>>,
    pub(crate) time: ValidityTime,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) root: Box<dyn EncodedStep>,
}

impl Logic for RunValidity {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let rows = &mut *self.rows.borrow_mut();
        let now = match &self.time {
            ValidityTime::Event(watermark) => {
                let begun = watermark.get();
                // A watermark may be further than all rows, where it follows the clock.
                let ended = begun == END;
                let over = if ended { watermark.largest().max(rows.over) } else { begun };
                Now { begun, over }
            }
            ValidityTime::Clock(alarm) => {
                let now = alarm.now().into();
                Now { begun: now, over: now }
            }
        };
        rows.advance(now, &mut *self.root);
        for (times, row, diff) in self.chunks.iter().flat_map(Chunk::iter) {
            let mut times = times.unwrap_or_default();
            let times = (i128::decode(&mut times), i128::decode(&mut times));
            rows.update(times, row, diff, now, &mut *self.root);
        }
        self.chunks.clear();
        if let ValidityTime::Clock(alarm) = &self.time {
            alarm.set(i64::try_from(rows.next()).unwrap_or(NEVER));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Rows(BTreeMap<Vec<u8>, Diff>);

    impl EncodedStep for Rows {
        fn push(&mut self, row: &[u8], _: &[u8], diff: Diff) {
            *self.0.entry(row.to_vec()).or_default() += diff;
            self.0.retain(|_, copies| *copies != 0);
        }
    }

    fn at(time: i128) -> Now {
        Now { begun: time, over: time }
    }

    #[test]
    fn rows_come_and_go() {
        let (mut rows, mut there) = (Validity::default(), Rows::default());
        rows.update((5, 8), b"soon", 2, at(4), &mut there);
        rows.update((0, 5), b"now", 1, at(4), &mut there);
        rows.update((0, 4), b"over", 1, at(4), &mut there);
        rows.update((3, 3), b"never", 1, at(4), &mut there);
        rows.update((1, END), b"for ever", 1, at(4), &mut there);
        assert_eq!(there.0, [(b"for ever".to_vec(), 1), (b"now".to_vec(), 1)].into());
        assert_eq!((rows.size().rows, rows.next()), (2, 5));
        rows.advance(at(5), &mut there);
        rows.update((5, 8), b"soon", -1, at(5), &mut there);
        assert_eq!(there.0, [(b"for ever".to_vec(), 1), (b"soon".to_vec(), 1)].into());
        // A retraction in front of its row, and one of a row that has gone.
        rows.update((9, 20), b"later", -1, at(5), &mut there);
        rows.update((9, 20), b"later", 1, at(5), &mut there);
        rows.update((0, 5), b"now", -1, at(5), &mut there);
        rows.update((1, END), b"for ever", -1, at(5), &mut there);
        assert_eq!(there.0, [(b"soon".to_vec(), 1)].into());
        rows.advance(at(8), &mut there);
        assert!(there.0.is_empty());
        assert_eq!((rows.size(), rows.next()), (StateSize::default(), END));
    }

    #[test]
    fn a_loaded_state_goes_on_as_the_saved_one() {
        let (mut rows, mut there) = (Validity::default(), Rows::default());
        rows.update((5, 8), b"soon", 2, at(0), &mut there);
        rows.update((5, END), b"soon", 1, at(0), &mut there);
        rows.update((0, 6), b"now", 1, at(0), &mut there);
        let mut stored = Stored::default();
        stored.save(&mut rows);
        let mut loaded = Validity::default();
        stored.load(&mut loaded);
        assert_eq!(loaded.size(), rows.size());
        loaded.advance(at(7), &mut there);
        assert_eq!(there.0, [(b"soon".to_vec(), 3)].into());
        loaded.advance(at(8), &mut there);
        assert_eq!(there.0, [(b"soon".to_vec(), 1)].into());
    }
}
