//! A sorted multiset of rows that knows positions: the row at a position, the position of a row,
//! and what the rows between two positions add up to, each in O(log n).
//!
//! A B+ tree in two arenas, with indices for pointers. Inner nodes keep for each child how many
//! rows are below it and, only where a window asks for running results, what they add up to. A
//! small tree is one leaf: a sorted vector. Leaves are linked, so that a [`Cursor`] steps on in
//! O(1).

mod update;

use super::entry::{Entry, rows};
use crate::dataflow::fold::{Acc, Fold};
use crate::stage::Diff;
use std::sync::Arc;

/// A full leaf is split.
const LEAF_MAX: usize = 64;
/// A full inner node is split.
const INNER_MAX: usize = 32;
const NONE: u32 = u32::MAX;

/// What inner nodes keep: a fold that can be merged, and the argument that it is given.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) fold: Arc<dyn Fold>,
    pub(crate) argument: usize,
    /// Whether taking a value away is adding it a negative number of times. Otherwise what is left
    /// is added up again.
    pub(crate) subtracts: bool,
}

impl Aggregate {
    fn add(&self, acc: &mut Acc, entry: &Entry, diff: Diff) {
        self.fold.update(acc, entry.argument(self.argument), diff);
    }
}

#[derive(Debug, Default)]
struct Leaf {
    entries: Vec<Entry>,
    next: u32,
}

#[derive(Debug)]
struct Child {
    node: u32,
    rows: u64,
    /// At most what is below sorts by, and more than anything in the children in front.
    least: Box<[u8]>,
    accs: Box<[Acc]>,
}

/// A sorted multiset of rows.
#[derive(Debug)]
pub(crate) struct Tree {
    leaves: Vec<Leaf>,
    inners: Vec<Vec<Child>>,
    free_leaves: Vec<u32>,
    free_inners: Vec<u32>,
    root: u32,
    /// How many levels of inner nodes there are.
    height: u32,
    rows: u64,
    bytes: usize,
}

/// A place in a tree, as long as the tree does not change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    leaf: u32,
    entry: usize,
    copy: i64,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            leaves: vec![Leaf { entries: Vec::new(), next: NONE }],
            inners: Vec::new(),
            free_leaves: Vec::new(),
            free_inners: Vec::new(),
            root: 0,
            height: 0,
            rows: 0,
            bytes: 0,
        }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The memory of the tree, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let entries: usize = self.leaves.iter().map(|leaf| leaf.entries.capacity()).sum();
        let children: usize = self.inners.iter().map(Vec::capacity).sum();
        self.bytes
            + entries * size_of::<Entry>()
            + children * size_of::<Child>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.inners.capacity() * size_of::<Vec<Child>>()
    }

    fn leaf(&self, at: u32) -> &Leaf {
        &self.leaves[at as usize]
    }

    fn inner(&self, at: u32) -> &[Child] {
        &self.inners[at as usize]
    }

    /// How many rows stand in front of the first for which `before`, given what it sorts by, is
    /// false. It must be true for the first rows and false for the others.
    pub(crate) fn rank_where(&self, before: impl Fn(&[u8]) -> bool) -> u64 {
        let (mut node, mut rank) = (self.root, 0);
        for _ in 0..self.height {
            let children = self.inner(node);
            let at = children[1..].partition_point(|child| before(&child.least));
            rank += children[..at].iter().map(|child| child.rows).sum::<u64>();
            node = children[at].node;
        }
        let entries = &self.leaf(node).entries;
        let at = entries.partition_point(|entry| before(entry.sort()));
        rank + entries[..at].iter().map(|entry| rows(entry.copies)).sum::<u64>()
    }

    /// How many rows sort before that.
    pub(crate) fn rank(&self, sort: &[u8]) -> u64 {
        self.rank_where(|other| other < sort)
    }

    /// How many copies there are of the row that sorts by exactly that.
    pub(crate) fn copies(&self, sort: &[u8]) -> u64 {
        let mut node = self.root;
        for _ in 0..self.height {
            let children = self.inner(node);
            node = children[children[1..].partition_point(|child| &*child.least <= sort)].node;
        }
        let entries = &self.leaf(node).entries;
        entries
            .binary_search_by(|entry| entry.sort().cmp(sort))
            .map_or(0, |at| rows(entries[at].copies))
    }

    /// The place of the row at that position; behind the last row, a place without one.
    pub(crate) fn cursor(&self, position: u64) -> Cursor {
        let (mut node, mut rest) = (self.root, position);
        for _ in 0..self.height {
            let children = self.inner(node);
            let mut at = 0;
            while at + 1 < children.len() && rest >= children[at].rows {
                rest -= children[at].rows;
                at += 1;
            }
            node = children[at].node;
        }
        let mut cursor = Cursor { leaf: node, entry: 0, copy: 0 };
        self.settle(&mut cursor);
        while let Some(entry) = self.get(cursor) {
            if rest < rows(entry.copies) {
                cursor.copy = rest.cast_signed();
                break;
            }
            rest -= rows(entry.copies);
            cursor.entry += 1;
            self.settle(&mut cursor);
        }
        cursor
    }

    /// Steps over the ends of leaves.
    fn settle(&self, cursor: &mut Cursor) {
        while cursor.leaf != NONE && cursor.entry >= self.leaf(cursor.leaf).entries.len() {
            *cursor = Cursor { leaf: self.leaf(cursor.leaf).next, entry: 0, copy: 0 };
        }
    }

    /// The row at a place.
    pub(crate) fn get(&self, cursor: Cursor) -> Option<&Entry> {
        if cursor.leaf == NONE {
            return None;
        }
        self.leaf(cursor.leaf).entries.get(cursor.entry)
    }

    /// The row at a position.
    pub(crate) fn at(&self, position: u64) -> Option<&Entry> {
        self.get(self.cursor(position))
    }

    /// Moves on by one row.
    pub(crate) fn step(&self, cursor: &mut Cursor) {
        let Some(entry) = self.get(*cursor) else { return };
        cursor.copy += 1;
        if cursor.copy >= entry.copies {
            cursor.entry += 1;
            cursor.copy = 0;
            self.settle(cursor);
        }
    }

    /// Moves on to the next row that is another one.
    pub(crate) fn skip(&self, cursor: &mut Cursor) {
        if cursor.leaf != NONE {
            cursor.entry += 1;
            cursor.copy = 0;
            self.settle(cursor);
        }
    }

    /// Every row with its copies, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        let mut cursor = self.cursor(0);
        std::iter::from_fn(move || {
            let entry = self.get(cursor)?;
            self.skip(&mut cursor);
            Some(entry)
        })
    }

    /// Adds what the rows at the positions from `from` up to `to` come to.
    pub(crate) fn fold(
        &self,
        aggregates: &[Aggregate],
        which: usize,
        from: u64,
        to: u64,
        acc: &mut Acc,
    ) {
        let aggregate = &aggregates[which];
        self.fold_node(self.root, self.height, aggregate, which, from, to, acc);
    }

    #[expect(clippy::too_many_arguments, reason = "a recursion that carries its caller's own")]
    fn fold_node(
        &self,
        node: u32,
        height: u32,
        aggregate: &Aggregate,
        which: usize,
        from: u64,
        to: u64,
        acc: &mut Acc,
    ) {
        let mut start = 0;
        if height == 0 {
            for entry in &self.leaf(node).entries {
                let end = start + rows(entry.copies);
                let (low, high) = (start.max(from), end.min(to));
                if low < high {
                    aggregate.add(acc, entry, (high - low).cast_signed());
                }
                start = end;
            }
            return;
        }
        for child in self.inner(node) {
            let end = start + child.rows;
            if from <= start && end <= to {
                merge(aggregate, acc, &child.accs[which]);
            } else if from < end && start < to {
                let (from, to) = (from.saturating_sub(start), to - start);
                self.fold_node(child.node, height - 1, aggregate, which, from, to, acc);
            }
            start = end;
        }
    }
}

fn merge(aggregate: &Aggregate, acc: &mut Acc, other: &Acc) {
    let mut bytes = Vec::new();
    aggregate.fold.write(other, &mut bytes);
    aggregate.fold.merge(acc, &mut bytes.as_slice());
}
