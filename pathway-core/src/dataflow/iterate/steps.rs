//! Steps in a loop: the same chains of closures as outside, for each update at its own time.

use super::weights::{Weighed, Weights};
use super::{Buffer, Flow, LoopTime, Row, Update};
use crate::stage::{Batch, Diff, EncodedStep, InputsCollector, KeyedCollector, SharedBatch};
use differential_dataflow::AsCollection;
use std::cell::RefCell;
use std::rc::Rc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{CapabilitySet, InputCapability};
use timely::progress::Timestamp;

/// Where a chain of steps ends: what it makes of the update that it was given last.
#[derive(Debug)]
struct Feed<U> {
    /// The time of that update.
    time: LoopTime,
    updates: Vec<U>,
}

/// A feed that its terminal and the operator around it share.
#[derive(Debug)]
pub(crate) struct SharedFeed<U = Update>(Rc<RefCell<Feed<U>>>);

impl<U> Clone for SharedFeed<U> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<U> SharedFeed<U> {
    pub(crate) fn new() -> Self {
        let (time, updates) = (LoopTime::minimum(), Vec::new());
        Self(Rc::new(RefCell::new(Feed { time, updates })))
    }

    /// Says what time it is.
    pub(super) fn set_time(&self, time: &LoopTime) {
        self.0.borrow_mut().time = *time;
    }

    /// Hands out what has come.
    pub(super) fn drain(&self, f: impl FnMut(U)) {
        self.0.borrow_mut().updates.drain(..).for_each(f);
    }

    /// Adds the update of that time.
    pub(super) fn push(&self, update: impl FnOnce(LoopTime) -> U) {
        let feed = &mut *self.0.borrow_mut();
        feed.updates.push(update(feed.time));
    }

    fn swap(&self, updates: &mut Vec<U>) {
        std::mem::swap(&mut self.0.borrow_mut().updates, updates);
    }
}

/// A feed, by what its operator takes.
#[derive(Clone)]
pub(crate) enum AnyFeed {
    Rows(SharedFeed),
    Weights(SharedFeed<Weighed>),
}

/// What flows to an operator, by what it takes.
#[derive(Clone)]
pub(crate) enum AnyFlow<'scope> {
    Rows(Flow<'scope>),
    Weights(Weights<'scope>),
}

impl<'scope> AnyFlow<'scope> {
    /// The rows, for an operator that takes them.
    pub(crate) fn into_rows(self) -> Flow<'scope> {
        match self {
            Self::Rows(rows) => rows,
            Self::Weights(_) => unreachable!("only a reduction takes weights"),
        }
    }

    /// Puts two flows to the same operator together.
    pub(crate) fn concat(self, other: Self) -> Self {
        match (self, other) {
            (Self::Rows(rows), Self::Rows(others)) => Self::Rows(rows.concat(others)),
            (Self::Weights(weights), Self::Weights(others)) => {
                Self::Weights(weights.concat(others))
            }
            _ => unreachable!("an operator takes one kind of update"),
        }
    }
}

impl KeyedCollector for SharedFeed {
    fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        self.push(|time| ((Row::of(key), Row::new(row)), time, diff));
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
            let inputs = Row::new(&self.bytes);
            self.feed.push(|time| ((Row::new(key), inputs), time, diff));
        }
        batch.clear();
    }
}

/// An output of a chain of steps.
struct Output<U: 'static> {
    feed: SharedFeed<U>,
    output: OutputBuilder<LoopTime, CapacityContainerBuilder<Vec<U>>>,
    updates: Vec<U>,
}

/// What an operator with several outputs does with each of them.
trait AnyOutput {
    fn set_time(&self, time: &LoopTime);

    /// Sends what has come.
    fn send(&mut self, port: usize, capability: &InputCapability<LoopTime>);
}

impl<U: Clone + 'static> AnyOutput for Output<U> {
    fn set_time(&self, time: &LoopTime) {
        self.feed.set_time(time);
    }

    fn send(&mut self, port: usize, capability: &InputCapability<LoopTime>) {
        self.feed.swap(&mut self.updates);
        if !self.updates.is_empty() {
            let stamp = capability.stamp().iter();
            let capabilities: CapabilitySet<_> =
                stamp.map(|time| capability.delayed(time, port)).collect();
            self.output.activate().session(&capabilities).give_container(&mut self.updates);
            self.updates.clear();
        }
    }
}

fn new_output<'scope, U: Clone + 'static>(
    builder: &mut OperatorBuilder<'scope, LoopTime>,
    feed: SharedFeed<U>,
) -> (Box<dyn AnyOutput>, Stream<'scope, LoopTime, Vec<U>>) {
    let (output, stream) = builder.new_output::<Vec<U>>();
    let output = OutputBuilder::from(output);
    (Box::new(Output { feed, output, updates: Vec::new() }), stream)
}

/// Runs a chain of steps on every update; one output for each feed that the chain ends in.
pub(crate) fn steps<'scope>(
    input: Flow<'scope>,
    name: &str,
    mut root: Box<dyn EncodedStep>,
    feeds: Vec<AnyFeed>,
) -> Vec<AnyFlow<'scope>> {
    let mut builder = OperatorBuilder::new(name.to_owned(), input.scope());
    let mut input = builder.new_input(input.inner, Pipeline);
    let (mut outputs, mut flows) = (Vec::new(), Vec::new());
    for feed in feeds {
        match feed {
            AnyFeed::Rows(feed) => {
                let (output, stream) = new_output(&mut builder, feed);
                outputs.push(output);
                flows.push(AnyFlow::Rows(stream.as_collection()));
            }
            AnyFeed::Weights(feed) => {
                let (output, stream) = new_output(&mut builder, feed);
                outputs.push(output);
                flows.push(AnyFlow::Weights(stream.as_collection()));
            }
        }
    }
    builder.build(move |capabilities| {
        drop(capabilities);
        move |_frontiers| {
            input.for_each(|capability, data| {
                let (mut first, mut second) = (Buffer::default(), Buffer::default());
                let mut now: Option<LoopTime> = None;
                for ((key, value), time, diff) in data.drain(..) {
                    if now.as_ref() != Some(&time) {
                        outputs.iter().for_each(|output| output.set_time(&time));
                        now = Some(time);
                    }
                    root.push(key.bytes(&mut first), value.bytes(&mut second), diff);
                }
                for (port, output) in outputs.iter_mut().enumerate() {
                    output.send(port, &capability);
                }
            });
        }
    });
    flows
}
