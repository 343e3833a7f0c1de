//! The calls of one operator, on the thread of calls.
//!
//! One task takes the rows in order, and begins a call when there is room for it; each call is a
//! task of its own, with its attempts.

use super::cache::Cache;
use super::future::{Either, caught, race};
use super::operator::{Job, Operator};
use super::timer::{Timer, sleep, within};
use crate::dataflow::async_calls::Outcome;
use crate::error::{DataError, RunError};
use crate::format::display::display;
use crate::runtime::running::panic_message;
use crate::schema::{DataType, stable_hash};
use crate::stage::{Attempt, CallError, CallRow, ErrorRow};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Makes the calls of one operator.
pub(super) struct Dispatcher {
    pub(super) operator: Arc<Operator>,
    pub(super) attempt: Attempt,
    /// Makes rows of the error stream, where the program takes it.
    pub(super) error_row: Option<ErrorRow>,
    /// Whether the function says itself that it has failed.
    pub(super) fallible: bool,
    /// The type of the rows, to print one.
    pub(super) rows: DataType,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) room: Arc<Semaphore>,
    pub(super) cache: RefCell<Cache>,
    /// The rows that are being called, with those that wait for the same result. Empty without a
    /// cache.
    pub(super) in_flight: RefCell<HashMap<CallRow, Vec<Job>>>,
    /// When the next attempt may begin.
    pub(super) next_attempt: Cell<Duration>,
}

/// The results of a batch, or the error of all of its rows with the number of attempts; nothing
/// where the run ends.
type Results = Result<Vec<Option<Vec<u8>>>, Option<(String, u32)>>;

/// Rows are printed up to here.
const ROW_CHARS_MAX: usize = 200;

/// Takes rows until there are no more.
pub(super) async fn dispatch(calls: Rc<Dispatcher>, mut jobs: mpsc::UnboundedReceiver<Job>) {
    while let Some(job) = jobs.recv().await {
        let Some(job) = calls.new_call(job) else { continue };
        let room = Arc::clone(&calls.room).acquire_owned().await;
        let mut batch = vec![job];
        calls.fill(&mut batch, &mut jobs).await;
        let calls = Rc::clone(&calls);
        tokio::task::spawn_local(async move {
            if let Err(panic) = caught(calls.call(batch)).await {
                calls.panicked(&*panic);
            }
            drop(room);
        });
    }
}

impl Dispatcher {
    /// The row if it needs a call: if somebody waits for it, and its result is neither known nor
    /// under way.
    fn new_call(&self, mut job: Job) -> Option<Job> {
        if job.given_up.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Closed) {
            return None;
        }
        if !self.cache.borrow().is_on() {
            return Some(job);
        }
        let known = self.cache.borrow_mut().get(&job.row);
        if let Some(outcome) = known {
            self.operator.bring_back(job, outcome);
            return None;
        }
        let mut in_flight = self.in_flight.borrow_mut();
        if let Some(others) = in_flight.get_mut(&job.row) {
            others.push(job);
            return None;
        }
        in_flight.insert(Arc::clone(&job.row), Vec::new());
        Some(job)
    }

    /// Adds rows to a batch until it is full or has waited long enough.
    async fn fill(&self, batch: &mut Vec<Job>, jobs: &mut mpsc::UnboundedReceiver<Job>) {
        let size = self.operator.settings.batch.unwrap_or(1);
        let linger = self.operator.settings.linger;
        if size == 1 {
            return;
        }
        let mut end = self.timer.sleep_until(self.timer.now().saturating_add(linger));
        while batch.len() < size {
            match race(jobs.recv(), &mut end).await {
                Either::First(Some(job)) => batch.extend(self.new_call(job)),
                Either::First(None) | Either::Second(()) => return,
            }
        }
    }

    async fn call(&self, mut batch: Vec<Job>) {
        let rows: Vec<CallRow> = batch.iter().map(|job| Arc::clone(&job.row)).collect();
        let result = match race(self.given_up(&mut batch), self.attempts(&rows)).await {
            Either::First(()) => {
                let mut in_flight = self.in_flight.borrow_mut();
                rows.iter().for_each(|row| drop(in_flight.remove(row)));
                return;
            }
            Either::Second(result) => result,
        };
        match result {
            Ok(results) => {
                for (job, result) in batch.into_iter().zip(results) {
                    let outcome = result.map_or(Outcome::Nothing, Outcome::Row);
                    self.cache.borrow_mut().put(Arc::clone(&job.row), outcome.clone());
                    self.came_back(job, &outcome);
                }
            }
            Err(None) => {}
            Err(Some((error, attempts))) => {
                for job in batch {
                    let Some(error_row) = self.error_row else {
                        let row = shortened(display(self.rows, &job.row));
                        let after = match attempts {
                            1 => String::new(),
                            attempts => format!(" (after {attempts} attempts)"),
                        };
                        self.fail(format!("{error}{after}, for {row}"), self.fallible);
                        return;
                    };
                    let outcome = Outcome::Failed(error_row(&job.row, &error));
                    self.came_back(job, &outcome);
                }
            }
        }
    }

    fn came_back(&self, job: Job, outcome: &Outcome) {
        let others = self.in_flight.borrow_mut().remove(&job.row).unwrap_or_default();
        for job in others.into_iter().chain([job]) {
            self.operator.bring_back(job, outcome.clone());
        }
    }

    /// Waits until nobody waits for any row of a batch.
    async fn given_up(&self, batch: &mut [Job]) {
        let mut gone = vec![false; batch.len()];
        poll_fn(|context| {
            for (gone, job) in gone.iter_mut().zip(&mut *batch) {
                *gone = *gone || Pin::new(&mut job.given_up).poll(context).is_ready();
            }
            let in_flight = self.in_flight.borrow();
            let others = |job: &Job| in_flight.get(&job.row).is_some_and(|jobs| !jobs.is_empty());
            if gone.iter().all(|gone| *gone) && !batch.iter().any(others) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    async fn attempts(&self, rows: &[CallRow]) -> Results {
        let settings = &self.operator.settings;
        for attempt in 1.. {
            self.wait_for_rate().await;
            let (error, retry) = match self.one_attempt(rows).await {
                Ok(results) => return Ok(results),
                Err(CallError::Failed { error, retry }) => (error, retry),
                Err(CallError::Broken { problem }) => {
                    self.fail(problem, false);
                    return Err(None);
                }
            };
            if !retry || attempt > settings.retries {
                return Err(Some((error, attempt)));
            }
            sleep(&*self.timer, self.backoff(attempt, &rows[0])).await;
        }
        unreachable!("an attempt is the last one at some time")
    }

    async fn one_attempt(&self, rows: &[CallRow]) -> crate::stage::CallResult {
        let Some(limit) = self.operator.settings.timeout else {
            return (self.attempt)(rows).await;
        };
        match within(&*self.timer, limit, (self.attempt)(rows)).await {
            Some(result) => result,
            None => {
                Err(CallError::Failed { error: format!("no answer within {limit:?}"), retry: true })
            }
        }
    }

    /// How long to wait behind an attempt: twice as long as behind the one before, less up to
    /// half, so that calls that failed together do not come again together. How much less is told
    /// by the row, so that a run can be repeated.
    fn backoff(&self, attempt: u32, row: &[u8]) -> Duration {
        let settings = &self.operator.settings;
        let doubled = 2_u32.checked_pow(attempt - 1);
        let longest = doubled
            .and_then(|times| settings.backoff.checked_mul(times))
            .map_or(settings.backoff_max, |wait| wait.min(settings.backoff_max));
        let mut seed = row.to_vec();
        seed.extend_from_slice(&attempt.to_le_bytes());
        let less = (stable_hash(&seed) % 1024) as u32;
        longest - longest / 2048 * less
    }

    /// Waits until the next attempt may begin.
    async fn wait_for_rate(&self) {
        let Some((calls, per)) = self.operator.settings.rate else { return };
        let now = self.timer.now();
        let at = self.next_attempt.get().max(now);
        self.next_attempt.set(at + per / calls);
        if at > now {
            self.timer.sleep_until(at).await;
        }
    }

    fn panicked(&self, panic: &(dyn Any + Send)) {
        let Some(shared) = self.operator.shared.upgrade() else { return };
        let operator = shared.describe(self.operator.node.0);
        shared.fail(RunError::Panic { operator, message: panic_message(panic) }.into());
    }

    /// Ends the run.
    fn fail(&self, problem: String, fallible: bool) {
        let Some(shared) = self.operator.shared.upgrade() else { return };
        let operator = shared.describe(self.operator.node.0);
        shared.fail(if fallible {
            DataError::Step { operator, message: problem }.into()
        } else {
            RunError::Operator { operator, problem }.into()
        });
    }
}

fn shortened(mut row: String) -> String {
    if let Some((end, _)) = row.char_indices().nth(ROW_CHARS_MAX) {
        row.truncate(end);
        row.push('…');
    }
    row
}
