//! A table's rows, each with what its call gave.
//!
//! A function that calls a service may answer differently the next time, so the call of a row is
//! made once, when the row appears, and its result is kept for as long as the row is there: what
//! is retracted is exactly what was given. Copies of a row share one call.

use super::held::wake;
use super::{Calls, Done, Interest, Outcome, Outputs, SharedInbox};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::state::{ChangedKeys, Saved, SavedKey, State, StateSize};
use crate::persistence::records::{Id, Record};
use crate::schema::{Schema, take_bytes};
use crate::stage::Diff;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use timely::scheduling::SyncActivator;

/// A row that is there.
struct Pair {
    /// How often.
    count: i64,
    call: Call,
}

enum Call {
    /// It has not come back.
    Waits {
        ticket: u64,
        _interest: Interest,
    },
    Done(Outcome),
}

/// The rows that are there, with what their calls gave.
pub(crate) struct Pairs {
    calls: Box<dyn Calls>,
    /// Where results join a later epoch: it is told how many are waited for, also of a state that
    /// was loaded.
    inbox: Option<SharedInbox>,
    rows: BTreeMap<Arc<[u8]>, Pair>,
    saved: ChangedKeys<Arc<[u8]>>,
    /// The rows whose calls have not come back, by ticket.
    waiting: BTreeMap<u64, Arc<[u8]>>,
    next: u64,
    epoch: Epoch,
    /// The bytes of the rows and of their results.
    bytes: usize,
}

const ROW: u8 = 0;
const NOTHING: u8 = 1;
const FAILED: u8 = 2;
const WAITS: u8 = 3;

fn len(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Row(bytes) | Outcome::Failed(bytes) => bytes.len(),
        Outcome::Nothing => 0,
    }
}

impl Pairs {
    pub(crate) fn new(calls: Box<dyn Calls>, inbox: Option<SharedInbox>) -> Self {
        Self {
            calls,
            inbox,
            rows: BTreeMap::new(),
            saved: ChangedKeys::default(),
            waiting: BTreeMap::new(),
            next: 0,
            epoch: 0,
            bytes: 0,
        }
    }

    fn begin(&mut self, row: Arc<[u8]>, count: i64) {
        let ticket = self.next;
        self.next += 1;
        let interest = self.calls.begin(ticket, self.epoch, &row);
        self.waiting.insert(ticket, Arc::clone(&row));
        if let Some(inbox) = &self.inbox {
            inbox.borrow_mut().waiting = self.waiting.len();
        }
        self.bytes += row.len();
        self.saved.note(&row);
        self.rows.insert(row, Pair { count, call: Call::Waits { ticket, _interest: interest } });
    }

    /// Applies the sum of an epoch's updates of a row. Answers whether the row can be there so
    /// often.
    pub(super) fn update(&mut self, row: &[u8], diff: Diff, outputs: &mut Outputs) -> bool {
        let Some(pair) = self.rows.get_mut(row) else {
            if diff > 0 {
                self.begin(row.into(), diff);
            }
            return diff >= 0;
        };
        self.saved.note_with(|| row.into());
        pair.count += diff;
        let count = pair.count;
        match &pair.call {
            Call::Done(outcome) => outputs.push(outcome, diff),
            // Nothing was given yet, so there is nothing to take back.
            Call::Waits { ticket, .. } if count == 0 => {
                self.waiting.remove(ticket);
            }
            Call::Waits { .. } => {}
        }
        if count == 0
            && let Some(gone) = self.rows.remove(row)
        {
            self.bytes -= row.len();
            if let Call::Done(outcome) = &gone.call {
                self.bytes -= len(outcome);
            }
        }
        count >= 0
    }

    /// Keeps what a call gave, if its row is still there.
    pub(super) fn answered(&mut self, ticket: u64, outcome: Outcome, outputs: &mut Outputs) {
        let Some(row) = self.waiting.remove(&ticket) else { return };
        self.saved.note(&row);
        let pair = self.rows.get_mut(&row).expect("a row that waits is there");
        outputs.push(&outcome, pair.count);
        self.bytes += len(&outcome);
        pair.call = Call::Done(outcome);
    }
}

/// A call that had not come back when it was saved is made again.
impl State for Pairs {
    fn size(&self) -> StateSize {
        let entry = size_of::<(Arc<[u8]>, Pair)>();
        StateSize { rows: self.rows.len(), bytes: self.bytes + self.rows.len() * entry }
    }

    fn save(&mut self, out: &mut Saved) {
        self.saved.save(out, &self.rows, |pair, out| {
            pair.count.encode(out);
            match &pair.call {
                Call::Waits { .. } => out.push(WAITS),
                Call::Done(Outcome::Nothing) => out.push(NOTHING),
                Call::Done(Outcome::Row(bytes)) => {
                    out.push(ROW);
                    out.extend_from_slice(bytes);
                }
                Call::Done(Outcome::Failed(bytes)) => {
                    out.push(FAILED);
                    out.extend_from_slice(bytes);
                }
            }
        });
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let row: Arc<[u8]> = record.key().into();
        let mut bytes = record.bytes();
        let count = i64::decode(&mut bytes);
        let outcome = match take_bytes(&mut bytes, 1)[0] {
            ROW => Outcome::Row(bytes.to_vec()),
            FAILED => Outcome::Failed(bytes.to_vec()),
            NOTHING => Outcome::Nothing,
            _ => return self.begin(row, count),
        };
        self.bytes += row.len() + len(&outcome);
        self.rows.insert(row, Pair { count, call: Call::Done(outcome) });
    }

    fn kept(&mut self) {
        self.saved.all_saved();
    }
}

impl SavedKey for Arc<[u8]> {
    fn id(&self) -> Id<'_> {
        Id::of(self)
    }
}

/// Where the results of a table's calls come from.
pub(crate) enum Results {
    /// From the calls themselves: the epoch stays open until all of it have come back.
    Held,
    /// From a source, which brings them into a later epoch.
    Detached(SharedInbox),
}

pub(crate) struct PairsLogic {
    pub(crate) pairs: Rc<RefCell<Pairs>>,
    pub(crate) outputs: Outputs,
    pub(crate) fail: Fail,
    results: Results,
    /// The updates of the open epoch, until it ends.
    chunks: Vec<Chunk>,
}

impl PairsLogic {
    pub(crate) fn held(pairs: Rc<RefCell<Pairs>>, outputs: Outputs, fail: Fail) -> Self {
        Self { pairs, outputs, fail, results: Results::Held, chunks: Vec::new() }
    }

    pub(crate) fn detached(
        pairs: Rc<RefCell<Pairs>>,
        outputs: Outputs,
        fail: Fail,
        inbox: SharedInbox,
    ) -> Self {
        Self { pairs, outputs, fail, results: Results::Detached(inbox), chunks: Vec::new() }
    }

    fn apply(&mut self) {
        let chunks = std::mem::take(&mut self.chunks);
        let mut pairs = self.pairs.borrow_mut();
        let updates = chunks.iter().flat_map(Chunk::iter);
        let mut rows: Vec<_> =
            updates.map(|(row, _, diff)| (row.unwrap_or_default(), diff)).collect();
        // Calls begin in the order of rows, not of arrival.
        rows.sort_unstable_by_key(|(row, _)| *row);
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            let (row, diff) = (same[0].0, same.iter().map(|(_, diff)| diff).sum());
            if diff != 0 && !pairs.update(row, diff, &mut self.outputs) {
                let problem = "a row was taken away more often than it had been added";
                (self.fail)(Some(row), problem.to_owned());
                return;
            }
        }
    }
}

impl Logic for PairsLogic {
    fn open(&mut self, epoch: Epoch) {
        self.pairs.borrow_mut().epoch = epoch;
    }

    /// Rows come through the first port; the chunks of the second say that results are there.
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        if chunk.is_empty() {
            return;
        }
        self.chunks.push(chunk);
        if let Results::Detached(inbox) = &self.results {
            // At least one call may begin when the epoch ends.
            inbox.borrow_mut().waiting += 1;
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        if !self.chunks.is_empty() {
            self.apply();
        }
        let mut pairs = self.pairs.borrow_mut();
        let pairs = &mut *pairs;
        match &self.results {
            Results::Held => {
                let mut done = Vec::new();
                pairs.calls.take(&mut done);
                for Done { ticket, outcome, .. } in done {
                    pairs.answered(ticket, outcome, &mut self.outputs);
                }
                pairs.waiting.is_empty()
            }
            Results::Detached(inbox) => {
                let mut inbox = inbox.borrow_mut();
                for (ticket, outcome) in inbox.done.drain(..) {
                    pairs.answered(ticket, outcome, &mut self.outputs);
                }
                inbox.waiting = pairs.waiting.len();
                true
            }
        }
    }

    fn sealed(&mut self, port: usize) {
        if let (0, Results::Detached(inbox)) = (port, &self.results) {
            inbox.borrow_mut().sealed = true;
        }
    }

    fn wake_by(&mut self, activator: SyncActivator) -> bool {
        match self.results {
            Results::Held => wake(&*self.pairs.borrow().calls, activator),
            Results::Detached(_) => false,
        }
    }
}
