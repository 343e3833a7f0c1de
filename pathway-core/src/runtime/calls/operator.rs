//! What the workers and the thread of calls share of one operator.

use crate::dataflow::async_calls::{Calls, Done, Interest, Outcome};
use crate::dataflow::operator::Epoch;
use crate::plan::{CallSettings, NodeId};
use crate::runtime::shared::{Shared, lock};
use crate::stage::CallRow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::{mpsc, oneshot};

/// A row that is to be called.
pub(super) struct Job {
    pub(super) row: CallRow,
    worker: usize,
    epoch: Epoch,
    ticket: u64,
    /// Ends when nobody waits any more.
    pub(super) given_up: oneshot::Receiver<()>,
    counted: Counted,
}

/// One operator of a run.
pub(super) struct Operator {
    pub(super) node: NodeId,
    pub(super) settings: CallSettings,
    /// Whether rows are held back where there are too many calls. Those of a table that holds its
    /// epoch are not: its calls begin when the epoch is complete.
    pub(super) holds_back: bool,
    pub(super) shared: Weak<Shared>,
    /// Calls that have not come back to their worker.
    under_way: AtomicUsize,
    /// The same by epoch, where results leave in the order of epochs.
    epochs: Mutex<BTreeMap<Epoch, usize>>,
    /// By worker.
    returns: Vec<Return>,
}

/// The way back to one worker.
#[derive(Default)]
struct Return {
    done: Mutex<Vec<(Epoch, Done)>>,
    wake: Mutex<Option<Box<dyn Fn() + Send>>>,
}

/// A call that is under way.
struct Counted {
    operator: Arc<Operator>,
    epoch: Epoch,
}

impl Counted {
    fn new(operator: &Arc<Operator>, epoch: Epoch) -> Self {
        operator.under_way.fetch_add(1, Ordering::SeqCst);
        if operator.settings.ordered {
            *lock(&operator.epochs).entry(epoch).or_insert(0) += 1;
        }
        Self { operator: Arc::clone(operator), epoch }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let operator = &self.operator;
        let before = operator.under_way.fetch_sub(1, Ordering::SeqCst);
        if before == operator.under_way_max()
            && let Some(shared) = operator.shared.upgrade()
        {
            shared.wake();
        }
        if operator.settings.ordered && operator.epoch_came_back(self.epoch) {
            operator.returns.iter().for_each(Return::wake);
        }
    }
}

impl Return {
    fn wake(&self) {
        if let Some(wake) = &*lock(&self.wake) {
            wake();
        }
    }
}

impl Operator {
    pub(super) fn new(
        node: NodeId,
        settings: CallSettings,
        holds_back: bool,
        shared: Weak<Shared>,
        workers: usize,
    ) -> Self {
        Self {
            node,
            settings,
            holds_back,
            shared,
            under_way: AtomicUsize::new(0),
            epochs: Mutex::default(),
            returns: (0..workers).map(|_| Return::default()).collect(),
        }
    }

    /// Rows are held back from this many calls on: enough to begin one as soon as another ends.
    fn under_way_max(&self) -> usize {
        self.settings.capacity.saturating_mul(self.settings.batch.unwrap_or(1)).saturating_mul(2)
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Whether rows are to be held back.
    pub(super) fn is_full(&self) -> bool {
        self.holds_back && self.under_way() >= self.under_way_max()
    }

    /// Notes that a call of an epoch has come back; answers whether all of it have.
    fn epoch_came_back(&self, epoch: Epoch) -> bool {
        let mut epochs = lock(&self.epochs);
        let Some(calls) = epochs.get_mut(&epoch) else { return false };
        *calls -= 1;
        let is_last = *calls == 0;
        if is_last {
            epochs.remove(&epoch);
        }
        is_last
    }

    /// Brings a result to the worker that waits for it.
    pub(super) fn bring_back(&self, job: Job, outcome: Outcome) {
        let Job { worker, epoch, ticket, counted, .. } = job;
        let done = Done { ticket, outcome, counted: Box::new(counted) };
        let back = &self.returns[worker];
        let is_first = {
            let mut others = lock(&back.done);
            others.push((epoch, done));
            others.len() == 1
        };
        // The worker was woken for the first, and takes all; of those in order it leaves some.
        if is_first || self.settings.ordered {
            back.wake();
        }
    }
}

/// The calls of one operator on one worker.
pub(super) struct Port {
    pub(super) operator: Arc<Operator>,
    pub(super) worker: usize,
    pub(super) jobs: mpsc::UnboundedSender<Job>,
}

impl Calls for Port {
    fn begin(&self, ticket: u64, epoch: Epoch, row: &[u8]) -> Interest {
        let (interest, given_up) = oneshot::channel();
        let counted = Counted::new(&self.operator, epoch);
        let job = Job { row: row.into(), worker: self.worker, epoch, ticket, given_up, counted };
        // The thread of calls ends before the workers only if the run has failed.
        drop(self.jobs.send(job));
        Box::new(interest)
    }

    fn take(&self, into: &mut Vec<Done>) {
        let mut done = lock(&self.operator.returns[self.worker].done);
        if !self.operator.settings.ordered {
            into.extend(done.drain(..).map(|(_, done)| done));
            return;
        }
        let first = lock(&self.operator.epochs).first_key_value().map(|(epoch, _)| *epoch);
        let Some(first) = first else { return };
        into.extend(done.extract_if(.., |(epoch, _)| *epoch == first).map(|(_, done)| done));
    }

    fn wake_by(&self, wake: Box<dyn Fn() + Send>) {
        *lock(&self.operator.returns[self.worker].wake) = Some(wake);
    }
}
