//! The rows of each partition from one position to another.
//!
//! A window of rows is known by its two edges: the row at its first position and the row behind
//! its last, each with how many copies of that row stand in front of the edge. From the edges
//! before and after an epoch follows how many copies of a row were inside and are now. It can
//! differ only for rows that change themselves, and for those between an edge before and after,
//! which are no more than the rows that came and went.

use super::partition::{Change, Partition, Partitions, Side};
use super::tree::Tree;
use crate::dataflow::chunk::Chunk;
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic};
use crate::schema::{DataType, ordered};
use crate::stage::{Diff, EncodedStep};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Keeps the rows of each partition from one position to another.
pub(crate) struct Limit {
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    pub(crate) rows: DataType,
    pub(crate) state: Rc<RefCell<Partitions>>,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
}

/// A place between two rows.
#[derive(Debug, PartialEq, Eq)]
struct Cut {
    /// The row behind it, or nothing behind the last row.
    sort: Option<Box<[u8]>>,
    /// How many copies of that row stand in front of it.
    copies: u64,
}

impl Cut {
    fn at(tree: &Tree, position: u64) -> Self {
        let Some(entry) = tree.at(position) else { return Self { sort: None, copies: 0 } };
        Self { sort: Some(entry.sort().into()), copies: position - tree.rank(entry.sort()) }
    }

    /// How many copies of a row stand in front, of those that there are.
    fn before(&self, sort: &[u8], copies: u64) -> u64 {
        match &self.sort {
            Some(at) if **at < *sort => 0,
            Some(at) if **at == *sort => self.copies.min(copies),
            _ => copies,
        }
    }
}

struct Window {
    start: Cut,
    end: Cut,
}

impl Window {
    fn inside(&self, sort: &[u8], copies: u64) -> u64 {
        self.end.before(sort, copies).saturating_sub(self.start.before(sort, copies))
    }
}

impl Limit {
    /// How many rows of a partition can ever matter if none is taken away.
    pub(crate) fn rows_max(offset: u64, limit: u64) -> u64 {
        offset.saturating_add(limit)
    }
}

/// The rows of which more or fewer copies are inside than before, with the difference.
fn differences(
    partition: &mut Partition,
    changes: &[Change],
    keeps: &super::plan::Keeps,
    (offset, end): (u64, u64),
) -> BTreeMap<Box<[u8]>, (usize, Diff)> {
    let window = |tree: &Tree| Window { start: Cut::at(tree, offset), end: Cut::at(tree, end) };
    let before = window(&partition.rows);
    for change in changes {
        partition.apply(keeps, &change.entry);
    }
    let after = window(&partition.rows);
    let mut found = BTreeMap::new();
    let mut note = |sort: &[u8], key_len: usize, old: u64, new: u64| {
        let diff = after.inside(sort, new).cast_signed() - before.inside(sort, old).cast_signed();
        if diff != 0 {
            found.insert(sort.into(), (key_len, diff));
        }
    };
    for (old, new) in [(&before.start, &after.start), (&before.end, &after.end)] {
        if old == new {
            continue;
        }
        // Behind the last row is behind every other.
        let in_order = match (&old.sort, &new.sort) {
            (Some(old), Some(new)) => old <= new,
            (old, _) => old.is_some(),
        };
        let (first, last) = if in_order { (old, new) } else { (new, old) };
        let Some(sort) = &first.sort else { continue };
        let mut cursor = partition.rows.cursor(partition.rows.rank(sort));
        while let Some(entry) = partition.rows.get(cursor)
            && last.sort.as_ref().is_none_or(|last| entry.sort() <= &**last)
        {
            let copies = super::entry::rows(entry.copies);
            note(entry.sort(), entry.key().len(), copies, copies);
            partition.rows.skip(&mut cursor);
        }
    }
    // Those that change are looked at last: how many copies there were is known of them alone.
    for change in changes {
        let entry = &change.entry;
        found.remove(entry.sort());
        let old = before.inside(entry.sort(), change.copies(Side::Before)).cast_signed();
        let new = after.inside(entry.sort(), change.copies(Side::After)).cast_signed();
        if old != new {
            found.insert(entry.sort().into(), (entry.key().len(), new - old));
        }
    }
    found
}

impl Logic for Limit {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        let mut state = self.state.borrow_mut();
        for (key, message, diff) in chunk.iter() {
            state.receive(key.unwrap_or_default(), message, diff);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut state = self.state.borrow_mut();
        let rows_max = state.rows_max;
        let bounds = (self.offset, Self::rows_max(self.offset, self.limit));
        let (root, rows) = (&mut *self.root, self.rows);
        let mut compact = Vec::new();
        let result = state.close(|key, partition, keeps| {
            let changes = partition
                .take_changes()
                .map_err(|taken| (key.to_vec(), super::too_few(rows, &taken)))?;
            for (sort, (key_len, diff)) in differences(partition, &changes, keeps, bounds) {
                compact.clear();
                ordered::to_compact(rows, &mut &sort[key_len..], &mut compact);
                root.push(&compact, &[], diff);
            }
            if let Some(max) = rows_max {
                partition.cut(max);
            }
            Ok(())
        });
        if let Err((key, problem)) = result {
            (self.fail)(Some(&key), problem);
        }
        true
    }
}
