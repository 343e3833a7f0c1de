//! The steps of a loop: from the rows of one operator to what the next ones take.

use super::LoopRenderer;
use crate::dataflow::ReducePlan;
use crate::dataflow::iterate::{self, AnyFeed, AnyFlow, Flow, InputsFeed, SharedFeed, WeightsFeed};
use crate::plan::{Node, NodeId, Operation, Port};
use crate::schema::DataType;
use crate::stage::{
    AnyStep, EncodedStep, EncodedTee, InputsCollector, KeyedCollector, ReduceByColumns, RowType,
    RowsByColumn, StepContext,
};
use std::sync::Arc;

/// A terminal in a loop: whom it feeds.
pub(super) struct LoopFeed {
    pub(super) consumer: NodeId,
    pub(super) input: usize,
    pub(super) feed: AnyFeed,
}

impl<'a, 'inner> LoopRenderer<'_, 'a, '_, 'inner> {
    /// Hands whole rows to the consumers of an output: as they are where that will do.
    pub(super) fn rows(&mut self, node: &'a Node, output: usize, flow: Flow<'inner>) {
        let port = Port { node: node.id, output };
        let rows = node.outputs[output];
        let (mut encoded, mut typed) = (Vec::new(), Vec::new());
        let mut feeds = Vec::new();
        for (consumer, input) in self.consumers(port) {
            let node = self.plan().node(consumer);
            if matches!(node.operation, Operation::Concat) {
                self.rows(node, 0, flow.clone());
            } else if takes_rows(&node.operation) {
                let flow = AnyFlow::Rows(flow.clone());
                self.inputs.entry((consumer, input)).or_default().push(flow);
            } else if let Some(step) = by_columns((rows.data_type)(), node, &mut feeds) {
                encoded.push(step);
            } else {
                typed.push(self.consumer(consumer, input, rows, &mut feeds));
            }
        }
        match typed.len() {
            0 => {}
            1 => encoded
                .extend(typed.pop().map(|step| -> Box<dyn EncodedStep> { (rows.root)(step) })),
            _ => encoded.push((rows.root)((rows.tee)(typed))),
        }
        if !encoded.is_empty() {
            self.run(node, flow, Box::new(EncodedTee(encoded)), feeds);
        }
    }

    /// Runs steps on a flow, and leaves what they give for its consumers.
    pub(super) fn run(
        &mut self,
        node: &Node,
        flow: Flow<'inner>,
        root: Box<dyn EncodedStep>,
        feeds: Vec<LoopFeed>,
    ) {
        let (consumers, feeds): (Vec<_>, Vec<_>) =
            feeds.into_iter().map(|to| ((to.consumer, to.input), to.feed)).unzip();
        let flows = iterate::steps(flow, &node.describe(), root, feeds);
        for (consumer, flow) in consumers.into_iter().zip(flows) {
            self.inputs.entry(consumer).or_default().push(flow);
        }
    }

    fn consumers(&self, port: Port) -> Vec<(NodeId, usize)> {
        self.renderer.consumers.of.get(&port).cloned().unwrap_or_default()
    }

    /// The steps behind an output.
    pub(super) fn steps(&self, port: Port, feeds: &mut Vec<LoopFeed>) -> AnyStep {
        let rows = self.plan().node(port.node).outputs[port.output];
        let consumers = self.consumers(port).into_iter();
        let mut steps: Vec<AnyStep> = consumers
            .map(|(consumer, input)| self.consumer(consumer, input, rows, feeds))
            .collect();
        if steps.len() == 1 {
            return steps.pop().expect("there is one");
        }
        (rows.tee)(steps)
    }

    /// The step of one consumer: its own chain, or the terminal in front of its operator.
    fn consumer(
        &self,
        consumer: NodeId,
        input: usize,
        rows: RowType,
        feeds: &mut Vec<LoopFeed>,
    ) -> AnyStep {
        let context = self.renderer.context;
        let node = self.plan().node(consumer);
        match &node.operation {
            Operation::Step(factory) => {
                let next = (0..node.outputs.len())
                    .map(|output| self.steps(Port { node: consumer, output }, feeds))
                    .collect();
                let step = StepContext {
                    node: consumer.0,
                    fail: Arc::clone(&context.fail),
                    errors_taken: node.errors_taken,
                };
                factory(&step, next)
            }
            Operation::Concat => self.steps(Port { node: consumer, output: 0 }, feeds),
            Operation::Index(index) => (index.terminal)(consumer.0, feed(node, input, feeds)),
            Operation::Reduce { terminal, plan, .. } => {
                terminal(consumer.0, inputs_feed(node, plan, feeds))
            }
            Operation::Total { terminal, .. } => {
                terminal(consumer.0, Box::new(whole_inputs_feed(node, feeds)))
            }
            Operation::Sort(sorted) => (sorted.terminal)(consumer.0, feed(node, input, feeds)),
            _ => (rows.rows)(feed(node, input, feeds)),
        }
    }
}

/// Whether an operator takes whole rows.
fn takes_rows(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Distinct | Operation::Set { .. } | Operation::Variable(_) | Operation::Loop(_)
    )
}

fn new_feed(consumer: NodeId, input: usize, feeds: &mut Vec<LoopFeed>) -> SharedFeed {
    let feed = SharedFeed::new();
    feeds.push(LoopFeed { consumer, input, feed: AnyFeed::Rows(feed.clone()) });
    feed
}

fn feed(node: &Node, input: usize, feeds: &mut Vec<LoopFeed>) -> Box<dyn KeyedCollector> {
    Box::new(new_feed(node.id, input, feeds))
}

fn inputs_feed(
    node: &Node,
    plan: &ReducePlan,
    feeds: &mut Vec<LoopFeed>,
) -> Box<dyn InputsCollector> {
    if plan.adds_up() {
        let feed = SharedFeed::new();
        let any = AnyFeed::Weights(feed.clone());
        feeds.push(LoopFeed { consumer: node.id, input: 0, feed: any });
        return Box::new(WeightsFeed::new(feed, plan.clone()));
    }
    Box::new(whole_inputs_feed(node, feeds))
}

/// The arguments of reducers as they are.
fn whole_inputs_feed(node: &Node, feeds: &mut Vec<LoopFeed>) -> InputsFeed {
    InputsFeed::new(new_feed(node.id, 0, feeds))
}

/// A consumer that takes columns of rows as they are encoded, if it is one.
fn by_columns(
    rows: DataType,
    node: &Node,
    feeds: &mut Vec<LoopFeed>,
) -> Option<Box<dyn EncodedStep>> {
    Some(match &node.operation {
        Operation::Index(index) => {
            Box::new(RowsByColumn::new(rows, index.column?, feed(node, 0, feeds)))
        }
        Operation::Reduce { columns, plan, .. } => {
            let columns = columns.as_ref()?;
            Box::new(ReduceByColumns::new(rows, columns, inputs_feed(node, plan, feeds)))
        }
        _ => return None,
    })
}
