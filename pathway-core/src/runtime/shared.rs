//! What the threads of one run share.
//!
//! # Epochs
//!
//! One epoch is open at a time. Workers let rows into the open epoch; the leader decides when it
//! is to close, by opening the next one. Every worker then ends its part, and lets no row into
//! the new epoch before it has seen, at the probe behind all operators, that the one before has
//! drained everywhere.

use super::clock::Clock;
use super::durable::Durable;
use super::queue::Queue;
use crate::dataflow::epoch_clock::NEVER;
use crate::dataflow::iterate::Rounds;
use crate::error::Error;
use crate::plan::NodeId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// A lock that a panicking thread has left is still good: no invariant spans a panic here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every change is announced; this is for the one that somebody forgets.
const RECHECK: Duration = Duration::from_millis(200);

pub(super) struct Shared {
    pub(super) workers: usize,
    /// The open epoch.
    pub(super) open: AtomicU64,
    /// The epoch that who closes them by hand has asked for.
    pub(super) asked_for: AtomicU64,
    pub(super) clock: Clock,
    /// The time of the epoch that was closed last.
    pub(super) time: AtomicI64,
    /// For each worker, when an epoch is to be closed even if no row has arrived.
    pub(super) alarms: Vec<AtomicI64>,
    /// Rows that have entered the open epoch.
    pub(super) entered: AtomicU64,
    /// For each worker, the epoch up to which all have drained, as far as it has seen.
    pub(super) drained: Vec<AtomicU64>,
    /// Sources that have not ended on some worker, and operators that still wait for calls whose
    /// results join a later epoch.
    pub(super) open_sources: AtomicUsize,
    /// Bounded sources, and live ones that still read what was there at the start.
    pub(super) unread_sources: AtomicUsize,
    /// The run is to end after what has been read.
    pub(super) stopping: AtomicBool,
    /// The run has failed.
    pub(super) failed: AtomicBool,
    failure: Mutex<Option<Error>>,
    threads: Mutex<Vec<Thread>>,
    /// Guards the changes that waiters wait for, and counts the waiters: to wake nobody is a
    /// system call too.
    gate: Mutex<usize>,
    changed: Condvar,
    pub(super) sources: Vec<Arc<SourceShared>>,
    pub(super) describe: Vec<String>,
    /// How far each loop is.
    pub(super) rounds: Vec<Arc<Rounds>>,
    /// State sizes as workers have reported them last: node, rows, bytes.
    pub(super) states: Mutex<Vec<Vec<(NodeId, usize, usize)>>>,
    /// How often state sizes have been asked for.
    pub(super) state_wanted: AtomicU64,
    /// For each worker, the request that it has answered last.
    pub(super) state_answered: Vec<AtomicU64>,
    pub(super) finished_workers: AtomicUsize,
    /// Threads of sources and sinks that have not ended.
    pub(super) end_threads: AtomicUsize,
    /// What makes the run durable.
    pub(super) durable: Option<Durable>,
}

/// One source of a run.
pub(super) struct SourceShared {
    pub(super) node: NodeId,
    pub(super) label: String,
    pub(super) bounded: bool,
    pub(super) size: Option<u64>,
    /// One queue for each worker.
    pub(super) queues: Vec<Queue>,
    pub(super) next_partition: AtomicU64,
    /// The numbers of partitions that an earlier run of a durable pipeline had, by name.
    pub(super) partitions: Mutex<BTreeMap<String, VecDeque<u32>>>,
    /// The place of the source among those of a durable pipeline.
    pub(super) rank: usize,
    /// Where its rows stand beside those of other sources: as in the program, or where a durable
    /// pipeline has it, whatever the order of definition.
    pub(super) order: u64,
    /// Whether a reader sends again what an earlier run has read.
    pub(super) repeats: bool,
    /// Whether the reader has to know which rows are there.
    pub(super) wants_contents: bool,
    /// It ended in an earlier run.
    pub(super) finished: bool,
    /// The reader will send nothing more.
    pub(super) ended: AtomicBool,
    /// Workers on which the source has not ended.
    pub(super) open_on: AtomicUsize,
    /// Whether all that was there at the start has been queued.
    pub(super) caught_up: AtomicBool,
    /// Workers that have not taken all of it.
    pub(super) behind_on: AtomicUsize,
    pub(super) rows: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl SourceShared {
    /// Whether workers have taken all that was sent, and its end if it has ended.
    pub(super) fn taken(&self) -> bool {
        // The flag first: after it nothing is queued.
        let ended = self.ended.load(Ordering::SeqCst);
        self.queues.iter().all(Queue::is_empty)
            && (!ended || self.open_on.load(Ordering::SeqCst) == 0)
    }
}

impl Shared {
    pub(super) fn new(
        workers: usize,
        sources: Vec<Arc<SourceShared>>,
        detached: usize,
        describe: Vec<String>,
        rounds: Vec<Arc<Rounds>>,
        clock: Clock,
        durable: Option<Durable>,
    ) -> Self {
        Self {
            workers,
            time: AtomicI64::new(clock.now()),
            clock,
            alarms: (0..workers).map(|_| AtomicI64::new(NEVER)).collect(),
            open: AtomicU64::new(durable.as_ref().map_or(0, |durable| durable.first)),
            asked_for: AtomicU64::new(0),
            entered: AtomicU64::new(0),
            drained: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            open_sources: AtomicUsize::new((sources.len() + detached) * workers),
            unread_sources: AtomicUsize::new(sources.len()),
            stopping: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failure: Mutex::new(None),
            threads: Mutex::new(Vec::new()),
            gate: Mutex::new(0),
            changed: Condvar::new(),
            sources,
            describe,
            rounds,
            states: Mutex::new(vec![Vec::new(); workers]),
            state_wanted: AtomicU64::new(0),
            state_answered: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            finished_workers: AtomicUsize::new(0),
            end_threads: AtomicUsize::new(0),
            durable,
        }
    }

    /// Registers a worker's thread, so that it can be woken.
    pub(super) fn register(&self) {
        lock(&self.threads).push(std::thread::current());
    }

    /// Wakes all workers.
    pub(super) fn wake(&self) {
        for thread in lock(&self.threads).iter() {
            thread.unpark();
        }
    }

    /// Tells those who wait that something has changed.
    pub(super) fn notify(&self) {
        if *lock(&self.gate) > 0 {
            self.changed.notify_all();
        }
    }

    /// Waits until `done` holds; checks again at every change, and now and then without one.
    /// Answers whether it does.
    pub(super) fn wait_until(&self, limit: Option<Duration>, done: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        let mut gate = lock(&self.gate);
        loop {
            if done() {
                return true;
            }
            let mut turn = RECHECK;
            if let Some(limit) = limit {
                let Some(left) = limit.checked_sub(start.elapsed()) else { return false };
                turn = turn.min(left);
            }
            *gate += 1;
            let waited = self.changed.wait_timeout(gate, turn);
            (gate, _) = waited.unwrap_or_else(PoisonError::into_inner);
            *gate -= 1;
        }
    }

    /// Ends the run with an error; the first one counts.
    pub(super) fn fail(&self, error: Error) {
        {
            let mut failure = lock(&self.failure);
            if failure.is_none() {
                *failure = Some(error);
            }
        }
        self.failed.store(true, Ordering::SeqCst);
        self.end_waits();
    }

    /// Ends the run after what has been read.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.end_waits();
    }

    fn end_waits(&self) {
        for queue in self.sources.iter().flat_map(|source| &source.queues) {
            queue.stop();
        }
        self.wake();
        self.notify();
    }

    pub(super) fn is_over(&self) -> bool {
        self.failed.load(Ordering::SeqCst) || self.stopping.load(Ordering::SeqCst)
    }

    /// Whether workers have ended, well or not.
    pub(super) fn workers_ended(&self) -> bool {
        self.finished_workers.load(Ordering::SeqCst) == self.workers
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    pub(super) fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }

    /// What messages call a node.
    pub(super) fn describe(&self, node: u32) -> String {
        self.describe.get(node as usize).cloned().unwrap_or_else(|| "an operator".to_owned())
    }

    /// What is added to the run's epochs where they leave it.
    pub(super) fn base(&self) -> u64 {
        self.durable.as_ref().map_or(0, |durable| durable.base)
    }

    /// Whether the log has an epoch, which is counted as it is outside of the run.
    pub(super) fn is_logged(&self, epoch: u64) -> bool {
        self.durable.as_ref().is_none_or(|durable| durable.is_logged(epoch - durable.base))
    }

    /// Whether epochs of an earlier run are being made again, and not all have drained.
    pub(super) fn is_replaying(&self) -> bool {
        self.durable.as_ref().is_some_and(|durable| durable.is_replayed(self.drained()))
    }

    /// Whether epochs are being made again that sinks may have published in an earlier run.
    pub(super) fn repeats_outputs(&self) -> bool {
        self.durable.as_ref().is_some_and(Durable::goes_on) && self.is_replaying()
    }

    /// The epochs before this one have drained on all workers.
    pub(super) fn drained(&self) -> u64 {
        self.drained.iter().map(|epoch| epoch.load(Ordering::SeqCst)).min().unwrap_or(0)
    }

    /// When an epoch is to be closed even if no row has arrived.
    pub(super) fn next_alarm(&self) -> i64 {
        self.alarms.iter().map(|alarm| alarm.load(Ordering::SeqCst)).min().unwrap_or(NEVER)
    }

    /// Opens the next epoch.
    pub(super) fn close_epoch(&self) {
        self.close_epoch_at(self.clock.now());
    }

    /// Opens the next epoch; the one that is open closes at that time.
    pub(super) fn close_epoch_at(&self, time: i64) {
        self.time.fetch_max(time, Ordering::SeqCst);
        self.entered.store(0, Ordering::SeqCst);
        self.open.fetch_add(1, Ordering::SeqCst);
        self.wake();
        self.notify();
    }
}
