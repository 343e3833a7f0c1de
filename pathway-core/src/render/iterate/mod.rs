//! Loops: an outermost loop and all that stands in it is one scope of differential's operators.
//!
//! Nodes of a loop are rendered when the plan comes to its end. What they take from outside enters
//! there: a table once, and an index as its rows by key. As outside, the steps behind an operator
//! are one chain of closures down to the terminals that feed others.

mod join;
mod sort;
mod steps;

use super::{Renderer, SharedState};
use crate::dataflow::iterate::{
    self, AnyFlow, Buffer, Entered, Feedback, Flow, Index, Kept, Left, LoopTime, NotSettled, Row,
    WholeGroup,
};
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{self, Closes, Edge, Pact};
use crate::dataflow::{Limit, ReducePlan};
use crate::format;
use crate::plan::{LoopId, Node, NodeId, Operation, Plan, Port};
use crate::stage::{Diff, EncodedStep, LeftRows};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use timely::dataflow::Scope;
use timely::dataflow::operators::probe::Probe as _;

struct LoopRenderer<'r, 'a, 'outer, 'inner> {
    renderer: &'r Renderer<'a, 'outer>,
    scope: Scope<'inner, LoopTime>,
    /// The nodes of the loop in order; the last one ends it.
    nodes: Vec<&'a Node>,
    /// What has been left for the nodes that come, in parts.
    inputs: HashMap<(NodeId, usize), Vec<AnyFlow<'inner>>>,
    indexes: HashMap<NodeId, Index<'inner>>,
    feedbacks: HashMap<NodeId, Feedback<'inner>>,
    /// What the loop makes of its variables.
    results: Vec<Flow<'inner>>,
    /// What the nodes keep.
    states: Vec<(NodeId, SharedState)>,
    /// What has entered, in a durable pipeline.
    entered: Vec<(NodeId, Port, SharedState)>,
    /// What still changes after the last round of a loop that may not.
    unsettled: Vec<(NodeId, u64, Flow<'inner>)>,
}

/// A result of a loop, outside.
struct Leaving<'outer> {
    edge: Edge<'outer>,
    /// The loop and its limit, where this is what it may not give.
    unsettled: Option<(NodeId, u64)>,
}

impl<'a, 'outer> Renderer<'a, 'outer> {
    /// Renders an outermost loop, and what its results feed.
    pub(super) fn iterate(&mut self, end: &Node, id: LoopId) {
        let mut edges = self.inputs_by_entry(end);
        let this = &*self;
        let (leaving, states, entered): (Vec<Leaving<'outer>>, _, _) =
            this.scope.scoped::<LoopTime, _, _>(&end.describe(), |scope| {
                let mut inner = LoopRenderer {
                    renderer: this,
                    scope,
                    nodes: this.nodes_of(end, id),
                    inputs: HashMap::new(),
                    indexes: HashMap::new(),
                    feedbacks: HashMap::new(),
                    results: Vec::new(),
                    states: Vec::new(),
                    entered: Vec::new(),
                    unsettled: Vec::new(),
                };
                inner.enter(end, &mut edges);
                for node in inner.nodes.clone() {
                    inner.node(node);
                }
                let results = inner.results.into_iter().map(|flow| (flow, None));
                let unsettled = inner.unsettled.into_iter();
                let unsettled = unsettled.map(|(node, rounds, flow)| (flow, Some((node, rounds))));
                let leave = |(flow, unsettled)| Leaving {
                    edge: iterate::leave(flow, this.scope),
                    unsettled,
                };
                (results.chain(unsettled).map(leave).collect(), inner.states, inner.entered)
            });
        self.states.extend(states);
        self.entered.extend(entered);
        for (output, Leaving { edge, unsettled }) in leaving.into_iter().enumerate() {
            let pact = if self.peers() == 1 { Pact::Local } else { Pact::Exchanged };
            let mut feeds = Vec::new();
            let logic: Box<dyn operator::Logic> = if let Some((node, rounds)) = unsettled {
                let fail = self.fail(self.context.plan.node(node));
                Box::new(NotSettled::new(rounds, fail))
            } else {
                let root = self.row_tree(Port { node: end.id, output }, &mut feeds);
                Box::new(Left::new(root, self.context.restores))
            };
            let buffers = feeds.iter().map(|feed| Rc::clone(&feed.buffer)).collect();
            let name = end.describe();
            let inputs = vec![(edge, pact)];
            let (edges, end) =
                operator::build(self.scope, &name, inputs, buffers, logic, Closes::Arrived);
            end.probe_with(&self.probe);
            for (feed, edge) in feeds.into_iter().zip(edges) {
                self.connect(&feed, edge);
            }
        }
    }

    /// The edges that have been left for a loop, by entry.
    fn inputs_by_entry(&mut self, end: &Node) -> HashMap<usize, Edge<'outer>> {
        let edges = self.edges.remove(&end.id).unwrap_or_default();
        edges.into_iter().map(|(input, edge, _)| (input, edge)).collect()
    }

    /// The nodes of an outermost loop in order, and its end.
    fn nodes_of(&self, end: &'a Node, id: LoopId) -> Vec<&'a Node> {
        let (plan, needed) = (self.context.plan, self.context.needed);
        let inside = |node: &&Node| {
            needed[node.id.index()] && (plan.outermost(node.id) == Some(id) || node.id == end.id)
        };
        plan.nodes().iter().filter(inside).collect()
    }
}

impl<'a, 'inner> LoopRenderer<'_, 'a, '_, 'inner> {
    fn plan(&self) -> &'a Plan {
        self.renderer.context.plan
    }

    /// Takes what the loop uses from outside to those that use it.
    fn enter(&mut self, end: &Node, edges: &mut HashMap<usize, Edge<'_>>) {
        let renderer = self.renderer;
        let entries = renderer.consumers.entries(end.id);
        for (entry, port) in entries.into_iter().enumerate() {
            let edge = edges.remove(&entry).expect("what enters a loop comes before its end");
            let entered = renderer.context.durable.map(|_| Rc::new(RefCell::new(Entered::new())));
            let flow = iterate::enter(edge, self.scope, entered.clone());
            if let Some(entered) = entered {
                self.entered.push((end.id, port, entered));
            }
            let node = self.plan().node(port.node);
            if let Operation::Index(shared) = &node.operation {
                let index = iterate::index(flow, &node.describe(), &self.kept(node));
                // One that is read outside too is checked there.
                if shared.unique && !renderer.consumers.has_outer_readers(node.id) {
                    self.check_unique(node, &index);
                }
                self.indexes.insert(node.id, index);
                continue;
            }
            for node in &self.nodes {
                for (at, _) in node.inputs.iter().enumerate().filter(|(_, input)| **input == port) {
                    let flow = AnyFlow::Rows(flow.clone());
                    self.inputs.entry((node.id, at)).or_default().push(flow);
                }
            }
        }
    }

    fn node(&mut self, node: &'a Node) {
        let name = node.describe();
        match &node.operation {
            Operation::Step(_) => {}
            Operation::Variable(id) => {
                let level = self.plan().loops()[id.index()].level;
                let initial = self.input(node, 0);
                let (feedback, variable) = Feedback::new(self.scope, initial, level);
                self.feedbacks.insert(node.id, feedback);
                self.rows(node, 0, variable);
            }
            Operation::Loop(id) => self.end(node, *id),
            // What is put together goes straight to those that take it; here is what has entered.
            Operation::Concat => {
                for at in 0..node.inputs.len() {
                    for flow in self.inputs.remove(&(node.id, at)).unwrap_or_default() {
                        self.rows(node, 0, flow.into_rows());
                    }
                }
            }
            Operation::Index(shared) => {
                let index = iterate::index(self.input(node, 0), &name, &self.kept(node));
                if shared.unique {
                    self.check_unique(node, &index);
                }
                self.indexes.insert(node.id, index);
            }
            Operation::Unique => {
                let rows = iterate::rows_of(&self.indexes[&node.inputs[0].node]);
                self.rows(node, 0, rows);
            }
            Operation::Total { plan, .. } => {
                let (flow, kept) = (self.input(node, 0), self.kept(node));
                let (mut table, fail) = (WholeGroup::new(plan), self.renderer.fail(node));
                let total = iterate::reduce_table(flow, &name, &kept, move |rows| {
                    let total = table.evaluate_table(rows);
                    total.unwrap_or_else(|problem| {
                        fail(None, problem);
                        None
                    })
                });
                self.rows(node, 0, total);
            }
            Operation::Sort(sorted) => self.sort(node, sorted),
            Operation::Join { kind, root } => {
                let root = |next| -> Box<dyn EncodedStep> {
                    match root {
                        Some(root) => root(node.id.0, next),
                        None => Box::new(LeftRows((node.outputs[0].root)(next))),
                    }
                };
                self.join(node, *kind, &root);
            }
            Operation::Reduce { plan, root, .. } => {
                let (flow, kept) = (self.any_input(node, 0), self.kept(node));
                let groups = reduce(flow, &name, &kept, plan, self.renderer.fail(node));
                let mut feeds = Vec::new();
                let root = root(self.steps(Port { node: node.id, output: 0 }, &mut feeds));
                self.run(node, groups, root, feeds);
            }
            Operation::Distinct => {
                let fail = self.renderer.fail(node);
                let copies = move |row: &Row, values: &[(&Row, Diff)]| match values {
                    [(_, 1..)] => 1,
                    _ => taken_away(&fail, row),
                };
                let (flow, kept) = (self.input(node, 0), self.kept(node));
                let distinct = iterate::threshold(flow, &name, &kept, copies);
                self.rows(node, 0, distinct);
            }
            Operation::Set { intersect } => {
                let kept = self.set(node, *intersect);
                self.rows(node, 0, kept);
            }
            Operation::Source(_)
            | Operation::Changes { .. }
            | Operation::Upsert { .. }
            | Operation::Stateful { .. }
            | Operation::DeltaJoin(_)
            | Operation::Calls(_)
            | Operation::Window(_)
            | Operation::TimeJoin(_)
            | Operation::Machine { .. }
            | Operation::Validity { .. }
            | Operation::Stamp { .. }
            | Operation::Watermark(_)
            | Operation::LeastWatermark
            | Operation::Sink(_) => {
                unreachable!("a plan with {name} in a loop does not start")
            }
        }
    }

    /// What a node keeps, to be measured.
    fn kept(&mut self, node: &Node) -> Kept {
        let kept = Kept::default();
        self.states.push((node.id, Rc::new(RefCell::new(kept.clone()))));
        kept
    }

    fn input(&mut self, node: &Node, at: usize) -> Flow<'inner> {
        self.any_input(node, at).into_rows()
    }

    fn any_input(&mut self, node: &Node, at: usize) -> AnyFlow<'inner> {
        let parts = self.inputs.remove(&(node.id, at)).into_iter().flatten();
        parts.reduce(AnyFlow::concat).expect("nodes come after their inputs")
    }

    /// Fails where two rows of an index have the same key.
    fn check_unique(&mut self, node: &Node, index: &Index<'inner>) {
        let (kept, fail, data_type) = (self.kept(node), self.renderer.fail(node), node.rows());
        iterate::check_keys(index, &kept, move |rows| {
            let copies = |(row, copies): &(&Row, Diff)| {
                let row = row.bytes(&mut Buffer::default()).to_vec();
                std::iter::repeat_n(row, usize::try_from(*copies).unwrap_or(0).min(2))
            };
            let mut rows: Vec<Vec<u8>> = rows.iter().flat_map(copies).collect();
            rows.sort_unstable();
            if let [first, second, ..] = rows.as_slice() {
                let show = |row: &[u8]| format::display::display(data_type, row);
                let (first, second) = (show(first), show(second));
                fail(None, format!("two rows have the same key: {first} and {second}"));
            }
        });
    }

    /// Ends a loop: closes the rounds of its variables.
    fn end(&mut self, node: &'a Node, id: LoopId) {
        let inner = &self.plan().loops()[id.index()];
        for (at, variable) in inner.variables.iter().enumerate() {
            let mut next = self.input(node, at);
            if self.plan().circulates(node.inputs[at], id) {
                next = iterate::consolidate(next, &self.kept(node));
            }
            // A variable that no result depends on is not there.
            if let Some(feedback) = self.feedbacks.remove(variable) {
                let rounds = Arc::clone(&self.renderer.context.rounds[&node.id]);
                let unsettled = feedback.set(next.clone(), inner.limit, (rounds, at));
                if let (Some(flow), Limit::Fail(rounds)) = (unsettled, inner.limit) {
                    self.unsettled.push((node.id, rounds, flow));
                }
            }
            if inner.level == 1 {
                self.results.push(next);
            } else {
                self.rows(node, at, iterate::leave_inner(next, inner.level));
            }
        }
    }

    fn set(&mut self, node: &Node, intersect: bool) -> Flow<'inner> {
        let side = |flow: Flow<'inner>, side: u8| {
            let side = Row::new(&[side]);
            flow.map(move |(row, _)| (row, side.clone()))
        };
        let sides = side(self.input(node, 0), 0).concat(side(self.input(node, 1), 1));
        let fail = self.renderer.fail(node);
        let left = Row::new(&[0]);
        iterate::threshold(sides, &node.describe(), &self.kept(node), move |row, values| {
            let (mut here, mut there) = (0, 0);
            for (side, copies) in values {
                *if **side == left { &mut here } else { &mut there } = *copies;
            }
            match (here, there) {
                (..0, _) | (_, ..0) => taken_away(&fail, row),
                _ if intersect => here.min(there),
                _ => (here - there).max(0),
            }
        })
    }
}

fn reduce<'inner>(
    flow: AnyFlow<'inner>,
    name: &str,
    kept: &Kept,
    plan: &ReducePlan,
    fail: Fail,
) -> Flow<'inner> {
    match flow {
        AnyFlow::Weights(weights) => {
            iterate::reduce_weights(weights, name, kept, plan, move |key, problem| {
                fail(Some(key.bytes(&mut Buffer::default())), problem);
            })
        }
        AnyFlow::Rows(rows) => {
            let mut group = WholeGroup::new(plan);
            iterate::reduce(rows, name, kept, move |key, rows, out| match group.evaluate(rows) {
                Ok(outputs) => out.extend(outputs.map(|outputs| (outputs, 1))),
                Err(problem) => fail(Some(key.bytes(&mut Buffer::default())), problem),
            })
        }
    }
}

fn taken_away(fail: &Fail, row: &Row) -> Diff {
    let problem = "more copies of a row were taken away than had been added";
    fail(Some(row.bytes(&mut Buffer::default())), problem.to_owned());
    0
}
