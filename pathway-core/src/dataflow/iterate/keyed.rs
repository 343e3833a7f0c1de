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

/// What a join does with each pair of rows of equal keys. Boxed, so that one join is compiled.
type Pairing =
    Box<dyn FnMut(&Row, &Row, LoopTime, Diff, &mut ConsolidatingContainerBuilder<Vec<Update>>)>;

/// Joins two indexes; a key that is absent equals none.
fn join_indexes<'scope>(
    left: Index<'scope>,
    right: Index<'scope>,
    name: &str,
    mut pairing: Pairing,
) -> Flow<'scope> {
    join_traces::<_, _, _, _, ConsolidatingContainerBuilder<Vec<Update>>>(
        left,
        right,
        name,
        move |key, left, right, time, left_diff, right_diff, out| {
            if !key.is_absent() {
                pairing(left, right, time, left_diff * right_diff, out);
            }
        },
    )
    .as_collection()
}

/// Gives each pair of rows whose keys are equal to `root`, and hands out what has come to `feed`
/// then.
pub(crate) fn join<'scope>(
    left: Index<'scope>,
    right: Index<'scope>,
    name: &str,
    mut root: Box<dyn EncodedStep>,
    feed: SharedFeed,
) -> Flow<'scope> {
    let (mut first, mut second) = (Buffer::default(), Buffer::default());
    let pairing: Pairing = Box::new(move |left, right, time, diff, out| {
        feed.set_time(&time);
        root.push(left.bytes(&mut first), right.bytes(&mut second), diff);
        feed.drain(|update| out.push_into(update));
    });
    join_indexes(left, right, name, pairing)
}

/// The rows of an index whose key is among `keys`, which has each once.
pub(super) fn rows_with_key<'scope>(rows: Index<'scope>, keys: Index<'scope>) -> Flow<'scope> {
    let pairing: Pairing = Box::new(|row, _, time, diff, out| {
        out.push_into(((row.clone(), Row::default()), time, diff));
    });
    join_indexes(rows, keys, "Matched", pairing)
}
