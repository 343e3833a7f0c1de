//! Joins by time.

use super::{Renderer, SharedState};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::time_join::{RunTimeJoin, TimeJoinState};
use crate::plan::{Node, TimeJoinNode};
use std::cell::RefCell;
use std::rc::Rc;

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, join: &TimeJoinNode) {
    let plan = renderer.context.plan;
    let sides = [0, 1].map(|side| plan.node(node.inputs[side].node));
    let row_types = [0, 1].map(|side| {
        let output = node.inputs[side].output;
        (sides[side].outputs[output].data_type)()
    });
    let retracts = sides.map(|side| !side.append_only);
    let state = Rc::new(RefCell::new(TimeJoinState::new(join.plan, row_types, retracts)));
    renderer.states.push((node.id, Rc::clone(&state) as SharedState));
    let (root, feeds) = renderer.tree(node, |next| (join.root)(node.id.0, next));
    let mut progress = node.inputs[2..].iter();
    let watermarks = join.watermarks.map(|has_one| {
        let progress = if has_one { progress.next() } else { None };
        progress.map(|progress| renderer.watermark(progress.node))
    });
    let (alarm, fail) = (Alarm::new(&renderer.clock), renderer.fail(node));
    let (ended, chunks) = ([false; 2], Default::default());
    let run = RunTimeJoin { state, watermarks, ended, chunks, alarm, root, fail };
    renderer.operator(node, feeds, Box::new(run));
}
