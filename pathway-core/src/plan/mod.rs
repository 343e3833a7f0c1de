//! The program as data: nodes, names, source lines and properties.
//!
//! Invariant: nothing in this module performs IO, reads a clock or knows timely. A plan is built
//! by the verbs of [`crate::table`] and rendered by `render`; in between it can be
//! printed ([`explain`](explain::Explain)) and checked.

mod async_calls;
pub mod delta_join;
pub mod explain;
pub(crate) mod identity;
mod loops;
mod node;

use crate::dataflow::JoinKind;
pub use crate::dataflow::Limit;
pub use async_calls::{CallSettings, CallsNode};
pub use delta_join::DeltaJoin;
pub use loops::{Loop, LoopId, Misplaced};
pub use node::{
    Aligned, Node, NodeId, Operation, Port, Rooted, ScopeId, SharedIndex, SinkKind, SinkSlot,
    Sorted, SortedOutput, SourceNode, Terminal, TimeJoinNode, WatermarkNode, WindowNode,
    WindowTerminal,
};

use crate::stage::RowType;
use std::collections::{BTreeSet, HashMap};
use std::panic::Location;

/// A graph of nodes, in an order in which every node comes after its inputs.
#[derive(Debug, Default)]
pub struct Plan {
    nodes: Vec<Node>,
    scopes: Vec<Scope>,
    open: Vec<ScopeId>,
    loops: Vec<Loop>,
    open_loops: Vec<LoopId>,
    misplaced: Vec<Misplaced>,
    /// Indexes by table, key column and version of the table's row.
    indexes: HashMap<(Port, usize), NodeId>,
    mistakes: Vec<Mistake>,
}

/// An argument of a verb that has no meaning.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// The verb.
    pub verb: &'static str,
    /// Where the user called it.
    pub location: &'static Location<'static>,
    /// What is wrong.
    pub problem: String,
}

/// A part of the graph that a user's function made: one box in the drawing.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The function's name.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// The scope around it.
    pub parent: Option<ScopeId>,
}

impl Plan {
    /// Adds a node behind its inputs.
    ///
    /// # Panics
    ///
    /// If there are four billion nodes.
    pub fn push(
        &mut self,
        verb: &'static str,
        location: &'static Location<'static>,
        operation: Operation,
        inputs: Vec<Port>,
        outputs: Vec<RowType>,
        append_only: bool,
    ) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a plan has few nodes"));
        let mut node = Node {
            id,
            verb,
            name: None,
            doc: "",
            version: None,
            location,
            operation,
            inputs,
            outputs,
            append_only,
            never_retracts: append_only,
            scope: self.open.last().copied(),
            errors_taken: false,
            in_loop: None,
            watermark: None,
        };
        node.in_loop = self.loop_of(&node);
        node.never_retracts |= Self::hands_on(&node)
            && node.inputs.iter().all(|input| self.node(input.node).never_retracts);
        node.watermark = match &node.operation {
            Operation::Watermark(_) | Operation::LeastWatermark => Some(id),
            _ => None,
        };
        self.nodes.push(node);
        id
    }

    /// Whether a node retracts nothing unless an input does.
    fn hands_on(node: &Node) -> bool {
        match &node.operation {
            Operation::Step(_) | Operation::Concat | Operation::Index(_) => true,
            Operation::Join { kind, .. } => *kind == JoinKind::INNER,
            _ => false,
        }
    }

    /// The nodes in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// One node, to change its name or its properties.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    /// The watermark that the event times of an output's rows keep to.
    pub fn watermark(&self, port: Port) -> Option<NodeId> {
        self.node(port.node).watermark.filter(|_| port.output == 0)
    }

    /// Notes that a node hands on rows of its first input as they are, so that they keep to its
    /// watermark.
    pub fn keep_watermark(&mut self, id: NodeId) {
        let input = self.node(id).inputs.first().copied();
        self.node_mut(id).watermark = input.and_then(|input| self.watermark(input));
    }

    /// Gives rows that have been put together the least of their watermarks, if all have one.
    ///
    /// # Panics
    ///
    /// If there are four billion nodes.
    pub fn put_watermarks_together(&mut self, id: NodeId) {
        let node = self.node(id);
        let location = node.location;
        let watermarks: Option<BTreeSet<NodeId>> =
            node.inputs.iter().map(|&input| self.watermark(input)).collect();
        let Some(watermarks) = watermarks else { return };
        let watermark = match watermarks.len() {
            1 => watermarks.first().copied(),
            // Nothing in a loop has a watermark of its own.
            _ if node.in_loop.is_some() => None,
            _ => {
                let port = |node| Port { node, output: WatermarkNode::PROGRESS };
                let inputs = watermarks.into_iter().map(port).collect();
                let outputs = vec![const { RowType::of::<()>() }];
                let operation = Operation::LeastWatermark;
                Some(self.push("concat", location, operation, inputs, outputs, true))
            }
        };
        self.node_mut(id).watermark = watermark;
    }

    /// The scopes.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Opens a scope: nodes pushed until [`close_scope`](Self::close_scope) belong to it.
    ///
    /// # Panics
    ///
    /// If there are four billion scopes.
    pub fn open_scope(&mut self, name: &'static str, doc: &'static str) -> ScopeId {
        let id = ScopeId(u32::try_from(self.scopes.len()).expect("a plan has few scopes"));
        self.scopes.push(Scope { name, doc, parent: self.open.last().copied() });
        self.open.push(id);
        id
    }

    /// Closes the innermost scope.
    pub fn close_scope(&mut self) {
        self.open.pop();
    }

    /// The index over that column of that table, if there is one.
    pub fn index(&self, table: Port, column: usize) -> Option<NodeId> {
        self.indexes.get(&(table, column)).copied()
    }

    /// Remembers an index, so that the next join by the same column shares it.
    pub fn remember_index(&mut self, table: Port, column: usize, index: NodeId) {
        self.indexes.insert((table, column), index);
    }

    /// The nodes that the given ones depend on, with themselves; the others need not be rendered.
    pub fn needed_by(&self, ends: impl IntoIterator<Item = NodeId>) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for end in ends {
            needed[end.index()] = true;
        }
        for node in self.nodes.iter().rev() {
            if needed[node.id.index()] {
                for input in &node.inputs {
                    needed[input.node.index()] = true;
                }
            }
        }
        needed
    }

    /// Notes a mistake, so that the pipeline will not start.
    pub fn add_mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// What is wrong with the program.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// The sinks.
    pub fn sinks(&self) -> impl Iterator<Item = NodeId> {
        self.nodes
            .iter()
            .filter(|node| matches!(node.operation, Operation::Sink(_)))
            .map(|node| node.id)
    }
}
