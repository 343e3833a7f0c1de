//! Steps in a loop: the same chains of closures as outside, for each update at its own time.

use super::{Buffer, Flow, LoopTime, Pair, Row, Update};
use crate::stage::{Batch, Diff, EncodedStep, InputsCollector, KeyedCollector, SharedBatch};
use differential_dataflow::AsCollection;
use std::cell::RefCell;
use std::rc::Rc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::CapabilitySet;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::Timestamp;

/// Where a chain of steps ends: what it makes of the update that it was given last.
#[derive(Debug)]
pub(crate) struct Feed {
    /// The time of that update.
    pub(crate) time: LoopTime,
    pub(crate) updates: Vec<Update>,
}

/// A feed that its terminal and the operator around it share.
#[derive(Clone, Debug)]
pub(crate) struct SharedFeed(Rc<RefCell<Feed>>);

impl SharedFeed {
    pub(crate) fn new() -> Self {
        let (time, updates) = (LoopTime::minimum(), Vec::new());
        Self(Rc::new(RefCell::new(Feed { time, updates })))
    }

    /// Says what time it is.
    pub(crate) fn set_time(&self, time: &LoopTime) {
        self.0.borrow_mut().time = *time;
    }

    /// Hands out what has come.
    pub(crate) fn drain(&self, mut f: impl FnMut(Update)) {
        self.0.borrow_mut().updates.drain(..).for_each(&mut f);
    }

    fn push(&self, pair: Pair, diff: Diff) {
        let feed = &mut *self.0.borrow_mut();
        feed.updates.push((pair, feed.time, diff));
    }

    fn swap(&self, updates: &mut Vec<Update>) {
        std::mem::swap(&mut self.0.borrow_mut().updates, updates);
    }
}

impl KeyedCollector for SharedFeed {
    fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        self.push((Row::of(key), Row::new(row)), diff);
    }
}

/// Takes the arguments of reducers as the value.
pub(crate) struct InputsFeed {
    feed: SharedFeed,
    /// One row: the next may have another time.
    batch: SharedBatch,
    bytes: Vec<u8>,
}

impl InputsFeed {
    pub(crate) fn new(feed: SharedFeed) -> Self {
        Self { feed, batch: Batch::shared(1), bytes: Vec::new() }
    }
}

impl InputsCollector for InputsFeed {
    fn batch(&self) -> SharedBatch {
        Rc::clone(&self.batch)
    }

    fn settle(&mut self) {
        let mut batch = self.batch.borrow_mut();
        self.bytes.clear();
        batch.inputs().write(&mut self.bytes);
        for (key, diff) in batch.rows() {
            self.feed.push((Row::new(key), Row::new(&self.bytes)), diff);
        }
        batch.clear();
    }
}

/// Runs a chain of steps on every update; one output for each feed that the chain ends in.
pub(crate) fn steps<'scope>(
    input: Flow<'scope>,
    name: &str,
    mut root: Box<dyn EncodedStep>,
    feeds: Vec<SharedFeed>,
) -> Vec<Flow<'scope>> {
    let mut builder = OperatorBuilder::new(name.to_owned(), input.scope());
    let mut input = builder.new_input(input.inner, Pipeline);
    let (mut outputs, mut flows) = (Vec::new(), Vec::new());
    for _ in &feeds {
        let (output, stream) = builder.new_output::<Vec<Update>>();
        outputs.push(OutputBuilder::<_, CapacityContainerBuilder<Vec<Update>>>::from(output));
        flows.push(stream.as_collection());
    }
    builder.build(move |capabilities| {
        drop(capabilities);
        let mut updates = Vec::new();
        move |_frontiers| {
            input.for_each(|capability, data| {
                let (mut first, mut second) = (Buffer::default(), Buffer::default());
                let mut now: Option<LoopTime> = None;
                for ((key, value), time, diff) in data.drain(..) {
                    if now.as_ref() != Some(&time) {
                        feeds.iter().for_each(|feed| feed.set_time(&time));
                        now = Some(time);
                    }
                    root.push(key.bytes(&mut first), value.bytes(&mut second), diff);
                }
                for (port, (feed, output)) in feeds.iter().zip(&mut outputs).enumerate() {
                    feed.swap(&mut updates);
                    if !updates.is_empty() {
                        let stamp = capability.stamp().iter();
                        let capabilities: CapabilitySet<_> =
                            stamp.map(|time| capability.delayed(time, port)).collect();
                        output.activate().session(&capabilities).give_container(&mut updates);
                        updates.clear();
                    }
                }
            });
        }
    });
    flows
}
