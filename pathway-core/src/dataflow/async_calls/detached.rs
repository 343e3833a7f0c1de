//! A stream's rows, whose results join a later epoch as if from a new source.

use super::{Calls, Interest, Outputs, SharedInbox};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::state::{Saved, State, StateSize};
use crate::persistence::records::{Id, Record};
use crate::schema::Schema;
use crate::stage::Diff;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The rows whose calls have not come back.
pub(crate) struct Waiting {
    calls: Box<dyn Calls>,
    rows: BTreeMap<u64, Row>,
    next: u64,
    epoch: Epoch,
    inbox: SharedInbox,
}

struct Row {
    row: Box<[u8]>,
    diff: Diff,
    _interest: Interest,
}

impl Waiting {
    pub(crate) fn new(calls: Box<dyn Calls>, inbox: SharedInbox) -> Self {
        Self { calls, rows: BTreeMap::new(), next: 0, epoch: 0, inbox }
    }

    pub(super) fn begin(&mut self, row: &[u8], diff: Diff) {
        let interest = self.calls.begin(self.next, self.epoch, row);
        self.rows.insert(self.next, Row { row: row.into(), diff, _interest: interest });
        self.next += 1;
        self.inbox.borrow_mut().waiting += 1;
    }
}

/// A call that had not come back when it was saved is made again.
impl State for Waiting {
    fn size(&self) -> StateSize {
        let bytes = self.rows.values().map(|row| row.row.len() + size_of::<(u64, Row)>());
        StateSize { rows: self.rows.len(), bytes: bytes.sum() }
    }

    fn save(&mut self, out: &mut Saved) {
        // Each is a call of its own, also where rows are equal.
        let records = out.part(&[], true);
        for (ticket, row) in &self.rows {
            records.put(Id { key: Some(&row.row), place: &ticket.to_be_bytes() }, |out| {
                row.diff.encode(out);
            });
        }
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        self.begin(record.key(), i64::decode(&mut record.bytes()));
    }
}

pub(crate) struct Detached {
    pub(crate) waiting: Rc<RefCell<Waiting>>,
    pub(crate) outputs: Outputs,
}

impl Logic for Detached {
    fn open(&mut self, epoch: Epoch) {
        self.waiting.borrow_mut().epoch = epoch;
    }

    /// Rows come through the first port; the chunks of the second say that results are there.
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        let mut waiting = self.waiting.borrow_mut();
        for (row, _, diff) in chunk.iter() {
            waiting.begin(row.unwrap_or_default(), diff);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let done = std::mem::take(&mut waiting.inbox.borrow_mut().done);
        for (ticket, outcome) in done {
            if let Some(row) = waiting.rows.remove(&ticket) {
                self.outputs.push(&outcome, row.diff);
            }
        }
        waiting.inbox.borrow_mut().waiting = waiting.rows.len();
        true
    }

    fn sealed(&mut self, port: usize) {
        if port == 0 {
            self.waiting.borrow().inbox.borrow_mut().sealed = true;
        }
    }
}
