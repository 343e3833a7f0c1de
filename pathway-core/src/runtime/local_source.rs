//! One source on one worker: takes events off the queue, decodes them, feeds the first stage.

use super::journal::{Journal, Known};
use super::shared::{Shared, SourceShared};
use super::source_state::{KeptChanges, Multiset, SourceState, add};
use crate::dataflow::state::Saved;
use crate::error::{DataError, Error, RunError};
use crate::io::{BadRow, Decoder, PartitionId, RowReceiver, SourceError, SourceEvent};
use crate::persistence::cut::{Cut, Event, Position};
use crate::render::SourceStage;
use crate::schema::Schema;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many bytes of one source are decoded before others get their turn.
const TURN_BYTES: usize = 1 << 20;

/// The rows of a partition that can be replaced.
#[derive(Default)]
struct Kept {
    rows: Multiset,
    errors: Multiset,
    /// What the replacement has brought so far.
    new_rows: Multiset,
    new_errors: Multiset,
    /// The first bad row of the replacement, which ends the run if the replacement is applied.
    bad: Option<Box<BadRow>>,
}

impl Kept {
    /// Forgets a replacement that was not completed.
    fn discard(&mut self) {
        self.new_rows.clear();
        self.new_errors.clear();
        self.bad = None;
    }
}

#[derive(Default)]
struct Partition {
    decoder: Option<Box<dyn Decoder>>,
    kept: Option<Kept>,
}

pub(super) struct LocalSource {
    pub(super) stage: SourceStage,
    source: Arc<SourceShared>,
    worker: usize,
    events: VecDeque<SourceEvent>,
    partitions: HashMap<PartitionId, Partition>,
    pub(super) in_transaction: bool,
    /// Whether this worker has taken all that was there at the start.
    caught_up: bool,
    pub(super) closed: bool,
    /// In a durable pipeline.
    journal: Option<Journal>,
    /// The partitions that the reader of this run has begun, in a durable pipeline.
    opened: BTreeSet<u32>,
    /// The rows that are there, where the reader has to know them when the pipeline goes on.
    contents: Option<Multiset>,
    /// What has changed of the rows that are kept, since the last checkpoint.
    changes: KeptChanges,
}

/// Passes decoded rows on, or keeps them until their replacement is complete.
struct Receiver<'a> {
    stage: &'a mut SourceStage,
    partition: PartitionId,
    kept: Option<&'a mut Kept>,
    journal: Option<&'a mut Journal>,
    contents: Option<&'a mut Multiset>,
    changes: &'a mut KeptChanges,
    scratch: Vec<u8>,
    rows: u64,
}

impl RowReceiver for Receiver<'_> {
    fn update(&mut self, row: &[u8], diff: i64) {
        match &mut self.kept {
            Some(kept) => *kept.new_rows.entry(row.to_vec()).or_insert(0) += diff,
            None => {
                if let Some(journal) = &mut self.journal
                    && journal.row(self.partition, row, diff, false) == Known::Again
                {
                    return;
                }
                if let Some(contents) = &mut self.contents {
                    add(contents, row, diff);
                    self.changes.note(0, false, row, diff);
                }
                self.stage.row(row, diff);
            }
        }
        self.rows += 1;
    }

    fn reject(&mut self, bad: BadRow) -> Result<(), Box<BadRow>> {
        if !self.stage.errors_taken {
            let bad = Box::new(bad);
            return match &mut self.kept {
                // A file that is still being written may be read again before it counts.
                Some(kept) => {
                    kept.bad.get_or_insert(bad);
                    Ok(())
                }
                None => Err(bad),
            };
        }
        self.scratch.clear();
        bad.encode(&mut self.scratch);
        match &mut self.kept {
            Some(kept) => *kept.new_errors.entry(self.scratch.clone()).or_insert(0) += 1,
            None => {
                if let Some(journal) = &mut self.journal
                    && journal.row(self.partition, &self.scratch, 1, true) == Known::Again
                {
                    return Ok(());
                }
                self.stage.error(&self.scratch, 1);
            }
        }
        Ok(())
    }
}

impl LocalSource {
    pub(super) fn new(
        stage: SourceStage,
        source: Arc<SourceShared>,
        worker: usize,
        cut: Option<&Rc<RefCell<Cut>>>,
    ) -> Self {
        source.queues[worker].register();
        let journal = cut.map(|cut| Journal::new(source.rank, source.repeats, cut));
        let contents = (journal.is_some() && source.wants_contents).then(Multiset::new);
        Self {
            journal,
            opened: BTreeSet::new(),
            contents,
            changes: KeptChanges::default(),
            stage,
            source,
            worker,
            events: VecDeque::new(),
            partitions: HashMap::new(),
            in_transaction: false,
            caught_up: false,
            closed: false,
        }
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.source.size.filter(|_| self.source.bounded)
    }

    pub(super) fn shared(&self) -> &SourceShared {
        &self.source
    }

    /// Whether nothing is waiting and nothing will come.
    pub(super) fn is_exhausted(&self) -> bool {
        // The flag first: after it nothing is queued.
        self.source.ended.load(Ordering::SeqCst)
            && self.events.is_empty()
            && self.source.queues[self.worker].is_empty()
    }

    /// Whether something is queued that this worker has not taken.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.source.queues[self.worker].is_empty()
    }

    /// Decodes what is waiting, up to a turn's worth. Answers how many rows entered.
    pub(super) fn pump(&mut self, shared: &Shared) -> u64 {
        if self.events.is_empty() {
            self.source.queues[self.worker].take(TURN_BYTES, &mut self.events);
        }
        let mut rows = 0;
        while let Some(event) = self.events.pop_front() {
            match self.event(event, shared) {
                Ok(entered) => rows += entered,
                Err(bad) => {
                    shared.fail(Error::Data(DataError::BadRow { bad }));
                    break;
                }
            }
        }
        self.check(shared);
        if rows > 0 {
            self.stage.flush();
            self.source.rows.fetch_add(rows, Ordering::Relaxed);
        }
        rows
    }

    fn event(&mut self, event: SourceEvent, shared: &Shared) -> Result<u64, Box<BadRow>> {
        match event {
            SourceEvent::Begin => self.in_transaction = true,
            SourceEvent::Commit => self.in_transaction = false,
            SourceEvent::CaughtUp => self.caught_up(shared),
            SourceEvent::Keep { partition, label } => {
                self.begin(partition, &label, true);
                let found = self.partitions.entry(partition).or_default();
                found.kept.get_or_insert_default();
            }
            SourceEvent::Open { partition, decoder, label } => {
                let is_kept = self.partitions.get(&partition).is_some_and(|p| p.kept.is_some());
                if !is_kept {
                    self.begin(partition, &label, false);
                }
                let partition = self.partitions.entry(partition).or_default();
                partition.decoder = Some(decoder);
                if let Some(kept) = &mut partition.kept {
                    kept.discard();
                }
            }
            SourceEvent::Data { partition, bytes } => {
                self.source.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                return self.decode(partition, Some(&bytes));
            }
            SourceEvent::Rows { partition, mut rows } => {
                let count = rows.count() as u64;
                self.source.bytes.fetch_add(rows.bytes() as u64, Ordering::Relaxed);
                self.set_origin(partition);
                if let Some(journal) = &mut self.journal {
                    journal.rows(partition, &*rows);
                }
                self.stage.rows(&mut *rows);
                return Ok(count);
            }
            SourceEvent::End { partition } => {
                let rows = self.decode(partition, None)?;
                if let Some(Partition { kept: Some(kept), .. }) =
                    self.partitions.get_mut(&partition)
                    && let Some(bad) = kept.bad.take()
                {
                    return Err(bad);
                }
                return Ok(rows + self.replaced(partition));
            }
            SourceEvent::Remove { partition } => return Ok(self.remove(partition)),
        }
        Ok(0)
    }

    /// Notes that the reader of this run has begun a partition.
    fn begin(&mut self, partition: PartitionId, label: &str, kept: bool) {
        if let Some(journal) = &mut self.journal {
            journal.open(partition, label, kept);
            self.opened.insert(partition.0);
        }
    }

    /// Takes the rows of a kept partition away for good.
    fn remove(&mut self, id: PartitionId) -> u64 {
        self.set_origin(id);
        if let Some(Partition { kept: Some(kept), .. }) = self.partitions.get_mut(&id) {
            kept.discard();
        }
        let changes = self.replaced(id);
        self.partitions.remove(&id);
        if let Some(journal) = &mut self.journal {
            journal.removed(id);
        }
        changes
    }

    /// Ends the run if the source is not what it was.
    fn check(&mut self, shared: &Shared) {
        let Some(problem) = self.journal.as_mut().and_then(Journal::problem) else { return };
        let label = self.source.label.clone();
        let help = "bring back what was there, or begin anew with an empty store".to_owned();
        let error = SourceError::Unreadable { problem, help };
        shared.fail(RunError::Source { label, error }.into());
    }

    fn set_origin(&mut self, partition: PartitionId) {
        // Zero is the origin of rows without an order.
        self.stage.set_origin((self.source.order << 32 | u64::from(partition.0)) + 1);
    }

    /// Decodes a block, or what is left at the end of the partition.
    fn decode(&mut self, id: PartitionId, bytes: Option<&[u8]>) -> Result<u64, Box<BadRow>> {
        self.set_origin(id);
        let Some(partition) = self.partitions.get_mut(&id) else { return Ok(0) };
        let Some(decoder) = &mut partition.decoder else { return Ok(0) };
        let kept = partition.kept.as_mut();
        let is_kept = kept.is_some();
        let mut receiver = Receiver {
            stage: &mut self.stage,
            partition: id,
            kept,
            journal: self.journal.as_mut(),
            contents: self.contents.as_mut(),
            changes: &mut self.changes,
            scratch: Vec::new(),
            rows: 0,
        };
        match bytes {
            Some(bytes) => decoder.decode(bytes, &mut receiver)?,
            None => decoder.finish(&mut receiver)?,
        }
        let rows = if is_kept { 0 } else { receiver.rows };
        if bytes.is_none() && !is_kept {
            self.partitions.remove(&id);
            if let Some(journal) = &mut self.journal {
                journal.end(id);
            }
        }
        Ok(rows)
    }

    /// Applies the difference between the rows of a kept partition and their replacement.
    fn replaced(&mut self, id: PartitionId) -> u64 {
        let Some(Partition { decoder, kept: Some(kept) }) = self.partitions.get_mut(&id) else {
            return 0;
        };
        *decoder = None;
        let mut changes = 0;
        let (stage, journal) = (&mut self.stage, &mut self.journal);
        let saved = &mut self.changes;
        changes += difference(&kept.rows, &kept.new_rows, |row, diff| {
            if let Some(journal) = journal {
                journal.note(id, row, diff, false);
            }
            saved.note(id.0, false, row, diff);
            stage.row(row, diff);
        });
        changes += difference(&kept.errors, &kept.new_errors, |row, diff| {
            if let Some(journal) = journal {
                journal.note(id, row, diff, true);
            }
            saved.note(id.0, true, row, diff);
            stage.error(row, diff);
        });
        kept.rows = std::mem::take(&mut kept.new_rows);
        kept.errors = std::mem::take(&mut kept.new_errors);
        changes
    }

    /// Ends the input for good.
    pub(super) fn close(&mut self, shared: &Shared) {
        self.caught_up(shared);
        self.closed = true;
        self.in_transaction = false;
        if let Some(journal) = &mut self.journal {
            journal.closed();
        }
        self.stage.close();
        self.partitions.clear();
        self.opened.clear();
        self.check(shared);
        shared.open_sources.fetch_sub(1, Ordering::SeqCst);
        self.source.open_on.fetch_sub(1, Ordering::SeqCst);
        shared.wake();
    }

    /// Notes that this worker has taken all that was there at the start.
    fn caught_up(&mut self, shared: &Shared) {
        let first = !std::mem::replace(&mut self.caught_up, true);
        if first && !self.source.finished {
            self.take_back();
        }
        if first && self.source.behind_on.fetch_sub(1, Ordering::SeqCst) == 1 {
            shared.unread_sources.fetch_sub(1, Ordering::SeqCst);
            shared.wake();
        }
    }
}

/// What a durable pipeline does with a source.
impl LocalSource {
    /// Takes back what is kept of partitions that were there in an earlier run and are not now.
    fn take_back(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        journal.caught_up(&self.opened);
        for partition in journal.gone(&self.opened) {
            self.remove(partition);
        }
        self.stage.flush();
    }

    /// The place of the source among those of the pipeline.
    pub(super) fn rank(&self) -> usize {
        self.source.rank
    }

    /// Notes how far the partitions are, at the end of an epoch.
    pub(super) fn end_epoch(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.end_epoch();
        }
    }

    /// Hands over what has changed for a checkpoint.
    pub(super) fn save(&mut self, out: &mut Saved) {
        let none = BTreeMap::new();
        let positions = self.journal.as_mut().map_or(&none, |journal| journal.positions());
        SourceState::save(self.closed, positions, out);
        let errors = Multiset::new();
        let kept = self.partitions.iter().filter_map(|(id, partition)| {
            let kept = partition.kept.as_ref()?;
            Some((id.0, &kept.rows, &kept.errors))
        });
        let contents = self.contents.iter().map(|contents| (0, contents, &errors));
        // Of a source that has ended nothing is kept but what the reader has to know.
        if !self.closed || self.contents.is_some() {
            self.changes.save(out, kept.chain(contents));
        }
    }

    /// Goes on from what a checkpoint holds, which the store keeps unless it was divided anew.
    pub(super) fn load(&mut self, state: SourceState, shared: &Shared, is_rescaled: bool) {
        let SourceState { closed, positions, kept } = state;
        if let Some(journal) = &mut self.journal {
            *journal.positions() = positions;
        }
        for (id, (rows, errors)) in kept {
            match &mut self.contents {
                Some(contents) => *contents = rows,
                None => {
                    let kept = Some(Kept { rows, errors, ..Kept::default() });
                    self.partitions.insert(PartitionId(id), Partition { decoder: None, kept });
                }
            }
        }
        if !is_rescaled {
            self.changes.all_saved();
        }
        if closed && self.source.finished {
            self.close(shared);
        }
    }

    /// Lets in again what entered an epoch of an earlier run.
    pub(super) fn replay(&mut self, partition: u32, event: Event<'_>, shared: &Shared) {
        let id = PartitionId(partition);
        match event {
            Event::At { .. } => self.set_origin(id),
            Event::Row { row, diff, error } => {
                let kept = self.partitions.get_mut(&id).and_then(|found| found.kept.as_mut());
                if let Some(kept) = kept {
                    add(if error { &mut kept.errors } else { &mut kept.rows }, row, diff);
                    self.changes.note(partition, error, row, diff);
                }
                if error {
                    self.stage.error(row, diff);
                    return;
                }
                if let Some(contents) = &mut self.contents {
                    add(contents, row, diff);
                    self.changes.note(0, false, row, diff);
                }
                self.source.rows.fetch_add(1, Ordering::Relaxed);
                self.stage.row(row, diff);
            }
            Event::Position(position) => self.replay_position(id, position),
            // On one worker it may have ended and on another not: then its reader begins anew.
            Event::Closed if self.source.finished => self.close(shared),
            Event::Closed | Event::Result(_) => {}
        }
    }

    fn replay_position(&mut self, id: PartitionId, position: Position) {
        if position.is_gone() {
            self.partitions.remove(&id);
        } else if position.kept {
            self.partitions.entry(id).or_default().kept.get_or_insert_default();
        }
        let Some(journal) = &mut self.journal else { return };
        if position.is_gone() {
            journal.positions().remove(&id.0);
        } else {
            journal.positions().insert(id.0, position);
        }
    }

    /// Ends a part of an epoch that is let in again.
    pub(super) fn flush(&mut self) {
        self.stage.flush();
    }
}

/// Retractions first, then insertions, each in the order of the rows' bytes.
fn difference(old: &Multiset, new: &Multiset, mut emit: impl FnMut(&[u8], i64)) -> u64 {
    let mut changes = 0;
    for (row, count) in old {
        let diff = new.get(row).unwrap_or(&0) - count;
        if diff < 0 {
            emit(row, diff);
            changes += 1;
        }
    }
    for (row, count) in new {
        let diff = count - old.get(row).unwrap_or(&0);
        if diff > 0 {
            emit(row, diff);
            changes += 1;
        }
    }
    changes
}
