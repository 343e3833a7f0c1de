//! Where a stream gets its watermark.

use super::{Judge, Progress, START, time_and_key};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::out_buffer::SharedBuffer;
use crate::schema::stable_hash;
use crate::stage::EncodedStep;

/// Tells rows of a stream that are in time from late ones.
pub(crate) struct Edge {
    pub(crate) judge: Judge,
    pub(crate) rows: Box<dyn EncodedStep>,
    /// The buffers behind, which keep the order of the rows' source.
    pub(crate) buffers: Vec<SharedBuffer>,
    /// To the merges of all workers.
    pub(crate) progress: Progress,
    /// Those with rows that may be ahead of the clock, which only the close of the epoch tells;
    /// and all that have come after, so that rows keep their order.
    pub(crate) held: Vec<Chunk>,
}

impl Edge {
    fn pass(&mut self, chunk: &Chunk) {
        for buffer in &self.buffers {
            buffer.borrow_mut().set_origin(chunk.origin);
        }
        let mut largest = START;
        for (key, row, diff) in chunk.iter() {
            let (time, key) = time_and_key(key.expect("each row has a place for its time"));
            if let Some(why) = self.judge.judge(time) {
                self.judge.refuse(row, time, diff, why);
                continue;
            }
            self.rows.push(row, &[], diff);
            largest = largest.max(time);
            if self.progress.per_key {
                self.progress.note(stable_hash(key), time);
            }
        }
        let seen = &self.judge.watermark.seen;
        seen.set(largest.max(seen.get()));
        if largest > START && !self.progress.per_key {
            self.progress.note(chunk.origin.partition, largest);
        }
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
        self.progress.send();
        true
    }
}
