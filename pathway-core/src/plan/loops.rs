//! Loops of a plan: which nodes stand in one, and which may.

use super::{Node, NodeId, Operation, Plan, Port};
use crate::dataflow::{LEVELS_MAX, Limit};
use std::panic::Location;

/// A loop of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoopId(pub u32);

impl LoopId {
    /// The position among the loops.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A part of the plan that is repeated until nothing changes.
#[derive(Clone, Debug)]
pub struct Loop {
    /// The verb that made it.
    pub verb: &'static str,
    /// Where the user called it.
    pub location: &'static Location<'static>,
    /// The loop around it.
    pub parent: Option<LoopId>,
    /// How deep it is nested; an outermost loop is at level one.
    pub level: usize,
    /// How many rounds it may take.
    pub limit: Limit,
    /// What it repeats.
    pub variables: Vec<NodeId>,
}

impl Loop {
    /// What messages call the loop.
    pub fn describe(&self) -> String {
        format!("the loop `{}` at {}", self.verb, self.location)
    }
}

/// A mistake in a plan: what stands where it may not.
#[derive(Clone, Debug)]
pub struct Misplaced {
    /// The verb and its source line.
    pub operator: String,
    /// The loop and its source line.
    pub around: String,
    /// Why it may not stand there.
    pub problem: &'static str,
}

impl Plan {
    /// The loops.
    pub fn loops(&self) -> &[Loop] {
        &self.loops
    }

    /// Opens a loop around the nodes that will depend on its variables.
    ///
    /// # Panics
    ///
    /// If there are four billion loops.
    pub fn open_loop(
        &mut self,
        verb: &'static str,
        location: &'static Location<'static>,
        limit: Limit,
    ) -> LoopId {
        let id = LoopId(u32::try_from(self.loops.len()).expect("a plan has few loops"));
        let parent = self.open_loops.last().copied();
        let level = parent.map_or(0, |parent| self.loops[parent.index()].level) + 1;
        if let Some(parent) = parent.filter(|_| level > LEVELS_MAX) {
            self.misplaced.push(Misplaced {
                operator: format!("`{verb}` at {location}"),
                around: self.loops[parent.index()].describe(),
                problem: "loops nest at most four deep",
            });
        }
        self.loops.push(Loop { verb, location, parent, level, limit, variables: Vec::new() });
        self.open_loops.push(id);
        id
    }

    /// Closes the innermost loop.
    pub fn close_loop(&mut self) {
        self.open_loops.pop();
    }

    /// The loop that a new node stands in: the innermost one that it depends on.
    pub(super) fn loop_of(&mut self, node: &Node) -> Option<LoopId> {
        let around = |input: &Port| self.node(input.node).in_loop;
        let loops: Vec<LoopId> = node.inputs.iter().filter_map(around).collect();
        let innermost = loops.iter().copied().max_by_key(|id| self.loops[id.index()].level);
        let closed = loops.into_iter().find(|id| !self.open_loops.contains(id));
        let misplaced = if let Some(closed) = closed {
            let problem = "a table of a loop is known in its closure only; return it from there";
            Some((closed, problem))
        } else {
            let problem = "it cannot be repeated; move it in front of the loop or behind it";
            innermost.filter(|_| !node.operation.may_loop()).map(|around| (around, problem))
        };
        if let Some((around, problem)) = misplaced {
            self.misplaced.push(Misplaced {
                operator: node.describe(),
                around: self.loops[around.index()].describe(),
                problem,
            });
        }
        match node.operation {
            Operation::Variable(around) => {
                self.loops[around.index()].variables.push(node.id);
                Some(around)
            }
            Operation::Loop(ended) => self.loops[ended.index()].parent,
            _ => innermost,
        }
    }

    /// What stands where it may not.
    pub fn misplaced(&self) -> &[Misplaced] {
        &self.misplaced
    }

    /// The outermost loop around a node.
    pub fn outermost(&self, node: NodeId) -> Option<LoopId> {
        let mut at = self.node(node).in_loop?;
        while let Some(parent) = self.loops[at.index()].parent {
            at = parent;
        }
        Some(at)
    }

    /// Whether what a loop's variable becomes may be the variable again without an operator
    /// between that sums equal updates: what cancels would go round for ever.
    pub fn circulates(&self, next: Port, around: LoopId) -> bool {
        let mut ways = vec![next];
        while let Some(port) = ways.pop() {
            let node = self.node(port.node);
            match &node.operation {
                Operation::Variable(of) if *of == around => return true,
                Operation::Variable(_)
                | Operation::Step(_)
                | Operation::Concat
                | Operation::Loop(_) => ways.extend(&node.inputs),
                _ => {}
            }
        }
        false
    }
}

impl Operation {
    /// Whether it may stand in a loop: whether what it gives is a function of its tables at one
    /// moment.
    fn may_loop(&self) -> bool {
        match self {
            Self::Join { kind, .. } => !kind.as_of_now,
            Self::Index(_)
            | Self::Unique
            | Self::Total { .. }
            | Self::Sort(_)
            | Self::Step(_)
            | Self::Concat
            | Self::Reduce { .. }
            | Self::Distinct
            | Self::Set { .. }
            | Self::Variable(_)
            | Self::Loop(_) => true,
            Self::Source(_)
            | Self::Changes { .. }
            | Self::Upsert { .. }
            | Self::DeltaJoin(_)
            | Self::Stateful { .. }
            | Self::Calls(_)
            | Self::Window(_)
            | Self::TimeJoin(_)
            | Self::Machine { .. }
            | Self::Validity { .. }
            | Self::Stamp { .. }
            | Self::Watermark(_)
            | Self::LeastWatermark
            | Self::Sink(_) => false,
        }
    }
}
