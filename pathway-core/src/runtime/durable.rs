//! What makes a run durable: which epochs are logged, when checkpoints are made, and what a run
//! goes on from.
//!
//! A run counts its epochs from zero; `base` is added wherever one leaves the process. The first
//! epochs of a run that goes on are those that the log holds: every worker lets in again what it
//! let in then, and sinks that have published them skip or repeat them. Only then are rows taken
//! from the readers. In front of them all is one epoch in which nothing enters but what loops are
//! computed from, and nothing leaves a loop.
//!
//! A checkpoint stands in front of an epoch. Once everything before it has drained, every worker
//! hands its states over, and lets nothing into that epoch before all have; sinks get a mark
//! behind what is before it.

use super::local_source::LocalSource;
use super::recording;
use super::rescale::{self, Cuts};
use super::shared::{Shared, lock};
use super::source_state::{Multiset, SourceState, add};
use crate::dataflow::state::{Saved, SavedPart};
use crate::error::{BuildError, Error, Result, RunError};
use crate::persistence::Store;
use crate::persistence::cut::{Event, events};
use crate::persistence::log::EpochCut;
use crate::persistence::manifest::{Manifest, NodeRecord, States};
use crate::persistence::records as state_records;
use crate::persistence::recovery::{Recovered, Refusal, recover};
use crate::persistence::sections::{PartId, SavedState, Sections};
use crate::persistence::store::{Claim, StoreError};
use crate::persistence::writer::{CheckpointWriter, LogWriter, Message, Notify, Program};
use crate::plan::identity::{CodeVersion, Identities};
use crate::plan::{Node, NodeId, Operation, Plan, Port};
use crate::render::SharedState;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64;

/// How often checkpoints are made, if the program does not say.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// How many messages may wait for the log.
const MESSAGES_MAX: usize = 256;
/// No checkpoint is asked for.
const NO_CHECKPOINT: u64 = u64::MAX;

/// What a pipeline has a store for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To go on from it.
    GoOn,
    /// To record what enters it.
    Record,
    /// To let in what was recorded.
    Replay,
}

/// How a pipeline is durable.
#[derive(Clone, Debug)]
pub(crate) struct Durability {
    /// Where it keeps what it needs to go on. Without, it is not durable.
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) purpose: Purpose,
    /// What the program has given a store for: one thing.
    pub(crate) asked: Vec<&'static str>,
    pub(crate) replay_speed: Option<f64>,
    pub(crate) checkpoint_every: Duration,
    /// A checkpoint is made at the latest behind so many epochs.
    pub(crate) checkpoint_epochs: Option<u64>,
    /// State is kept though code has changed.
    pub(crate) assume_unchanged: bool,
}

impl Default for Durability {
    fn default() -> Self {
        Self {
            store: None,
            purpose: Purpose::GoOn,
            asked: Vec::new(),
            replay_speed: None,
            checkpoint_every: CHECKPOINT_EVERY,
            checkpoint_epochs: None,
            assume_unchanged: false,
        }
    }
}

impl Durability {
    /// Gives the pipeline a store, as the verb says.
    pub(crate) fn set(&mut self, verb: &'static str, store: Arc<dyn Store>, purpose: Purpose) {
        self.asked.push(verb);
        (self.store, self.purpose) = (Some(store), purpose);
    }
}

/// What a run goes on from, taken apart.
pub(super) struct Opened {
    pub(super) durable: Durable,
    program: Program,
    /// Not of a run that only reads.
    claim: Option<Box<dyn Claim>>,
    store: Arc<dyn Store>,
    /// Those of the checkpoint that the run goes on from.
    sections: Sections,
    pub(super) workers: Vec<WorkerStart>,
    pub(super) sources: Vec<SourceStart>,
    /// What each sink goes on from, and the last epoch that it has taken; by rank.
    pub(super) sinks: Vec<SinkStart>,
    /// The time of the last epoch that is in the states, or the time when the first run began.
    pub(super) time: i64,
    /// Whether there was a run before.
    pub(super) recovered: bool,
    /// The rank of each source, of each sink and of each operator that calls, among its like. It is
    /// the same in every program.
    pub(super) ranks: HashMap<NodeId, usize>,
}

/// What a sink goes on from.
#[derive(Clone, Debug, Default)]
pub(super) struct SinkStart {
    /// What it handed over with the checkpoint. Nothing in a first run.
    pub(super) state: Option<Vec<u8>>,
    /// It has taken the epochs up to this one.
    pub(super) delivered: Option<u64>,
}

/// What a worker goes on from.
#[derive(Debug, Default)]
pub(super) struct WorkerStart {
    /// By the identity and the number of each state: the sections of its parts.
    states: HashMap<StateId, BTreeMap<Vec<u8>, Vec<Vec<u8>>>>,
    /// By the rank of each source.
    pub(super) sources: BTreeMap<usize, SourceState>,
    /// What it let into the epochs behind the checkpoint.
    pub(super) parts: VecDeque<Vec<u8>>,
}

/// What a source's reader needs to know.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceStart {
    /// The numbers of partitions that were there, by name.
    pub(super) partitions: BTreeMap<String, VecDeque<u32>>,
    /// It has ended in an earlier run.
    pub(super) finished: bool,
    /// Whether somebody has to know the rows that are there.
    wants_contents: bool,
    /// The rows that are there, for those who have to know.
    pub(super) contents: Multiset,
}

/// The durable side of a run, shared by its threads.
pub(super) struct Durable {
    purpose: Purpose,
    /// The leader of a run that records has seen that it is to stop, and opens no epoch any more: all
    /// workers end their inputs in the one that is open, so that a replay does.
    closing: AtomicBool,
    /// When a run that replays began, and how fast it does.
    began: Instant,
    replay_speed: Option<f64>,
    /// What is added to the run's epochs.
    pub(super) base: u64,
    /// The first epoch of the run that rows enter. In front of it loops are restored, if there is
    /// a state to go on from.
    pub(super) first: u64,
    /// The checkpoint that the run goes on from was made by another number of workers, so that the
    /// next one is whole.
    pub(super) rescaled: bool,
    /// All epochs of the run before this one are logged.
    logged: AtomicU64,
    /// The epoch of the run in front of which a checkpoint is to be made.
    checkpoint_at: AtomicU64,
    /// Workers that have handed their states over for it.
    saved_on: AtomicUsize,
    /// Whether a checkpoint is being made.
    pending: AtomicBool,
    checkpoint_every: Duration,
    checkpoint_epochs: Option<u64>,
    /// When the last checkpoint was made, and of which epochs.
    last: Mutex<(Instant, u64)>,
    /// The times of the epochs that are made again.
    times: Vec<i64>,
    /// Workers that have let in again what they let into an epoch, over all epochs.
    fed: AtomicU64,
    /// Workers that have loaded their states.
    loaded_on: AtomicUsize,
    /// The run ends with the next checkpoint.
    suspending: AtomicBool,
    messages: Mutex<Option<SyncSender<Message>>>,
    pub(super) identities: Identities,
}

impl Durable {
    /// How many epochs are made again.
    pub(super) fn replays(&self) -> u64 {
        self.times.len() as u64
    }

    /// The epochs of all runs before this one.
    pub(super) fn epochs_before(&self) -> u64 {
        self.base + self.first + self.replays()
    }

    /// Whether an epoch of the run is made again, or is the one that restores loops.
    pub(super) fn is_replayed(&self, epoch: u64) -> bool {
        epoch < self.first + self.replays()
    }

    /// The time of an epoch that is made again, once all workers have let in what belongs to it.
    pub(super) fn replay_time(&self, epoch: u64, workers: usize) -> Option<i64> {
        let fed = self.fed.load(Ordering::SeqCst);
        let at = epoch - self.first;
        let time = usize::try_from(at).ok().and_then(|at| self.times.get(at));
        let time = time.copied().filter(|_| fed >= (at + 1) * workers as u64)?;
        self.wait_for(time).is_none().then_some(time)
    }

    /// Whether a worker of a run that records may end its inputs, now that the run is to stop.
    pub(super) fn may_close(&self, is_leader: bool) -> bool {
        if self.purpose != Purpose::Record {
            return true;
        }
        if is_leader {
            self.closing.store(true, Ordering::SeqCst);
        }
        self.is_closing()
    }

    /// Whether no epoch is opened any more.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Whether the run will go on another time, from a checkpoint.
    pub(super) fn goes_on(&self) -> bool {
        self.purpose == Purpose::GoOn
    }

    /// Whether a recording is replayed.
    pub(super) fn is_replay(&self) -> bool {
        self.purpose == Purpose::Replay
    }

    /// How long it is until an epoch of a recording closes that closed at that time.
    fn wait_for(&self, time: i64) -> Option<Duration> {
        let speed = self.replay_speed.filter(|_| self.is_replay())?;
        let first = *self.times.first()?;
        let nanoseconds = u64::try_from(time.saturating_sub(first)).unwrap_or(0);
        let at = Duration::from_nanos(nanoseconds).div_f64(speed);
        at.checked_sub(self.began.elapsed()).filter(|left| !left.is_zero())
    }

    /// How long it is until the open epoch closes, if it is one of a recording that is replayed at
    /// its pace.
    pub(super) fn pace(&self, open: u64) -> Option<Duration> {
        let at = usize::try_from(open.checked_sub(self.first)?).ok()?;
        self.wait_for(*self.times.get(at)?)
    }

    pub(super) fn note_loaded(&self) {
        self.loaded_on.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether all workers have loaded their states.
    pub(super) fn is_loaded(&self, workers: usize) -> bool {
        self.loaded_on.load(Ordering::SeqCst) == workers
    }

    pub(super) fn note_fed(&self) {
        self.fed.fetch_add(1, Ordering::SeqCst);
    }

    /// A way to the log, for a thread that drops it at its end.
    pub(super) fn messages(&self) -> Messages {
        Messages(lock(&self.messages).clone())
    }

    /// Ends the giving out of ways to the log.
    pub(super) fn close_messages(&self) {
        *lock(&self.messages) = None;
    }

    pub(super) fn is_logged(&self, epoch: u64) -> bool {
        epoch < self.logged.load(Ordering::SeqCst)
    }

    /// Whether it is time for a checkpoint: so much has passed since the last, or so many epochs
    /// will have once the open one is closed.
    pub(super) fn is_due(&self, open: u64) -> bool {
        if !self.goes_on() || self.is_pending() || self.is_replayed(open) {
            return false;
        }
        let (at, epoch) = *lock(&self.last);
        let enough = self.checkpoint_epochs.is_some_and(|epochs| open + 1 >= epoch + epochs);
        enough || (open > epoch && at.elapsed() >= self.checkpoint_every)
    }

    /// Whether a checkpoint is being made.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::SeqCst)
    }

    /// Asks for a checkpoint in front of an epoch. The leader does, before it opens the epoch.
    pub(super) fn ask(&self, epoch: u64) {
        self.pending.store(true, Ordering::SeqCst);
        self.saved_on.store(0, Ordering::SeqCst);
        self.checkpoint_at.store(epoch, Ordering::SeqCst);
    }

    /// Asks for the checkpoint with which the run ends, if none is being made.
    pub(super) fn suspend(&self, epoch: u64) -> bool {
        if self.is_pending() || self.suspending.load(Ordering::SeqCst) {
            return false;
        }
        self.ask(epoch);
        self.suspending.store(true, Ordering::SeqCst);
        true
    }

    /// Whether a checkpoint is to be made in front of an epoch.
    pub(super) fn is_asked_at(&self, epoch: u64) -> bool {
        self.checkpoint_at.load(Ordering::SeqCst) == epoch
    }

    /// Notes that a worker has handed its states over. Answers whether it was the last.
    pub(super) fn note_saved(&self, workers: usize) -> bool {
        self.saved_on.fetch_add(1, Ordering::SeqCst) + 1 == workers
    }

    pub(super) fn all_saved(&self, workers: usize) -> bool {
        self.saved_on.load(Ordering::SeqCst) >= workers
    }

    /// Whether the run ends with the checkpoint that is asked for.
    pub(super) fn is_suspending(&self) -> bool {
        self.suspending.load(Ordering::SeqCst)
    }
}

/// A way to the log.
#[derive(Clone)]
pub(super) struct Messages(Option<SyncSender<Message>>);

impl Messages {
    pub(super) fn send(&self, message: Message) {
        // The log's thread ends early only where it has failed, and said so.
        if let Some(messages) = &self.0 {
            drop(messages.send(message));
        }
    }
}

/// Tells the run what the writers have done.
struct Watcher(Arc<Shared>);

impl Notify for Watcher {
    fn logged(&self, epoch: u64) {
        if let Some(durable) = &self.0.durable {
            durable.logged.store(epoch - durable.base, Ordering::SeqCst);
        }
        self.0.notify();
    }

    fn checkpointed(&self, epoch: u64) {
        if let Some(durable) = &self.0.durable {
            *lock(&durable.last) = (Instant::now(), epoch - durable.base);
            durable.pending.store(false, Ordering::SeqCst);
        }
        self.0.wake();
        self.0.notify();
    }
}

fn store_error(store: &dyn Store, error: StoreError) -> Error {
    RunError::Store { store: store.label(), error }.into()
}

/// Opens the store of a pipeline and finds what the run goes on from.
pub(super) fn open(
    pipeline: &str,
    plan: &Plan,
    needed: &[bool],
    workers: usize,
    now: i64,
    (store, durability): (&Arc<dyn Store>, &Durability),
) -> Result<Opened> {
    let store = Arc::clone(store);
    let failed = |error| Error::from(BuildError::Store { store: store.label(), error });
    let is_needed = |node: &&Node| needed[node.id.index()];
    let is_replay = durability.purpose == Purpose::Replay;
    let claim = if is_replay { None } else { Some(store.claim().map_err(failed)?) };
    let identities = Identities::of(plan);
    let of_kind = |kind: fn(&Operation) -> bool| {
        let nodes = plan.nodes().iter().filter(is_needed);
        let nodes = nodes.filter(move |node| kind(&node.operation)).map(|node| node.id);
        identities.in_order(nodes)
    };
    let sources = of_kind(|operation| matches!(operation, Operation::Source(_)));
    let sinks = of_kind(Operation::takes_part_by_thread);
    let calls = of_kind(|operation| matches!(operation, Operation::Calls(_)));
    let ranked = [&sources, &sinks, &calls].into_iter().flat_map(|nodes| nodes.iter().enumerate());
    let ranks: HashMap<NodeId, usize> = ranked.map(|(rank, &node)| (node, rank)).collect();
    let recovered = if is_replay {
        Some(recording::read(&*store, plan.nodes(), &sources, &identities)?)
    } else {
        recover(&*store).map_err(|refusal| refused(&*store, refusal))?
    };
    if recovered.is_some() && durability.purpose == Purpose::Record {
        return Err(recording::refuse_used(&*store));
    }
    let nodes = records(plan, needed, &identities);
    let program = Program { pipeline: pipeline.to_owned(), workers, nodes, sinks: sinks.len() };
    let mut start = Start::new(workers, sources.len(), sinks.len());
    for (source, &node) in start.sources.iter_mut().zip(&sources) {
        if let Operation::Source(node) = &plan.node(node).operation {
            source.wants_contents = node.reader.wants_contents();
        }
    }
    let mut sections = Sections::new();
    match recovered {
        None => {}
        Some(recovered) => {
            if !is_replay {
                check(&*store, &recovered.manifest, &program, durability.assume_unchanged)?;
            }
            for warning in &recovered.warnings {
                let store = store.label();
                crate::io::terminal::print(|| {
                    eprintln!(
                        "{pipeline}: warning: of the store {store}, {warning}; the run goes on \
                         without it"
                    );
                });
            }
            let ranks = sources.iter().enumerate();
            let ranks = ranks.map(|(rank, node)| (identities.node(*node), rank)).collect();
            let of = recovered.manifest.workers;
            let refused = |(of, problem): (usize, String)| {
                let (store, threads) = (store.label(), workers);
                Error::from(BuildError::OtherThreads { store, of, threads, problem })
            };
            if of != workers
                && !is_replay
                && let Some((operator, problem)) = rescale::why_not(plan, needed)
            {
                return Err(refused((of, format!("{operator} cannot be divided: {problem}"))));
            }
            sections = recovered.manifest.sections.clone();
            start.recovered(recovered, &ranks).map_err(refused)?;
        }
    }
    let Start { base, first, rescaled, time, times, workers: worker_starts, sources, sinks } =
        start;
    if !is_replay && !sources.is_empty() && sources.iter().all(|source| source.finished) {
        crate::io::terminal::print(|| {
            eprintln!(
                "{pipeline}: warning: all inputs have ended in an earlier run with the store {}, so \
                 nothing is read any more; to begin anew, give it an empty store",
                store.label()
            );
        });
    }
    let recovered = time.is_some();
    let time = time.unwrap_or(now);
    if !recovered {
        // The store knows its program before anything is logged.
        program.begin(&*store, time).map_err(failed)?;
    }
    let durable = Durable {
        purpose: durability.purpose,
        closing: AtomicBool::new(false),
        began: Instant::now(),
        replay_speed: durability.replay_speed,
        base,
        first,
        rescaled,
        logged: AtomicU64::new(first + times.len() as u64),
        checkpoint_at: AtomicU64::new(NO_CHECKPOINT),
        saved_on: AtomicUsize::new(0),
        pending: AtomicBool::new(false),
        checkpoint_every: durability.checkpoint_every,
        checkpoint_epochs: durability.checkpoint_epochs,
        last: Mutex::new((Instant::now(), first)),
        times,
        fed: AtomicU64::new(0),
        loaded_on: AtomicUsize::new(0),
        suspending: AtomicBool::new(false),
        messages: Mutex::new(None),
        identities,
    };
    let workers = worker_starts;
    Ok(Opened {
        durable,
        program,
        claim,
        store,
        sections,
        workers,
        sources,
        sinks,
        time,
        recovered,
        ranks,
    })
}

/// What is needed of an [`Opened`] to start the threads that write.
pub(super) struct Writers {
    log: LogWriter,
    messages: Receiver<Message>,
    checkpoint_writer: CheckpointWriter,
    checkpoints: Receiver<crate::persistence::writer::Checkpoint>,
    store: Arc<dyn Store>,
    claim: Arc<dyn Claim>,
}

impl Opened {
    /// Begins the log of this run, if it has one.
    pub(super) fn begin(self) -> Result<(Durable, Option<Writers>)> {
        let Self { durable, program, claim, store, sinks, sections, .. } = self;
        let Some(claim) = claim else { return Ok((durable, None)) };
        let delivered = sinks.iter().enumerate();
        let delivered = delivered.filter_map(|(sink, start)| Some((sink, start.delivered?)));
        let (send, messages) = mpsc::sync_channel(MESSAGES_MAX);
        let (to_checkpoints, checkpoints) = mpsc::sync_channel(1);
        let next = durable.epochs_before();
        let delivered = delivered.collect();
        let log = LogWriter::begin(Arc::clone(&store), program, next, delivered, to_checkpoints)
            .map_err(|error| BuildError::Store { store: store.label(), error })?;
        *lock(&durable.messages) = Some(send);
        let claim = Arc::from(claim);
        let checkpoint_writer = CheckpointWriter::new(
            Arc::clone(&store),
            durable.base + durable.first,
            sections,
            durable.rescaled,
        );
        let writers = Writers { log, messages, checkpoint_writer, checkpoints, store, claim };
        Ok((durable, Some(writers)))
    }
}

impl Writers {
    /// The work of both threads.
    pub(super) fn threads(self) -> [(&'static str, Box<dyn FnOnce(&Arc<Shared>) + Send>); 2] {
        let Self { log, messages, checkpoint_writer, checkpoints, store, claim } = self;
        let (log_store, log_claim) = (Arc::clone(&store), Arc::clone(&claim));
        let run_log = move |shared: &Arc<Shared>| {
            if let Err(error) = log.run(&messages, &Watcher(Arc::clone(shared))) {
                shared.fail(store_error(&*log_store, error));
            }
            drop(log_claim);
        };
        let run_checkpoints = move |shared: &Arc<Shared>| {
            let watcher = Watcher(Arc::clone(shared));
            if let Err(error) = checkpoint_writer.run(&checkpoints, &watcher) {
                shared.fail(store_error(&*store, error));
            }
            drop(claim);
        };
        [("log", Box::new(run_log)), ("checkpoints", Box::new(run_checkpoints))]
    }
}

/// What a run goes on from, while it is put together.
struct Start {
    base: u64,
    first: u64,
    /// The number of workers is another than that of the checkpoint.
    rescaled: bool,
    /// Nothing in a first run.
    time: Option<i64>,
    times: Vec<i64>,
    workers: Vec<WorkerStart>,
    sources: Vec<SourceStart>,
    sinks: Vec<SinkStart>,
}

impl Start {
    fn new(workers: usize, sources: usize, sinks: usize) -> Self {
        Self {
            base: 0,
            first: 0,
            rescaled: false,
            time: None,
            times: Vec::new(),
            workers: (0..workers).map(|_| WorkerStart::default()).collect(),
            sources: vec![SourceStart::default(); sources],
            sinks: vec![SinkStart::default(); sinks],
        }
    }

    /// Takes apart what was found. The ranks of sources are by identity.
    ///
    /// # Errors
    ///
    /// The number of workers that can go on from this, and why no other can.
    fn recovered(
        &mut self,
        recovered: Recovered,
        ranks: &HashMap<u128, usize>,
    ) -> Result<(), (usize, String)> {
        let Recovered { manifest, mut states, cuts, delivered, .. } = recovered;
        let workers = self.workers.len();
        let mut divided = Cuts::new(workers, manifest.workers);
        self.rescaled = manifest.workers != workers;
        if self.rescaled {
            note_closed(&mut divided, &states, ranks);
            states = rescale::states(states, manifest.workers, workers);
        }
        self.first = u64::from(manifest.epoch > 0);
        self.base = manifest.epoch - self.first;
        self.time = Some(manifest.time);
        for (rank, sink) in self.sinks.iter_mut().enumerate() {
            // Before the first checkpoint a sink goes on from its beginning.
            sink.state = Some(manifest.sinks.get(rank).cloned().unwrap_or_default());
            sink.delivered = delivered.get(&rank).copied();
        }
        let mut ends =
            Ends { sources: &mut self.sources, closed: HashMap::new(), labels: BTreeMap::new() };
        for (PartId { worker, operator, number, name }, sections) in states {
            let start = &mut self.workers[worker];
            if number == SOURCE {
                let rank = ranks.get(&operator).expect("a store is that of this program");
                let state = start.sources.entry(*rank).or_default();
                state_records::for_each(&sections, |record| state.load(&name, record));
            } else {
                start.states.entry((operator, number)).or_default().insert(name, sections);
            }
        }
        for (at, worker) in self.workers.iter().enumerate() {
            for (&source, state) in &worker.sources {
                ends.read(at, source, state);
            }
        }
        for EpochCut { time, parts, .. } in cuts {
            self.times.push(time);
            let of = parts.len();
            let Some(parts) = divided.divide(parts) else {
                let problem = "asynchronous calls have results that are to be given again first";
                return Err((of, problem.to_owned()));
            };
            for (at, (worker, part)) in self.workers.iter_mut().zip(parts).enumerate() {
                ends.follow(at, &part);
                worker.parts.push_back(part);
            }
        }
        let Ends { closed, labels, .. } = ends;
        for (rank, source) in self.sources.iter_mut().enumerate() {
            let closed = closed.get(&rank).map_or(0, BTreeSet::len);
            source.finished = closed == self.workers.len();
            for ((_, partition), label) in labels.range((rank, 0)..(rank + 1, 0)) {
                source.partitions.entry(label.clone()).or_default().push_back(*partition);
            }
        }
        Ok(())
    }
}

/// Notes on which workers sources had ended as of a checkpoint.
fn note_closed(divided: &mut Cuts, states: &States, ranks: &HashMap<u128, usize>) {
    for (part, sections) in states.iter().filter(|(part, _)| part.number == SOURCE) {
        let mut state = SourceState::default();
        state_records::for_each(sections, |record| state.load(&part.name, record));
        if let Some(&rank) = ranks.get(&part.operator).filter(|_| state.closed) {
            divided.note_closed(rank, part.worker);
        }
    }
}

/// How far sources are at the end of the log.
struct Ends<'a> {
    sources: &'a mut [SourceStart],
    /// On which workers each has ended: on each it may have more than once, in several runs.
    closed: HashMap<usize, BTreeSet<usize>>,
    /// By source and partition.
    labels: BTreeMap<(usize, u32), String>,
}

impl Ends<'_> {
    fn read(&mut self, worker: usize, source: usize, state: &SourceState) {
        if state.closed {
            self.closed.entry(source).or_default().insert(worker);
        }
        for (partition, position) in &state.positions {
            self.labels.insert((source, *partition), position.label.clone());
        }
        if self.sources[source].wants_contents {
            for (rows, _) in state.kept.values() {
                let rows = rows.iter().map(|(row, copies)| (row.clone(), *copies));
                self.sources[source].contents.extend(rows);
            }
        }
    }

    fn follow(&mut self, worker: usize, part: &[u8]) {
        let (mut source, mut partition) = (0, 0);
        for event in events(part) {
            match event {
                Event::At { source: at, partition: of } => (source, partition) = (at, of),
                Event::Position(position) if position.is_gone() => {
                    self.labels.remove(&(source, partition));
                }
                Event::Position(position) => {
                    self.labels.insert((source, partition), position.label);
                }
                Event::Result(_) => {}
                Event::Closed => {
                    self.closed.entry(source).or_default().insert(worker);
                }
                Event::Row { row, diff, error } => {
                    let start = &mut self.sources[source];
                    if start.wants_contents && !error {
                        add(&mut start.contents, row, diff);
                    }
                }
            }
        }
    }
}

impl WorkerStart {
    /// Loads the states of a worker's operators.
    pub(super) fn load(&mut self, durable: &Durable, states: &[(StateId, SharedState)]) {
        for (id, state) in states {
            if let Some(parts) = self.states.remove(id) {
                let mut state = state.borrow_mut();
                for (name, sections) in parts {
                    state_records::for_each(&sections, |record| state.load(&name, record));
                }
                state.loaded();
                if !durable.rescaled {
                    state.kept();
                }
            }
        }
    }
}

/// What identifies a state: the identity of its operator, and its number among those of the
/// operator.
pub(super) type StateId = (u128, usize);

impl Durable {
    /// The states of a worker by what identifies each.
    pub(super) fn keyed(
        &self,
        states: &[(NodeId, SharedState)],
        entered: &[(NodeId, Port, SharedState)],
    ) -> Vec<(StateId, SharedState)> {
        let mut numbers: HashMap<NodeId, usize> = HashMap::new();
        let mut keyed = Vec::new();
        for (node, state) in states {
            let number = numbers.entry(*node).or_default();
            keyed.push(((self.identities.node(*node), *number), Rc::clone(state)));
            *number += 1;
        }
        for (end, port, state) in entered {
            let identity = self.identities.entry(*end, *port);
            keyed.push(((identity, 0), Rc::clone(state)));
        }
        keyed
    }
}

/// What stands for the number of a state where it is that of a source.
pub(super) const SOURCE: usize = usize::MAX >> 1;

/// What has changed of the states of a worker's operators and sources.
pub(super) fn save(
    durable: &Durable,
    states: &[(StateId, SharedState)],
    sources: &mut [LocalSource],
) -> Vec<SavedState> {
    let mut all = Vec::new();
    let mut save = |(operator, number), save: &mut dyn FnMut(&mut Saved)| {
        let mut saved = Saved::default();
        save(&mut saved);
        let part = |part: SavedPart| (part.name, part.whole, part.records.into_bytes());
        let parts = saved.parts.into_iter().map(part).collect();
        all.push(SavedState { operator, number, parts });
    };
    for (id, state) in states {
        save(*id, &mut |out| state.borrow_mut().save(out));
    }
    for source in sources {
        let operator = durable.identities.node(source.shared().node);
        save((operator, SOURCE), &mut |out| source.save(out));
    }
    all
}

fn records(plan: &Plan, needed: &[bool], identities: &Identities) -> Vec<NodeRecord> {
    let nodes = plan.nodes().iter().filter(|node| needed[node.id.index()]);
    let record = |node: &Node| NodeRecord {
        identity: identities.node(node.id),
        inputs: node.inputs.iter().map(|input| identities.node(input.node)).collect(),
        version: match node.code_version() {
            CodeVersion::None => None,
            CodeVersion::Own(version) => Some(version),
            CodeVersion::Build => Some(build_id()),
        },
        described: node.describe(),
    };
    let mut records: Vec<NodeRecord> = nodes.map(record).collect();
    records.sort_by_key(|record| record.identity);
    records
}

/// A number that changes with the program's code: the hash of its executable file.
fn build_id() -> u64 {
    static BUILD: OnceLock<u64> = OnceLock::new();
    *BUILD.get_or_init(|| {
        let file = std::env::current_exe().and_then(std::fs::read);
        // Where the file cannot be read, nobody knows that the code is the same.
        let unknown = || xxh3_64(format!("{:?}", std::time::SystemTime::now()).as_bytes());
        file.map_or_else(|_| unknown(), |bytes| xxh3_64(&bytes))
    })
}

/// Checks that a store is one of this program.
fn check(
    store: &dyn Store,
    manifest: &Manifest,
    program: &Program,
    assume_unchanged: bool,
) -> Result<(), BuildError> {
    let label = store.label();
    if manifest.pipeline != program.pipeline {
        return Err(BuildError::OtherPipeline {
            store: label,
            of: manifest.pipeline.clone(),
            pipeline: program.pipeline.clone(),
        });
    }
    let changes = Changes::between(&manifest.nodes, &program.nodes, assume_unchanged);
    match changes {
        Changes { operators, code } if operators.is_empty() && code.is_empty() => Ok(()),
        Changes { mut operators, code } => {
            let only_code = operators.is_empty();
            operators.extend(code);
            Err(BuildError::Changed { store: label, changes: operators, only_code })
        }
    }
}

/// What is other in a program than it was.
struct Changes {
    /// Operators that came or went; of those that are other only because something in front of them
    /// is, nothing is said.
    operators: Vec<String>,
    /// Operators that are the same but for their code.
    code: Vec<String>,
}

impl Changes {
    fn between(old: &[NodeRecord], new: &[NodeRecord], assume_unchanged: bool) -> Self {
        let identities = |records: &[NodeRecord]| -> BTreeSet<u128> {
            records.iter().map(|record| record.identity).collect()
        };
        let (is_old, is_new) = (identities(old), identities(new));
        let first = |node: &&NodeRecord, others: &BTreeSet<u128>| {
            !others.contains(&node.identity)
                && node.inputs.iter().all(|input| others.contains(input))
        };
        let line =
            |what: &'static str| move |node: &NodeRecord| format!("{what}: {}", node.described);
        let gone = old.iter().filter(|node| first(node, &is_new)).map(line("gone, or changed"));
        let added = new.iter().filter(|node| first(node, &is_old)).map(line("new, or changed"));
        let mut operators: Vec<String> = gone.chain(added).collect();
        operators.sort();
        let versions: BTreeMap<u128, Option<u64>> =
            old.iter().map(|record| (record.identity, record.version)).collect();
        let is_other = |node: &&NodeRecord| {
            let known = versions.get(&node.identity);
            !assume_unchanged && known.is_some_and(|version| *version != node.version)
        };
        let (builds, own): (Vec<_>, Vec<_>) =
            new.iter().filter(is_other).partition(|node| node.version == Some(build_id()));
        let mut code: Vec<String> = own.into_iter().map(line("other code")).collect();
        code.sort();
        // Of which closures the code is another one is not to be seen from outside.
        code.extend(builds.iter().map(|node| &node.described).min().map(|described| {
            format!(
                "another build, whose closures may compute something else, such as that of \
                 {described}"
            )
        }));
        Self { operators, code }
    }
}

pub(super) fn refused(store: &dyn Store, refusal: Refusal) -> Error {
    let store = store.label();
    match refusal {
        Refusal::Store(error) => BuildError::Store { store, error },
        Refusal::Newer(version) => BuildError::NewerStore { store, version },
        Refusal::Older(version) => BuildError::OlderStore { store, version },
        Refusal::Damaged(problems) => BuildError::DamagedStore { store, problems },
    }
    .into()
}
