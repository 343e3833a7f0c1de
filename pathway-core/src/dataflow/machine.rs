//! State machines with timers.
//!
//! By event time, rows wait until the watermark has passed them, and come in the order of their
//! times, timers between them: what comes out depends on the rows that were in time, and neither
//! on their arrival nor on the epochs. By the clock, rows come with their epoch, and timers at the
//! close of the epoch that is at or behind them.

use super::chunk::Chunk;
use super::epoch_clock::{Alarm, NEVER};
use super::key_table::KeyTable;
use super::logic::Fail;
use super::operator::{Epoch, Logic};
use super::state::{Saved, State, StateSize};
use super::stateful::in_order;
use super::watermark::{END, Watermark};
use crate::persistence::records::{Id, Record};
use crate::schema::{DataType, Schema, ordered};
use crate::stage::{KeyedMachine, TimerRequest};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The part of the rows that wait.
const WAITING: &[u8] = b"waiting";

/// A row that waits for its time: its key and itself.
type Waiting = (Vec<u8>, Vec<u8>);

/// Whose time counts.
pub(crate) enum MachineTime {
    /// The watermark's. Rows carry their event time in front.
    Event(Rc<Watermark>),
    /// The clock's.
    Clock(Alarm),
}

/// The keys of a machine, their states and timers.
pub(crate) struct Machines {
    /// The payload: when the key was touched last, and its time in `expiries`; two words each.
    keys: KeyTable,
    logic: Box<dyn KeyedMachine>,
    rows: DataType,
    timers: BTreeSet<(i128, u32)>,
    timers_of: BTreeSet<(u32, i128)>,
    /// A state that is not touched for that long is forgotten.
    keeps_for: Option<i128>,
    /// For each key, a time at or before which its state cannot expire.
    expiries: BTreeSet<(i128, u32)>,
    /// By event time, the rows that the watermark has not passed.
    waiting: BTreeMap<i128, Vec<Waiting>>,
    requests: Vec<TimerRequest>,
}

fn halves(time: i128) -> [u64; 2] {
    let bytes = time.to_le_bytes();
    let half = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    [half(0), half(8)]
}

fn whole(halves: &[u64]) -> i128 {
    i128::from_le_bytes(
        [halves[0].to_le_bytes(), halves[1].to_le_bytes()].concat().try_into().expect("16 bytes"),
    )
}

impl Machines {
    pub(crate) fn new(
        logic: Box<dyn KeyedMachine>,
        rows: DataType,
        keeps_for: Option<i128>,
    ) -> Self {
        Self {
            keys: KeyTable::new(4),
            logic,
            rows,
            timers: BTreeSet::new(),
            timers_of: BTreeSet::new(),
            keeps_for,
            expiries: BTreeSet::new(),
            waiting: BTreeMap::new(),
            requests: Vec::new(),
        }
    }

    fn row(&mut self, key: &[u8], row: &[u8], now: i128) {
        let found = self.keys.key(key);
        let slot = match self.keys.find(found) {
            Some(slot) => slot,
            None => {
                let slot = self.keys.insert(found);
                if let Some(keeps_for) = self.keeps_for {
                    self.expire_at(slot, now.saturating_add(keeps_for));
                }
                slot
            }
        };
        let has_state = self.logic.row(slot as usize, key, row, now, &mut self.requests);
        self.settle(slot, has_state, now);
    }

    /// Fires the first timer.
    fn fire(&mut self, at: i128, slot: u32) -> Result<(), (Vec<u8>, String)> {
        self.timers.remove(&(at, slot));
        self.timers_of.remove(&(slot, at));
        let key = self.keys.key_at(slot);
        let key = self.keys.bytes(&key).to_vec();
        let has_state = self.logic.timer(slot as usize, &key, at, &mut self.requests);
        let is_early =
            |request: &TimerRequest| matches!(request, TimerRequest::Set(to) if *to <= at);
        if self.requests.iter().any(is_early) {
            let problem = "a timer set a timer that is not later than itself, so it would never \
                           end; set a later one";
            return Err((key, problem.to_owned()));
        }
        self.settle(slot, has_state, at);
        Ok(())
    }

    /// Does what the machine has asked for, and forgets the key if nothing is left of it.
    fn settle(&mut self, slot: u32, has_state: bool, now: i128) {
        for request in std::mem::take(&mut self.requests) {
            match request {
                TimerRequest::Set(at) => {
                    let at = at.max(now);
                    self.timers.insert((at, slot));
                    self.timers_of.insert((slot, at));
                }
                TimerRequest::Cancel(at) => {
                    self.timers.remove(&(at, slot));
                    self.timers_of.remove(&(slot, at));
                }
                TimerRequest::CancelAll => self.cancel_all(slot),
            }
        }
        if has_state || self.has_timers(slot) {
            self.keys.payload_mut(slot)[..2].copy_from_slice(&halves(now));
            self.keys.mark(slot);
        } else {
            self.remove(slot);
        }
    }

    fn has_timers(&self, slot: u32) -> bool {
        self.timers_of.range((slot, i128::MIN)..=(slot, i128::MAX)).next().is_some()
    }

    fn cancel_all(&mut self, slot: u32) {
        let of_slot = self.timers_of.range((slot, i128::MIN)..=(slot, i128::MAX));
        for (slot, at) in of_slot.copied().collect::<Vec<_>>() {
            self.timers.remove(&(at, slot));
            self.timers_of.remove(&(slot, at));
        }
    }

    fn remove(&mut self, slot: u32) {
        self.expiries.remove(&(whole(&self.keys.payload(slot)[2..]), slot));
        self.keys.remove(slot);
    }

    /// Looks at a key again at that time.
    fn expire_at(&mut self, slot: u32, at: i128) {
        self.expiries.insert((at, slot));
        self.keys.payload_mut(slot)[2..].copy_from_slice(&halves(at));
    }

    /// Forgets a state that may have expired, unless it was touched since.
    fn expire(&mut self, at: i128, slot: u32) {
        self.expiries.remove(&(at, slot));
        let keeps_for = self.keeps_for.unwrap_or(0);
        let expires = whole(self.keys.payload(slot)).saturating_add(keeps_for);
        if expires > at {
            self.expire_at(slot, expires);
            return;
        }
        self.cancel_all(slot);
        self.logic.forget(slot as usize);
        self.keys.remove(slot);
    }

    /// Does what is due before `end`, or at it if it is included: timers and expiries in the order
    /// of their times.
    fn advance(&mut self, end: i128, included: bool) -> Result<(), (Vec<u8>, String)> {
        let is_due = |at: i128| at < end || (included && at == end);
        loop {
            let timer = self.timers.first().copied().filter(|(at, _)| is_due(*at));
            let expiry = self.expiries.first().copied().filter(|(at, _)| is_due(*at));
            match (timer, expiry) {
                // A timer that is due when the state expires still sees it.
                (Some((at, slot)), expiry) if expiry.is_none_or(|(expiry, _)| at <= expiry) => {
                    self.fire(at, slot)?;
                }
                (_, Some((at, slot))) => self.expire(at, slot),
                _ => return Ok(()),
            }
        }
    }

    /// Hands over the rows below the watermark in the order of their times, with the timers
    /// between them.
    fn pass(&mut self, watermark: i128, largest: i128) -> Result<(), (Vec<u8>, String)> {
        while let Some(entry) = self.waiting.first_entry().filter(|rows| *rows.key() < watermark) {
            let (time, mut rows) = entry.remove_entry();
            self.advance(time, false)?;
            rows.sort_unstable();
            // Those of one key come in the order of rows, which is not that of their bytes.
            for of_key in rows.chunk_by_mut(|one, other| one.0 == other.0) {
                if of_key.len() > 1 {
                    of_key.sort_by_cached_key(|(_, row)| {
                        let mut sorted = Vec::new();
                        ordered::from_compact(self.rows, &mut row.as_slice(), &mut sorted);
                        sorted
                    });
                }
            }
            for (key, row) in rows {
                self.row(&key, &row, time);
            }
        }
        if watermark < END {
            return self.advance(watermark, false);
        }
        // Time has come as far as the last row of the stream, on whichever worker. What is there
        // behind it is due once: a timer that sets the next one would go on for ever.
        self.advance(largest, false)?;
        for (at, slot) in self.timers.clone() {
            if self.timers.contains(&(at, slot)) {
                self.fire(at, slot)?;
            }
        }
        // Those that were set meanwhile are never due, also where a durable pipeline goes on.
        self.timers_of.iter().for_each(|(slot, _)| self.keys.mark(*slot));
        self.timers.clear();
        self.timers_of.clear();
        Ok(())
    }

    /// When something will be due.
    fn next(&self) -> i128 {
        let first = |of: &BTreeSet<(i128, u32)>| of.first().map_or(i128::MAX, |(at, _)| *at);
        first(&self.timers).min(first(&self.expiries))
    }
}

impl State for Machines {
    fn size(&self) -> StateSize {
        let waiting = self.waiting.values().flatten();
        let (rows, bytes) = waiting.fold((0, 0), |(rows, bytes), (key, row)| {
            (rows + 1, bytes + key.capacity() + row.capacity() + size_of::<Waiting>())
        });
        let entries = self.timers.len() * 2 + self.expiries.len();
        let entries = entries * size_of::<(i128, u32)>();
        let own = self.keys.memory() + self.logic.memory();
        StateSize { rows: self.keys.len() + rows, bytes: own + bytes + entries }
    }

    fn save(&mut self, out: &mut Saved) {
        let changed = self.keys.take_changed();
        changed.save(out, &[], &self.keys, |slot, out| {
            whole(self.keys.payload(slot)).encode(out);
            self.logic.save(slot as usize, out);
            let timers: Vec<i128> = self
                .timers_of
                .range((slot, i128::MIN)..=(slot, i128::MAX))
                .map(|(_, at)| *at)
                .collect();
            timers.encode(out);
        });
        // They come and go with the watermark, so most are others each time.
        let records = out.part(WAITING, true);
        let mut place = Vec::new();
        for (time, rows) in &self.waiting {
            for (key, row) in rows {
                place.clear();
                time.encode(&mut place);
                place.extend_from_slice(row);
                records.add(Id { key: Some(key), place: &place }, 1);
            }
        }
    }

    fn load(&mut self, part: &[u8], record: Record<'_>) {
        if part == WAITING {
            let mut row = record.id.place;
            let time = i128::decode(&mut row);
            let rows = self.waiting.entry(time).or_default();
            let row = || (record.key().to_vec(), row.to_vec());
            rows.extend((0..record.copies()).map(|_| row()));
            return;
        }
        let input = &mut record.bytes();
        let slot = self.keys.insert(self.keys.key(record.key()));
        let touched = i128::decode(input);
        self.keys.payload_mut(slot)[..2].copy_from_slice(&halves(touched));
        if let Some(keeps_for) = self.keeps_for {
            self.expire_at(slot, touched.saturating_add(keeps_for));
        }
        self.logic.load(slot as usize, input);
        for at in Vec::<i128>::decode(input) {
            self.timers.insert((at, slot));
            self.timers_of.insert((slot, at));
        }
    }

    fn kept(&mut self) {
        self.keys.all_saved();
    }
}

/// Runs a state machine.
pub(crate) struct RunMachine {
    pub(crate) machines: Rc<RefCell<Machines>>,
    pub(crate) time: MachineTime,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) fail: Fail,
}

impl Logic for RunMachine {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let machines = &mut *self.machines.borrow_mut();
        let mut chunks = std::mem::take(&mut self.chunks);
        let result = match &self.time {
            MachineTime::Event(watermark) => {
                for (key, mut row, diff) in chunks.iter().flat_map(Chunk::iter) {
                    let time = i128::decode(&mut row);
                    let row = (key.unwrap_or_default().to_vec(), row.to_vec());
                    let rows = machines.waiting.entry(time).or_default();
                    rows.extend((0..diff).map(|_| row.clone()));
                }
                machines.pass(watermark.get(), watermark.largest())
            }
            MachineTime::Clock(alarm) => {
                let now = i128::from(alarm.now());
                // What was due before its rows came happens before them.
                let before = machines.advance(now, false);
                in_order(&mut chunks, |key, row| machines.row(key, row, now));
                let result = before.and_then(|()| machines.advance(now, true));
                alarm.set(i64::try_from(machines.next()).unwrap_or(NEVER));
                result
            }
        };
        if let Err((key, problem)) = result {
            (self.fail)(Some(&key), problem);
        }
        chunks.clear();
        self.chunks = chunks;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;
    use crate::stage::{AnyStep, Diff, Step, machine};

    type Emitted = Rc<RefCell<Vec<(u8, i64)>>>;

    /// Tells the sum of each key five steps after its first row, and forgets it.
    fn sums() -> (Machines, Emitted) {
        struct Output(Emitted);
        impl Step<(u8, i64)> for Output {
            fn push(&mut self, row: (u8, i64), _diff: Diff) {
                self.0.borrow_mut().push(row);
            }
            fn push_ref(&mut self, row: &(u8, i64), diff: Diff) {
                self.push(*row, diff);
            }
        }
        let emitted = Emitted::default();
        let factory = machine::<u8, i64, i64, (u8, i64), i64, _, _>(
            |machine, row| {
                if machine.state().is_none() {
                    let due = machine.now() + 5;
                    machine.set_timer(due);
                }
                *machine.state().get_or_insert(0) += row;
            },
            |machine, _| {
                let sum = machine.state().take().unwrap_or(0);
                let key = *machine.key();
                machine.emit((key, sum));
            },
        );
        let next = AnyStep::new::<(u8, i64)>(Box::new(Output(Rc::clone(&emitted))));
        (Machines::new(factory(0, next), i64::data_type(), Some(100)), emitted)
    }

    fn wait(machines: &mut Machines, time: i128, key: u8, row: i64) {
        let row = (vec![key], row.to_le_bytes().to_vec());
        machines.waiting.entry(time).or_default().push(row);
    }

    #[test]
    fn loaded_machines_go_on_as_the_saved_ones() {
        let (mut machines, emitted) = sums();
        wait(&mut machines, 1, 7, 10);
        wait(&mut machines, 3, 8, 20);
        wait(&mut machines, 4, 7, 1);
        machines.pass(4, 4).unwrap();
        assert!(emitted.take().is_empty());
        assert_eq!(machines.size().rows, 3);
        let mut stored = Stored::default();
        stored.save(&mut machines);
        let (mut loaded, emitted) = sums();
        stored.load(&mut loaded);
        assert_eq!(loaded.size().rows, 3);
        loaded.pass(7, 7).unwrap();
        assert_eq!(emitted.take(), [(7, 11)]);
        loaded.pass(END, 8).unwrap();
        assert_eq!(emitted.take(), [(8, 20)]);
        assert_eq!(loaded.size().rows, 0);
        assert!(loaded.expiries.is_empty() && loaded.timers_of.is_empty());
    }
}
