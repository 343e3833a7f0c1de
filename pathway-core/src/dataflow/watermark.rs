//! Watermarks: how far the event times of a stream have come, and which rows are late.
//!
//! An *edge* stands where the stream gets its watermark. It compares each row with the watermark
//! of the epoch's start, and notes the largest time of each partition. When the epoch closes, the
//! edges of all workers tell every worker what they have noted, and each computes the same new
//! watermark: of the partitions that are not idle, the smallest of their largest times, less the
//! allowed lateness. It never goes back.
//!
//! ```text
//!  rows ─▶ edge ─▶ rows in time, late rows
//!            └──── largest time per partition ─▶ merge (on every worker) ─▶ those who wait
//! ```
//!
//! Operators that wait for the watermark read it when they close the same epoch: an edge from the
//! merge tells them that it is there. So a result that is final at the close of an epoch is part
//! of that epoch.

use super::chunk::Chunk;
use super::epoch_clock::{Alarm, NEVER};
use super::logic::Fail;
use super::operator::{Epoch, Logic};
use super::out_buffer::SharedBuffer;
use super::state::{State, StateSize};
use crate::schema::{Schema, put_len, take_bytes, take_len};
use crate::stage::EncodedStep;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Before every time.
pub(crate) const START: i128 = i128::MIN;
/// Behind every time: the stream has ended.
pub(crate) const END: i128 = i128::MAX;

/// What a watermark allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarkPlan {
    /// How far a row may be behind the largest time of its partition, in steps of its time.
    pub lateness: i128,
    /// A partition without rows for that long, in nanoseconds, holds nobody back.
    pub idle_after: i64,
}

/// A watermark, as the operators of one worker read it.
#[derive(Debug)]
pub(crate) struct Watermark {
    at: Cell<i128>,
    largest: Cell<i128>,
}

impl Default for Watermark {
    fn default() -> Self {
        Self { at: Cell::new(START), largest: Cell::new(START) }
    }
}

impl Watermark {
    /// No row below this time will be accepted any more, in steps.
    pub(crate) fn get(&self) -> i128 {
        self.at.get()
    }

    /// The largest time of all rows.
    pub(crate) fn largest(&self) -> i128 {
        self.largest.get()
    }
}

/// Tells rows that are in time from late ones.
pub(crate) struct Edge {
    pub(crate) watermark: Rc<Watermark>,
    pub(crate) rows: Box<dyn EncodedStep>,
    pub(crate) late: Box<dyn EncodedStep>,
    /// Whether late rows are an output, rather than an error.
    pub(crate) late_taken: bool,
    pub(crate) late_rows: Arc<AtomicU64>,
    /// The buffers behind, which keep the order of the rows' source.
    pub(crate) buffers: Vec<SharedBuffer>,
    /// To the merges of all workers.
    pub(crate) progress: SharedBuffer,
    /// The largest time of each partition in this epoch.
    pub(crate) largest: BTreeMap<u64, i128>,
    /// A time and a row, to a person.
    pub(crate) describe: Box<dyn Fn(i128) -> String>,
    pub(crate) describe_row: Box<dyn Fn(&[u8]) -> String>,
    pub(crate) fail: Fail,
}

impl Edge {
    fn late(&mut self, row: &[u8], time: Option<i128>, diff: i64) {
        if self.late_taken {
            self.late_rows.fetch_add(1, Ordering::Relaxed);
            self.late.push(row, &[], diff);
            return;
        }
        let (row, at) = ((self.describe_row)(row), (self.describe)(self.watermark.get()));
        let (problem, help) = match time {
            Some(time) => {
                let time = (self.describe)(time);
                let problem =
                    format!("a row is late: its time {time} is before the watermark {at}");
                (
                    problem,
                    "allow more lateness in `watermark(..)`, or take late rows with `or_late()`",
                )
            }
            None => (
                "a row has no event time: it is null".to_owned(),
                "filter such rows out in front of `watermark(..)`, or take them as late rows with `or_late()`",
            ),
        };
        (self.fail)(None, format!("{problem}\nrow: {row}\nhelp: {help}"));
    }
}

impl Logic for Edge {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        for buffer in &self.buffers {
            buffer.borrow_mut().set_origin(chunk.origin);
        }
        let watermark = self.watermark.get();
        let mut largest = START;
        for (time, row, diff) in chunk.iter() {
            let Some(time) = time else {
                self.late(row, None, diff);
                continue;
            };
            let time = i128::from_le_bytes(time.try_into().expect("a time has sixteen bytes"));
            if time < watermark {
                self.late(row, Some(time), diff);
            } else {
                self.rows.push(row, &[], diff);
                largest = largest.max(time);
            }
        }
        if largest > START {
            let known = self.largest.entry(chunk.origin.partition).or_insert(START);
            *known = largest.max(*known);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut progress = self.progress.borrow_mut();
        for (partition, largest) in std::mem::take(&mut self.largest) {
            progress.broadcast(&partition.to_le_bytes(), &largest.to_le_bytes());
        }
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Partition {
    largest: i128,
    /// When its last row came, in nanoseconds since 1970.
    heard: i64,
}

/// What is known of all partitions: the same on every worker.
#[derive(Debug)]
pub(crate) struct Partitions {
    plan: WatermarkPlan,
    partitions: BTreeMap<u64, Partition>,
    watermark: Rc<Watermark>,
}

impl Partitions {
    pub(crate) fn new(plan: WatermarkPlan, watermark: Rc<Watermark>) -> Self {
        Self { plan, partitions: BTreeMap::new(), watermark }
    }

    fn hear(&mut self, partition: u64, largest: i128, now: i64) {
        let known = self.partitions.entry(partition).or_insert(Partition { largest, heard: now });
        known.largest = known.largest.max(largest);
        known.heard = now;
        self.watermark.largest.set(largest.max(self.watermark.largest()));
    }

    /// Moves the watermark on. Answers when the next partition will be idle, if that would move
    /// it.
    fn advance(&mut self, now: i64) -> i64 {
        let idle_at = |known: &Partition| known.heard.saturating_add(self.plan.idle_after);
        let active = self.partitions.values().filter(|known| idle_at(known) > now);
        let Some(lowest) = active.clone().map(|known| known.largest).min() else { return NEVER };
        let at = lowest.saturating_sub(self.plan.lateness);
        self.watermark.at.set(self.watermark.get().max(at));
        // Where all that are active are as far, none of them holds the others back.
        let held = active.clone().any(|known| known.largest > lowest);
        let behind = active.filter(|known| known.largest == lowest);
        if held { behind.map(idle_at).min().unwrap_or(NEVER) } else { NEVER }
    }
}

impl State for Partitions {
    fn size(&self) -> StateSize {
        let rows = self.partitions.len();
        StateSize { rows, bytes: rows * size_of::<(u64, Partition)>() }
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.watermark.get().encode(out);
        self.watermark.largest().encode(out);
        put_len(self.partitions.len(), out);
        for (id, known) in &self.partitions {
            id.encode(out);
            known.largest.encode(out);
            known.heard.encode(out);
        }
    }

    fn load(&mut self, input: &mut &[u8]) {
        self.watermark.at.set(i128::decode(input));
        self.watermark.largest.set(i128::decode(input));
        for _ in 0..take_len(input) {
            let id = u64::decode(input);
            let largest = i128::decode(input);
            self.partitions.insert(id, Partition { largest, heard: i64::decode(input) });
        }
    }
}

/// Computes the watermark on one worker, from what the edges of all have noted.
pub(crate) struct Merge {
    pub(crate) partitions: Rc<RefCell<Partitions>>,
    pub(crate) alarm: Alarm,
    /// What has arrived in this epoch.
    pub(crate) heard: Vec<Chunk>,
    pub(crate) ended: bool,
}

impl Logic for Merge {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.heard.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let (mut partitions, now) = (self.partitions.borrow_mut(), self.alarm.now());
        for (partition, largest, _) in self.heard.iter().flat_map(Chunk::iter) {
            let mut partition = partition.unwrap_or_default();
            let mut largest = take_bytes(&mut { largest }, 16);
            partitions.hear(u64::decode(&mut partition), i128::decode(&mut largest), now);
        }
        self.heard.clear();
        self.alarm.set(partitions.advance(now));
        if self.ended {
            partitions.watermark.at.set(END);
        }
        true
    }

    fn sealed(&mut self, _port: usize) {
        self.ended = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: WatermarkPlan = WatermarkPlan { lateness: 10, idle_after: 100 };

    #[test]
    fn the_slowest_partition_that_is_not_idle_counts() {
        let watermark = Rc::new(Watermark::default());
        let mut partitions = Partitions::new(PLAN, Rc::clone(&watermark));
        assert_eq!((partitions.advance(0), watermark.get()), (NEVER, START));
        partitions.hear(1, 50, 0);
        assert_eq!((partitions.advance(0), watermark.get()), (NEVER, 40));
        partitions.hear(2, 30, 5);
        // The watermark does not go back for a partition that comes later.
        assert_eq!((partitions.advance(5), watermark.get()), (105, 40));
        partitions.hear(1, 90, 60);
        assert_eq!((partitions.advance(60), watermark.get()), (105, 40));
        assert_eq!((partitions.advance(105), watermark.get()), (NEVER, 80));
        partitions.hear(2, 95, 110);
        partitions.hear(1, 200, 110);
        assert_eq!((partitions.advance(110), watermark.get()), (210, 85));
    }

    #[test]
    fn a_loaded_watermark_goes_on_as_the_saved_one() {
        let watermark = Rc::new(Watermark::default());
        let mut partitions = Partitions::new(PLAN, watermark);
        partitions.hear(7, 50, 3);
        partitions.hear(9, 70, 4);
        partitions.advance(4);
        let mut saved = Vec::new();
        partitions.save(&mut saved);
        let mut loaded = Partitions::new(PLAN, Rc::default());
        let mut input = saved.as_slice();
        loaded.load(&mut input);
        assert!(input.is_empty());
        assert_eq!(loaded.watermark.get(), 40);
        assert_eq!(loaded.partitions, partitions.partitions);
        assert_eq!(loaded.advance(103), partitions.advance(103));
        assert_eq!(loaded.watermark.get(), 60);
    }
}
