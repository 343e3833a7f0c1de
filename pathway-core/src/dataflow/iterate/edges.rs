//! The edges of a loop: chunks of an epoch become updates, and updates chunks.

use super::{Buffer, Flow, LoopTime, Row, Update};
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

/// Takes chunks into a loop.
pub(crate) fn enter<'inner>(edge: Edge<'_>, scope: Scope<'inner, LoopTime>) -> Flow<'inner> {
    edge.enter(scope)
        .unary(Pipeline, "Enter", |_, _| {
            move |input, output| {
                input.for_each(|capability, chunks: &mut Vec<Chunk>| {
                    let mut times = capability.stamp().iter();
                    let time: &LoopTime = times.next().expect("chunks are sent at an epoch");
                    let mut updates: Vec<Update> = Vec::new();
                    for chunk in chunks.drain(..) {
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
}

impl Left {
    pub(crate) fn new(root: Box<dyn EncodedStep>) -> Self {
        Self { root, sums: Sums::default() }
    }
}

impl Logic for Left {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.sums.add(&chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut bytes = Buffer::default();
        // Of an unusually large epoch nothing is kept.
        for (row, diff) in std::mem::take(&mut self.sums).0 {
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
