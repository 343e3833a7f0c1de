//! The loop of one worker.

use super::alignment::Alignment;
use super::call_log::CallLog;
use super::calls::CallPorts;
use super::durable::{self, Durable, Messages, StateId, WorkerStart};
use super::local_source::LocalSource;
use super::running::EpochPolicy;
use super::shared::{Shared, lock};
use super::unsettled::Unsettled;
use crate::dataflow::epoch_clock::{EpochClock, NEVER};
use crate::dataflow::operator::Epoch;
use crate::dataflow::sink::{Batch, SinkEnd};
use crate::error::{DataError, RunError};
use crate::persistence::cut::{Cut, Event, events};
use crate::persistence::writer::Message;
use crate::plan::{NodeId, Operation, Plan};
use crate::render::{DetachedStage, RenderContext, Rendered, SharedState, render};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use timely::dataflow::operators::probe::Handle as Probe;

/// An epoch under load is closed at the latest after this many rows.
const EPOCH_ROWS_MAX: u64 = 1 << 18;
/// How long an idle worker sleeps when nothing wakes it.
const PARK: Duration = Duration::from_millis(100);
/// How soon an idle leader looks again at an alarm whose epoch it could not close yet.
const ALARM_CHECK: Duration = Duration::from_millis(1);

/// What a worker needs to begin.
pub(super) struct WorkerPlan {
    pub(super) plan: Arc<Plan>,
    pub(super) calls: CallPorts,
    pub(super) needed: Arc<Vec<bool>>,
    pub(super) sink_rows: Arc<HashMap<NodeId, Arc<AtomicU64>>>,
    pub(super) late_rows: Arc<HashMap<NodeId, Arc<AtomicU64>>>,
    pub(super) policy: EpochPolicy,
    pub(super) shared: Arc<Shared>,
    /// For each worker of a durable pipeline, until it takes it.
    pub(super) durable: Mutex<Vec<Option<DurableBegin>>>,
    /// Whether an earlier run is gone on from.
    pub(super) recovered: bool,
    /// The rank of each operator that calls, and whether its results join a later epoch.
    pub(super) call_ranks: HashMap<NodeId, (usize, bool)>,
}

/// What a worker of a durable pipeline begins with.
pub(super) struct DurableBegin {
    pub(super) start: WorkerStart,
    /// The queues of the sinks that this worker serves.
    pub(super) sinks: Vec<SyncSender<Batch>>,
    pub(super) messages: Messages,
}

/// What a worker of a durable pipeline does beside its work.
struct DurableWorker<'a> {
    durable: &'a Durable,
    messages: Messages,
    sinks: Vec<SyncSender<Batch>>,
    /// What asynchronous calls give.
    calls: CallLog,
    /// The states of this worker's operators, by what identifies each.
    states: Vec<(StateId, SharedState)>,
    /// What has entered the open epoch.
    cut: Rc<RefCell<Cut>>,
    /// What this worker let into the epochs that are made again.
    replay: VecDeque<Vec<u8>>,
    /// Whether that of the open epoch has been let in.
    fed: bool,
    /// The epoch in front of which states were handed over last.
    saved_at: Option<Epoch>,
    /// Whether the last epoch, which ends with the input, is among those that are logged.
    ended: bool,
    /// What entered epochs that have not drained. One that fails is not logged: it would fail again
    /// whenever it is made again.
    unlogged: Vec<Message>,
}

struct Worker<'a> {
    shared: &'a Shared,
    calls: &'a CallPorts,
    policy: EpochPolicy,
    index: usize,
    sources: Vec<LocalSource>,
    detached: Vec<DetachedStage>,
    /// Since when the run is to end.
    stopping: Option<Instant>,
    alignment: Alignment,
    probe: Probe<Epoch>,
    states: Vec<(NodeId, SharedState)>,
    clock: Rc<EpochClock>,
    /// The request for state sizes that was answered last.
    state_reported: u64,
    /// The epoch that this worker's rows enter.
    epoch: Epoch,
    /// Whether some operator has an output before there are rows, or alarms to set.
    starts: bool,
    durable: Option<DurableWorker<'a>>,
}

/// Runs one worker to the end of the run.
pub(super) fn run(
    timely: &mut timely::worker::Worker,
    begin: &WorkerPlan,
    sinks: HashMap<NodeId, SinkEnd>,
) {
    let shared = &*begin.shared;
    shared.register();
    let durable_begin = lock(&begin.durable)
        .get_mut(timely.index())
        .and_then(Option::take)
        .zip(shared.durable.as_ref());
    let fail = {
        let (shared, plan) = (Arc::clone(&begin.shared), Arc::clone(&begin.plan));
        Arc::new(move |node: u32, problem: String| {
            let failed = plan.node(NodeId(node));
            let (operator, message) = (failed.describe(), problem);
            shared.fail(match failed.operation {
                Operation::Watermark(_) => DataError::Late { operator, message }.into(),
                Operation::Step(_) if failed.outputs.len() > 1 => {
                    DataError::Step { operator, message }.into()
                }
                _ => RunError::Operator { operator, problem: message }.into(),
            });
        })
    };
    let worker_index = timely.index();
    let rounds = shared.rounds.iter();
    let rounds = rounds.map(|rounds| (NodeId(rounds.node), Arc::clone(rounds))).collect();
    let call_log = shared
        .durable
        .as_ref()
        .map(|durable| CallLog::new(durable.goes_on() && durable.is_replayed(0)));
    let context = RenderContext {
        plan: &begin.plan,
        needed: &begin.needed,
        fail,
        sinks: RefCell::new(sinks),
        sink_rows: &begin.sink_rows,
        rounds: &rounds,
        late_rows: &begin.late_rows,
        durable: shared.durable.as_ref().filter(|d| d.goes_on()).map(|durable| durable.base),
        restores: shared.durable.as_ref().is_some_and(|durable| durable.first > 0),
        calls: &|node| {
            let port = begin.calls.port(node, worker_index);
            match (&call_log, begin.call_ranks.get(&node)) {
                (Some(log), Some(&(rank, detached))) => log.port(rank, detached, port),
                _ => port,
            }
        },
    };
    let Rendered { sources, detached, probe, states, entered, clock, aligned } =
        timely.dataflow::<Epoch, _, _>(|scope| render(scope, &context));
    let index = worker_index;
    // An epoch that is made again sees the time that it saw.
    clock.set(match shared.durable {
        Some(_) => shared.time.load(Ordering::SeqCst),
        None => shared.clock.now(),
    });
    let cut = Rc::new(RefCell::new(Cut::default()));
    let noted = durable_begin.as_ref().map(|_| &cut);
    let alignment = Alignment::new(&begin.plan, aligned, &shared.sources, shared.clock.now());
    detached.iter().for_each(|stage| stage.register(std::thread::current()));
    let mut restored = BTreeMap::new();
    let sources = sources
        .into_iter()
        .map(|stage| {
            let source = shared
                .sources
                .iter()
                .find(|source| source.node == stage.node)
                .expect("every rendered source is part of the run");
            LocalSource::new(stage, Arc::clone(source), index, noted)
        })
        .collect();
    let durable = durable_begin.map(|(begin, durable)| {
        let DurableBegin { mut start, sinks, messages } = begin;
        let durable_states = durable.keyed(&states, &entered);
        start.load(durable, &durable_states);
        let replay = std::mem::take(&mut start.parts);
        restored = start.sources;
        DurableWorker {
            durable,
            messages,
            sinks,
            calls: call_log.expect("a durable pipeline notes what calls give"),
            states: durable_states,
            cut: Rc::clone(&cut),
            replay,
            fed: false,
            saved_at: None,
            ended: false,
            unlogged: Vec::new(),
        }
    });
    let mut worker = Worker {
        shared,
        calls: &begin.calls,
        policy: begin.policy,
        index,
        sources,
        detached,
        stopping: None,
        alignment,
        probe,
        states,
        clock,
        state_reported: 0,
        epoch: 0,
        durable,
        starts: begin.recovered
            || begin.plan.nodes().iter().any(|node| {
                matches!(node.operation, Operation::Total { .. }) && begin.needed[node.id.index()]
            }),
    };
    let is_rescaled = shared.durable.as_ref().is_some_and(|durable| durable.rescaled);
    for source in &mut worker.sources {
        if let Some(state) = restored.remove(&source.rank()) {
            source.load(state, shared, is_rescaled);
        }
    }
    cut.borrow_mut().take();
    if let Some(worker) = &worker.durable {
        worker.durable.note_loaded();
        shared.notify();
    }
    // Small inputs first, so that the small side of a join is complete before the large one.
    worker.sources.sort_by_key(|source| source.size().unwrap_or(u64::MAX));
    worker.run(timely);
}

impl Worker<'_> {
    fn run(&mut self, timely: &mut timely::worker::Worker) {
        let mut unsettled = None;
        while !self.shared.has_failed() {
            let mut active = self.follow_epoch();
            if self.is_drained() {
                self.publish_drained();
                self.log_drained();
                if self.make_checkpoint() {
                    active |= if self.is_replaying() {
                        self.replay()
                    } else {
                        self.resume_calls();
                        self.pump()
                    };
                }
                if self.is_suspended() {
                    break;
                }
            }
            timely.step();
            self.publish_alarm();
            if self.is_drained() {
                // Rows may have been queued meanwhile, and who queued them wakes nobody again.
                active |= self.publish_drained();
                self.log_drained();
            }
            active |= self.close_detached();
            if self.index == 0 {
                active |= self.lead();
            }
            self.log_last_epoch();
            self.report_state(false);
            let is_stopping = self.shared.stopping.load(Ordering::SeqCst);
            if is_stopping && self.goes_on() && !self.is_drained() {
                self.end_calls();
            }
            // A durable pipeline goes on another time: its inputs have not ended.
            if (is_stopping && self.may_close()) || self.has_replayed() {
                self.close_sources();
                if is_stopping {
                    self.end_calls();
                    if self.index == 0 {
                        unsettled
                            .get_or_insert_with(|| Unsettled::new(self.shared))
                            .give_up(self.shared);
                    }
                }
            }
            if self.sources.iter().all(|source| source.closed)
                && self.detached.is_empty()
                && self.shared.open_sources.load(Ordering::SeqCst) == 0
                && !timely.has_dataflows()
                && self.nothing_to_do()
                && !self.is_replaying()
            {
                break;
            }
            if !active && self.nothing_to_do() {
                timely.step_or_park(Some(self.idle_for()));
            }
        }
        self.end_durably();
        self.report_state(true);
        for dataflow in timely.installed_dataflows() {
            timely.drop_dataflow(dataflow);
        }
    }

    /// Tells the leader when the next epoch is to be closed at the latest.
    fn publish_alarm(&self) {
        let alarm = &self.shared.alarms[self.index];
        let (before, next) = (alarm.load(Ordering::SeqCst), self.clock.next_alarm());
        if before != next {
            alarm.store(next, Ordering::SeqCst);
            if next < before && self.index != 0 {
                self.shared.wake();
            }
        }
    }

    /// The epoch that rows enter first.
    fn first(&self) -> Epoch {
        self.durable.as_ref().map_or(0, |worker| worker.durable.first)
    }

    /// How long to sleep if nothing happens.
    fn idle_for(&self) -> Duration {
        if self.index != 0 {
            return PARK;
        }
        let durable = self.shared.durable.as_ref();
        if let Some(left) = durable.and_then(|durable| durable.pace(self.epoch)) {
            return left.min(PARK);
        }
        let next = self.shared.next_alarm();
        if next == NEVER {
            return PARK;
        }
        let left = next.saturating_sub(self.shared.clock.now());
        Duration::from_nanos(u64::try_from(left).unwrap_or(0)).clamp(ALARM_CHECK, PARK)
    }

    fn nothing_to_do(&self) -> bool {
        self.epoch == self.shared.open.load(Ordering::SeqCst)
    }

    /// Ends this worker's part of an epoch that the leader has closed.
    fn follow_epoch(&mut self) -> bool {
        let open = self.shared.open.load(Ordering::SeqCst);
        if self.epoch == open {
            return false;
        }
        // A transaction is never split: its rest still belongs to the old epoch.
        let shared = self.shared;
        for source in self.sources.iter_mut().filter(|source| source.in_transaction) {
            source.pump(shared);
        }
        if self.sources.iter().any(|source| source.in_transaction) {
            return false;
        }
        self.clock.set(shared.time.load(Ordering::SeqCst));
        if self.epoch >= self.first() {
            self.log_epoch(open);
        }
        for source in self.sources.iter_mut().filter(|source| !source.closed) {
            source.stage.advance(open);
        }
        self.detached.iter_mut().for_each(|stage| stage.advance(open));
        if let Some(worker) = &self.durable {
            worker.calls.open(open);
        }
        self.epoch = open;
        true
    }

    /// Whether all epochs before this worker's have drained on all workers.
    fn is_drained(&self) -> bool {
        !self.probe.less_than(&self.epoch)
    }

    /// Tells the others that the epochs before this worker's have drained. Answers whether that is
    /// news.
    fn publish_drained(&self) -> bool {
        let drained = &self.shared.drained[self.index];
        let is_news = drained.load(Ordering::SeqCst) != self.epoch;
        if is_news {
            drained.store(self.epoch, Ordering::SeqCst);
            self.shared.notify();
        }
        is_news
    }

    /// Lets rows into the open epoch.
    fn pump(&mut self) -> bool {
        let shared = self.shared;
        let mut rows = self.detached.iter_mut().map(DetachedStage::pump).sum();
        let (full, held) = (self.calls.is_full(), self.held());
        let mut smaller_unfinished = None;
        // Where epochs are closed by hand, the leader waits until all that was pushed is taken.
        let awaited = matches!(self.policy, EpochPolicy::Manual)
            && self
                .sources
                .iter()
                .any(|source| !held.contains(&source.shared().node) && source.is_waited_for());
        for source in &mut self.sources {
            if source.closed || shared.stopping.load(Ordering::SeqCst) {
                continue;
            }
            // A bounded source waits for those that are far smaller, on all workers.
            if let (Some(size), Some(smaller)) = (source.size(), smaller_unfinished)
                && size / 4 > smaller
                && held.is_empty()
            {
                continue;
            }
            // Rows wait where calls do, and where others are far behind; those of a transaction
            // that has begun belong together.
            let waits = full || held.contains(&source.shared().node);
            if !waits || source.in_transaction {
                rows += source.pump(shared);
            }
            // Readers end because of a stop, too, which is then seen here: it comes first. That is no
            // end of the input, and a durable pipeline goes on reading another time.
            if source.is_exhausted() && !shared.stopping.load(Ordering::SeqCst) {
                source.close(shared);
            }
            if source.shared().open_on.load(Ordering::SeqCst) > 0
                && let Some(size) = source.size()
            {
                smaller_unfinished = Some(smaller_unfinished.unwrap_or(size).min(size));
            }
        }
        if awaited && self.index != 0 {
            shared.wake();
        }
        if rows > 0 {
            self.shared.entered.fetch_add(rows, Ordering::SeqCst);
            if self.index != 0 {
                self.shared.wake();
            }
        }
        rows > 0
    }

    /// The sources that are too far ahead of others.
    fn held(&self) -> BTreeSet<NodeId> {
        let shared = self.shared;
        let open = matches!(self.policy, EpochPolicy::Auto { live: true, .. })
            && shared.unread_sources.load(Ordering::SeqCst) == 0;
        self.alignment.held(open, &shared.clock)
    }

    /// Closes the open epoch if it is time.
    fn lead(&self) -> bool {
        let shared = self.shared;
        if self.epoch != shared.open.load(Ordering::SeqCst) {
            return false;
        }
        if let Some(DurableWorker { durable, .. }) = &self.durable {
            // Every worker is to be seen in the epoch that the checkpoint stands in front of.
            if durable.is_asked_at(self.epoch) && !durable.all_saved(shared.workers) {
                return false;
            }
            if durable.is_replayed(self.epoch) {
                let time = durable.replay_time(self.epoch, shared.workers);
                let Some(time) = time.filter(|_| self.is_drained()) else { return false };
                shared.close_epoch_at(time);
                return true;
            }
            // The last epoch ends with the input.
            if shared.open_sources.load(Ordering::SeqCst) == 0 || durable.is_closing() {
                return false;
            }
            if durable.goes_on() && shared.stopping.load(Ordering::SeqCst) {
                let suspend = self.is_drained() && durable.suspend(self.epoch + 1);
                if suspend {
                    shared.close_epoch();
                }
                return suspend;
            }
            if self.is_drained() && durable.is_due(self.epoch) && self.may_checkpoint() {
                durable.ask(self.epoch + 1);
                shared.close_epoch();
                return true;
            }
        }
        let EpochPolicy::Auto { rows_max, live } = self.policy else {
            let asked =
                shared.open.load(Ordering::SeqCst) < shared.asked_for.load(Ordering::SeqCst);
            let held = self.held();
            // All that was pushed before belongs to the epoch, but what is held back, and to the
            // first one all that bounded sources hold.
            let close = asked
                && shared.unread_sources.load(Ordering::SeqCst) == 0
                && shared.sources.iter().all(|s| held.contains(&s.node) || s.taken());
            if close {
                if let Some(DurableWorker { durable, .. }) = &self.durable
                    && durable.is_due(self.epoch)
                {
                    durable.ask(self.epoch + 1);
                }
                shared.close_epoch();
            }
            return close;
        };
        let entered = shared.entered.load(Ordering::SeqCst);
        // The row of a whole table is there before the first row of the table.
        let first = self.starts && self.epoch == self.first();
        let alarm = || {
            let next = shared.next_alarm();
            next != NEVER && next <= shared.clock.now()
        };
        if (entered == 0 && !first && !alarm())
            || self.epoch != shared.open.load(Ordering::SeqCst)
            || !self.is_drained()
        {
            return false;
        }
        let full = entered >= rows_max.unwrap_or(EPOCH_ROWS_MAX);
        // A batch job is one epoch, and a live one's first epoch covers what it found at first.
        let complete = live && shared.unread_sources.load(Ordering::SeqCst) == 0;
        let held = self.held();
        let waiting = self.sources.iter().any(|source| {
            !source.closed
                && !held.contains(&source.shared().node)
                && !source.shared().queues[0].is_empty()
        });
        // Rows that are there need not wait for those that are held back.
        if (complete && (full || !waiting || self.calls.is_full()))
            || (rows_max.is_some() && full)
            || (!held.is_empty() && !waiting)
        {
            shared.close_epoch();
            return true;
        }
        false
    }

    /// Whether the open epoch may be closed for a checkpoint: what a live pipeline found at the
    /// start is one epoch, as is a batch job, unless the program bounds epochs. A test closes its
    /// epochs itself.
    fn may_checkpoint(&self) -> bool {
        match self.policy {
            EpochPolicy::Auto { rows_max: Some(_), .. } => true,
            EpochPolicy::Auto { live, .. } => {
                live && self.shared.unread_sources.load(Ordering::SeqCst) == 0
            }
            EpochPolicy::Manual => false,
        }
    }

    fn close_sources(&mut self) {
        let shared = self.shared;
        for source in self.sources.iter_mut().filter(|source| !source.closed) {
            // The rest of a transaction cannot come any more, so its rows would be torn; readers
            // queue transactions whole, so there is none.
            source.close(shared);
        }
    }

    /// Ends the ways back of calls that no longer come.
    fn close_detached(&mut self) -> bool {
        let before = self.detached.len();
        self.detached.retain(|stage| !stage.is_finished());
        let closed = before - self.detached.len();
        if closed > 0 {
            self.shared.open_sources.fetch_sub(closed, Ordering::SeqCst);
            self.shared.wake();
        }
        closed > 0
    }

    /// Ends the run if calls take too long after it was asked to stop.
    fn end_calls(&mut self) {
        let since = self.stopping.get_or_insert_with(Instant::now).elapsed();
        let at_once = matches!(self.policy, EpochPolicy::Manual);
        if let Some((node, calls)) = self.calls.overdue(since, at_once) {
            let operator = self.shared.describe(node.0);
            self.shared.fail(RunError::Unfinished { operator, calls }.into());
        }
    }

    /// Whether the pipeline goes on another time where it will have been.
    fn goes_on(&self) -> bool {
        self.durable.as_ref().is_some_and(|worker| worker.durable.goes_on())
    }

    /// Whether this worker's inputs may end, now that the run is to stop.
    fn may_close(&self) -> bool {
        let Some(DurableWorker { durable, .. }) = &self.durable else { return true };
        durable.may_close(self.index == 0) && self.nothing_to_do() && !durable.goes_on()
    }

    /// Whether a recording has come to its end.
    fn has_replayed(&self) -> bool {
        self.durable.as_ref().is_some_and(|worker| {
            worker.durable.is_replay()
                && !worker.durable.is_replayed(self.epoch)
                && self.is_drained()
        })
    }

    /// Whether epochs of an earlier run are being made again.
    fn is_replaying(&self) -> bool {
        self.durable.as_ref().is_some_and(|worker| worker.durable.is_replayed(self.epoch))
    }

    /// Begins the calls of which the log has no result.
    fn resume_calls(&self) {
        if let Some(worker) = &self.durable {
            worker.calls.resume();
        }
    }

    /// Lets in again what entered the open epoch in an earlier run.
    fn replay(&mut self) -> bool {
        let Some(worker) = &mut self.durable else { return false };
        if std::mem::replace(&mut worker.fed, true) {
            return false;
        }
        let part = worker.replay.pop_front().unwrap_or_default();
        let (mut source, mut partition) = (0, 0);
        for event in events(&part) {
            if let Event::Result(result) = event {
                worker.calls.replay(result);
                continue;
            }
            if let Event::At { source: rank, partition: number } = &event {
                let found = self.sources.iter().position(|source| source.rank() == *rank);
                source = found.expect("a log is that of this program");
                partition = *number;
            }
            self.sources[source].replay(partition, event, self.shared);
        }
        self.sources.iter_mut().filter(|source| !source.closed).for_each(LocalSource::flush);
        for stage in &mut self.detached {
            stage.pump();
        }
        worker.durable.note_fed();
        self.shared.wake();
        true
    }

    /// Hands what entered an epoch to the log, at its end. A worker without open inputs may find that
    /// several have been closed meanwhile.
    fn log_epoch(&mut self, open: Epoch) {
        let Some(worker) = &mut self.durable else { return };
        worker.fed = false;
        self.sources.iter_mut().for_each(LocalSource::end_epoch);
        let part = worker.cut.borrow_mut().take();
        if worker.ended {
            return;
        }
        // Only the worker that has closed them knows the time of each.
        let time = (self.index == 0).then(|| self.shared.time.load(Ordering::SeqCst));
        let cut = |epoch, part| Message::Cut {
            worker: self.index,
            epoch: worker.durable.base + epoch,
            time,
            part,
            checkpoint: worker.durable.is_asked_at(epoch + 1),
        };
        let parts = std::iter::once(part).chain(std::iter::repeat_with(Vec::new));
        for (epoch, part) in (self.epoch..open).zip(parts) {
            if !worker.durable.is_replayed(epoch) {
                worker.unlogged.push(cut(epoch, part));
            }
        }
        // All but the last one have drained: it would not have been opened otherwise. A sink may
        // wait for them to be logged before it takes what the last one waits to hand over.
        let drained = worker.unlogged.len().saturating_sub(1);
        self.send_to_log(drained);
    }

    /// Hands so many epochs that have drained to the log.
    fn send_to_log(&mut self, epochs: usize) {
        let Some(worker) = &mut self.durable else { return };
        if self.shared.has_failed() {
            return;
        }
        for mut message in worker.unlogged.drain(..epochs) {
            if let Message::Cut { epoch, part, .. } = &mut message {
                // Only now all calls of the epoch have come back.
                worker.calls.take(*epoch - worker.durable.base, part);
            }
            worker.messages.send(message);
        }
    }

    /// Hands what has drained to the log.
    fn log_drained(&mut self) {
        let Some(worker) = &self.durable else { return };
        // The last epoch is the open one, and has drained when nothing is left at it.
        let is_last_open = worker.ended && self.probe.less_equal(&self.epoch);
        if !is_last_open {
            self.send_to_log(worker.unlogged.len());
        }
    }

    /// Hands the states over if a checkpoint is to be made in front of the open epoch. Answers
    /// whether rows may enter it.
    fn make_checkpoint(&mut self) -> bool {
        let Some(worker) = &mut self.durable else { return true };
        if !worker.durable.is_asked_at(self.epoch) {
            return true;
        }
        if worker.saved_at != Some(self.epoch) {
            worker.saved_at = Some(self.epoch);
            // First, so that it is not taken for one of the next checkpoint.
            let last = worker.durable.note_saved(self.shared.workers);
            self.hand_over(self.epoch);
            if last {
                self.shared.wake();
            }
        }
        self.durable.as_ref().is_none_or(|worker| worker.durable.all_saved(self.shared.workers))
    }

    /// Hands over the states as they are in front of an epoch.
    fn hand_over(&mut self, epoch: Epoch) {
        let Some(worker) = &self.durable else { return };
        let epoch = worker.durable.base + epoch;
        for sink in &worker.sinks {
            // A sink's thread that has failed has said so.
            drop(sink.send(Batch::Checkpoint(epoch)));
        }
        worker.messages.send(Message::States {
            worker: self.index,
            epoch,
            time: self.shared.time.load(Ordering::SeqCst),
            states: durable::save(worker.durable, &worker.states, &mut self.sources),
        });
    }

    /// Whether the run has ended with a checkpoint, to go on another time.
    fn is_suspended(&self) -> bool {
        let Some(DurableWorker { durable, .. }) = &self.durable else { return false };
        durable.is_suspending()
            && durable.is_asked_at(self.epoch)
            && durable.all_saved(self.shared.workers)
    }

    /// Logs the last epoch once all inputs have ended.
    fn log_last_epoch(&mut self) {
        let all_ended = self.shared.open_sources.load(Ordering::SeqCst) == 0;
        let replaying = self.is_replaying();
        let Some(worker) = &mut self.durable else { return };
        if worker.ended || !all_ended || replaying || !self.nothing_to_do() {
            return;
        }
        self.log_epoch(self.epoch + 1);
        if let Some(worker) = &mut self.durable {
            worker.ended = true;
        }
    }

    /// Makes the last checkpoint of a run whose inputs have ended.
    fn end_durably(&mut self) {
        self.log_drained();
        if self.goes_on() && !self.is_suspended() && !self.shared.has_failed() {
            self.hand_over(self.epoch + 1);
        }
    }

    fn report_state(&mut self, last: bool) {
        let wanted = self.shared.state_wanted.load(Ordering::SeqCst);
        if wanted == self.state_reported && !last {
            return;
        }
        self.state_reported = wanted;
        let sizes = self
            .states
            .iter()
            .map(|(node, state)| {
                let size = state.borrow().size();
                (*node, size.rows, size.bytes)
            })
            .collect();
        lock(&self.shared.states)[self.index] = sizes;
        self.shared.state_answered[self.index].store(wanted, Ordering::SeqCst);
        self.shared.notify();
    }
}
