//! The operator around a join by time.

use super::{LEFT, RIGHT, TimeJoinState};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::epoch_clock::{Alarm, NEVER};
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::watermark::{END, START, Watermark};
use crate::stage::EncodedStep;
use std::cell::RefCell;
use std::rc::Rc;

/// Joins two sides by time. Its first two ports are the rows of the sides, each with its key and
/// its time in front; the others tell that the watermarks are there.
pub(crate) struct RunTimeJoin {
    pub(crate) state: Rc<RefCell<TimeJoinState>>,
    pub(crate) watermarks: [Option<Rc<Watermark>>; 2],
    /// Whether the rows of a side have ended.
    pub(crate) ended: [bool; 2],
    /// The rows of the epoch.
    pub(crate) chunks: [Vec<Chunk>; 2],
    pub(crate) alarm: Alarm,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
}

impl Logic for RunTimeJoin {
    fn receive(&mut self, port: usize, chunk: Chunk) {
        if let Some(chunks) = self.chunks.get_mut(port) {
            chunks.push(chunk);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let at = [LEFT, RIGHT].map(|side| match &self.watermarks[side] {
            Some(watermark) => watermark.get(),
            None if self.ended[side] => END,
            None => START,
        });
        let mut state = self.state.borrow_mut();
        let closed = state.close(&self.chunks, at, self.alarm.now(), &mut *self.root);
        if let Err(problem) = closed {
            (self.fail)(None, problem);
        }
        self.alarm.set(state.due().unwrap_or(NEVER));
        self.chunks.iter_mut().for_each(Vec::clear);
        true
    }

    fn sealed(&mut self, port: usize) {
        if let Some(ended) = self.ended.get_mut(port) {
            *ended = true;
        }
    }
}
