//! The operator around windows, and what writes into them.

use super::{Moment, WindowState};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::epoch_clock::{Alarm, NEVER};
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::out_buffer::SharedBuffer;
use crate::dataflow::watermark::{START, Watermark};
use crate::stage::{EncodedStep, InputsCollector, SharedBatch};
use std::cell::RefCell;
use std::rc::Rc;

/// Writes rows straight into the windows of the operator behind.
pub(crate) struct DirectWindows {
    pub(crate) windows: Rc<RefCell<dyn WindowState>>,
    pub(crate) buffer: SharedBuffer,
}

impl InputsCollector for DirectWindows {
    fn batch(&self) -> SharedBatch {
        self.windows.borrow().batch()
    }

    fn settle(&mut self) {
        self.windows.borrow_mut().settle();
        self.buffer.borrow_mut().mark();
    }
}

/// Reduces windows.
pub(crate) struct RunWindows {
    pub(crate) windows: Rc<RefCell<dyn WindowState>>,
    /// Nothing where windows are never over.
    pub(crate) watermark: Option<Rc<Watermark>>,
    pub(crate) alarm: Alarm,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
    pub(crate) ended: bool,
}

impl Logic for RunWindows {
    fn receive(&mut self, port: usize, chunk: Chunk) {
        if port > 0 {
            return;
        }
        let mut windows = self.windows.borrow_mut();
        for (key, partial, rows) in chunk.iter() {
            windows.merge(key.unwrap_or_default(), partial, rows);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut windows = self.windows.borrow_mut();
        let watermark = self.watermark.as_ref().map_or(START, |watermark| watermark.get());
        let at = Moment { watermark, now: self.alarm.now(), ended: self.ended };
        if let Err((key, problem)) = windows.close(&at, &mut *self.root) {
            (self.fail)(Some(&key), problem);
        }
        self.alarm.set(windows.due().unwrap_or(NEVER));
        true
    }

    fn sealed(&mut self, port: usize) {
        self.ended |= port == 0;
    }
}
