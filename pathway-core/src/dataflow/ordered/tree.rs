//! A sorted multiset of rows that knows positions: the row at a position, the position of a row,
//! and what the rows between two positions add up to, each in O(log n).
//!
//! A B+ tree in two arenas, with indices for pointers. Inner nodes keep for each child how many
//! rows are below it and, only where a window asks for running results, what they add up to. A
//! small tree is one leaf: a sorted vector. Leaves are linked, so that a [`Cursor`] steps on in
//! O(1).

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

/// A node that was split off, with what it begins with.
struct Split {
    node: u32,
    least: Box<[u8]>,
}

fn numbered(at: usize) -> u32 {
    u32::try_from(at).ok().filter(|&at| at != NONE).expect("a tree has under four billion nodes")
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

    /// Adds copies of a row, or takes them away: as many as the entry says. There must be as many
    /// as are taken away.
    pub(crate) fn update(&mut self, aggregates: &[Aggregate], entry: &Entry) {
        if entry.copies == 0 {
            return;
        }
        self.rows = self.rows.checked_add_signed(entry.copies).expect("checked by the caller");
        if let Some(split) = self.update_node(self.root, self.height, aggregates, entry) {
            let first = self.child(self.root, self.height, Box::default(), aggregates);
            let second = self.child(split.node, self.height, split.least, aggregates);
            self.root = self.new_inner(vec![first, second]);
            self.height += 1;
        }
        while self.height > 0
            && let [only] = self.inner(self.root)
        {
            let child = only.node;
            self.free_inner(self.root);
            self.root = child;
            self.height -= 1;
        }
    }

    fn update_node(
        &mut self,
        node: u32,
        height: u32,
        aggregates: &[Aggregate],
        entry: &Entry,
    ) -> Option<Split> {
        if height == 0 {
            return self.update_leaf(node, entry);
        }
        let children = self.inner(node);
        let at = children[1..].partition_point(|child| &*child.least <= entry.sort());
        let below = children[at].node;
        let split = self.update_node(below, height - 1, aggregates, entry);
        if let Some(split) = split {
            self.refresh(node, height, at, aggregates);
            let child = self.child(split.node, height - 1, split.least, aggregates);
            self.inners[node as usize].insert(at + 1, child);
            return self.split_inner(node);
        }
        let again = entry.copies < 0 && !aggregates.iter().all(|aggregate| aggregate.subtracts);
        let size = self.size(below, height - 1);
        if again {
            self.refresh(node, height, at, aggregates);
        } else {
            let child = &mut self.inners[node as usize][at];
            child.rows = child.rows.checked_add_signed(entry.copies).expect("checked above");
            for (aggregate, acc) in aggregates.iter().zip(&mut child.accs) {
                aggregate.add(acc, entry, entry.copies);
            }
        }
        let max = if height == 1 { LEAF_MAX } else { INNER_MAX };
        if entry.copies < 0 && size < max / 4 {
            self.merge_child(node, height, at, aggregates);
        }
        None
    }

    fn update_leaf(&mut self, node: u32, entry: &Entry) -> Option<Split> {
        let entries = &mut self.leaves[node as usize].entries;
        match entries.binary_search_by(|other| other.sort().cmp(entry.sort())) {
            Ok(at) => {
                entries[at].copies += entry.copies;
                if entries[at].copies == 0 {
                    entries.remove(at);
                    self.bytes -= entry.len();
                }
                None
            }
            Err(at) => {
                self.bytes += entry.len();
                entries.insert(at, entry.clone());
                if entries.len() < LEAF_MAX {
                    return None;
                }
                // Rows that come in order leave full leaves behind.
                let last = at + 1 == entries.len() && self.leaf(node).next == NONE;
                let middle = if last { LEAF_MAX - 1 } else { LEAF_MAX / 2 };
                let entries = self.leaves[node as usize].entries.split_off(middle);
                let least = entries[0].sort().into();
                let next = self.leaf(node).next;
                let new = self.new_leaf(Leaf { entries, next });
                self.leaves[node as usize].next = new;
                Some(Split { node: new, least })
            }
        }
    }

    fn split_inner(&mut self, node: u32) -> Option<Split> {
        let children = &mut self.inners[node as usize];
        if children.len() < INNER_MAX {
            return None;
        }
        let right = children.split_off(INNER_MAX / 2);
        let least = right[0].least.clone();
        Some(Split { node: self.new_inner(right), least })
    }

    fn size(&self, node: u32, height: u32) -> usize {
        if height == 0 { self.leaf(node).entries.len() } else { self.inner(node).len() }
    }

    /// Puts a small child together with a neighbour, where the two are one node.
    fn merge_child(&mut self, node: u32, height: u32, at: usize, aggregates: &[Aggregate]) {
        let children = self.inner(node);
        let max = if height == 1 { LEAF_MAX } else { INNER_MAX };
        let fits = |left: usize| {
            left + 1 < children.len() && {
                let size = |at: usize| self.size(children[at].node, height - 1);
                // An empty child always goes; others leave room, or the next row would split.
                let sum = size(left) + size(left + 1);
                sum <= max * 3 / 4 || (size(left).min(size(left + 1)) == 0 && sum < max)
            }
        };
        let left = if fits(at) {
            at
        } else if at > 0 && fits(at - 1) {
            at - 1
        } else {
            return;
        };
        let gone = self.inners[node as usize].remove(left + 1);
        let kept = self.inner(node)[left].node;
        if height == 1 {
            let right = std::mem::take(&mut self.leaves[gone.node as usize]);
            let leaf = &mut self.leaves[kept as usize];
            leaf.entries.extend(right.entries);
            leaf.next = right.next;
            self.free_leaves.push(gone.node);
        } else {
            let mut right = std::mem::take(&mut self.inners[gone.node as usize]);
            // The first child of a node has no bound of its own where the node is the first.
            right[0].least = gone.least;
            self.inners[kept as usize].append(&mut right);
            self.free_inners.push(gone.node);
        }
        self.refresh(node, height, left, aggregates);
    }

    /// Adds up again what a child keeps.
    fn refresh(&mut self, node: u32, height: u32, at: usize, aggregates: &[Aggregate]) {
        let child = &mut self.inners[node as usize][at];
        let (below, least) = (child.node, std::mem::take(&mut child.least));
        self.inners[node as usize][at] = self.child(below, height - 1, least, aggregates);
    }

    fn child(&self, node: u32, height: u32, least: Box<[u8]>, aggregates: &[Aggregate]) -> Child {
        let mut accs: Box<[Acc]> = aggregates.iter().map(|each| each.fold.zero()).collect();
        let mut total = 0;
        if height == 0 {
            for entry in &self.leaf(node).entries {
                total += rows(entry.copies);
                for (aggregate, acc) in aggregates.iter().zip(&mut accs) {
                    aggregate.add(acc, entry, entry.copies);
                }
            }
        } else {
            for child in self.inner(node) {
                total += child.rows;
                for (at, (aggregate, acc)) in aggregates.iter().zip(&mut accs).enumerate() {
                    merge(aggregate, acc, &child.accs[at]);
                }
            }
        }
        Child { node, rows: total, least, accs }
    }

    fn new_leaf(&mut self, leaf: Leaf) -> u32 {
        if let Some(at) = self.free_leaves.pop() {
            self.leaves[at as usize] = leaf;
            return at;
        }
        self.leaves.push(leaf);
        numbered(self.leaves.len() - 1)
    }

    fn new_inner(&mut self, children: Vec<Child>) -> u32 {
        if let Some(at) = self.free_inners.pop() {
            self.inners[at as usize] = children;
            return at;
        }
        self.inners.push(children);
        numbered(self.inners.len() - 1)
    }

    fn free_inner(&mut self, at: u32) {
        self.inners[at as usize] = Vec::new();
        self.free_inners.push(at);
    }
}

fn merge(aggregate: &Aggregate, acc: &mut Acc, other: &Acc) {
    let mut bytes = Vec::new();
    aggregate.fold.write(other, &mut bytes);
    aggregate.fold.merge(acc, &mut bytes.as_slice());
}
