//! Where a stream gets its watermark.

use super::judge::OutOfTime;
use super::{Judge, time_and_key};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::out_buffer::SharedBuffer;
use crate::schema::stable_hash;
use crate::stage::{Diff, EncodedStep, TimeEdge};

/// Tells rows of a stream that are in time from late ones, within a stage.
pub(crate) struct Passage {
    judge: Judge,
    per_key: bool,
    /// To the merges of all workers.
    progress: SharedBuffer,
    /// Why the last row was out of time.
    why: Option<OutOfTime>,
}

impl Passage {
    pub(crate) fn new(judge: Judge, per_key: bool, progress: SharedBuffer) -> Self {
        Self { judge, per_key, progress, why: None }
    }
}

impl TimeEdge for Passage {
    #[inline]
    fn passes(&mut self, time_and_key: &[u8]) -> bool {
        let (time, key) = self::time_and_key(time_and_key);
        self.why = self.judge.judge(time);
        if self.why.is_some() {
            return false;
        }
        let seen = &self.judge.watermark.seen;
        seen.set(time.max(seen.get()));
        let mut progress = self.progress.borrow_mut();
        let partition = if self.per_key { stable_hash(key) } else { progress.origin().partition };
        progress.note_time(partition, time);
        true
    }

    fn refuse(&mut self, time_and_key: &[u8], row: &[u8], diff: Diff) {
        let (time, _) = self::time_and_key(time_and_key);
        let why = self.why.take().expect("the row in question has just been judged");
        self.judge.refuse(row, time, diff, why);
    }
}

/// Tells rows of a stream that are in time from late ones, where only the close of an epoch tells
/// which.
pub(crate) struct Edge {
    pub(crate) judge: Judge,
    pub(crate) rows: Box<dyn EncodedStep>,
    /// The buffers behind, which keep the order of the rows' source.
    pub(crate) buffers: Vec<SharedBuffer>,
    pub(crate) per_key: bool,
    /// To the merges of all workers.
    pub(crate) progress: SharedBuffer,
    /// Those with rows that may be ahead of the clock, which only the close of the epoch tells;
    /// and all that have come after, so that rows keep their order.
    pub(crate) held: Vec<Chunk>,
}

impl Edge {
    fn pass(&mut self, chunk: &Chunk) {
        for buffer in &self.buffers {
            buffer.borrow_mut().set_origin(chunk.origin);
        }
        let mut progress = self.progress.borrow_mut();
        let seen = &self.judge.watermark.seen;
        let mut largest = seen.get();
        for (key, row, diff) in chunk.iter() {
            let (time, key) = time_and_key(key.expect("each row has a place for its time"));
            if let Some(why) = self.judge.judge(time) {
                self.judge.refuse(row, time, diff, why);
                continue;
            }
            self.rows.push(row, &[], diff);
            largest = largest.max(time);
            let partition = if self.per_key { stable_hash(key) } else { chunk.origin.partition };
            progress.note_time(partition, time);
        }
        drop(progress);
        self.judge.watermark.seen.set(largest);
    }

    fn may_be_ahead(&self, chunk: &Chunk) -> bool {
        let mut times = chunk.iter().filter_map(|(key, ..)| key.map(time_and_key));
        self.judge.ahead.is_some() && times.any(|(time, _)| self.judge.is_ahead(time))
    }
}

impl Logic for Edge {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        if self.held.is_empty() && !self.may_be_ahead(&chunk) {
            self.pass(&chunk);
        } else {
            self.held.push(chunk);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        for chunk in std::mem::take(&mut self.held) {
            self.pass(&chunk);
        }
        true
    }
}
