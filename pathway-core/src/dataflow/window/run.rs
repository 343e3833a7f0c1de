//! The operator around windows, and what writes into them.

use super::{Moment, WindowState};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::epoch_clock::{Alarm, NEVER};
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::out_buffer::SharedBuffer;
use crate::dataflow::watermark::{END, START, Watermark};
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
    /// Whether the second input is another table.
    pub(crate) has_other: bool,
    /// The watermark of the other table.
    pub(crate) other: Option<Rc<Watermark>>,
    pub(crate) other_ended: bool,
    pub(crate) alarm: Alarm,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
    pub(crate) ended: bool,
}

impl Logic for RunWindows {
    fn receive(&mut self, port: usize, chunk: Chunk) {
        let mut windows = self.windows.borrow_mut();
        match port {
            0 => {
                for (key, partial, rows) in chunk.iter() {
                    windows.merge(key.unwrap_or_default(), partial, rows);
                }
            }
            1 if self.has_other => {
                for (key, row, diff) in chunk.iter() {
                    windows.around(key, row, diff);
                }
            }
            // What says how far time has come has no rows.
            _ => {}
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut windows = self.windows.borrow_mut();
        let at = |watermark: &Option<Rc<Watermark>>, ended: bool| match watermark {
            Some(watermark) => watermark.get(),
            None if self.has_other && ended => END,
            None => START,
        };
        let at = Moment {
            watermark: at(&self.watermark, self.ended),
            other: at(&self.other, self.other_ended),
            now: self.alarm.now(),
            ended: self.ended && (self.other_ended || !self.has_other),
        };
        if let Err((key, problem)) = windows.close(&at, &mut *self.root) {
            (self.fail)(Some(&key), problem);
        }
        self.alarm.set(windows.due().unwrap_or(NEVER));
        true
    }

    fn sealed(&mut self, port: usize) {
        self.ended |= port == 0;
        self.other_ended |= port == 1;
    }
}
