//! One source on one worker: takes events off the queue, decodes them, feeds the first stage.

use super::shared::{Shared, SourceShared};
use crate::error::{DataError, Error};
use crate::io::{BadRow, Decoder, PartitionId, RowReceiver, SourceEvent};
use crate::render::SourceStage;
use crate::schema::Schema;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many bytes of one source are decoded before others get their turn.
const TURN_BYTES: usize = 1 << 20;

type Multiset = BTreeMap<Vec<u8>, i64>;

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
}

/// Passes decoded rows on, or keeps them until their replacement is complete.
struct Receiver<'a> {
    stage: &'a mut SourceStage,
    kept: Option<&'a mut Kept>,
    scratch: Vec<u8>,
    rows: u64,
}

impl RowReceiver for Receiver<'_> {
    fn update(&mut self, row: &[u8], diff: i64) {
        self.rows += 1;
        match &mut self.kept {
            Some(kept) => *kept.new_rows.entry(row.to_vec()).or_insert(0) += diff,
            None => self.stage.row(row, diff),
        }
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
            None => self.stage.error(&self.scratch, 1),
        }
        Ok(())
    }
}

impl LocalSource {
    pub(super) fn new(stage: SourceStage, source: Arc<SourceShared>, worker: usize) -> Self {
        source.queues[worker].register();
        Self {
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
            SourceEvent::Keep { partition } => {
                let kept = Some(Kept::default());
                self.partitions.insert(partition, Partition { decoder: None, kept });
            }
            SourceEvent::Open { partition, decoder, label: _ } => {
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
            SourceEvent::Remove { partition } => {
                if let Some(Partition { kept: Some(kept), .. }) =
                    self.partitions.get_mut(&partition)
                {
                    kept.discard();
                }
                return Ok(self.replaced(partition));
            }
        }
        Ok(0)
    }

    fn set_origin(&mut self, partition: PartitionId) {
        // Zero is the origin of rows without an order.
        self.stage.set_origin((u64::from(self.stage.node.0) << 32 | u64::from(partition.0)) + 1);
    }

    /// Decodes a block, or what is left at the end of the partition.
    fn decode(&mut self, id: PartitionId, bytes: Option<&[u8]>) -> Result<u64, Box<BadRow>> {
        self.set_origin(id);
        let Some(partition) = self.partitions.get_mut(&id) else { return Ok(0) };
        let Some(decoder) = &mut partition.decoder else { return Ok(0) };
        let kept = partition.kept.as_mut();
        let is_kept = kept.is_some();
        let mut receiver = Receiver { stage: &mut self.stage, kept, scratch: Vec::new(), rows: 0 };
        match bytes {
            Some(bytes) => decoder.decode(bytes, &mut receiver)?,
            None => decoder.finish(&mut receiver)?,
        }
        let rows = if is_kept { 0 } else { receiver.rows };
        if bytes.is_none() && !is_kept {
            self.partitions.remove(&id);
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
        let stage = &mut self.stage;
        changes += difference(&kept.rows, &kept.new_rows, |row, diff| stage.row(row, diff));
        changes += difference(&kept.errors, &kept.new_errors, |row, diff| stage.error(row, diff));
        kept.rows = std::mem::take(&mut kept.new_rows);
        kept.errors = std::mem::take(&mut kept.new_errors);
        changes
    }

    /// Ends the input for good.
    pub(super) fn close(&mut self, shared: &Shared) {
        self.closed = true;
        self.in_transaction = false;
        self.stage.close();
        self.partitions.clear();
        shared.open_sources.fetch_sub(1, Ordering::SeqCst);
        self.source.open_on.fetch_sub(1, Ordering::SeqCst);
        self.caught_up(shared);
        shared.wake();
    }

    /// Notes that this worker has taken all that was there at the start.
    fn caught_up(&mut self, shared: &Shared) {
        let first = !std::mem::replace(&mut self.caught_up, true);
        if first && self.source.behind_on.fetch_sub(1, Ordering::SeqCst) == 1 {
            shared.unread_sources.fetch_sub(1, Ordering::SeqCst);
            shared.wake();
        }
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
