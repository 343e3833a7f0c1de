//! Loop variables: from the end of a round to the begin of the next.

use super::time::Summary;
use super::{Flow, LoopTime, Rounds, Update};
use differential_dataflow::AsCollection;
use std::sync::Arc;
use timely::dataflow::Scope;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::CapabilitySet;
use timely::dataflow::operators::feedback::Handle;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::generic::operator::Operator as _;
use timely::dataflow::operators::{ConnectLoop, Feedback as _};
use timely::progress::{Antichain, PathSummary};

/// How many rounds a loop may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// As many as it needs.
    None,
    /// At most so many; what the last one gives is the answer.
    Last(u64),
    /// At most so many; if the last one still changes something, the run fails.
    Fail(u64),
}

impl Limit {
    /// The greatest number of rounds, if there is one.
    pub fn rounds(self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Last(rounds) | Self::Fail(rounds) => Some(rounds),
        }
    }
}

/// The way back of a loop variable, until the end of its round is known.
pub(crate) struct Feedback<'scope> {
    handle: Handle<'scope, LoopTime, Vec<Update>>,
    initial: Flow<'scope>,
    level: usize,
}

impl<'scope> Feedback<'scope> {
    /// A loop variable of a loop at that level, and how to close its round.
    pub(crate) fn new(
        scope: Scope<'scope, LoopTime>,
        initial: Flow<'scope>,
        level: usize,
    ) -> (Self, Flow<'scope>) {
        let (handle, stream) = scope.feedback(Summary::next_round(level));
        let variable = stream.as_collection().concat(initial.clone());
        (Self { handle, initial, level }, variable)
    }

    /// Closes the loop: the next round begins with `next`. Gives the updates that came after the
    /// last round, if the loop has one. `seen` learns how far the loop is; the variable is one of
    /// its tables.
    pub(crate) fn set(
        self,
        next: Flow<'scope>,
        limit: Limit,
        (seen, table): (Arc<Rounds>, usize),
    ) -> Option<Flow<'scope>> {
        let Self { handle, initial, level } = self;
        // What the variable starts with is there in the first round only.
        let next = next.concat(initial.negate());
        let rounds = limit.rounds().unwrap_or(u64::MAX);
        let in_time = next.clone().inner.unary(Pipeline, "Rounds", move |_, _| {
            let summary = Summary::next_round(level);
            move |input, output| {
                input.for_each(|capability, data| {
                    seen.note(table, data);
                    data.retain_mut(|(_, time, _)| {
                        *time = summary.results_in(time).expect("rounds are few");
                        time.round(level) < rounds
                    });
                    output.session(&capability).give_container(data);
                });
            }
        });
        in_time.connect_loop(handle);
        (matches!(limit, Limit::Fail(_))).then(|| {
            next.inner
                .unary(Pipeline, "NotSettled", move |_, _| {
                    move |input, output| {
                        input.for_each(|capability, data: &mut Vec<Update>| {
                            data.retain(|(_, time, _)| time.round(level) + 1 == rounds);
                            output.session(&capability).give_container(data);
                        });
                    }
                })
                .as_collection()
        })
    }
}

/// Leaves an inner loop for the one around it: the changes of all rounds are changes of the round
/// that they are in.
pub(crate) fn leave_inner(flow: Flow<'_>, level: usize) -> Flow<'_> {
    let summary = Summary::leave(level);
    let mut builder = OperatorBuilder::new("LeaveInner".to_owned(), flow.scope());
    let (output, stream) = builder.new_output();
    let mut output = OutputBuilder::from(output);
    let connection = [(0, Antichain::from_elem(summary))];
    let mut input = builder.new_input_connection(flow.inner, Pipeline, connection);
    builder.build(move |capabilities| {
        drop(capabilities);
        move |_frontiers| {
            let mut output = output.activate();
            input.for_each(|capability, data: &mut Vec<Update>| {
                let outside = |time: &LoopTime| summary.results_in(time).expect("rounds are few");
                let times = capability.stamp().iter();
                let capabilities: CapabilitySet<_> =
                    times.map(|time| capability.delayed(&outside(time), 0)).collect();
                data.iter_mut().for_each(|(_, time, _)| *time = outside(time));
                output.session(&capabilities).give_container(data);
            });
        }
    });
    stream.as_collection()
}
