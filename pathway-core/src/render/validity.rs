//! Rows that are there from one time to another: what feeds them, and their operator.

use super::{Entry, Feed, Renderer, SharedState, exchanged};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::operator::Pact;
use crate::dataflow::out_buffer::Route;
use crate::dataflow::validity::{RunValidity, Validity, ValidityTime};
use crate::plan::Node;
use crate::stage::KeyedCollector;
use std::cell::RefCell;
use std::rc::Rc;

/// Where the rows go: a retraction where its row went, those of a stream nowhere else.
pub(super) fn collector(
    renderer: &Renderer<'_, '_>,
    consumer: Entry,
    feeds: &mut Vec<Feed>,
) -> Box<dyn KeyedCollector> {
    let plan = renderer.context.plan;
    let input = plan.node(consumer.node).inputs[consumer.input];
    if plan.node(input.node).append_only {
        return exchanged(Route::To(0), 1, consumer, Pact::Local, feeds);
    }
    exchanged(Route::ByKey, renderer.peers(), consumer, Pact::Exchanged, feeds)
}

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node) {
    let rows = Rc::new(RefCell::new(Validity::default()));
    renderer.states.push((node.id, Rc::clone(&rows) as SharedState));
    let (root, feeds) = renderer.rows(node);
    let time = match node.inputs.get(1) {
        Some(watermark) => ValidityTime::Event(renderer.watermark(watermark.node)),
        None => ValidityTime::Clock(Alarm::new(&renderer.clock)),
    };
    let run = RunValidity { rows, time, chunks: Vec::new(), root };
    renderer.operator(node, feeds, Box::new(run));
}
