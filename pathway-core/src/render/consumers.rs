//! Who consumes what, across the edges of loops.

use super::Entry;
use crate::plan::{NodeId, Operation, Plan, Port};
use std::collections::HashMap;

/// Who consumes what, across the edges of loops.
#[derive(Default)]
pub(super) struct Consumers {
    /// By output, the nodes outside of loops, or those in the same loop.
    pub(super) of: HashMap<Port, Vec<(NodeId, usize)>>,
    /// By outermost loop, what enters it: by the node that ends the loop.
    entries: HashMap<NodeId, Vec<Port>>,
    /// By index outside of loops, the entries that it has.
    index_entries: HashMap<NodeId, Vec<Entry>>,
}

impl Consumers {
    pub(super) fn new(plan: &Plan, needed: &[bool]) -> Self {
        let mut ends = HashMap::new();
        for node in plan.nodes() {
            if let Operation::Loop(id) = node.operation {
                ends.insert(id, node.id);
            }
        }
        let mut consumers = Self::default();
        for node in plan.nodes().iter().filter(|node| needed[node.id.index()]) {
            let around = plan.outermost(node.id).or(match node.operation {
                Operation::Loop(id) => Some(id),
                _ => None,
            });
            for (at, &input) in node.inputs.iter().enumerate() {
                match around {
                    Some(around) if plan.node(input.node).in_loop.is_none() => {
                        consumers.enter(plan, input, ends[&around]);
                    }
                    _ => consumers.of.entry(input).or_default().push((node.id, at)),
                }
            }
        }
        consumers
    }

    fn enter(&mut self, plan: &Plan, port: Port, end: NodeId) {
        let entries = self.entries.entry(end).or_default();
        if entries.contains(&port) {
            return;
        }
        let input = entries.len();
        entries.push(port);
        if matches!(plan.node(port.node).operation, Operation::Index(_)) {
            let entry = Entry { node: end, input };
            self.index_entries.entry(port.node).or_default().push(entry);
        } else {
            self.of.entry(port).or_default().push((end, input));
        }
    }

    /// Whether some operator outside of loops reads an index.
    pub(super) fn has_outer_readers(&self, index: NodeId) -> bool {
        self.of.contains_key(&Port { node: index, output: 0 })
    }

    /// The entries that an index has into loops.
    pub(super) fn index_entries(&self, index: NodeId) -> Vec<Entry> {
        self.index_entries.get(&index).cloned().unwrap_or_default()
    }

    /// What enters a loop.
    pub(super) fn entries(&self, end: NodeId) -> Vec<Port> {
        self.entries.get(&end).cloned().unwrap_or_default()
    }

    /// The table that enters a loop there.
    pub(super) fn entry(&self, end: NodeId, input: usize) -> Port {
        self.entries[&end][input]
    }
}
