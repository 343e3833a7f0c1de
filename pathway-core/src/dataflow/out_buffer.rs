//! Where a stage's terminals put their rows, until the operator around them sends them on.
//!
//! With one worker nothing is exchanged, so a terminal writes straight into the state of the
//! operator behind it, and only a mark travels that carries the epoch. With several, rows are
//! combined per worker where that helps, then sent to the worker that owns their key.

use super::chunk::{Chunk, Origin};
use super::group_table::{GroupTable, ReducePlan};
use super::index::Index;
use super::watermark::Progress;
use crate::schema::stable_hash;
use crate::stage::{Diff, Inputs, InputsCollector, KeyedCollector, SharedBatch};
use std::cell::RefCell;
use std::rc::Rc;

/// How rows find their worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To the worker that owns the key.
    ByKey,
    /// To the worker that owns the key behind so many bytes.
    ByKeyBehind(usize),
    /// All to one worker.
    To(usize),
}

/// The worker that owns a key.
#[expect(clippy::cast_possible_truncation, reason = "the remainder fits")]
pub(crate) fn owner(key: &[u8], peers: usize) -> usize {
    (stable_hash(key) % peers as u64) as usize
}

/// Chunks under way from one terminal.
pub(crate) struct OutBuffer {
    route: Route,
    peers: usize,
    open: Vec<Chunk>,
    ready: Vec<Chunk>,
    origin: Origin,
    combine: Option<GroupTable>,
    /// A state was written directly in this epoch, so a mark must follow.
    marked: bool,
    /// Where rows wait that will be written directly.
    waiting: Option<SharedBatch>,
    /// The largest times of this epoch, for the merges of a watermark.
    progress: Option<Progress>,
}

/// A pre-combining table is sent on when it has this many groups; a larger one would leave the
/// cache.
const COMBINED_GROUPS_MAX: usize = 1 << 15;

/// A buffer shared by a terminal and the operator around it.
pub(crate) type SharedBuffer = Rc<RefCell<OutBuffer>>;

impl OutBuffer {
    pub(crate) fn new(route: Route, peers: usize) -> Self {
        let open = (0..peers).map(Chunk::for_target).collect();
        Self {
            route,
            peers,
            open,
            ready: Vec::new(),
            origin: Origin::default(),
            combine: None,
            marked: false,
            waiting: None,
            progress: None,
        }
    }

    /// A buffer that tells the merges of a watermark on all workers how far times have come.
    pub(crate) fn of_times(peers: usize) -> Self {
        Self { progress: Some(Progress::default()), ..Self::new(Route::To(0), peers) }
    }

    /// A buffer that combines the rows of each group, for the reduction of that node.
    pub(crate) fn combining(node: u32, route: Route, peers: usize, plan: ReducePlan) -> Self {
        Self { combine: Some(GroupTable::new(node, plan)), ..Self::new(route, peers) }
    }

    /// A buffer of marks alone, for rows that are written into a table through a batch.
    pub(crate) fn marking(batch: SharedBatch) -> Self {
        Self { waiting: Some(batch), ..Self::new(Route::To(0), 1) }
    }

    /// Names the partition that the rows which follow come from.
    pub(crate) fn set_origin(&mut self, origin: Origin) {
        if (self.origin.partition, self.origin.way) != (origin.partition, origin.way) {
            self.flush_open();
            // Positions are counted over all partitions, so that they only ever grow.
            self.origin = Origin { sequence: self.origin.sequence, ..origin };
        }
    }

    fn push(&mut self, key: Option<&[u8]>, value: &[u8], diff: Diff) {
        let target = match self.route {
            Route::To(worker) => worker,
            Route::ByKey | Route::ByKeyBehind(_) if self.peers == 1 => 0,
            Route::ByKeyBehind(front) => key.map_or(0, |key| owner(&key[front..], self.peers)),
            Route::ByKey => key.map_or(0, |key| owner(key, self.peers)),
        };
        let chunk = &mut self.open[target];
        chunk.push(key, value, diff);
        if chunk.is_full() {
            self.close(target);
        }
    }

    /// Where the rows of the stage come from.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// Notes the time of a row, which all workers are told at the end of the epoch.
    #[inline]
    pub(crate) fn note_time(&mut self, partition: u64, time: i128) {
        self.progress.as_mut().expect("it is a buffer of times").note(partition, time);
    }

    fn broadcast_times(&mut self) {
        let Some(progress) = &mut self.progress else { return };
        for (partition, largest) in progress.take() {
            for chunk in &mut self.open {
                chunk.push(Some(&partition.to_le_bytes()), &largest.to_le_bytes(), 1);
            }
        }
    }

    fn close(&mut self, target: usize) {
        let mut chunk = std::mem::replace(&mut self.open[target], Chunk::for_target(target));
        chunk.origin = self.origin;
        self.origin.sequence += 1;
        self.ready.push(chunk);
    }

    fn flush_open(&mut self) {
        for target in 0..self.peers {
            if !self.open[target].is_empty() {
                self.close(target);
            }
        }
    }

    /// Notes that state was written in this epoch, so that a chunk without rows is sent.
    pub(crate) fn mark(&mut self) {
        self.marked = true;
    }

    fn drain_combined(&mut self) {
        let Some(mut table) = self.combine.take() else { return };
        if table.len() > 0 {
            table.drain(|key, partial, rows| self.push(Some(key), partial, rows));
        }
        self.combine = Some(table);
    }

    /// Takes what is to be sent now; at the end of an epoch, all there is.
    pub(crate) fn take(&mut self, end_of_epoch: bool, chunks: &mut Vec<Chunk>) {
        if end_of_epoch {
            self.drain_combined();
            self.broadcast_times();
        }
        self.flush_open();
        let waiting = self.waiting.as_ref().is_some_and(|batch| batch.borrow().len() > 0);
        if std::mem::take(&mut self.marked) || waiting {
            chunks.push(Chunk::for_target(0));
        }
        chunks.append(&mut self.ready);
    }
}

/// Sends rows by key through a buffer.
pub(crate) struct Exchanged(pub(crate) SharedBuffer);

impl KeyedCollector for Exchanged {
    fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        self.0.borrow_mut().push(key, row, diff);
    }
}

/// Combines the rows of each group before they are sent.
pub(crate) struct Combined(pub(crate) SharedBuffer);

impl InputsCollector for Combined {
    fn batch(&self) -> SharedBatch {
        let buffer = self.0.borrow();
        buffer.combine.as_ref().expect("a reduction's buffer combines").batch()
    }

    fn settle(&mut self) {
        let mut buffer = self.0.borrow_mut();
        let table = buffer.combine.as_mut().expect("a reduction's buffer combines");
        table.settle();
        if table.len() >= COMBINED_GROUPS_MAX {
            buffer.drain_combined();
        }
    }
}

/// Writes straight into the groups of the operator behind.
pub(crate) struct DirectGroups {
    pub(crate) table: Rc<RefCell<GroupTable>>,
    pub(crate) buffer: SharedBuffer,
}

impl InputsCollector for DirectGroups {
    fn batch(&self) -> SharedBatch {
        self.table.borrow().batch()
    }

    fn settle(&mut self) {
        self.table.borrow_mut().settle();
        self.buffer.borrow_mut().marked = true;
    }
}

/// Writes straight into the index behind.
pub(crate) struct DirectIndex {
    pub(crate) index: Rc<RefCell<Index>>,
    pub(crate) buffer: SharedBuffer,
}

impl KeyedCollector for DirectIndex {
    fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        self.index.borrow_mut().update(key, row, diff);
        self.buffer.borrow_mut().marked = true;
    }
}

/// Gives rows without reducers to a collector of groups: the row is its own key.
pub(crate) struct RowsAsGroups {
    groups: Box<dyn InputsCollector>,
    batch: SharedBatch,
    /// The same for all rows.
    inputs: Inputs,
}

impl RowsAsGroups {
    pub(crate) fn new(groups: Box<dyn InputsCollector>, inputs: Inputs) -> Self {
        Self { batch: groups.batch(), groups, inputs }
    }
}

impl KeyedCollector for RowsAsGroups {
    fn update(&mut self, key: Option<&[u8]>, _row: &[u8], diff: Diff) {
        if self.batch.borrow_mut().push(key.unwrap_or_default(), &self.inputs, diff) {
            self.groups.settle();
        }
    }
}
