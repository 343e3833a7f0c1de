//! Windows: what feeds them, and their operator.

use super::{Entry, Feed, Renderer, SharedState, exchanged};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::operator::Pact;
use crate::dataflow::out_buffer::{OutBuffer, Route};
use crate::dataflow::window::{
    Counts, DirectWindows, Intervals, NeighbourSessions, RunWindows, Sessions, WindowState,
    WindowTable, Windows,
};
use crate::plan::{Node, NodeId, Terminal, WindowNode, WindowTerminal};
use crate::stage::{AnyStep, InputsCollector};
use std::cell::RefCell;
use std::rc::Rc;

fn windows(
    renderer: &mut Renderer<'_, '_>,
    node: NodeId,
    window: &WindowNode,
) -> Rc<RefCell<dyn WindowState>> {
    let plan = renderer.context.plan;
    let windows = renderer.windows.entry(node).or_insert_with(|| {
        let (id, reducers, results) = (node.0, window.plan.clone(), window.results);
        let describe = window.describe;
        match &window.windows {
            Windows::Fixed(division) => {
                let division = division.clone();
                let table = WindowTable::new(id, reducers, division, results, describe);
                Rc::new(RefCell::new(table))
            }
            Windows::Sessions(joins) => {
                let retracts = !plan.node(plan.node(node).inputs[0].node).append_only;
                let joins = joins.clone();
                let sessions = Sessions::new(id, reducers, joins, results, describe, retracts);
                Rc::new(RefCell::new(sessions))
            }
            Windows::Neighbours(neighbours) => {
                let (neighbours, rows) = (neighbours.clone(), window.rows);
                let new = NeighbourSessions::new(id, reducers, neighbours, results, describe, rows);
                Rc::new(RefCell::new(new))
            }
            Windows::Counted { size, hop } => {
                let size = (*size, *hop);
                let counts = Counts::new(id, reducers, size, results, window.rows);
                Rc::new(RefCell::new(counts))
            }
            Windows::Around(around) => {
                let intervals = Intervals::new(id, reducers, *around, results, describe);
                Rc::new(RefCell::new(intervals))
            }
        }
    });
    Rc::clone(windows)
}

/// The step in front of windows, for one of their inputs.
pub(super) fn terminal(
    renderer: &mut Renderer<'_, '_>,
    consumer: Entry,
    window: &WindowNode,
    feeds: &mut Vec<Feed>,
) -> AnyStep {
    let (id, peers) = (consumer.node.0, renderer.peers());
    let mut by_key = |terminal: &Terminal| {
        terminal(id, exchanged(Route::ByKey, peers, consumer, Pact::Exchanged, feeds))
    };
    match (&window.terminal, &window.other) {
        (_, Some(other)) if consumer.input == 1 => by_key(other),
        (WindowTerminal::Rows(terminal), _) => by_key(terminal),
        (WindowTerminal::Panes(terminal), _) => {
            terminal(id, collector(renderer, consumer, window, feeds))
        }
    }
}

/// Where the rows in front of windows go.
fn collector(
    renderer: &mut Renderer<'_, '_>,
    consumer: Entry,
    window: &WindowNode,
    feeds: &mut Vec<Feed>,
) -> Box<dyn InputsCollector> {
    if renderer.peers() > 1 {
        // All windows of a key are on one worker, so that panes can be put together there.
        let route = Route::ByKeyBehind(window.windows.front());
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
    let [watermark, other] = window.watermarks.map(|node| node.map(|id| renderer.watermark(id)));
    let (alarm, fail) = (Alarm::new(&renderer.clock), renderer.fail(node));
    let has_other = window.other.is_some();
    let run = RunWindows {
        windows,
        watermark,
        has_other,
        other,
        other_ended: false,
        alarm,
        root,
        fail,
        ended: false,
    };
    renderer.operator(node, feeds, Box::new(run));
}
