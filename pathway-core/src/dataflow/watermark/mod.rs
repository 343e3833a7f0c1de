//! Watermarks: how far the event times of a stream have come, and which rows are late.
//!
//! An *edge* stands where the stream gets its watermark: a step of the stage in front or, where the
//! updates of a key are decided on together or the clock decides, an operator. It compares each row with the watermark
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

mod edge;
mod judge;
mod merge;
mod table_edge;

pub(crate) use edge::{Edge, Passage};
pub(crate) use judge::Judge;
pub(crate) use merge::{Least, Merge, Partitions};
pub(crate) use table_edge::TableEdge;

use std::cell::Cell;
use std::collections::BTreeMap;

/// Before every time. A row without a time carries it.
pub(crate) const START: i128 = i128::MIN;
/// Behind every time: the stream has ended.
pub(crate) const END: i128 = i128::MAX;

/// The length of a time in front of a key.
pub(crate) const TIME_LEN: usize = 16;

/// What a watermark allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarkPlan {
    /// How far a row may be behind the largest time of its partition, in steps of its time.
    pub lateness: i128,
    /// A partition without rows for that long, in nanoseconds, holds nobody back.
    pub idle_after: i64,
    /// The partitions are those of a key that stands behind the time, not those of the source.
    pub per_key: bool,
    /// How far a row may be ahead of the clock, in nanoseconds.
    pub ahead: Option<i64>,
    /// How often the watermark is brought to where the clock is, less the lateness, in
    /// nanoseconds.
    pub follows: Option<i64>,
}

/// A watermark, as the operators of one worker read it.
#[derive(Debug)]
pub(crate) struct Watermark {
    at: Cell<i128>,
    largest: Cell<i128>,
    seen: Cell<i128>,
    heard: Cell<i64>,
}

impl Default for Watermark {
    fn default() -> Self {
        let [at, largest, seen] = [START; 3].map(Cell::new);
        Self { at, largest, seen, heard: Cell::new(i64::MIN) }
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

    /// The largest time of this worker's rows, those of the open epoch included.
    pub(crate) fn seen(&self) -> i128 {
        self.seen.get()
    }

    /// When the last row came, in nanoseconds since 1970.
    pub(crate) fn heard(&self) -> i64 {
        self.heard.get()
    }
}

/// The time in front of a key, and the key.
fn time_and_key(key: &[u8]) -> (i128, &[u8]) {
    let (time, key) = key.split_first_chunk::<TIME_LEN>().expect("a time is in front of the key");
    (i128::from_le_bytes(*time), key)
}

/// The largest time of each partition in this epoch, for the merges of all workers.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    largest: BTreeMap<u64, i128>,
    /// The partition that was noted last: mostly the next one too.
    last: Option<(u64, i128)>,
}

impl Progress {
    /// Notes the largest of the times of a partition's rows, or of the only one.
    #[inline]
    pub(crate) fn note(&mut self, partition: u64, time: i128) {
        match &mut self.last {
            Some((last, largest)) if *last == partition => *largest = time.max(*largest),
            _ => self.note_other(partition, time),
        }
    }

    fn note_other(&mut self, partition: u64, time: i128) {
        if let Some((partition, largest)) = self.last.replace((partition, time)) {
            let known = self.largest.entry(partition).or_insert(START);
            *known = largest.max(*known);
        }
    }

    /// Takes what an epoch has brought.
    pub(crate) fn take(&mut self) -> BTreeMap<u64, i128> {
        self.note_other(0, START);
        self.last = None;
        std::mem::take(&mut self.largest)
    }
}
