//! The edges of a loop: chunks of an epoch become updates, and updates chunks.

use super::{Buffer, Entered, Flow, LoopTime, Row, Update};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Edge, Epoch, Logic};
use crate::dataflow::out_buffer::{Exchanged, OutBuffer, Route};
use crate::stage::{Diff, EncodedStep, KeyedCollector as _};
use differential_dataflow::AsCollection;
use hashbrown::hash_map::{Entry, HashMap};
use std::cell::RefCell;
use std::rc::Rc;
use timely::dataflow::Scope;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::operator::Operator as _;
use timely::dataflow::operators::{Enter, Leave};

/// Takes chunks into a loop. Where what enters is kept for a later run, what is known of an earlier
/// one enters first.
pub(crate) fn enter<'inner>(
    edge: Edge<'_>,
    scope: Scope<'inner, LoopTime>,
    entered: Option<Rc<RefCell<Entered>>>,
) -> Flow<'inner> {
    edge.enter(scope)
        .unary(Pipeline, "Enter", |capability, info| {
            // It is scheduled once by itself, when the states have been loaded.
            let mut first = entered.is_some().then_some(capability);
            scope.activator_for(info.address).activate();
            move |input, output| {
                if let Some((capability, entered)) = first.take().zip(entered.as_ref()) {
                    let restored = entered.borrow_mut().take_restored();
                    let time = *capability.time();
                    let updates = restored.into_iter().map(|(pair, diff)| (pair, time, diff));
                    let mut updates: Vec<Update> = updates.collect();
                    output.session(&capability).give_container(&mut updates);
                }
                input.for_each(|capability, chunks: &mut Vec<Chunk>| {
                    let mut times = capability.stamp().iter();
                    let time: &LoopTime = times.next().expect("chunks are sent at an epoch");
                    let mut updates: Vec<Update> = Vec::new();
                    for chunk in chunks.drain(..) {
                        if let Some(entered) = &entered {
                            let mut entered = entered.borrow_mut();
                            chunk.iter().for_each(|(key, row, diff)| entered.note(key, row, diff));
                        }
                        updates.extend(chunk.iter().map(|(key, value, diff)| {
                            ((Row::of(key), Row::new(value)), *time, diff)
                        }));
                    }
                    output.session(&capability).give_container(&mut updates);
                });
            }
        })
        .as_collection()
}

/// Takes updates out of a loop: every round's, each row on the worker that owns it.
pub(crate) fn leave<'outer>(flow: Flow<'_>, scope: Scope<'outer, Epoch>) -> Edge<'outer> {
    let peers = scope.peers();
    flow.inner
        .unary(Pipeline, "Leave", move |_, _| {
            let buffer = Rc::new(RefCell::new(OutBuffer::new(Route::ByKey, peers)));
            let mut collector = Exchanged(Rc::clone(&buffer));
            let mut chunks = Vec::new();
            move |input, output| {
                input.for_each(|capability, updates: &mut Vec<Update>| {
                    let mut bytes = Buffer::default();
                    for ((row, _), _, diff) in updates.drain(..) {
                        collector.update(Some(row.bytes(&mut bytes)), &[], diff);
                    }
                    buffer.borrow_mut().take(true, &mut chunks);
                    output.session(&capability).give_container(&mut chunks);
                    chunks.clear();
                });
            }
        })
        .leave(scope)
}

/// Rows with how often each has come.
#[derive(Default)]
struct Sums(HashMap<Row, Diff, foldhash::fast::RandomState>);

impl Sums {
    fn add(&mut self, chunk: &Chunk) {
        for (row, _, diff) in chunk.iter() {
            match self.0.entry(Row::of(row)) {
                Entry::Occupied(mut sum) => {
                    *sum.get_mut() += diff;
                    if *sum.get() == 0 {
                        sum.remove();
                    }
                }
                Entry::Vacant(sum) => {
                    sum.insert(diff);
                }
            }
        }
    }
}

/// Behind a loop: sums what its rounds have changed, and goes on with that when the epoch ends.
pub(crate) struct Left {
    root: Box<dyn EncodedStep>,
    sums: Sums,
    /// The loop is restored in the first epoch, and gives what it gave before.
    restores: bool,
}

impl Left {
    pub(crate) fn new(root: Box<dyn EncodedStep>, restores: bool) -> Self {
        Self { root, sums: Sums::default(), restores }
    }
}

impl Logic for Left {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.sums.add(&chunk);
    }

    fn close(&mut self, epoch: Epoch) -> bool {
        let mut bytes = Buffer::default();
        // Of an unusually large epoch nothing is kept.
        let sums = std::mem::take(&mut self.sums);
        if self.restores && epoch == 0 {
            return true;
        }
        for (row, diff) in sums.0 {
            self.root.push(row.bytes(&mut bytes), &[], diff);
        }
        true
    }
}

/// Behind a loop with a limit: fails while its last round still changes something.
pub(crate) struct NotSettled {
    rounds: u64,
    fail: Fail,
    sums: Sums,
}

impl NotSettled {
    pub(crate) fn new(rounds: u64, fail: Fail) -> Self {
        Self { rounds, fail, sums: Sums::default() }
    }
}

impl Logic for NotSettled {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.sums.add(&chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let rows = self.sums.0.len();
        if rows > 0 {
            let problem = format!(
                "after {} rounds, which is its limit, it still changed {rows} rows\n\
                 help: raise the limit, or take what the last round gives with \
                 `iterate_at_most`; a loop whose rows grow from round to round never ends",
                self.rounds
            );
            (self.fail)(None, problem);
        }
        true
    }
}
