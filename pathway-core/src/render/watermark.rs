//! A watermark: the edge that finds late rows, and the merge that computes how far time has come.

use super::{Renderer, SharedState};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::operator::{self, Closes, Pact};
use crate::dataflow::out_buffer::{OutBuffer, Route};
use crate::dataflow::watermark::{Edge, Merge, Partitions};
use crate::format;
use crate::plan::{Node, Port, WatermarkNode};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use timely::dataflow::operators::probe::Probe as _;

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, watermark: &WatermarkNode) {
    let shared = renderer.watermark(node.id);
    let peers = renderer.peers();
    let mut feeds = Vec::new();
    let rows = renderer.row_tree(Port { node: node.id, output: 0 }, &mut feeds);
    let in_time = feeds.len();
    let late = renderer.row_tree(Port { node: node.id, output: 1 }, &mut feeds);
    let progress = Rc::new(RefCell::new(OutBuffer::new(Route::To(0), peers)));
    let mut buffers: Vec<_> = feeds.iter().map(|feed| Rc::clone(&feed.buffer)).collect();
    let row_type = node.rows();
    let edge = Edge {
        watermark: Rc::clone(&shared),
        rows,
        late,
        late_taken: node.errors_taken,
        late_rows: Arc::clone(&renderer.context.late_rows[&node.id]),
        buffers: buffers[..in_time].to_vec(),
        progress: Rc::clone(&progress),
        largest: std::collections::BTreeMap::new(),
        describe: Box::new(watermark.describe),
        describe_row: Box::new(move |row| format::display::display(row_type, row)),
        fail: renderer.fail(node),
    };
    buffers.push(progress);
    let (inputs, name) = (renderer.inputs(node), node.describe());
    let scope = renderer.scope;
    let (mut edges, end) =
        operator::build(scope, &name, inputs, buffers, Box::new(edge), Closes::Arrived);
    end.probe_with(&renderer.probe);
    let progress = edges.pop().expect("the progress has an edge");
    for (feed, edge) in feeds.iter().zip(edges) {
        renderer.connect(feed, edge);
    }

    let partitions = Rc::new(RefCell::new(Partitions::new(watermark.plan, shared)));
    renderer.states.push((node.id, Rc::clone(&partitions) as SharedState));
    let alarm = Alarm::new(&renderer.clock);
    let merge = Merge { partitions, alarm, heard: Vec::new(), ended: false };
    let inputs = vec![(progress, Pact::Exchanged)];
    // What waits for the watermark has an edge without rows: it is there once this is through.
    let mark = Rc::new(RefCell::new(OutBuffer::new(Route::To(0), 1)));
    let (edges, end) =
        operator::build(scope, &name, inputs, vec![mark], Box::new(merge), Closes::Every);
    end.probe_with(&renderer.probe);
    let edge = edges.into_iter().next().expect("the mark has an edge");
    let port = Port { node: node.id, output: WatermarkNode::PROGRESS };
    for (waiting, input) in renderer.consumers.of.get(&port).cloned().unwrap_or_default() {
        renderer.edges.entry(waiting).or_default().push((input, edge.clone(), Pact::Local));
    }
}
