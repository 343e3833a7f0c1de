//! Rows with the time of their epoch.
//!
//! The time of an epoch is known when it closes, so its rows wait until then.

use super::chunk::Chunk;
use super::epoch_clock::EpochClock;
use super::operator::{Epoch, Logic};
use super::out_buffer::SharedBuffer;
use crate::stage::EncodedStep;
use std::rc::Rc;

/// Gives each row the time of its epoch.
pub(crate) struct Stamp {
    pub(crate) clock: Rc<EpochClock>,
    pub(crate) root: Box<dyn EncodedStep>,
    /// The buffers behind, which keep the order of the rows' source.
    pub(crate) buffers: Vec<SharedBuffer>,
    pub(crate) chunks: Vec<Chunk>,
}

impl Logic for Stamp {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let now = self.clock.now().to_le_bytes();
        for chunk in self.chunks.drain(..) {
            for buffer in &self.buffers {
                buffer.borrow_mut().set_origin(chunk.origin);
            }
            for (row, _, diff) in chunk.iter() {
                self.root.push(row.unwrap_or_default(), &now, diff);
            }
        }
        true
    }
}
