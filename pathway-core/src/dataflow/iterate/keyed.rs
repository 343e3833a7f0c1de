//! Tables by key in a loop: indexes, and the joins of two of them.

use super::{Buffer, Flow, LoopTime, Row, SharedFeed, Update};
use crate::stage::{Diff, EncodedStep};
use differential_dataflow::AsCollection;
use differential_dataflow::consolidation::ConsolidatingContainerBuilder;
use differential_dataflow::operators::arrange::arrangement::arrange_core;
use differential_dataflow::operators::arrange::{Arranged, TraceAgent};
use differential_dataflow::operators::join::join_traces;
use differential_dataflow::trace::implementations::{ValBatcher, ValSpine};
use timely::container::PushInto;
use timely::dataflow::channels::pact::Exchange;

pub(super) type Spine = ValSpine<Row, Row, LoopTime, Diff>;

/// A table in a loop, by key; shared by those that read it.
pub(crate) type Index<'scope> = Arranged<'scope, TraceAgent<Spine>>;

/// Keeps a table by key, each key on the worker that owns it.
pub(crate) fn index<'scope>(flow: Flow<'scope>, name: &str) -> Index<'scope> {
    let by_key = Exchange::new(|((key, _), _, _): &Update| key.route());
    arrange_core::<_, _, ValBatcher<Row, Row, LoopTime, Diff>, Spine>(
        flow.inner,
        by_key,
        name,
        ValBatcher::<Row, Row, LoopTime, Diff>::new,
    )
}

/// Gives each pair of rows whose keys are equal to `root`, and hands out what has come to `feed`
/// then. A key that is absent equals none.
pub(crate) fn join<'scope>(
    left: Index<'scope>,
    right: Index<'scope>,
    name: &str,
    mut root: Box<dyn EncodedStep>,
    feed: SharedFeed,
) -> Flow<'scope> {
    let (mut first, mut second) = (Buffer::default(), Buffer::default());
    join_traces::<_, _, _, _, ConsolidatingContainerBuilder<Vec<Update>>>(
        left,
        right,
        name,
        move |key, left, right, time, left_diff, right_diff, out| {
            if key.is_absent() {
                return;
            }
            feed.set_time(&time);
            root.push(left.bytes(&mut first), right.bytes(&mut second), left_diff * right_diff);
            feed.drain(|update| out.push_into(update));
        },
    )
    .as_collection()
}

/// The rows of an index whose key is among `keys`, which has each once.
pub(super) fn rows_with_key<'scope>(rows: Index<'scope>, keys: Index<'scope>) -> Flow<'scope> {
    join_traces::<_, _, _, _, ConsolidatingContainerBuilder<Vec<Update>>>(
        rows,
        keys,
        "Matched",
        |key, row, _, time, diff, once, out| {
            if !key.is_absent() {
                out.push_into(((row.clone(), Row::default()), time, diff * once));
            }
        },
    )
    .as_collection()
}
