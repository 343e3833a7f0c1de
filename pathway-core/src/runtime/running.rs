//! Starts a run, and the handle to it.

use super::calls::{self, CallThread};
use super::clock::Clock;
use super::durable::{self, Durable, Opened, SinkStart, Writers};
use super::queue::{Port, Queue};
use super::settings::Settings;
use super::shared::{Shared, SourceShared, lock};
use super::sink_thread::{self, DurableSink, EPOCHS_WAITING_MAX, SinkThread};
use super::stats::{EndStats, Ends, LateStats, StateStats, Stats};
use super::unsettled;
use super::worker::{self, DurableBegin, WorkerPlan};
use crate::dataflow::iterate::Rounds;
use crate::dataflow::sink::SinkEnd;
use crate::error::{BuildError, Error, Result, RunError};
use crate::io::{Delivery, SinkWriter, SourceError, SourceWriter};
use crate::plan::{Limit, Loop, Misplaced, Node, NodeId, Operation, Plan, SinkKind};
use crate::stage;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use timely::communication::WorkerGuards;

/// Who closes epochs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EpochPolicy {
    /// The leader, by itself.
    Auto {
        /// Bounds an epoch's rows.
        rows_max: Option<u64>,
        /// Whether some source does not end by itself.
        live: bool,
    },
    /// A test, by hand.
    Manual,
}

/// Who drives a run.
#[derive(Debug)]
pub(crate) enum Drive {
    /// The run itself, by the system's clock.
    Itself,
    /// A test, which closes epochs and moves the clock.
    Test(Clock),
}

/// How long one of several workers looks for messages before it parks.
const IDLE_SPIN: Duration = Duration::from_micros(10);
/// How long `stats` waits for busy workers.
const STATE_ANSWER_MAX: Duration = Duration::from_millis(20);

/// A pipeline that runs.
///
/// Dropping the handle stops the run and waits for it.
#[must_use = "dropping the handle stops the run; keep it, or call `wait`"]
pub struct Running {
    shared: Arc<Shared>,
    sinks: Vec<(String, Arc<AtomicU64>)>,
    late_rows: Arc<HashMap<NodeId, Arc<AtomicU64>>>,
    threads: Mutex<Threads>,
    ended: Arc<Ended>,
}

/// The threads of a run. They report their failures themselves.
#[derive(Default)]
struct Threads {
    workers: Option<WorkerGuards<()>>,
    calls: Option<CallThread>,
    ends: Vec<JoinHandle<()>>,
}

impl Threads {
    fn join(self) {
        if let Some(workers) = self.workers {
            drop(workers.join());
        }
        if let Some(calls) = self.calls {
            calls.join();
        }
        for thread in self.ends {
            drop(thread.join());
        }
    }
}

/// Whether the threads of a run have ended, for those who wait without blocking.
#[derive(Default)]
struct Ended {
    done: AtomicBool,
    wakers: Mutex<Vec<std::task::Waker>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("epoch", &self.epoch()).finish_non_exhaustive()
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

type OpenSinks = Vec<(NodeId, String, SinkWriterKind)>;

enum SinkWriterKind {
    Threaded {
        writer: Box<dyn SinkWriter>,
        /// Whether the log of a durable pipeline notes what it has taken.
        notes: bool,
        /// The last epoch that it has taken in an earlier run.
        delivered: Option<u64>,
    },
    Inline(Box<dyn SinkWriter>),
}

/// Opens the sinks: anew, or where an earlier run of a durable pipeline was.
fn open_sinks(
    pipeline: &str,
    plan: &Plan,
    sinks: &[NodeId],
    start: impl Fn(NodeId) -> Option<SinkStart>,
) -> Result<OpenSinks, BuildError> {
    let mut open = Vec::new();
    for &id in sinks {
        let node = plan.node(id);
        let Operation::Sink(slot) = &node.operation else {
            unreachable!("only sinks are ends of a plan");
        };
        let Some(sink) = lock(&slot.sink).take() else {
            return Err(BuildError::Started { pipeline: pipeline.to_owned() });
        };
        let writer = match sink {
            SinkKind::Inline(writer) => SinkWriterKind::Inline(writer),
            SinkKind::Threaded(sink) => {
                let delivery = sink.delivery();
                let start = start(id).unwrap_or_default();
                let opened = match &start.state {
                    Some(state) => sink.reopen(node.rows(), slot.kind, state),
                    None => sink.open(node.rows(), slot.kind),
                };
                let opened = opened
                    .map_err(|error| BuildError::Sink { label: slot.label.clone(), error })?;
                let notes = delivery == Delivery::AtLeastOnce;
                // What a sink has saved is as of the checkpoint, so it is given all behind that.
                let has_state = start.state.as_ref().is_some_and(|state| !state.is_empty());
                let delivered = start.delivered.filter(|_| notes && !has_state);
                SinkWriterKind::Threaded { writer: opened, notes, delivered }
            }
        };
        open.push((id, slot.label.clone(), writer));
    }
    Ok(open)
}

/// Starts the part of a plan that the given sinks need.
pub(crate) fn start(
    pipeline: &str,
    plan: Arc<Plan>,
    sinks: &[NodeId],
    settings: &Settings,
    drive: Drive,
) -> Result<Running> {
    if sinks.is_empty() {
        return Err(BuildError::NoSink { pipeline: pipeline.to_owned() }.into());
    }
    if let Some(mistake) = plan.mistakes().first() {
        let (verb, location) = (mistake.verb, mistake.location.to_string());
        let problem = mistake.problem.clone();
        return Err(BuildError::Argument { verb, location, problem }.into());
    }
    if let Some(Misplaced { operator, around, problem }) = plan.misplaced().first().cloned() {
        return Err(BuildError::Loop { operator, around, problem }.into());
    }
    let workers = settings.threads;
    let needed = plan.needed_by(sinks.iter().copied());
    for &sink in sinks {
        if let Operation::Sink(slot) = &plan.node(sink).operation
            && lock(&slot.sink).is_none()
        {
            return Err(BuildError::Started { pipeline: pipeline.to_owned() }.into());
        }
    }
    let (clock, is_test) = match drive {
        Drive::Itself => (Clock::System, false),
        Drive::Test(clock) => (clock, true),
    };
    let durability = &settings.durability;
    let open_store =
        |store| durable::open(pipeline, &plan, &needed, workers, clock.now(), (store, durability));
    let mut store = durability.store.as_ref().map(open_store).transpose()?;
    let rank = |node: NodeId| store.as_ref().and_then(|store| store.ranks.get(&node).copied());
    // Of a run that records, or replays, nothing goes on from an earlier one.
    let begins_anew = store.as_ref().is_none_or(|store| !store.durable.goes_on());
    let opened = open_sinks(pipeline, &plan, sinks, |node| {
        let store = store.as_ref().filter(|_| !begins_anew);
        store.zip(rank(node)).map(|(store, rank)| store.sinks[rank].clone())
    })?;
    let (mut sources, mut readers) = (Vec::new(), Vec::new());
    for node in plan.nodes().iter().filter(|node| needed[node.id.index()]) {
        if let Operation::Source(source) = &node.operation {
            let reader = Arc::clone(&source.reader);
            let label = node.name.clone().unwrap_or_else(|| reader.label());
            let rank = rank(node.id).unwrap_or_default();
            let start = store.as_ref().map(|store| store.sources[rank].clone()).unwrap_or_default();
            if !begins_anew && store.as_ref().is_some_and(|store| store.recovered) {
                let mut rows = start.contents.iter().map(|(row, copies)| (row.as_slice(), *copies));
                let restored = reader.restore(&mut rows);
                restored.map_err(|error| BuildError::Source { label: label.clone(), error })?;
            }
            let numbers = start.partitions.values().flatten();
            let next_partition = numbers.max().map_or(0, |number| u64::from(*number) + 1);
            sources.push(Arc::new(SourceShared {
                node: node.id,
                label,
                rank,
                order: if store.is_some() { rank as u64 } else { u64::from(node.id.0) },
                repeats: reader.repeats() && !begins_anew,
                wants_contents: reader.wants_contents(),
                finished: start.finished,
                partitions: Mutex::new(start.partitions),
                bounded: reader.bounded(),
                size: reader.size_hint(),
                queues: (0..workers).map(|_| Queue::default()).collect(),
                next_partition: AtomicU64::new(next_partition),
                ended: AtomicBool::new(start.finished),
                open_on: AtomicUsize::new(workers),
                caught_up: AtomicBool::new(false),
                behind_on: AtomicUsize::new(workers),
                rows: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
            }));
            readers.push(reader);
        }
    }
    let detached = detached_calls(&plan, &needed);
    // Detached calls are sources of which nobody knows when they have something.
    let live = detached > 0 || sources.iter().any(|source| !source.bounded);
    let describe = plan.nodes().iter().map(Node::describe).collect();
    let policy = match is_test {
        false => EpochPolicy::Auto { rows_max: settings.epoch_rows_max, live },
        true => EpochPolicy::Manual,
    };
    let rounds = rounds(&plan, &needed);
    let time = store.as_ref().map(|store| store.time);
    let recovered = store.as_ref().is_some_and(|store| store.recovered);
    let worker_starts =
        store.as_mut().map(|store| std::mem::take(&mut store.workers)).unwrap_or_default();
    let ranks = store.as_ref().map(|store| store.ranks.clone()).unwrap_or_default();
    let is_replay = store.as_ref().is_some_and(|store| store.durable.is_replay());
    let (durable, writers) = store.map(Opened::begin).transpose()?.unzip();
    let writers = writers.flatten();
    let shared = Shared::new(workers, sources, detached, describe, rounds, clock, durable);
    let shared = Arc::new(shared);
    if let Some(time) = time {
        shared.time.store(time, Ordering::SeqCst);
    }

    let mut threads = Threads::default();
    for (name, run) in writers.into_iter().flat_map(Writers::threads) {
        threads.ends.push(spawn_end(name.to_owned(), &shared, run)?);
    }
    let mut ends = HashMap::new();
    let mut sink_rows = HashMap::new();
    let mut sink_stats = Vec::new();
    let mut checkpointed_sinks = Vec::new();
    let is_watermark =
        |node: &&Node| needed[node.id.index()] && matches!(node.operation, Operation::Watermark(_));
    let late_rows: HashMap<NodeId, Arc<AtomicU64>> =
        plan.nodes().iter().filter(is_watermark).map(|node| (node.id, Arc::default())).collect();
    let late_rows = Arc::new(late_rows);
    for (id, label, writer) in opened {
        let rows = Arc::new(AtomicU64::new(0));
        sink_rows.insert(id, Arc::clone(&rows));
        sink_stats.push((label.clone(), rows));
        let end = match writer {
            SinkWriterKind::Inline(writer) => SinkEnd::Inline(writer),
            SinkWriterKind::Threaded { writer, notes, delivered } => {
                let (queue, batches) = mpsc::sync_channel(EPOCHS_WAITING_MAX);
                let durable = shared.durable.as_ref().filter(|_| !begins_anew).zip(ranks.get(&id));
                let durable = durable.map(|(durable, &rank)| DurableSink {
                    rank,
                    messages: durable.messages(),
                    notes,
                    delivered,
                });
                if durable.is_some() {
                    checkpointed_sinks.push(queue.clone());
                }
                let thread = SinkThread { label: label.clone(), writer, batches, durable };
                threads.ends.push(spawn_end(format!("sink {label}"), &shared, move |shared| {
                    sink_thread::run(thread, shared);
                })?);
                SinkEnd::Queue(queue)
            }
        };
        ends.insert(id, end);
    }
    let (calls, call_thread) = calls::start(&plan, &needed, &shared)?;
    threads.calls = call_thread;
    let begins: Vec<DurableBegin> = match &shared.durable {
        None => Vec::new(),
        Some(durable) => {
            // The first worker serves the sinks, and marks in their queues where a checkpoint is.
            let sinks = std::iter::once(checkpointed_sinks).chain(std::iter::repeat_with(Vec::new));
            let begin =
                |(start, sinks)| DurableBegin { start, sinks, messages: durable.messages() };
            worker_starts.into_iter().zip(sinks).map(begin).collect()
        }
    };
    if let Some(durable) = &shared.durable {
        durable.close_messages();
    }
    let call_rank = |node: &Node| match &node.operation {
        Operation::Calls(calls) => {
            Some((node.id, (*ranks.get(&node.id)?, calls.settings.detached)))
        }
        _ => None,
    };
    let call_ranks = plan.nodes().iter().filter_map(call_rank).collect();
    let begin = Arc::new(WorkerPlan {
        durable: Mutex::new(begins.into_iter().map(Some).collect()),
        recovered,
        call_ranks,
        plan,
        calls,
        needed: Arc::new(needed),
        sink_rows: Arc::new(sink_rows),
        late_rows: Arc::clone(&late_rows),
        policy,
        shared: Arc::clone(&shared),
    });
    threads.workers = Some(spawn_workers(workers, &begin, ends)?);
    for (source, reader) in shared.sources.iter().zip(readers) {
        if source.finished || is_replay {
            // It has ended for good: what follows from its end has followed. Or it was recorded.
            reader.refuse();
            continue;
        }
        let port = Port { source: Arc::clone(source), shared: Arc::downgrade(&shared) };
        let writer = SourceWriter::new(Arc::new(port));
        if reader.attach(&writer) {
            writer.caught_up();
            continue;
        }
        let source = Arc::clone(source);
        threads.ends.push(spawn_end(format!("read {}", source.label), &shared, move |shared| {
            let result = catch_unwind(AssertUnwindSafe(|| reader.run(&writer)));
            let label = source.label.clone();
            match result {
                Ok(Ok(()) | Err(SourceError::Stopped)) => {}
                Ok(Err(error)) => shared.fail(RunError::Source { label, error }.into()),
                Err(panic) => {
                    let message = panic_message(&*panic);
                    shared.fail(RunError::Panic { operator: label, message }.into());
                }
            }
            writer.finish();
        })?);
    }
    if let Some(durable) = &shared.durable
        && !is_replay
    {
        // Then views have their rows, and what is read is new.
        shared.wait_until(None, || {
            let is_ready = durable.is_loaded(workers) && !shared.is_replaying();
            is_ready || shared.has_failed() || shared.workers_ended()
        });
    }
    Ok(Running {
        shared,
        sinks: sink_stats,
        late_rows,
        threads: Mutex::new(threads),
        ended: Arc::default(),
    })
}

/// How many operators have results that join a later epoch.
fn detached_calls(plan: &Plan, needed: &[bool]) -> usize {
    let is_detached = |operation: &Operation| match operation {
        Operation::Calls(calls) => calls.settings.detached,
        _ => false,
    };
    let nodes = plan.nodes().iter().filter(|node| needed[node.id.index()]);
    nodes.filter(|node| is_detached(&node.operation)).count()
}

/// How far each loop is, which is nowhere yet.
fn rounds(plan: &Plan, needed: &[bool]) -> Vec<Arc<Rounds>> {
    let nodes = plan.nodes().iter().filter(|node| needed[node.id.index()]);
    let rounds = nodes.filter_map(|node| {
        let Operation::Loop(id) = node.operation else { return None };
        let Loop { limit, level, variables, .. } = &plan.loops()[id.index()];
        let endless = matches!(limit, Limit::None);
        Some(Arc::new(Rounds::new(node.id.0, endless, *level, variables.len())))
    });
    rounds.collect()
}

pub(super) fn spawn(name: String, f: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(f).map_err(|error| {
        RunError::Engine { message: format!("could not start a thread: {error}") }.into()
    })
}

/// A thread of a source or a sink; it reports its panics itself.
fn spawn_end(
    name: String,
    shared: &Arc<Shared>,
    f: impl FnOnce(&Arc<Shared>) + Send + 'static,
) -> Result<JoinHandle<()>> {
    shared.end_threads.fetch_add(1, Ordering::SeqCst);
    let shared = Arc::clone(shared);
    spawn(name, move || {
        f(&shared);
        shared.end_threads.fetch_sub(1, Ordering::SeqCst);
        shared.notify();
    })
}

/// Worker threads, each with its end of timely's channels.
fn spawn_workers(
    workers: usize,
    begin: &Arc<WorkerPlan>,
    ends: HashMap<NodeId, SinkEnd>,
) -> Result<WorkerGuards<()>> {
    let communication = if workers == 1 {
        timely::CommunicationConfig::Thread
    } else {
        timely::CommunicationConfig::Process(workers)
    };
    let (builders, others) =
        communication.try_build().map_err(|message| Error::Run(RunError::Engine { message }))?;
    // All rows of a sink go to the first worker.
    let ends = Mutex::new(Some(ends));
    let begin = Arc::clone(begin);
    let run = move |timely: &mut timely::worker::Worker| {
        let ends = if timely.index() == 0 { lock(&ends).take() } else { None };
        let result = catch_unwind(AssertUnwindSafe(|| {
            worker::run(timely, &begin, ends.unwrap_or_default());
        }));
        if let Err(panic) = result {
            let message = panic_message(&*panic);
            begin.shared.fail(match stage::running() {
                Some(node) => {
                    RunError::Panic { operator: begin.shared.describe(node), message }.into()
                }
                None => RunError::Engine { message }.into(),
            });
            for dataflow in timely.installed_dataflows() {
                timely.drop_dataflow(dataflow);
            }
        }
        begin.shared.finished_workers.fetch_add(1, Ordering::SeqCst);
        begin.shared.notify();
    };
    // Before it parks, a worker looks for messages of other workers for a while, and is deaf to
    // sources meanwhile.
    let spin = if workers == 1 { Duration::ZERO } else { IDLE_SPIN };
    let config = timely::WorkerConfig::default().idle_spin(spin);
    timely::execute::execute_from(builders, others, config, run)
        .map_err(|message| RunError::Engine { message }.into())
}

impl Running {
    /// Asks the run to end: sources stop, what has been read is finished, sinks are flushed.
    ///
    /// A loop without a limit that does not settle is given some seconds; then the run fails, and
    /// says which loop it was. Nothing of the epoch that it held reaches the sinks behind it.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    ///
    /// Why the run has failed, if it has.
    pub fn wait(self) -> Result<()> {
        self.join();
        self.result()
    }

    /// Waits for the end of the run without blocking the thread, on any async runtime.
    ///
    /// # Errors
    ///
    /// Why the run has failed, if it has.
    pub async fn ended(self) -> Result<()> {
        let threads = std::mem::take(&mut *lock(&self.threads));
        let ended = Arc::clone(&self.ended);
        let watcher = spawn("wait".to_owned(), move || {
            threads.join();
            ended.done.store(true, Ordering::SeqCst);
            for waker in lock(&ended.wakers).drain(..) {
                waker.wake();
            }
        })?;
        std::future::poll_fn(|context| {
            let mut wakers = lock(&self.ended.wakers);
            if self.ended.done.load(Ordering::SeqCst) {
                return std::task::Poll::Ready(());
            }
            if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                wakers.push(context.waker().clone());
            }
            std::task::Poll::Pending
        })
        .await;
        drop(watcher.join());
        self.result()
    }

    fn join(&self) {
        let threads = std::mem::take(&mut *lock(&self.threads));
        threads.join();
    }

    fn result(&self) -> Result<()> {
        match self.shared.take_failure() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Whether the run has ended, well or not.
    pub fn is_over(&self) -> bool {
        self.shared.has_failed() || self.shared.workers_ended()
    }

    /// Whether some source does not end by itself.
    pub(super) fn is_live(&self) -> bool {
        self.shared.sources.iter().any(|source| !source.bounded)
    }

    /// Waits until all threads have done their work, for so long at most; answers whether they
    /// have.
    pub(super) fn wait_for_threads(&self, limit: Duration) -> bool {
        let shared = &*self.shared;
        shared.wait_until(Some(limit), || {
            shared.workers_ended() && shared.end_threads.load(Ordering::SeqCst) == 0
        })
    }

    /// The number of epochs that have closed: their results have reached every sink's queue. Those
    /// of earlier runs of a durable pipeline count too.
    pub fn epoch(&self) -> u64 {
        self.shared.base() + self.shared.drained()
    }

    /// What every end has done.
    pub(super) fn ends(&self) -> Ends {
        let shared = &*self.shared;
        let sources = shared.sources.iter().map(|source| EndStats {
            label: source.label.clone(),
            rows: source.rows.load(Ordering::Relaxed),
            bytes: source.bytes.load(Ordering::Relaxed),
            bytes_total: source.size,
            backlog: source.queues.iter().map(|queue| queue.backlog() as u64).sum(),
            ended: source.open_on.load(Ordering::Relaxed) == 0,
        });
        let sinks = self.sinks.iter().map(|(label, rows)| EndStats {
            label: label.clone(),
            rows: rows.load(Ordering::Relaxed),
            ended: self.is_over(),
            ..EndStats::default()
        });
        let loops = unsettled::turning(shared);
        Ends {
            drained: shared.base() + shared.drained(),
            sources: sources.collect(),
            sinks: sinks.collect(),
            loops,
        }
    }

    /// Figures of the run. Asks the workers how much state they keep, and waits for their
    /// answers, for some milliseconds at most.
    pub fn stats(&self) -> Stats {
        let shared = &*self.shared;
        let wanted = shared.state_wanted.fetch_add(1, Ordering::SeqCst) + 1;
        shared.wake();
        let answered = |answered: &AtomicU64| answered.load(Ordering::SeqCst) >= wanted;
        shared.wait_until(Some(STATE_ANSWER_MAX), || {
            self.is_over() || shared.state_answered.iter().all(answered)
        });
        let mut states: BTreeMap<NodeId, (u64, u64)> = BTreeMap::new();
        for &(node, rows, bytes) in lock(&shared.states).iter().flatten() {
            let state = states.entry(node).or_default();
            state.0 += rows as u64;
            state.1 += bytes as u64;
        }
        let states = states.into_iter().map(|(node, (rows, bytes))| StateStats {
            operator: shared.describe(node.0),
            rows,
            bytes,
        });
        let Ends { drained, sources, sinks, loops } = self.ends();
        let epoch = shared.open.load(Ordering::SeqCst);
        let late = self.late_rows.iter().collect::<BTreeMap<_, _>>().into_iter();
        let late = late.map(|(node, rows)| LateStats {
            operator: shared.describe(node.0),
            rows: rows.load(Ordering::Relaxed),
        });
        let (states, late) = (states.collect(), late.collect());
        Stats { epoch, drained, sources, sinks, states, late, loops }
    }

    /// How many epochs a durable pipeline had when the run began, and how many of them were made
    /// again; nothing in a first run.
    pub(super) fn goes_on(&self) -> Option<(u64, u64)> {
        let durable = self.shared.durable.as_ref().filter(|durable| durable.goes_on())?;
        let before = (durable.epochs_before(), durable.replays());
        Some(before).filter(|(epochs, _)| *epochs > 0)
    }

    /// How many epochs the log of a durable pipeline had when the run began.
    pub(crate) fn logged_before(&self) -> u64 {
        self.shared.durable.as_ref().map_or(0, Durable::epochs_before)
    }

    /// Closes the open epoch and waits until it has drained. Tests only: elsewhere the run closes
    /// epochs itself.
    ///
    /// # Errors
    ///
    /// Why the run has failed, if it has.
    pub(crate) fn step(&self) -> Result<()> {
        let shared = &*self.shared;
        // Epochs of an earlier run are made again first.
        shared.wait_until(None, || {
            shared.has_failed() || shared.workers_ended() || !shared.is_replaying()
        });
        let next = shared.open.load(Ordering::SeqCst) + 1;
        shared.asked_for.store(next, Ordering::SeqCst);
        shared.wake();
        shared.wait_until(None, || {
            shared.has_failed() || shared.workers_ended() || shared.drained() >= next
        });
        // The log and a checkpoint behind the epoch are part of the step, so that tests know where
        // they are.
        let is_kept = |durable: &Durable| durable.is_logged(next - 1) && !durable.is_pending();
        let is_kept = || shared.durable.as_ref().is_none_or(is_kept);
        shared.wait_until(None, || shared.has_failed() || shared.workers_ended() || is_kept());
        self.result()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over() {
            self.stop();
        }
        self.join();
    }
}
