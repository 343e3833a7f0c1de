//! Windows: what feeds them, and their operator.

use super::{Entry, Feed, Renderer, SharedState};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::operator::Pact;
use crate::dataflow::out_buffer::{OutBuffer, Route};
use crate::dataflow::window::{
    DirectWindows, PANE_LEN, RunWindows, Sessions, WindowState, WindowTable, Windows,
};
use crate::plan::{Node, NodeId, WindowNode};
use crate::stage::InputsCollector;
use std::cell::RefCell;
use std::rc::Rc;

fn windows(
    renderer: &mut Renderer<'_, '_>,
    node: NodeId,
    window: &WindowNode,
) -> Rc<RefCell<dyn WindowState>> {
    let plan = renderer.context.plan;
    let windows = renderer.windows.entry(node).or_insert_with(|| {
        let (reducers, emission, describe) =
            (window.plan.clone(), window.emission, window.describe);
        match &window.windows {
            Windows::Fixed(division) => {
                let division = division.clone();
                Rc::new(RefCell::new(WindowTable::new(
                    node.0, reducers, division, emission, describe,
                )))
            }
            Windows::Sessions { gap } => {
                let retracts = !plan.node(plan.node(node).inputs[0].node).append_only;
                Rc::new(RefCell::new(Sessions::new(
                    node.0, reducers, *gap, emission, describe, retracts,
                )))
            }
        }
    });
    Rc::clone(windows)
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
    let windows = windows(renderer, consumer.node, window);
    let buffer = Rc::new(RefCell::new(OutBuffer::marking(windows.borrow().batch())));
    feeds.push(Feed { consumer, buffer: Rc::clone(&buffer), pact: Pact::Local });
    Box::new(DirectWindows { windows, buffer })
}

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, window: &WindowNode) {
    let windows = windows(renderer, node.id, window);
    renderer.states.push((node.id, Rc::clone(&windows) as SharedState));
    let (root, feeds) = renderer.tree(node, window.root);
    let watermark = node.inputs.get(1).map(|input| renderer.watermark(input.node));
    let (alarm, fail) = (Alarm::new(&renderer.clock), renderer.fail(node));
    let run = RunWindows { windows, watermark, alarm, root, fail, ended: false };
    renderer.operator(node, feeds, Box::new(run));
}
