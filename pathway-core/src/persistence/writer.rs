//! The two threads that write to a store: one the log, one checkpoints, so that the log does not
//! wait for states.
//!
//! Workers hand over what entered each epoch; once all have, the epoch is logged, several at a
//! time where they come faster than a disk writes. Workers and sinks hand over their parts of a
//! checkpoint; once all have, it is written, and what no checkpoint needs any more is removed.

use super::log::{self, Entry, EpochCut, Segment};
use super::manifest::{self, Manifest, NodeRecord};
use super::sections::{self, SavedState, Sections};
use super::store::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

/// What is handed to the log's thread.
#[derive(Debug)]
pub(crate) enum Message {
    /// What a worker let into an epoch.
    Cut {
        worker: usize,
        epoch: u64,
        /// When it closed, if the worker knows.
        time: Option<i64>,
        part: Vec<u8>,
        /// A checkpoint is made of the epochs up to this one.
        checkpoint: bool,
    },
    /// A sink has taken an epoch.
    Delivered { sink: usize, epoch: u64 },
    /// What has changed of the states of a worker, in front of an epoch.
    States { worker: usize, epoch: u64, time: i64, states: Vec<SavedState> },
    /// What a sink needs to go on, in front of an epoch.
    Sink { sink: usize, epoch: u64, state: Vec<u8> },
}

/// What a checkpoint is made for.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) pipeline: String,
    pub(crate) workers: usize,
    pub(crate) nodes: Vec<NodeRecord>,
    /// How many sinks take part.
    pub(crate) sinks: usize,
}

/// What the writers tell the run.
pub(crate) trait Notify: Send + Sync {
    /// All epochs before this one are logged.
    fn logged(&self, epoch: u64);
    /// A checkpoint of the epochs before this one is there.
    fn checkpointed(&self, epoch: u64);
}

#[derive(Debug, Default)]
struct Parts {
    time: Option<i64>,
    parts: BTreeMap<usize, Vec<u8>>,
    checkpoint: bool,
}

/// The parts of a checkpoint, as they arrive.
#[derive(Debug, Default)]
struct Gathered {
    time: i64,
    states: BTreeMap<usize, Vec<SavedState>>,
    sinks: BTreeMap<usize, Vec<u8>>,
}

/// A checkpoint whose parts are all there.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    manifest: Manifest,
    /// By worker.
    states: Vec<(usize, Vec<SavedState>)>,
}

/// Writes the log, and puts checkpoints together.
#[derive(Debug)]
pub(crate) struct LogWriter {
    store: Arc<dyn Store>,
    program: Program,
    segment: Segment,
    /// The epoch that is to be logged next.
    next: u64,
    waiting: BTreeMap<u64, Parts>,
    delivered: BTreeMap<usize, u64>,
    gathered: BTreeMap<u64, Gathered>,
    checkpoints: SyncSender<Checkpoint>,
}

impl LogWriter {
    /// Begins to log with an epoch, with what sinks have taken before.
    pub(crate) fn begin(
        store: Arc<dyn Store>,
        program: Program,
        next: u64,
        delivered: Vec<(usize, u64)>,
        checkpoints: SyncSender<Checkpoint>,
    ) -> Result<Self, StoreError> {
        let mut segment = Segment::create(&*store, next)?;
        if !delivered.is_empty() {
            segment.write(&Entry { cuts: Vec::new(), delivered })?;
        }
        Ok(Self {
            store,
            program,
            segment,
            next,
            waiting: BTreeMap::new(),
            delivered: BTreeMap::new(),
            gathered: BTreeMap::new(),
            checkpoints,
        })
    }

    /// Takes messages until nobody sends any more.
    pub(crate) fn run(
        mut self,
        messages: &Receiver<Message>,
        notify: &dyn Notify,
    ) -> Result<(), StoreError> {
        while let Ok(message) = messages.recv() {
            self.take(message);
            // What has come meanwhile is written with it.
            while let Ok(message) = messages.try_recv() {
                self.take(message);
            }
            self.write(notify)?;
        }
        Ok(())
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Cut { worker, epoch, time, part, checkpoint } => {
                let parts = self.waiting.entry(epoch).or_default();
                parts.time = parts.time.or(time);
                parts.checkpoint |= checkpoint;
                parts.parts.insert(worker, part);
            }
            Message::Delivered { sink, epoch } => {
                self.delivered.insert(sink, epoch);
            }
            Message::States { worker, epoch, time, states } => {
                let gathered = self.gathered.entry(epoch).or_default();
                gathered.time = time;
                gathered.states.insert(worker, states);
                self.put_together(epoch);
            }
            Message::Sink { sink, epoch, state } => {
                self.gathered.entry(epoch).or_default().sinks.insert(sink, state);
                self.put_together(epoch);
            }
        }
    }

    /// Hands a checkpoint on if all its parts are there.
    fn put_together(&mut self, epoch: u64) {
        let Program { workers, sinks, .. } = self.program;
        let complete = self.gathered.get(&epoch).is_some_and(|gathered| {
            gathered.states.len() == workers && gathered.sinks.len() == sinks
        });
        if !complete {
            return;
        }
        let gathered = self.gathered.remove(&epoch).unwrap_or_default();
        let checkpoint = Checkpoint {
            manifest: self.program.manifest(epoch, gathered.time, gathered.sinks),
            states: gathered.states.into_iter().collect(),
        };
        // The other thread ends before this one only where it has failed, and said so.
        drop(self.checkpoints.send(checkpoint));
    }

    /// Logs the epochs that are complete.
    fn write(&mut self, notify: &dyn Notify) -> Result<(), StoreError> {
        let logged = self.next;
        let mut entry = Entry::default();
        while let Some(parts) = self.waiting.first_entry()
            && *parts.key() == self.next
            && parts.get().parts.len() == self.program.workers
        {
            let Parts { time, parts, checkpoint } = parts.remove();
            let parts = parts.into_values().collect();
            let time = time.expect("the leader has closed every epoch at a time");
            entry.cuts.push(EpochCut { epoch: self.next, time, parts });
            self.next += 1;
            if checkpoint {
                self.segment.write(&entry)?;
                entry.cuts.clear();
                self.segment = Segment::create(&*self.store, self.next)?;
            }
        }
        entry.delivered.extend(std::mem::take(&mut self.delivered));
        if !entry.cuts.is_empty() || !entry.delivered.is_empty() {
            self.segment.write(&entry)?;
        }
        if self.next > logged {
            notify.logged(self.next);
        }
        Ok(())
    }
}

impl Program {
    fn manifest(&self, epoch: u64, time: i64, sinks: BTreeMap<usize, Vec<u8>>) -> Manifest {
        Manifest {
            pipeline: self.pipeline.clone(),
            epoch,
            time,
            workers: self.workers,
            nodes: self.nodes.clone(),
            sinks: sinks.into_values().collect(),
            ..Manifest::default()
        }
    }

    /// Writes the checkpoint in front of the first epoch: what the store is for.
    pub(crate) fn begin(&self, store: &dyn Store, time: i64) -> Result<(), StoreError> {
        self.manifest(0, time, BTreeMap::new()).write(store)
    }
}

/// Writes checkpoints.
#[derive(Debug)]
pub(crate) struct CheckpointWriter {
    store: Arc<dyn Store>,
    sections: sections::Writer,
    /// The epochs of the newest checkpoints, the newest last, with the objects that they need.
    kept: VecDeque<(u64, BTreeSet<u64>)>,
}

impl CheckpointWriter {
    /// Goes on behind a checkpoint, whose sections these are: with them, or `anew` where all states
    /// will be handed over as a whole.
    pub(crate) fn new(store: Arc<dyn Store>, epoch: u64, sections: Sections, anew: bool) -> Self {
        let kept = [(epoch, sections::objects(&sections))].into();
        let sections = if anew { Sections::new() } else { sections };
        Self { store, sections: sections::Writer::new(sections), kept }
    }

    /// Writes checkpoints until no more come.
    pub(crate) fn run(
        mut self,
        checkpoints: &Receiver<Checkpoint>,
        notify: &dyn Notify,
    ) -> Result<(), StoreError> {
        while let Ok(Checkpoint { manifest, states }) = checkpoints.recv() {
            let epoch = manifest.epoch;
            // One of the same epoch holds the same, and its objects must stay as they are.
            if self.kept.back().is_none_or(|(newest, _)| *newest < epoch) {
                self.write(manifest, states)?;
            }
            notify.checkpointed(epoch);
        }
        Ok(())
    }

    fn write(
        &mut self,
        mut manifest: Manifest,
        states: Vec<(usize, Vec<SavedState>)>,
    ) -> Result<(), StoreError> {
        self.sections.write(&*self.store, manifest.epoch, states)?;
        manifest.sections.clone_from(&self.sections.sections);
        manifest.write(&*self.store)?;
        self.kept.push_back((manifest.epoch, sections::objects(&manifest.sections)));
        self.remove_old()
    }

    fn remove_old(&mut self) -> Result<(), StoreError> {
        while self.kept.len() > CHECKPOINTS_KEPT {
            self.kept.pop_front();
        }
        let (store, names) = (&*self.store, self.store.list()?);
        let Some(&(oldest, _)) = self.kept.front().filter(|_| self.kept.len() == CHECKPOINTS_KEPT)
        else {
            return Ok(());
        };
        let is_needed = |object| self.kept.iter().any(|(_, objects)| objects.contains(&object));
        // Manifests first: a checkpoint is there as long as its manifest is.
        for name in &names {
            if manifest::epoch_of(name).is_some_and(|epoch| epoch < oldest) {
                store.remove(name)?;
            }
        }
        for name in &names {
            if sections::epoch_of(name).is_some_and(|object| !is_needed(object)) {
                store.remove(name)?;
            }
        }
        log::remove_before(store, &names, oldest)
    }
}

/// How many checkpoints are kept: the newest, and the one before it should that be damaged.
const CHECKPOINTS_KEPT: usize = 2;
