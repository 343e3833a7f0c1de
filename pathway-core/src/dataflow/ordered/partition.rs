//! The rows of a sorted table, by partition.

use super::entry::{Entry, plus};
use super::plan::Keeps;
use super::tree::Tree;
use crate::dataflow::state::{Pending, Saved, State, StateSize};
use crate::persistence::records::{Id, Record, Records};
use crate::stage::{Diff, Input};
use hashbrown::HashMap;

/// A change of one row in an epoch, consolidated.
#[derive(Debug)]
pub(super) struct Change {
    /// The row; its copies are those that come, or go where they are negative.
    pub(super) entry: Entry,
    /// How many copies there were.
    pub(super) old: u64,
    /// How many there are now.
    pub(super) new: u64,
}

impl Change {
    /// Whether the row comes or goes, rather than being there more or less often.
    pub(super) fn comes_or_goes(&self) -> bool {
        (self.old == 0) != (self.new == 0)
    }

    /// How many copies there are before the epoch, or after it.
    pub(super) fn copies(&self, side: Side) -> u64 {
        match side {
            Side::Before => self.old,
            Side::After => self.new,
        }
    }
}

/// A partition before an epoch's changes, or after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// The rows with equal partition keys.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) rows: Tree,
    /// The sort keys, each once, where they are counted.
    pub(super) keys: Option<Box<Tree>>,
    /// For each part that interpolates, the rows with a value.
    pub(super) anchors: Vec<Tree>,
    /// The updates of the epoch.
    pending: Vec<Entry>,
    /// What the epoch has changed, where somebody asks for it.
    changes: Option<Vec<Entry>>,
}

/// Whether a row has a value to interpolate by.
pub(super) fn is_anchor(entry: &Entry, argument: usize) -> bool {
    entry.argument(argument) != Input::Null && entry.argument(argument + 1) != Input::Null
}

impl Partition {
    pub(super) fn new(keeps: &Keeps) -> Self {
        Self {
            rows: Tree::new(),
            keys: keeps.keys.then(|| Box::new(Tree::new())),
            anchors: keeps.anchors.iter().map(|_| Tree::new()).collect(),
            pending: Vec::new(),
            changes: None,
        }
    }

    /// The changes of the epoch, in order.
    ///
    /// # Errors
    ///
    /// A row of which more copies were taken away than there are, and how many there would be.
    pub(super) fn take_changes(&mut self) -> Result<Vec<Change>, (Entry, Diff)> {
        let mut pending = std::mem::take(&mut self.pending);
        consolidate(&mut pending);
        pending
            .into_iter()
            .map(|entry| {
                let old = self.rows.copies(entry.sort());
                match plus(old, entry.copies) {
                    Some(new) => Ok(Change { old, new, entry }),
                    None => {
                        let left = old.cast_signed() + entry.copies;
                        Err((entry, left))
                    }
                }
            })
            .collect()
    }

    /// Adds a row, or takes it away.
    pub(super) fn apply(&mut self, keeps: &Keeps, entry: &Entry) {
        if let Some(changes) = &mut self.changes {
            changes.push(entry.clone());
        }
        self.rows.update(&keeps.aggregates, entry);
        if let Some(keys) = &mut self.keys {
            let key = entry.key();
            let was = keys.copies(key) > 0;
            let is = self.rows.rank_where(|sort| starts_within(sort, key)) > self.rows.rank(key);
            if was != is {
                let copies = if is { 1 } else { -1 };
                keys.update(&[], &Entry::new(key, key.len(), key.len(), copies));
            }
        }
        for (&argument, anchors) in keeps.anchors.iter().zip(&mut self.anchors) {
            if is_anchor(entry, argument) {
                anchors.update(&[], entry);
            }
        }
    }

    /// Whether a row that comes stands behind so many of earlier epochs. Where none of them is ever
    /// taken away, it can never matter.
    fn is_behind(&self, rows_max: u64, sort: &[u8]) -> bool {
        let last = rows_max.checked_sub(1).and_then(|last| self.rows.at(last));
        last.is_some_and(|last| last.sort() <= sort)
    }

    /// Forgets the rows from that position on.
    pub(super) fn cut(&mut self, rows_max: u64) {
        while self.rows.rows() > rows_max
            && let Some(last) = self.rows.at(self.rows.rows() - 1)
        {
            let over = (self.rows.rows() - rows_max).cast_signed();
            let mut gone = last.clone();
            gone.copies = -gone.copies.min(over);
            self.rows.update(&[], &gone);
            if let Some(changes) = &mut self.changes {
                changes.push(gone);
            }
        }
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
            + self.rows.memory()
            + self.keys.as_ref().map_or(0, |keys| keys.memory())
            + self.anchors.iter().map(Tree::memory).sum::<usize>()
    }
}

/// Whether what a row sorts by is at most that sort key with any row behind it.
pub(super) fn starts_within(sort: &[u8], key: &[u8]) -> bool {
    // No key is a prefix of another one.
    &sort[..sort.len().min(key.len())] <= key
}

fn consolidate(pending: &mut Vec<Entry>) {
    pending.sort_by(|a, b| a.sort().cmp(b.sort()));
    pending.dedup_by(|next, kept| {
        let same = next.sort() == kept.sort();
        if same {
            kept.copies += next.copies;
        }
        same
    });
    pending.retain(|entry| entry.copies != 0);
}

/// The state of a sorted table.
#[derive(Debug)]
pub(crate) struct Partitions {
    pub(super) keeps: Keeps,
    /// How many rows of a partition can ever matter, where rows are never taken away.
    pub(super) rows_max: Option<u64>,
    by_key: HashMap<Box<[u8]>, Partition, foldhash::fast::RandomState>,
    /// The partitions that change in this epoch.
    touched: Vec<Box<[u8]>>,
    /// What has changed since it was saved.
    changes: Pending,
}

impl Partitions {
    pub(crate) fn new(keeps: Keeps, rows_max: Option<u64>) -> Self {
        Self {
            keeps,
            rows_max,
            by_key: HashMap::default(),
            touched: Vec::new(),
            changes: Pending::default(),
        }
    }

    /// Takes an update of the epoch: a row as it travels.
    pub(super) fn receive(&mut self, key: &[u8], message: &[u8], diff: Diff) {
        let keeps = &self.keeps;
        let partition = self.by_key.entry_ref(key).or_insert_with(|| Partition::new(keeps));
        if let Some(max) = self.rows_max
            && partition.is_behind(max, Entry::sort_in(message))
        {
            return;
        }
        if partition.pending.is_empty() {
            self.touched.push(key.into());
        }
        partition.pending.push(Entry::read(message, diff));
        if let Some(max) = self.rows_max
            && partition.pending.len() as u64 > max.saturating_mul(2).max(PENDING_MIN)
        {
            // No row is taken away, so those behind can never matter.
            consolidate(&mut partition.pending);
            let mut before = 0;
            partition.pending.retain(|entry| {
                let kept = before < max;
                before = before.saturating_add(super::entry::rows(entry.copies));
                kept
            });
        }
    }

    /// Closes an epoch: calls `f` for each partition that changes, in the order of their keys.
    pub(super) fn close<E>(
        &mut self,
        mut f: impl FnMut(&[u8], &mut Partition, &Keeps) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        let mut message = Vec::new();
        for key in touched {
            let Some(partition) = self.by_key.get_mut(&key) else { continue };
            partition.changes = self.changes.is_on().then(Vec::new);
            f(&key, partition, &self.keeps)?;
            for entry in partition.changes.take().into_iter().flatten() {
                message.clear();
                entry.write(&mut message);
                self.changes.add(Id { key: Some(&key), place: &message }, entry.copies);
            }
            if partition.rows.rows() == 0 {
                self.by_key.remove(&key);
            }
        }
        Ok(())
    }
}

/// Fewer pending rows are not worth thinning out.
const PENDING_MIN: u64 = 4096;

impl State for Partitions {
    fn size(&self) -> StateSize {
        let rows = self.by_key.values().map(|partition| partition.rows.rows()).sum::<u64>();
        let bytes = self.by_key.iter().map(|(key, partition)| key.len() + partition.memory());
        StateSize { rows: usize::try_from(rows).unwrap_or(usize::MAX), bytes: bytes.sum() }
    }

    fn save(&mut self, out: &mut Saved) {
        let by_key = &self.by_key;
        self.changes.save(out, &[], |records: &mut Records| {
            let mut message = Vec::new();
            for (key, partition) in by_key {
                for entry in partition.rows.entries() {
                    message.clear();
                    entry.write(&mut message);
                    records.add(Id { key: Some(key), place: &message }, entry.copies);
                }
            }
        });
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let partition = self.by_key.entry_ref(record.key());
        let partition = partition.or_insert_with(|| Partition::new(&self.keeps));
        partition.apply(&self.keeps, &Entry::read(record.id.place, record.copies()));
    }

    fn kept(&mut self) {
        self.changes.begin();
    }
}
