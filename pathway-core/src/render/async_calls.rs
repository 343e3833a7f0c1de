//! Calls of asynchronous functions: one operator, and where results join a later epoch, a source
//! that brings them back.

use super::{Renderer, SharedState};
use crate::dataflow::async_calls::{
    Calls, Detached, Done, Held, Inbox, Outputs, Pairs, PairsLogic, SharedInbox, Waiting,
};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic, Pact};
use crate::format::display::display;
use crate::plan::{CallsNode, Node, NodeId, Port};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::Thread;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::Input as _;
use timely::dataflow::operators::core::input::Handle;

/// The way back of an operator's calls, on one worker: it lets what has come back into the open
/// epoch, as a source lets in rows.
pub(crate) struct DetachedStage {
    calls: Box<dyn Calls>,
    inbox: SharedInbox,
    /// Sends nothing but the word that results are there.
    handle: Handle<Epoch, CapacityContainerBuilder<Vec<Chunk>>>,
    done: Vec<Done>,
}

impl DetachedStage {
    /// Names the thread to wake when calls have come back.
    pub(crate) fn register(&self, worker: Thread) {
        self.calls.wake_by(Box::new(move || worker.unpark()));
    }

    /// Lets in what has come back. Answers how many results that are.
    pub(crate) fn pump(&mut self) -> u64 {
        self.calls.take(&mut self.done);
        if self.done.is_empty() {
            return 0;
        }
        let mut inbox = self.inbox.borrow_mut();
        inbox.done.extend(self.done.drain(..).map(|done| (done.ticket, done.outcome)));
        self.handle.send(Chunk::for_target(0));
        self.handle.flush();
        inbox.done.len() as u64
    }

    /// Ends the open epoch and opens `epoch`.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        self.handle.advance_to(epoch);
    }

    /// Whether no more results will come.
    pub(crate) fn is_finished(&self) -> bool {
        self.inbox.borrow().is_finished()
    }
}

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, calls: &CallsNode) {
    let mut feeds = Vec::new();
    let rows = renderer.row_tree(Port { node: node.id, output: 0 }, &mut feeds);
    let errors = (node.outputs.len() > 1 && node.errors_taken)
        .then(|| renderer.row_tree(Port { node: node.id, output: 1 }, &mut feeds));
    let buffers = feeds.iter().map(|feed| Rc::clone(&feed.buffer)).collect();
    let outputs = Outputs { rows, errors, buffers };
    let make = renderer.context.calls;
    let inbox = calls.settings.detached.then(|| detached(renderer, node.id));
    let logic: Box<dyn Logic> = match inbox {
        None if node.append_only => Box::new(Held::new(make(node.id), outputs)),
        Some(inbox) if node.append_only => {
            let waiting = Rc::new(RefCell::new(Waiting::new(make(node.id), inbox)));
            renderer.states.push((node.id, Rc::clone(&waiting) as SharedState));
            Box::new(Detached { waiting, outputs })
        }
        inbox => {
            let pairs = Rc::new(RefCell::new(Pairs::new(make(node.id), inbox.clone())));
            renderer.states.push((node.id, Rc::clone(&pairs) as SharedState));
            let fail = fail(renderer, node);
            Box::new(match inbox {
                Some(inbox) => PairsLogic::detached(pairs, outputs, fail, inbox),
                None => PairsLogic::held(pairs, outputs, fail),
            })
        }
    };
    renderer.operator(node, feeds, logic);
}

/// Gives an operator its second input, from its own calls.
fn detached(renderer: &mut Renderer<'_, '_>, node: NodeId) -> SharedInbox {
    let (handle, edge) =
        renderer.scope.new_input_with_builder::<CapacityContainerBuilder<Vec<Chunk>>>();
    renderer.edges.entry(node).or_default().push((1, edge, Pact::Local));
    let inbox = SharedInbox::new(RefCell::new(Inbox::default()));
    let calls = (renderer.context.calls)(node);
    let stage = DetachedStage { calls, inbox: Rc::clone(&inbox), handle, done: Vec::new() };
    renderer.detached.push(stage);
    inbox
}

/// Ends the run with a message about a row.
fn fail(renderer: &Renderer<'_, '_>, node: &Node) -> Fail {
    let (fail, id) = (Arc::clone(&renderer.context.fail), node.id.0);
    let input = node.inputs[0];
    let rows = renderer.context.plan.node(input.node).outputs[input.output].data_type;
    Arc::new(move |row, problem| match row {
        Some(row) => fail(id, format!("{problem}: {}", display(rows(), row))),
        None => fail(id, problem),
    })
}
