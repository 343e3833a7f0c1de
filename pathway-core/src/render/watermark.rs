//! A watermark: the step or the operator that finds late rows, and the merge that computes how far time has come.

use super::{Entry, Feed, Renderer, SharedState, exchanged};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::operator::{self, Closes, Edge, Logic, Pact};
use crate::dataflow::out_buffer::{OutBuffer, Route};
use crate::dataflow::watermark::{self, Judge, Least, Merge, Partitions, Passage, TIME_LEN};
use crate::format;
use crate::plan::{Node, Port, WatermarkNode};
use crate::stage::{AnyStep, EncodedStep, KeyedCollector};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use timely::dataflow::operators::probe::Probe as _;

/// Where the rows in front of a watermark go.
pub(super) fn collector(
    renderer: &mut Renderer<'_, '_>,
    consumer: Entry,
    watermark: &WatermarkNode,
    feeds: &mut Vec<Feed>,
) -> Box<dyn KeyedCollector> {
    if watermark.updates {
        // The updates of a key are decided on together.
        let route = Route::ByKeyBehind(TIME_LEN);
        return exchanged(route, renderer.peers(), consumer, Pact::Exchanged, feeds);
    }
    exchanged(Route::To(0), 1, consumer, Pact::Local, feeds)
}

/// The watermark as a step of the stage in front of it.
pub(super) fn step(
    renderer: &mut Renderer<'_, '_>,
    consumer: Entry,
    watermark: &WatermarkNode,
    feeds: &mut Vec<Feed>,
) -> AnyStep {
    let node = renderer.context.plan.node(consumer.node);
    let next = renderer.steps(Port { node: node.id, output: 0 }, feeds);
    let late = renderer.row_tree(Port { node: node.id, output: 1 }, feeds);
    let judge = judge(renderer, node, watermark, late);
    let buffer = Rc::new(RefCell::new(OutBuffer::of_times(renderer.peers())));
    feeds.push(Feed { consumer, buffer: Rc::clone(&buffer), pact: Pact::Exchanged });
    let passage = Passage::new(judge, watermark.plan.per_key, buffer);
    (watermark.input.step)(node.id.0, Box::new(passage), next)
}

fn judge(
    renderer: &mut Renderer<'_, '_>,
    node: &Node,
    watermark: &WatermarkNode,
    late: Box<dyn EncodedStep>,
) -> Judge {
    let row_type = node.rows();
    Judge {
        watermark: renderer.watermark(node.id),
        ahead: watermark.plan.ahead,
        clock: Alarm::new(&renderer.clock),
        late,
        late_taken: node.errors_taken,
        late_rows: Arc::clone(&renderer.context.late_rows[&node.id]),
        describe: Box::new(watermark.describe),
        describe_row: Box::new(move |row| format::display::display(row_type, row)),
        fail: renderer.fail(node),
    }
}

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, watermark: &WatermarkNode) {
    let shared = renderer.watermark(node.id);
    if watermark.aligned.is_some() {
        renderer.aligned.push((node.id, Rc::clone(&shared)));
    }
    let inputs = if watermark.is_step() {
        renderer.inputs(node)
    } else {
        vec![(edge(renderer, node, watermark), Pact::Exchanged)]
    };
    let partitions = Rc::new(RefCell::new(Partitions::new(watermark.plan, shared)));
    renderer.states.push((node.id, Rc::clone(&partitions) as SharedState));
    let alarm = Alarm::new(&renderer.clock);
    let merge = Merge { partitions, alarm, heard: Vec::new(), ended: false };
    progressing(renderer, node, inputs, Box::new(merge));
}

/// The operator that finds late rows. Answers the edge on which it tells how far times have come.
fn edge<'scope>(
    renderer: &mut Renderer<'_, 'scope>,
    node: &Node,
    watermark: &WatermarkNode,
) -> Edge<'scope> {
    let mut feeds = Vec::new();
    let rows = renderer.row_tree(Port { node: node.id, output: 0 }, &mut feeds);
    let in_time = feeds.len();
    let late = renderer.row_tree(Port { node: node.id, output: 1 }, &mut feeds);
    let progress = Rc::new(RefCell::new(OutBuffer::of_times(renderer.peers())));
    let mut buffers: Vec<_> = feeds.iter().map(|feed| Rc::clone(&feed.buffer)).collect();
    let judge = judge(renderer, node, watermark, late);
    let sent = Rc::clone(&progress);
    let logic: Box<dyn Logic> = if watermark.updates {
        let refused = Rc::default();
        renderer.states.push((node.id, Rc::clone(&refused) as SharedState));
        Box::new(watermark::TableEdge { judge, rows, progress: sent, refused, chunks: Vec::new() })
    } else {
        let (buffers, held) = (buffers[..in_time].to_vec(), Vec::new());
        let per_key = watermark.plan.per_key;
        Box::new(watermark::Edge { judge, rows, buffers, per_key, progress: sent, held })
    };
    buffers.push(progress);
    let (inputs, name) = (renderer.inputs(node), node.describe());
    let scope = renderer.scope;
    let (mut edges, end) = operator::build(scope, &name, inputs, buffers, logic, Closes::Arrived);
    end.probe_with(&renderer.probe);
    let progress = edges.pop().expect("the progress has an edge");
    for (feed, edge) in feeds.iter().zip(edges) {
        renderer.connect(feed, edge);
    }
    progress
}

/// The least of several watermarks.
pub(super) fn render_least(renderer: &mut Renderer<'_, '_>, node: &Node) {
    let of = node.inputs.iter().map(|input| renderer.watermark(input.node)).collect();
    let least = renderer.watermark(node.id);
    let inputs = renderer.inputs(node);
    progressing(renderer, node, inputs, Box::new(Least { of, least }));
}

/// Builds the operator that moves a watermark. What waits for the watermark has an edge without
/// rows from it: the watermark is there once this is through.
fn progressing<'scope>(
    renderer: &mut Renderer<'_, 'scope>,
    node: &Node,
    inputs: Vec<(Edge<'scope>, Pact)>,
    logic: Box<dyn Logic>,
) {
    let (scope, name) = (renderer.scope, node.describe());
    let mark = Rc::new(RefCell::new(OutBuffer::new(Route::To(0), 1)));
    let (edges, end) = operator::build(scope, &name, inputs, vec![mark], logic, Closes::Every);
    end.probe_with(&renderer.probe);
    let edge = edges.into_iter().next().expect("the mark has an edge");
    let port = Port { node: node.id, output: WatermarkNode::PROGRESS };
    for (waiting, input) in renderer.consumers.of.get(&port).cloned().unwrap_or_default() {
        renderer.edges.entry(waiting).or_default().push((input, edge.clone(), Pact::Local));
    }
}
