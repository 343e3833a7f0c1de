//! Loops: an outermost loop and all that stands in it is one scope of differential's operators.
//!
//! Nodes of a loop are rendered when the plan comes to its end. What they take from outside enters
//! there: a table once, and an index as its rows by key. As outside, the steps behind an operator
//! are one chain of closures down to the terminals that feed others.

mod steps;

use super::Renderer;
use crate::dataflow::iterate::{
    self, Buffer, Feedback, Flow, Index, Left, LoopTime, NotSettled, Row, SharedFeed, WholeGroup,
};
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{self, Closes, Edge, Pact};
use crate::dataflow::{Alone, JoinKind, Limit, ReducePlan};
use crate::plan::{LoopId, Node, NodeId, Operation, Plan, Port};
use crate::stage::{AnyStep, Diff, EncodedStep, LeftRows};
use std::collections::HashMap;
use std::rc::Rc;
use steps::LoopFeed;
use timely::dataflow::Scope;
use timely::dataflow::operators::probe::Probe as _;

struct LoopRenderer<'r, 'a, 'outer, 'inner> {
    renderer: &'r Renderer<'a, 'outer>,
    scope: Scope<'inner, LoopTime>,
    /// The nodes of the loop in order; the last one ends it.
    nodes: Vec<&'a Node>,
    /// What has been left for the nodes that come, in parts.
    inputs: HashMap<(NodeId, usize), Vec<Flow<'inner>>>,
    indexes: HashMap<NodeId, Index<'inner>>,
    feedbacks: HashMap<NodeId, Feedback<'inner>>,
    /// What the loop makes of its variables.
    results: Vec<Flow<'inner>>,
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
        let leaving: Vec<Leaving<'outer>> =
            this.scope.scoped::<LoopTime, _, _>(&end.describe(), |scope| {
                let mut inner = LoopRenderer {
                    renderer: this,
                    scope,
                    nodes: this.nodes_of(end, id),
                    inputs: HashMap::new(),
                    indexes: HashMap::new(),
                    feedbacks: HashMap::new(),
                    results: Vec::new(),
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
                results.chain(unsettled).map(leave).collect()
            });
        for (output, Leaving { edge, unsettled }) in leaving.into_iter().enumerate() {
            let pact = if self.peers() == 1 { Pact::Local } else { Pact::Exchanged };
            let mut feeds = Vec::new();
            let logic: Box<dyn operator::Logic> = if let Some((node, rounds)) = unsettled {
                let fail = self.fail(self.context.plan.node(node));
                Box::new(NotSettled::new(rounds, fail))
            } else {
                let root = self.row_tree(Port { node: end.id, output }, &mut feeds);
                Box::new(Left::new(root))
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
            let flow = iterate::enter(edge, self.scope);
            let node = self.plan().node(port.node);
            if matches!(node.operation, Operation::Index(_)) {
                self.indexes.insert(node.id, iterate::index(flow, &node.describe()));
                continue;
            }
            for node in &self.nodes {
                for (at, _) in node.inputs.iter().enumerate().filter(|(_, input)| **input == port) {
                    self.inputs.entry((node.id, at)).or_default().push(flow.clone());
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
                        self.rows(node, 0, flow);
                    }
                }
            }
            Operation::Index(_) => {
                let index = iterate::index(self.input(node, 0), &name);
                self.indexes.insert(node.id, index);
            }
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
                let groups = reduce(self.input(node, 0), &name, plan, self.renderer.fail(node));
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
                let distinct = iterate::threshold(self.input(node, 0), &name, copies);
                self.rows(node, 0, distinct);
            }
            Operation::Set { intersect } => {
                let kept = self.set(node, *intersect);
                self.rows(node, 0, kept);
            }
            Operation::Source(_)
            | Operation::Changes { .. }
            | Operation::Upsert { .. }
            | Operation::Unique
            | Operation::DeltaJoin(_)
            | Operation::Total { .. }
            | Operation::Stateful { .. }
            | Operation::Calls(_)
            | Operation::Sort(_)
            | Operation::Window(_)
            | Operation::Machine { .. }
            | Operation::Watermark(_)
            | Operation::Sink(_) => {
                unreachable!("a plan with {name} in a loop does not start")
            }
        }
    }

    fn input(&mut self, node: &Node, at: usize) -> Flow<'inner> {
        let parts = self.inputs.remove(&(node.id, at)).into_iter().flatten();
        parts.reduce(Flow::concat).expect("nodes come after their inputs")
    }

    /// Ends a loop: closes the rounds of its variables.
    fn end(&mut self, node: &'a Node, id: LoopId) {
        let inner = &self.plan().loops()[id.index()];
        for (at, variable) in inner.variables.iter().enumerate() {
            let mut next = self.input(node, at);
            if self.plan().circulates(node.inputs[at], id) {
                next = iterate::consolidate(next);
            }
            // A variable that no result depends on is not there.
            if let Some(feedback) = self.feedbacks.remove(variable) {
                let unsettled = feedback.set(next.clone(), inner.limit);
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

    fn join(
        &mut self,
        node: &'a Node,
        kind: JoinKind,
        root: &dyn Fn(AnyStep) -> Box<dyn EncodedStep>,
    ) {
        let index = |at: usize| {
            let index: &Index<'inner> = &self.indexes[&node.inputs[at].node];
            index.clone()
        };
        let (left, right) = (index(0), index(1));
        let name = node.describe();
        // Where the rows go to several consumers, they are encoded in between.
        let port = Port { node: node.id, output: 0 };
        let mut several = Vec::new();
        let next = self.steps(port, &mut several);
        let direct = several.len() == 1;
        drop(next);
        let terminal = || {
            let mut feeds = Vec::new();
            let next = if direct {
                self.steps(port, &mut feeds)
            } else {
                let feed = SharedFeed::new();
                feeds.push(LoopFeed { consumer: node.id, input: 0, feed: feed.clone() });
                (node.outputs[0].rows)(Box::new(feed))
            };
            (root(next), feeds.pop().expect("there is one"))
        };
        let mut flows = Vec::new();
        if kind.pairs {
            let (root, feed) = terminal();
            flows.push(iterate::join(left.clone(), right.clone(), &name, root, feed.feed));
        }
        for (alone, side) in [(kind.left, Side::Left), (kind.right, Side::Right)] {
            if alone == Alone::No {
                continue;
            }
            let (rows, other) = match side {
                Side::Left => (left.clone(), right.clone()),
                Side::Right => (right.clone(), left.clone()),
            };
            let rows = iterate::matched_keys(rows, other, alone == Alone::Unmatched);
            let (root, feed) = terminal();
            let root = Box::new(OneSide { side, root });
            flows.extend(iterate::steps(rows, &name, root, vec![feed.feed]));
        }
        let first = flows.pop().expect("a join gives something");
        let all = flows.into_iter().fold(first, Flow::concat);
        if direct {
            let (_, feed) = terminal();
            self.inputs.entry((feed.consumer, feed.input)).or_default().push(all);
        } else {
            self.rows(node, 0, all);
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
        iterate::threshold(sides, &node.describe(), move |row, values| {
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

fn reduce<'inner>(flow: Flow<'inner>, name: &str, plan: &ReducePlan, fail: Fail) -> Flow<'inner> {
    if plan.adds_up() {
        return iterate::reduce_weights(flow, name, plan, move |key, problem| {
            fail(Some(key.bytes(&mut Buffer::default())), problem);
        });
    }
    let mut group = WholeGroup::new(plan);
    iterate::reduce(flow, name, move |key, rows, out| match group.evaluate(rows) {
        Ok(outputs) => out.extend(outputs.map(|outputs| (outputs, 1))),
        Err(problem) => fail(Some(key.bytes(&mut Buffer::default())), problem),
    })
}

fn taken_away(fail: &Fail, row: &Row) -> Diff {
    let problem = "more copies of a row were taken away than had been added";
    fail(Some(row.bytes(&mut Buffer::default())), problem.to_owned());
    0
}

/// A side of a join.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Gives rows to the root of a join that have no partner.
struct OneSide {
    side: Side,
    root: Box<dyn EncodedStep>,
}

impl EncodedStep for OneSide {
    fn push(&mut self, row: &[u8], _: &[u8], diff: Diff) {
        match self.side {
            Side::Left => self.root.push_left(row, diff),
            Side::Right => self.root.push_right(row, diff),
        }
    }
}
