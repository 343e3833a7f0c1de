//! How a tree grows and shrinks.

use super::{Aggregate, Child, INNER_MAX, LEAF_MAX, Leaf, NONE, Tree, merge};
use crate::dataflow::fold::Acc;
use crate::dataflow::ordered::entry::{Entry, rows};

/// A node that was split off, with what it begins with.
struct Split {
    node: u32,
    least: Box<[u8]>,
}

fn numbered(at: usize) -> u32 {
    u32::try_from(at).ok().filter(|&at| at != NONE).expect("a tree has under four billion nodes")
}

impl Tree {
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
