//! Sorted tables: the operator that keeps some of the rows, or evaluates a window over them.

use super::{Renderer, SharedState};
use crate::dataflow::operator::Logic;
use crate::dataflow::ordered::{First, FirstRows, Keeps, Limit, Over, Partitions};
use crate::plan::{Node, Sorted, SortedOutput};
use std::cell::RefCell;
use std::rc::Rc;

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, sorted: &Sorted) {
    let (rows, fail) = ((sorted.rows)(), renderer.fail(node));
    if let SortedOutput::First { limit } = sorted.output {
        let state = Rc::new(RefCell::new(FirstRows::new(limit, rows)));
        renderer.states.push((node.id, Rc::clone(&state) as SharedState));
        let (root, feeds) = renderer.rows(node);
        renderer.operator(node, feeds, Box::new(First { state, root }));
        return;
    }
    let (keeps, rows_max) = match &sorted.output {
        SortedOutput::Limit { offset, limit, append_only } => {
            (Keeps::nothing(), append_only.then(|| Limit::rows_max(*offset, *limit)))
        }
        SortedOutput::Over { plan, .. } => (Keeps::of(&plan.parts), None),
        SortedOutput::First { .. } => unreachable!("it has an operator of its own"),
    };
    let state = Rc::new(RefCell::new(Partitions::new(keeps, rows_max)));
    renderer.states.push((node.id, Rc::clone(&state) as SharedState));
    let (feeds, logic): (_, Box<dyn Logic>) = match &sorted.output {
        SortedOutput::Limit { offset, limit, .. } => {
            let (root, feeds) = renderer.rows(node);
            let (offset, limit) = (*offset, *limit);
            (feeds, Box::new(Limit { offset, limit, rows, state, root, fail }))
        }
        SortedOutput::Over { plan, root } => {
            let (root, feeds) = renderer.tree(node, root);
            (feeds, Box::new(Over { plan: plan.clone(), rows, state, root, fail }))
        }
        SortedOutput::First { .. } => unreachable!("it has an operator of its own"),
    };
    renderer.operator(node, feeds, logic);
}
