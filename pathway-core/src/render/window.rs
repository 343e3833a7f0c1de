//! Windows: what feeds them, and their operator.

use super::{Entry, Feed, Renderer, SharedState};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::operator::Pact;
use crate::dataflow::out_buffer::{OutBuffer, Route};
use crate::dataflow::window::{DirectWindows, PANE_LEN, RunWindows, WindowTable};
use crate::plan::{Node, NodeId, WindowNode};
use crate::stage::InputsCollector;
use std::cell::RefCell;
use std::rc::Rc;

fn table(
    renderer: &mut Renderer<'_, '_>,
    node: NodeId,
    window: &WindowNode,
) -> Rc<RefCell<WindowTable>> {
    let table = renderer.windows.entry(node).or_insert_with(|| {
        let (plan, windows) = (window.plan.clone(), window.windows.clone());
        let table = WindowTable::new(plan, windows, window.emission, window.describe);
        Rc::new(RefCell::new(table))
    });
    Rc::clone(table)
}

/// Where the rows in front of windows go.
pub(super) fn collector(
    renderer: &mut Renderer<'_, '_>,
    consumer: Entry,
    window: &WindowNode,
    feeds: &mut Vec<Feed>,
) -> Box<dyn InputsCollector> {
    if renderer.peers() > 1 {
        // All windows of a key are on one worker, so that panes can be put together there.
        let route = Route::ByKeyBehind(PANE_LEN);
        return renderer.combined(consumer, route, &window.plan, feeds);
    }
    let table = table(renderer, consumer.node, window);
    let buffer = Rc::new(RefCell::new(OutBuffer::new(Route::To(0), 1)));
    feeds.push(Feed { consumer, buffer: Rc::clone(&buffer), pact: Pact::Local });
    Box::new(DirectWindows { table, buffer })
}

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, window: &WindowNode) {
    let table = table(renderer, node.id, window);
    renderer.states.push((node.id, Rc::clone(&table) as SharedState));
    let (root, feeds) = renderer.tree(node, window.root);
    let watermark = node.inputs.get(1).map(|input| renderer.watermark(input.node));
    let (alarm, fail) = (Alarm::new(&renderer.clock), renderer.fail(node));
    let run = RunWindows { table, watermark, alarm, root, fail, ended: false };
    renderer.operator(node, feeds, Box::new(run));
}
