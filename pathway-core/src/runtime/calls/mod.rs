//! Calls of asynchronous functions, on a thread of their own.
//!
//! All operators of a run share one thread with a tokio runtime, which starts with the run and
//! ends with it. Futures stay on it, so they need not be able to move between threads; but a
//! function that blocks its thread holds up all others.
//!
//! - `operator`: what workers and the thread share: the way there and back, and who is held back.
//! - `dispatch`: what is called when: room, batches, attempts, results that are known.
//! - `timer`: the one way to wait.

mod cache;
mod dispatch;
mod future;
mod operator;
mod timer;

#[cfg(test)]
mod tests;

use super::shared::Shared;
use crate::dataflow::async_calls::Calls;
use crate::error::{Result, RunError};
use crate::plan::{CallsNode, Node, NodeId, Operation, Plan};
use cache::Cache;
use dispatch::{Dispatcher, dispatch};
use operator::{Job, Operator, Port};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use timer::timer;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::LocalSet;

/// Threads that a user's function has started on tokio are given so long to end.
const BLOCKING_MAX: Duration = Duration::from_secs(1);

/// The operators of a run that call asynchronous functions, for its workers.
#[derive(Default)]
pub(super) struct CallPorts {
    operators: Vec<(Arc<Operator>, mpsc::UnboundedSender<Job>)>,
}

impl CallPorts {
    /// The calls of an operator on one worker.
    pub(super) fn port(&self, node: NodeId, worker: usize) -> Box<dyn Calls> {
        let (operator, jobs) = self
            .operators
            .iter()
            .find(|(operator, _)| operator.node == node)
            .expect("every operator with calls is part of the run");
        Box::new(Port { operator: Arc::clone(operator), worker, jobs: jobs.clone() })
    }

    /// Whether some operator has so many calls that rows are to be held back.
    pub(super) fn is_full(&self) -> bool {
        self.operators.iter().any(|(operator, _)| operator.is_full())
    }

    /// An operator whose calls have not come back, so long after the run was asked to stop; with
    /// their number. `at_once` allows none of them any time.
    pub(super) fn overdue(&self, since: Duration, at_once: bool) -> Option<(NodeId, usize)> {
        self.operators.iter().find_map(|(operator, _)| {
            let calls = operator.under_way();
            let overdue = at_once || since >= operator.settings.grace;
            (calls > 0 && overdue).then_some((operator.node, calls))
        })
    }
}

/// The thread of calls.
pub(super) struct CallThread {
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl CallThread {
    /// Ends the thread; what has not come back is cancelled.
    pub(super) fn join(self) {
        drop(self.end);
        drop(self.thread.join());
    }
}

/// Starts the thread, if some needed operator makes calls.
pub(super) fn start(
    plan: &Plan,
    needed: &[bool],
    shared: &Arc<Shared>,
) -> Result<(CallPorts, Option<CallThread>)> {
    let mut ports = CallPorts::default();
    let mut begins = Vec::new();
    for node in plan.nodes().iter().filter(|node| needed[node.id.index()]) {
        if let Operation::Calls(calls) = &node.operation {
            let (begin, jobs) = begin(plan, node, calls, shared);
            ports.operators.push((Arc::clone(&begin.operator), jobs));
            begins.push(begin);
        }
    }
    if begins.is_empty() {
        return Ok((ports, None));
    }
    let (end, ended) = oneshot::channel();
    let shared = Arc::clone(shared);
    let thread = super::running::spawn("calls".to_owned(), move || {
        let served = catch_unwind(AssertUnwindSafe(|| serve(begins, ended)));
        let message = match served {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("could not start tokio: {error}"),
            Err(panic) => super::running::panic_message(&*panic),
        };
        shared.fail(RunError::Engine { message }.into());
    })?;
    Ok((ports, Some(CallThread { end, thread })))
}

/// What the thread needs of an operator.
struct Begin {
    operator: Arc<Operator>,
    jobs: mpsc::UnboundedReceiver<Job>,
    /// Called on the thread of calls, within its runtime.
    make: Box<dyn FnOnce() -> Dispatcher + Send>,
}

fn begin(
    plan: &Plan,
    node: &Node,
    calls: &CallsNode,
    shared: &Arc<Shared>,
) -> (Begin, mpsc::UnboundedSender<Job>) {
    let settings = &calls.settings;
    let operator = Arc::new(Operator::new(
        node.id,
        settings.clone(),
        settings.detached || node.append_only,
        Arc::downgrade(shared),
        shared.workers,
    ));
    // Bounded by those who send: a stream's rows are held back, a table's are its state.
    let (sender, jobs) = mpsc::unbounded_channel();
    let attempt = Arc::clone(&calls.attempt);
    let error_row = calls.error_row.filter(|_| node.errors_taken);
    let fallible = node.outputs.len() > 1;
    let input = node.inputs[0];
    let rows = (plan.node(input.node).outputs[input.output].data_type)();
    let of = Arc::clone(&operator);
    let clock = shared.clock.clone();
    let make = Box::new(move || Dispatcher {
        timer: timer(&clock, of.settings.detached),
        room: Arc::new(Semaphore::new(of.settings.capacity.min(Semaphore::MAX_PERMITS))),
        cache: RefCell::new(Cache::new(of.settings.cache)),
        operator: of,
        attempt,
        error_row,
        fallible,
        rows,
        in_flight: RefCell::default(),
        next_attempt: Cell::new(Duration::ZERO),
    });
    (Begin { operator, jobs, make }, sender)
}

/// Makes calls until the end.
fn serve(begins: Vec<Begin>, ended: oneshot::Receiver<()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    {
        let _entered = runtime.enter();
        let tasks = LocalSet::new();
        for Begin { jobs, make, .. } in begins {
            tasks.spawn_local(dispatch(Rc::new(make()), jobs));
        }
        // The other end is dropped; whether a word comes first does not matter.
        drop(tasks.block_on(&runtime, ended));
    }
    runtime.shutdown_timeout(BLOCKING_MAX);
    Ok(())
}
