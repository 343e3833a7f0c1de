//! The end of the graph: gathers one epoch's rows from all workers, consolidates them and hands
//! them to the sink.

use super::chunk::Chunk;
use super::logic::Fail;
use super::operator::{Epoch, Logic};
use super::state::{Saved, State, StateSize};
use crate::io::{CollectionKind, SinkWriter, Updates, Wanted};
use crate::persistence::records::Record;
use crate::schema::{DataType, ordered};
use crate::stage::{Diff, KeyedCollector};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

/// What a sink's thread is told.
pub(crate) enum Batch {
    /// The updates of one closed epoch.
    Epoch(Epoch, Updates),
    /// A checkpoint is made of the epochs before this one.
    Checkpoint(Epoch),
}

/// An end in this process, which is a state like any other: a durable pipeline finds it again.
pub(crate) struct InlineEnd(Box<dyn SinkWriter>);

impl InlineEnd {
    pub(crate) fn new(writer: Box<dyn SinkWriter>) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self(writer)))
    }
}

impl State for InlineEnd {
    fn size(&self) -> StateSize {
        // A view's rows belong to the program, which reads them.
        StateSize::default()
    }

    fn save(&mut self, out: &mut Saved) {
        out.small(&[], |out| self.0.saved(out));
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        self.0.restore(record.bytes());
    }
}

/// What a worker is given to serve a sink.
pub(crate) enum SinkEnd {
    /// A writer in this process that does not block: views, captures.
    Inline(Box<dyn SinkWriter>),
    /// The bounded queue of the sink's thread.
    Queue(SyncSender<Batch>),
}

/// Where consolidated epochs go.
pub(crate) enum SinkRoute {
    /// To a writer in this process.
    Inline(Rc<RefCell<InlineEnd>>),
    /// To the sink's thread.
    Queue(SyncSender<Batch>),
    /// To another worker, which has all rows.
    Elsewhere,
}

pub(crate) struct SinkLogic {
    pub(crate) kind: CollectionKind,
    pub(crate) data_type: DataType,
    pub(crate) wants: Wanted,
    pub(crate) end: SinkRoute,
    pub(crate) rows: Arc<AtomicU64>,
    pub(crate) fail: Fail,
    pub(crate) chunks: Vec<Chunk>,
    /// A batch that the queue had no room for.
    pub(crate) waiting: Option<(Epoch, Updates)>,
    /// What is added to epochs where they leave the run.
    pub(crate) base: Epoch,
}

impl Logic for SinkLogic {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn close(&mut self, epoch: Epoch) -> bool {
        let batch = match self.waiting.take() {
            Some(batch) => batch,
            None => {
                let chunks = std::mem::take(&mut self.chunks);
                let updates = match self.kind {
                    CollectionKind::Stream => in_source_order(chunks),
                    CollectionKind::Table if self.wants == Wanted::Sorted => {
                        sorted(self.data_type, &chunks)
                    }
                    CollectionKind::Table => consolidated(&chunks),
                };
                self.rows.fetch_add(updates.len() as u64, Ordering::Relaxed);
                (self.base + epoch, updates)
            }
        };
        if batch.1.is_empty() {
            return true;
        }
        match &mut self.end {
            SinkRoute::Elsewhere => unreachable!("all rows of a sink go to one worker"),
            SinkRoute::Inline(writer) => {
                if let Err(error) = writer.borrow_mut().0.write(batch.0, &batch.1) {
                    (self.fail)(None, error.to_string());
                }
                true
            }
            SinkRoute::Queue(queue) => match queue.try_send(Batch::Epoch(batch.0, batch.1)) {
                Err(TrySendError::Full(Batch::Epoch(epoch, updates))) => {
                    self.waiting = Some((epoch, updates));
                    false
                }
                // A sink's thread that has failed has said so.
                _ => true,
            },
        }
    }
}

/// The end of a sink that wants no rows: they are counted.
pub(crate) struct Discarded {
    pub(crate) rows: Arc<AtomicU64>,
    /// Keeps the sink open for as long as the worker runs.
    pub(crate) _end: Option<SinkEnd>,
    /// Rows that `rows` does not have yet.
    pub(crate) uncounted: u64,
}

/// So many rows are counted together.
const COUNTED_TOGETHER: u64 = 256;

impl KeyedCollector for Discarded {
    fn update(&mut self, _key: Option<&[u8]>, _row: &[u8], _diff: Diff) {
        self.uncounted += 1;
        if self.uncounted == COUNTED_TOGETHER {
            self.rows.fetch_add(std::mem::take(&mut self.uncounted), Ordering::Relaxed);
        }
    }

    fn wants_rows(&self) -> bool {
        false
    }
}

impl Drop for Discarded {
    fn drop(&mut self) {
        self.rows.fetch_add(self.uncounted, Ordering::Relaxed);
    }
}

/// Rows of a stream: by partition and position where they have one, whatever worker they came
/// from. Rows that several workers have mixed are put in the order of their bytes.
fn in_source_order(mut chunks: Vec<Chunk>) -> Updates {
    let mut updates = Updates::default();
    chunks.sort_by_key(|chunk| chunk.origin);
    let unordered = chunks.partition_point(|chunk| chunk.origin.partition == 0);
    let mut rows: Vec<(&[u8], i64)> = chunks[..unordered]
        .iter()
        .flat_map(Chunk::iter)
        .map(|(row, _, diff)| (row.unwrap_or_default(), diff))
        .collect();
    rows.sort_unstable();
    for (row, diff) in rows {
        updates.push(row, diff);
    }
    for (row, _, diff) in chunks[unordered..].iter().flat_map(Chunk::iter) {
        updates.push(row.unwrap_or_default(), diff);
    }
    updates
}

/// Sums equal rows, in no particular order.
pub(super) fn consolidated(chunks: &[Chunk]) -> Updates {
    let mut sums: hashbrown::HashMap<&[u8], i64, foldhash::fast::RandomState> =
        hashbrown::HashMap::default();
    sums.reserve(chunks.iter().map(Chunk::len).sum());
    for (row, _, diff) in chunks.iter().flat_map(Chunk::iter) {
        *sums.entry(row.unwrap_or_default()).or_insert(0) += diff;
    }
    let mut updates = Updates::default();
    // In the order of a hash table: the sink has asked for none.
    for (row, diff) in sums {
        if diff != 0 {
            updates.push(row, diff);
        }
    }
    updates
}

/// Sums equal rows; retractions first, each part in row order.
fn sorted(data_type: DataType, chunks: &[Chunk]) -> Updates {
    let len = chunks.iter().map(Chunk::len).sum();
    let mut keys = Vec::new();
    let mut rows: Vec<(std::ops::Range<usize>, &[u8], i64)> = Vec::with_capacity(len);
    // Most comparisons are decided without a look at the keys, which lie far apart.
    let mut order: Vec<(u64, usize)> = Vec::with_capacity(len);
    for (row, _, diff) in chunks.iter().flat_map(Chunk::iter) {
        let row = row.unwrap_or_default();
        let start = keys.len();
        ordered::from_compact(data_type, &mut &*row, &mut keys);
        order.push((ordered::front(&keys[start..]), rows.len()));
        rows.push((start..keys.len(), row, diff));
    }
    let key = |at: usize| &keys[rows[at].0.clone()];
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| key(a.1).cmp(key(b.1))));
    let mut sums: Vec<(&[u8], i64)> = Vec::with_capacity(len);
    for (_, at) in order {
        let (_, row, diff) = &rows[at];
        match sums.last_mut() {
            Some((last, sum)) if last == row => *sum += diff,
            _ => sums.push((row, *diff)),
        }
    }
    let mut updates = Updates::default();
    for &(row, diff) in sums.iter().filter(|(_, diff)| *diff < 0) {
        updates.push(row, diff);
    }
    for &(row, diff) in sums.iter().filter(|(_, diff)| *diff > 0) {
        updates.push(row, diff);
    }
    updates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn retractions_come_first_and_each_part_is_in_order(
            rows in prop::collection::vec((("[a-c]{0,12}", any::<i8>()), -2i64..3), 0..200),
        ) {
            let (mut chunks, mut sums) = ([Chunk::default(), Chunk::default()], BTreeMap::new());
            for (at, (row, diff)) in rows.into_iter().enumerate() {
                chunks[at % 2].push(Some(&row.to_row_bytes()), &[], diff);
                *sums.entry(row).or_insert(0) += diff;
            }
            let updates = sorted(<(String, i8)>::data_type(), &chunks);
            let found: Vec<((String, i8), i64)> =
                updates.iter().map(|(mut row, diff)| (Schema::decode(&mut row), diff)).collect();
            let parts = [false, true].into_iter().flat_map(|is_added| {
                let of_part = sums.iter().filter(move |(_, sum)| **sum != 0 && (**sum > 0) == is_added);
                of_part.map(|(row, sum)| (row.clone(), *sum))
            });
            prop_assert_eq!(found, parts.collect::<Vec<_>>());
        }
    }
}
