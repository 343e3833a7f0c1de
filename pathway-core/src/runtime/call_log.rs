//! The results of asynchronous calls in a durable pipeline, on one worker.
//!
//! Another call might answer differently, so what a call has given enters the log with the epoch
//! that it has become part of. Where that epoch is made again, the result is given again, and no
//! call is made. Calls of which the log has no result begin once all that is logged has been made
//! again.
//!
//! A result that joins a later epoch never joins the one in which its row came, so that which epoch
//! it belongs to depends on the log alone.

use crate::dataflow::async_calls::{Calls, Done, Interest, Outcome};
use crate::dataflow::operator::Epoch;
use crate::persistence::cut::{CallResult, Cut};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// What keeps a call going. It is held in two places for as long as somebody waits.
type Kept = Arc<Mutex<Option<Interest>>>;

/// Waits for the result of a call until it is dropped.
struct Waits(Kept);

impl Drop for Waits {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A call that somebody may wait for.
struct Call {
    row: Vec<u8>,
    epoch: Epoch,
    kept: Kept,
}

impl Call {
    fn is_waited_for(&self) -> bool {
        Arc::strong_count(&self.kept) > 1
    }
}

/// So few calls are not looked through for those that nobody waits for.
const SWEPT_MIN: usize = 64;

/// The calls of one operator.
struct OfOperator {
    calls: Box<dyn Calls>,
    /// Results join a later epoch.
    detached: bool,
    /// Those that have not come back, by ticket. While epochs are made again none of them has begun.
    under_way: BTreeMap<u64, Call>,
    /// With more of them, those that nobody waits for any more are forgotten.
    swept_at: usize,
    /// Results of the epoch that is made again, by row.
    logged: BTreeMap<Vec<u8>, VecDeque<Outcome>>,
    /// What is to be given: out of the log, or later than it came.
    ready: Vec<(Epoch, Done)>,
    /// Given in an epoch that is not logged yet, by epoch and ticket.
    given: BTreeMap<(Epoch, u64), (Vec<u8>, Outcome)>,
    wake: Option<Box<dyn Fn() + Send>>,
}

struct Shared {
    operators: BTreeMap<usize, OfOperator>,
    /// Whether epochs are made again, so that nothing is called.
    replaying: bool,
}

/// The results of the calls on one worker. Clones are the same.
#[derive(Clone)]
pub(super) struct CallLog {
    shared: Rc<RefCell<Shared>>,
    /// The open epoch.
    open: Rc<Cell<Epoch>>,
}

impl CallLog {
    /// `replaying` tells whether epochs are made again first, or states loaded.
    pub(super) fn new(replaying: bool) -> Self {
        let shared = Shared { operators: BTreeMap::new(), replaying };
        Self { shared: Rc::new(RefCell::new(shared)), open: Rc::default() }
    }

    /// The calls of the operator with that rank, through the log.
    pub(super) fn port(
        &self,
        rank: usize,
        detached: bool,
        calls: Box<dyn Calls>,
    ) -> Box<dyn Calls> {
        self.shared.borrow_mut().operators.entry(rank).or_insert(OfOperator {
            calls,
            detached,
            under_way: BTreeMap::new(),
            swept_at: SWEPT_MIN,
            logged: BTreeMap::new(),
            ready: Vec::new(),
            given: BTreeMap::new(),
            wake: None,
        });
        Box::new(Port { log: self.clone(), rank })
    }

    pub(super) fn open(&self, epoch: Epoch) {
        self.open.set(epoch);
        for of in self.shared.borrow_mut().operators.values_mut() {
            // Of one that nobody waited for any more.
            of.logged.clear();
            if of.under_way.len() > of.swept_at {
                of.under_way.retain(|_, call| call.is_waited_for());
                of.swept_at = SWEPT_MIN + 2 * of.under_way.len();
            }
        }
    }

    /// Gives the result of a call again, in the open epoch.
    pub(super) fn replay(&self, result: CallResult<'_>) {
        let mut shared = self.shared.borrow_mut();
        let of = shared.operators.get_mut(&result.operator).expect("a log is that of this program");
        let outcome = match result.kind {
            CallResult::ROW => Outcome::Row(result.outcome.to_vec()),
            CallResult::FAILED => Outcome::Failed(result.outcome.to_vec()),
            _ => Outcome::Nothing,
        };
        if !of.detached {
            of.logged.entry(result.row.to_vec()).or_default().push_back(outcome);
            return;
        }
        let waits = |(_, call): &(&u64, &Call)| call.row == result.row && call.is_waited_for();
        let found = of.under_way.iter().find(waits).map(|(ticket, _)| *ticket);
        if let Some(ticket) = found
            && let Some(call) = of.under_way.remove(&ticket)
        {
            of.ready.push((call.epoch, done(ticket, outcome)));
        }
    }

    /// Begins the calls whose results the log does not have. Nothing is made again any more.
    pub(super) fn resume(&self) {
        let shared = &mut *self.shared.borrow_mut();
        if !std::mem::replace(&mut shared.replaying, false) {
            return;
        }
        for of in shared.operators.values_mut().filter(|of| of.detached) {
            of.under_way.retain(|_, call| call.is_waited_for());
            for (&ticket, call) in &of.under_way {
                let interest = of.calls.begin(ticket, call.epoch, &call.row);
                *call.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(interest);
            }
        }
    }

    /// Appends what calls have given in an epoch to what entered it, in the order of their rows.
    pub(super) fn take(&self, epoch: Epoch, part: &mut Vec<u8>) {
        let mut shared = self.shared.borrow_mut();
        for (&operator, of) in &mut shared.operators {
            let later = of.given.split_off(&(epoch + 1, 0));
            for (row, outcome) in std::mem::replace(&mut of.given, later).into_values() {
                let (kind, outcome) = match &outcome {
                    Outcome::Row(bytes) => (CallResult::ROW, bytes.as_slice()),
                    Outcome::Failed(bytes) => (CallResult::FAILED, bytes.as_slice()),
                    Outcome::Nothing => (CallResult::NOTHING, &[][..]),
                };
                Cut::result(&CallResult { operator, row: &row, kind, outcome }, part);
            }
        }
    }
}

fn done(ticket: u64, outcome: Outcome) -> Done {
    Done { ticket, outcome, counted: Box::new(()) }
}

/// The calls of one operator, through the log.
struct Port {
    log: CallLog,
    rank: usize,
}

impl Port {
    fn with<T>(&self, f: impl FnOnce(&mut OfOperator, bool) -> T) -> T {
        let shared = &mut *self.log.shared.borrow_mut();
        let of = shared.operators.get_mut(&self.rank).expect("a port is that of an operator");
        f(of, shared.replaying)
    }
}

impl Calls for Port {
    fn begin(&self, ticket: u64, epoch: Epoch, row: &[u8]) -> Interest {
        self.with(|of, replaying| {
            let known = of.logged.get_mut(row).and_then(VecDeque::pop_front);
            if let Some(outcome) = known {
                of.ready.push((epoch, done(ticket, outcome)));
                if let Some(wake) = &of.wake {
                    wake();
                }
                return Box::new(()) as Interest;
            }
            // A row whose epoch waits for it is called in any case.
            let begins = !replaying || !of.detached;
            let kept = begins.then(|| of.calls.begin(ticket, epoch, row));
            let kept = Arc::new(Mutex::new(kept));
            let interest = Waits(Arc::clone(&kept));
            of.under_way.insert(ticket, Call { row: row.to_vec(), epoch, kept });
            Box::new(interest)
        })
    }

    fn take(&self, into: &mut Vec<Done>) {
        let open = self.log.open.get();
        self.with(|of, _| {
            let mut came = Vec::new();
            of.calls.take(&mut came);
            for done in came {
                // Nobody waits for one that is not known.
                let Some(call) = of.under_way.get(&done.ticket) else { continue };
                of.ready.push((call.epoch, done));
            }
            let detached = of.detached;
            let is_due = |(epoch, _): &mut (Epoch, Done)| !detached || *epoch < open;
            for (epoch, done) in of.ready.extract_if(.., is_due) {
                if let Some(call) = of.under_way.remove(&done.ticket) {
                    if !call.is_waited_for() {
                        continue;
                    }
                    let epoch = if detached { open } else { epoch };
                    of.given.insert((epoch, done.ticket), (call.row, done.outcome.clone()));
                }
                into.push(done);
            }
        });
    }

    fn wake_by(&self, wake: Box<dyn Fn() + Send>) {
        let wake: Arc<Mutex<Box<dyn Fn() + Send>>> = Arc::new(Mutex::new(wake));
        let other = Arc::clone(&wake);
        let call = |wake: &Mutex<Box<dyn Fn() + Send>>| {
            wake.lock().unwrap_or_else(PoisonError::into_inner)();
        };
        self.with(|of, _| {
            of.calls.wake_by(Box::new(move || call(&other)));
            of.wake = Some(Box::new(move || call(&wake)));
        });
    }
}
