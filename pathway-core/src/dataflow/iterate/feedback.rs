//! Loop variables: from the end of a round to the begin of the next.

use super::{Flow, LoopTime, Update, round};
use crate::dataflow::operator::Epoch;
use differential_dataflow::AsCollection;
use differential_dataflow::dynamic::feedback_summary;
use differential_dataflow::dynamic::pointstamp::PointStampSummary;
use timely::dataflow::Scope;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::feedback::Handle;
use timely::dataflow::operators::generic::operator::Operator as _;
use timely::dataflow::operators::{ConnectLoop, Feedback as _};
use timely::order::Product;
use timely::progress::{PathSummary, Timestamp};

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

type Summary = <LoopTime as Timestamp>::Summary;

/// The way back of a loop variable, until the end of its round is known.
pub(crate) struct Feedback<'scope> {
    handle: Handle<'scope, LoopTime, Vec<Update>>,
    initial: Flow<'scope>,
    level: usize,
}

fn summary(level: usize) -> Summary {
    let inner: PointStampSummary<u64> = feedback_summary::<u64>(level, 1);
    Product { outer: <Epoch as Timestamp>::Summary::default(), inner }
}

impl<'scope> Feedback<'scope> {
    /// A loop variable of a loop at that level, and how to close its round.
    pub(crate) fn new(
        scope: Scope<'scope, LoopTime>,
        initial: Flow<'scope>,
        level: usize,
    ) -> (Self, Flow<'scope>) {
        let (handle, stream) = scope.feedback(summary(level));
        let variable = stream.as_collection().concat(initial.clone());
        (Self { handle, initial, level }, variable)
    }

    /// Closes the loop: the next round begins with `next`. Gives the updates that came after the
    /// last round, if the loop has one.
    pub(crate) fn set(self, next: Flow<'scope>, limit: Limit) -> Option<Flow<'scope>> {
        let Self { handle, initial, level } = self;
        // What the variable starts with is there in the first round only.
        let next = next.concat(initial.negate());
        let Some(rounds) = limit.rounds() else {
            next.results_in(summary(level)).inner.connect_loop(handle);
            return None;
        };
        let in_time = next.clone().inner.unary(Pipeline, "Rounds", move |_, _| {
            let summary = summary(level);
            move |input, output| {
                input.for_each(|capability, data| {
                    data.retain_mut(|(_, time, _)| {
                        *time = summary.results_in(time).expect("rounds are few");
                        round(time, level) < rounds
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
                            data.retain(|(_, time, _)| round(time, level) + 1 == rounds);
                            output.session(&capability).give_container(data);
                        });
                    }
                })
                .as_collection()
        })
    }
}

/// Leaves an inner loop for the one around it.
pub(crate) fn leave_inner(flow: Flow<'_>, level: usize) -> Flow<'_> {
    flow.leave_dynamic(level)
}
