//! Tables by key in a loop: indexes, and the joins of two of them.

use super::blocks::BlockBatcher;
use super::combine::Combiner;
use super::{AnyFeed, AnyFlow, Buffer, Flow, Kept, LoopTime, Pair, Row, SharedFeed, Update};
use crate::stage::{Diff, EncodedStep};
use differential_dataflow::AsCollection;
use differential_dataflow::consolidation::ConsolidatingContainerBuilder;
use differential_dataflow::operators::arrange::arrangement::arrange_core;
use differential_dataflow::operators::arrange::{Arranged, TraceAgent};
use differential_dataflow::operators::join::join_traces;
use differential_dataflow::trace::implementations::{ValBuilder, ValSpine};
use timely::container::{ContainerBuilder, PushInto};
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::Exchange;

type Batcher = BlockBatcher<Pair, Diff, ValBuilder<Row, Row, LoopTime, Diff>>;
pub(super) type Spine = ValSpine<Row, Row, LoopTime, Diff>;

type Rows = ConsolidatingContainerBuilder<Vec<Update>>;

/// A table in a loop, by key; shared by those that read it.
pub(crate) type Index<'scope> = Arranged<'scope, TraceAgent<Spine>>;

/// Keeps a table by key, each key on the worker that owns it.
pub(crate) fn index<'scope>(flow: Flow<'scope>, name: &str, kept: &Kept) -> Index<'scope> {
    let by_key = Exchange::new(|((key, _), _, _): &Update| key.route());
    let index = arrange_core::<_, _, Batcher, Spine>(flow.inner, by_key, name, Batcher::new);
    kept.keep(&index);
    index
}

/// What a join does with each pair of rows of equal keys. Boxed, so that few joins are compiled.
type Pairing<B> = Box<dyn FnMut(&Row, &Row, LoopTime, Diff, &mut B)>;

/// Joins two indexes; a key that is absent equals none.
fn join_indexes<'scope, U: 'static, B>(
    left: Index<'scope>,
    right: Index<'scope>,
    name: &str,
    mut pairing: Pairing<B>,
) -> Stream<'scope, LoopTime, Vec<U>>
where
    B: ContainerBuilder<Container = Vec<U>> + 'static,
{
    join_traces::<_, _, _, _, B>(
        left,
        right,
        name,
        move |key, left, right, time, left_diff, right_diff, out| {
            if !key.is_absent() {
                pairing(left, right, time, left_diff * right_diff, out);
            }
        },
    )
}

/// Gives pairs to `root`, and hands out what has come to `feed` then.
fn pairing<U: 'static, B: PushInto<U>>(
    mut root: Box<dyn EncodedStep>,
    feed: SharedFeed<U>,
) -> Pairing<B> {
    let (mut first, mut second) = (Buffer::default(), Buffer::default());
    Box::new(move |left, right, time, diff, out| {
        feed.set_time(&time);
        root.push(left.bytes(&mut first), right.bytes(&mut second), diff);
        feed.drain(|update| out.push_into(update));
    })
}

/// Gives each pair of rows whose keys are equal to `root`, and hands out what has come to `feed`
/// then.
pub(crate) fn join<'scope>(
    left: Index<'scope>,
    right: Index<'scope>,
    name: &str,
    root: Box<dyn EncodedStep>,
    feed: AnyFeed,
) -> AnyFlow<'scope> {
    match feed {
        AnyFeed::Rows(feed) => {
            let pairing: Pairing<Rows> = pairing(root, feed);
            AnyFlow::Rows(join_indexes(left, right, name, pairing).as_collection())
        }
        AnyFeed::Weights(feed) => {
            let pairing: Pairing<Combiner> = pairing(root, feed);
            AnyFlow::Weights(join_indexes(left, right, name, pairing).as_collection())
        }
    }
}

/// The rows of an index whose key is among `keys`, which has each once.
pub(super) fn rows_with_key<'scope>(rows: Index<'scope>, keys: Index<'scope>) -> Flow<'scope> {
    let pairing: Pairing<Rows> = Box::new(|row, _, time, diff, out| {
        out.push_into(((row.clone(), Row::default()), time, diff));
    });
    join_indexes(rows, keys, "Matched", pairing).as_collection()
}
