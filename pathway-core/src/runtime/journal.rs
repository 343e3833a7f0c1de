//! The durable side of one source on one worker: what is noted for the log, how far each partition
//! has been read, and which rows of a reader that begins anew are known already.

use crate::io::{AnyRows, PartitionId};
use crate::persistence::cut::{Cut, Position};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Notes what a source lets in.
pub(super) struct Journal {
    /// The place of the source among those of the pipeline.
    rank: usize,
    /// Whether its reader sends again what an earlier run has read.
    repeats: bool,
    cut: Rc<RefCell<Cut>>,
    positions: BTreeMap<u32, Position>,
    /// Those that have moved in this epoch.
    moved: BTreeSet<u32>,
    /// How much of what is known has come again, of partitions of which some has not.
    again: BTreeMap<u32, Again>,
    /// Why the source cannot go on.
    problem: Option<String>,
}

/// What has come again of a partition.
#[derive(Debug, Default)]
struct Again {
    rows: u64,
    hash: u64,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has not been there before.
    New,
    /// An earlier run has read it.
    Again,
}

impl Journal {
    pub(super) fn new(rank: usize, repeats: bool, cut: &Rc<RefCell<Cut>>) -> Self {
        Self {
            rank,
            repeats,
            cut: Rc::clone(cut),
            positions: BTreeMap::new(),
            moved: BTreeSet::new(),
            again: BTreeMap::new(),
            problem: None,
        }
    }

    /// The positions, and what is set to them when a run goes on.
    pub(super) fn positions(&mut self) -> &mut BTreeMap<u32, Position> {
        &mut self.positions
    }

    /// A partition begins.
    pub(super) fn open(&mut self, PartitionId(partition): PartitionId, label: &str, kept: bool) {
        match self.positions.get(&partition) {
            Some(known) if self.repeats && !known.kept && known.rows > 0 => {
                self.again.insert(partition, Again::default());
            }
            Some(_) => {}
            None => {
                let position = Position { label: label.to_owned(), kept, ..Position::default() };
                if kept {
                    // In front of its rows, so that they are kept again when the epoch is made again.
                    let mut cut = self.cut.borrow_mut();
                    cut.at(self.rank, partition);
                    cut.position(&position);
                }
                self.positions.insert(partition, position);
                self.moved.insert(partition);
            }
        }
    }

    /// Takes a row, good or bad, of a partition whose rows are not kept. What is known is passed by.
    pub(super) fn row(
        &mut self,
        partition: PartitionId,
        row: &[u8],
        diff: i64,
        error: bool,
    ) -> Known {
        let PartitionId(id) = partition;
        let position = self.positions.entry(id).or_default();
        if let Some(again) = self.again.get_mut(&id) {
            again.rows += 1;
            again.hash = xxh3_64_with_seed(row, again.hash);
            if again.rows == position.rows {
                if again.hash != position.hash {
                    let rows = position.rows;
                    let problem = format!(
                        "`{}` was changed between two runs: its first {rows} rows are not those \
                         that were read before",
                        position.label
                    );
                    self.problem.get_or_insert(problem);
                }
                self.again.remove(&id);
            }
            return Known::Again;
        }
        position.rows += 1;
        if self.repeats {
            position.hash = xxh3_64_with_seed(row, position.hash);
        }
        if self.moved.last() != Some(&id) {
            self.moved.insert(id);
        }
        self.note(partition, row, diff, error);
        Known::New
    }

    /// Notes a row for the log.
    pub(super) fn note(&mut self, partition: PartitionId, row: &[u8], diff: i64, error: bool) {
        let mut cut = self.cut.borrow_mut();
        cut.at(self.rank, partition.0);
        if error {
            cut.error(row, diff);
        } else {
            cut.row(row, diff);
        }
    }

    /// Notes rows that are not encoded elsewhere: this process pushes them, so none comes again.
    pub(super) fn rows(&mut self, partition: PartitionId, rows: &dyn AnyRows) {
        let position = self.positions.entry(partition.0).or_default();
        position.rows += rows.count() as u64;
        self.moved.insert(partition.0);
        let mut cut = self.cut.borrow_mut();
        cut.at(self.rank, partition.0);
        rows.encode_each(&mut |row| cut.row(row, 1));
    }

    /// A partition ends.
    pub(super) fn end(&mut self, PartitionId(partition): PartitionId) {
        if let Some(position) = self.positions.get_mut(&partition)
            && !position.kept
        {
            position.ended = true;
            self.moved.insert(partition);
            self.missing(partition);
        }
    }

    /// Whether all that is known of a partition has come again.
    fn missing(&mut self, partition: u32) {
        if let (Some(again), Some(position)) =
            (self.again.remove(&partition), self.positions.get(&partition))
        {
            let Position { label, rows, .. } = position;
            let problem = format!(
                "`{label}` was changed between two runs: {rows} rows of it had been read, and it \
                 has only {}",
                again.rows
            );
            self.problem.get_or_insert(problem);
        }
    }

    /// All that was there at the start has come: what is known and has not come is missed.
    pub(super) fn caught_up(&mut self, opened: &BTreeSet<u32>) {
        if !self.repeats {
            return;
        }
        for partition in self.again.keys().copied().collect::<Vec<_>>() {
            self.missing(partition);
        }
        let gone = self.positions.iter().find(|(partition, position)| {
            !position.ended && !position.kept && position.rows > 0 && !opened.contains(partition)
        });
        if let Some((_, Position { label, rows, .. })) = gone {
            let problem = format!(
                "`{label}` was removed between two runs, after {rows} rows of it had been read"
            );
            self.problem.get_or_insert(problem);
        }
    }

    /// The partitions that are kept and have not come again, now that all that is there has.
    pub(super) fn gone(&self, opened: &BTreeSet<u32>) -> Vec<PartitionId> {
        let is_there = |position: &Position| position.kept && !position.ended;
        let kept = self.positions.iter().filter(|(_, position)| is_there(position));
        let gone = kept.filter(|(partition, _)| !opened.contains(partition));
        gone.map(|(&partition, _)| PartitionId(partition)).collect()
    }

    /// A kept partition is gone for good.
    pub(super) fn removed(&mut self, PartitionId(partition): PartitionId) {
        if let Some(position) = self.positions.get_mut(&partition) {
            position.ended = true;
            self.moved.insert(partition);
        }
    }

    /// The source has ended on this worker.
    pub(super) fn closed(&mut self) {
        let mut cut = self.cut.borrow_mut();
        cut.at(self.rank, 0);
        cut.closed();
    }

    /// Notes the positions for the log, at the end of an epoch.
    pub(super) fn end_epoch(&mut self) {
        let mut cut = self.cut.borrow_mut();
        for partition in std::mem::take(&mut self.moved) {
            cut.at(self.rank, partition);
            cut.position(&self.positions[&partition]);
            // One that comes again is another partition.
            self.positions.retain(|_, position| !position.is_gone());
        }
    }

    /// Why the source cannot go on, if it cannot.
    pub(super) fn problem(&mut self) -> Option<String> {
        self.problem.take()
    }
}
