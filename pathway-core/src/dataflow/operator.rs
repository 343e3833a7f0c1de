//! The frame of every operator of ours: it gathers the chunks of one epoch, and closes the epoch
//! once nothing more of it can come.
//!
//! Epochs are strictly sequential. The runtime lets no row of an epoch in before every operator
//! of every worker has finished the epoch before, so an operator never holds two at once.

use super::chunk::Chunk;
use super::out_buffer::SharedBuffer;
use std::time::Duration;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::generic::{InputHandleCore, OutputBuilder};
use timely::dataflow::{Scope, Stream};
use timely::progress::frontier::MutableAntichain;
use timely::scheduling::SyncActivator;

/// Logical time: one consistent step of the whole pipeline.
pub(crate) type Epoch = u64;

/// Chunks under way.
pub(crate) type Edge<'scope> = Stream<'scope, Epoch, Vec<Chunk>>;

/// What one kind of operator does.
pub(crate) trait Logic {
    /// Takes a chunk of the current epoch.
    fn receive(&mut self, port: usize, chunk: Chunk);

    /// Ends the current epoch. Called for the epochs that [`Closes`] says.
    ///
    /// Answers whether it is done; otherwise it is called again shortly.
    fn close(&mut self, epoch: Epoch) -> bool;

    /// Notes that nothing more will ever come through that port.
    fn sealed(&mut self, _port: usize) {}

    /// Begins an epoch: its first chunk is about to be received.
    fn open(&mut self, _epoch: Epoch) {}

    /// Does what can be done before the epoch ends. Called whenever the operator is scheduled
    /// within an epoch.
    fn work(&mut self) {}

    /// Takes what schedules the operator from any thread. Answers whether the logic will use it
    /// when there is something to do, so that an epoch it could not close need not be tried
    /// again before.
    fn wake_by(&mut self, _activator: SyncActivator) -> bool {
        false
    }
}

/// Which epochs an operator closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closes {
    /// Those of which something arrived.
    Arrived,
    /// The first one, and then those of which something arrived.
    FirstAndArrived,
    /// Every one: what the operator does depends on time, or on how far others are.
    Every,
}

/// Whether the chunks of an input cross workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pact {
    Local,
    Exchanged,
}

enum Puller {
    Local(
        InputHandleCore<
            Epoch,
            Vec<Chunk>,
            <Pipeline as timely::dataflow::channels::pact::ParallelizationContract<
                Epoch,
                Vec<Chunk>,
            >>::Puller,
        >,
    ),
    Exchanged(
        InputHandleCore<
            Epoch,
            Vec<Chunk>,
            <ExchangePact as timely::dataflow::channels::pact::ParallelizationContract<
                Epoch,
                Vec<Chunk>,
            >>::Puller,
        >,
    ),
}

type ExchangePact = Exchange<Chunk, fn(&Chunk) -> u64>;

/// The epoch that an operator is in, and the right to send at it.
struct Current {
    epoch: Epoch,
    /// One for each output and one for the end, which the runtime observes.
    capabilities: Vec<Capability<Epoch>>,
}

/// Builds an operator. Its outputs are those of `buffers`; the last stream carries no data and
/// tells the runtime how far the operator is.
pub(crate) fn build<'scope>(
    scope: Scope<'scope, Epoch>,
    name: &str,
    inputs: Vec<(Edge<'scope>, Pact)>,
    buffers: Vec<SharedBuffer>,
    mut logic: Box<dyn Logic>,
    closes: Closes,
) -> (Vec<Edge<'scope>>, Edge<'scope>) {
    let mut builder = OperatorBuilder::new(name.to_owned(), scope);
    let address = builder.operator_info().address;
    let woken = logic.wake_by(scope.worker().sync_activator_for(address.to_vec()));
    let activator = scope.activator_for(address);
    let mut pullers: Vec<Puller> = inputs
        .into_iter()
        .map(|(edge, pact)| match pact {
            Pact::Local => Puller::Local(builder.new_input(edge, Pipeline)),
            Pact::Exchanged => {
                let route: fn(&Chunk) -> u64 = |chunk| chunk.target as u64;
                Puller::Exchanged(builder.new_input(edge, Exchange::new(route)))
            }
        })
        .collect();
    let mut outputs = Vec::new();
    let mut edges = Vec::new();
    for _ in 0..=buffers.len() {
        let (output, edge) = builder.new_output::<Vec<Chunk>>();
        outputs.push(OutputBuilder::<Epoch, CapacityContainerBuilder<Vec<Chunk>>>::from(output));
        edges.push(edge);
    }
    let end = edges.pop().expect("there is one output more than buffers");
    let ports = outputs.len();
    builder.build_reschedule(move |capabilities| {
        let mut current: Option<Current> = (closes != Closes::Arrived)
            .then(|| Current { epoch: *capabilities[0].time(), capabilities });
        let mut sealed = vec![false; pullers.len()];
        let mut chunks = Vec::new();
        move |frontiers: &[MutableAntichain<Epoch>]| {
            for (port, puller) in pullers.iter_mut().enumerate() {
                let mut receive = |capability: timely::dataflow::operators::InputCapability<
                    Epoch,
                >,
                                   data: &mut Vec<Chunk>| {
                    let epoch = *capability.least().expect("every chunk is sent with a capability");
                    let current = current.get_or_insert_with(|| {
                        logic.open(epoch);
                        let delayed = |port| capability.delayed(&epoch, port);
                        Current { epoch, capabilities: (0..ports).map(delayed).collect() }
                    });
                    assert_eq!(
                        current.epoch, epoch,
                        "no row enters before the epoch before it has drained"
                    );
                    for chunk in data.drain(..) {
                        logic.receive(port, chunk);
                    }
                };
                match puller {
                    Puller::Local(puller) => puller.for_each(&mut receive),
                    Puller::Exchanged(puller) => puller.for_each(&mut receive),
                }
            }
            for (port, frontier) in frontiers.iter().enumerate() {
                if frontier.is_empty() && !sealed[port] {
                    sealed[port] = true;
                    logic.sealed(port);
                }
            }
            let Some(at) = &current else { return false };
            logic.work();
            let complete = frontiers.iter().all(|frontier| !frontier.less_equal(&at.epoch));
            let closed = complete && logic.close(at.epoch);
            if complete && !closed && !woken {
                activator.activate_after(RETRY);
            }
            for (port, buffer) in buffers.iter().enumerate() {
                buffer.borrow_mut().take(closed, &mut chunks);
                if !chunks.is_empty() {
                    let mut output = outputs[port].activate();
                    output.session(&at.capabilities[port]).give_container(&mut chunks);
                    chunks.clear();
                }
            }
            if closed {
                let left =
                    frontiers.iter().filter_map(|frontier| frontier.frontier().first().copied());
                let next = left.min().filter(|_| closes == Closes::Every);
                current = current.take().zip(next).map(|(mut at, next)| {
                    at.capabilities.iter_mut().for_each(|held| held.downgrade(&next));
                    Current { epoch: next, ..at }
                });
            }
            current.is_some()
        }
    });
    (edges, end)
}

/// How soon an operator that could not close its epoch tries again.
const RETRY: Duration = Duration::from_micros(500);
