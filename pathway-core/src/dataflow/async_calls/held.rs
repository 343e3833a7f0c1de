//! A stream's rows, whose epoch stays open until all their calls have come back.

use super::{Calls, Done, Interest, Outcome, Outputs};
use crate::dataflow::chunk::{Chunk, Origin};
use crate::dataflow::operator::{Epoch, Logic};
use crate::stage::Diff;
use std::any::Any;
use std::collections::VecDeque;
use timely::scheduling::SyncActivator;

/// A call of the open epoch.
struct Entry {
    origin: Origin,
    diff: Diff,
    outcome: Option<Outcome>,
    _interest: Interest,
    /// Holds rows back also once the call has come back: until those in front have too.
    counted: Option<Box<dyn Any + Send>>,
}

/// Results leave in the order of the rows, so that a stream keeps the order of its source.
pub(crate) struct Held {
    calls: Box<dyn Calls>,
    outputs: Outputs,
    epoch: Epoch,
    entries: VecDeque<Entry>,
    /// The ticket of the first entry.
    first: u64,
    done: Vec<Done>,
}

impl Held {
    pub(crate) fn new(calls: Box<dyn Calls>, outputs: Outputs) -> Self {
        let (entries, done) = (VecDeque::new(), Vec::new());
        Self { calls, outputs, epoch: 0, entries, first: 0, done }
    }

    fn entry(&mut self, ticket: u64) -> Option<&mut Entry> {
        let at = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(at)
    }
}

impl Logic for Held {
    fn open(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    fn receive(&mut self, _port: usize, chunk: Chunk) {
        for (row, _, diff) in chunk.iter() {
            let ticket = self.first + self.entries.len() as u64;
            let interest = self.calls.begin(ticket, self.epoch, row.unwrap_or_default());
            self.entries.push_back(Entry {
                origin: chunk.origin,
                diff,
                outcome: None,
                _interest: interest,
                counted: None,
            });
        }
    }

    fn work(&mut self) {
        let mut done = std::mem::take(&mut self.done);
        self.calls.take(&mut done);
        for Done { ticket, outcome, counted } in done.drain(..) {
            if let Some(entry) = self.entry(ticket) {
                entry.outcome = Some(outcome);
                entry.counted = Some(counted);
            }
        }
        self.done = done;
        while let Some(Entry { outcome: Some(outcome), origin, diff, .. }) = self.entries.front() {
            self.outputs.set_origin(*origin);
            self.outputs.push(outcome, *diff);
            self.entries.pop_front();
            self.first += 1;
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        self.entries.is_empty()
    }

    fn wake_by(&mut self, activator: SyncActivator) -> bool {
        wake(&*self.calls, activator)
    }
}

/// Schedules the operator when calls have come back.
pub(super) fn wake(calls: &dyn Calls, activator: SyncActivator) -> bool {
    calls.wake_by(Box::new(move || {
        // A worker that is gone needs no waking.
        let _gone = activator.activate();
    }));
    true
}
