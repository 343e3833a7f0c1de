//! Where a stream gets its watermark.

use super::{Judge, Progress, time_and_key};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::out_buffer::SharedBuffer;
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
        for (key, row, diff) in chunk.iter() {
            let (time, key) = time_and_key(key.expect("each row has a place for its time"));
            match self.judge.judge(time) {
                None => {
                    self.rows.push(row, &[], diff);
                    self.progress.note(chunk, key, time);
                }
                Some(why) => self.judge.refuse(row, time, diff, why),
            }
        }
    }

    fn may_be_ahead(&self, chunk: &Chunk) -> bool {
        let times = chunk.iter().filter_map(|(key, ..)| key.map(time_and_key));
        self.judge.ahead.is_some() && times.into_iter().any(|(time, _)| self.judge.is_ahead(time))
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
