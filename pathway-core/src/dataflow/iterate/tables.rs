//! Reductions in a loop, and what is made of them.

use super::keyed::{Spine, rows_with_key};
use super::{Flow, Index, Kept, LoopTime, Row, Update, index};
use crate::stage::Diff;
use differential_dataflow::AsCollection as _;
use differential_dataflow::trace::implementations::ValBuilder;
use timely::dataflow::operators::vec::ToStream as _;
use timely::progress::Timestamp as _;

pub(super) type Builder = ValBuilder<Row, Row, LoopTime, Diff>;

/// Makes values of those of a key. Boxed, since each type of closure would be an operator to
/// compile, and it is called once a key only.
type Reduction = Box<dyn FnMut(&Row, &[(&Row, Diff)], &mut Vec<(Row, Diff)>)>;

/// Makes values of those of each key, whenever they change.
fn reduce_index<'scope>(
    index: Index<'scope>,
    name: &str,
    kept: &Kept,
    logic: Reduction,
) -> Index<'scope> {
    let reduced = index.reduce_abelian::<_, Builder, Spine, _, _>(
        name,
        logic,
        |updates: &mut Vec<Update>, key, changes| {
            updates.clear();
            let update = |(row, time, diff)| ((key.clone(), row), time, diff);
            updates.extend(changes.drain(..).map(update));
        },
    );
    kept.keep(&reduced);
    reduced
}

pub(super) fn as_flow(index: Index<'_>) -> Flow<'_> {
    index.as_collection(|key, value| (key.clone(), value.clone()))
}

/// Reduces each group; `logic` is given the key and the values with how often each occurs.
pub(crate) fn reduce<'scope>(
    flow: Flow<'scope>,
    name: &str,
    kept: &Kept,
    logic: impl FnMut(&Row, &[(&Row, Diff)], &mut Vec<(Row, Diff)>) + 'static,
) -> Flow<'scope> {
    as_flow(reduce_index(index(flow, name, kept), name, kept, Box::new(logic)))
}

/// Keeps so many copies of each row as `copies` says of its values, which are with how often each
/// occurs.
pub(crate) fn threshold<'scope>(
    flow: Flow<'scope>,
    name: &str,
    kept: &Kept,
    mut copies: impl FnMut(&Row, &[(&Row, Diff)]) -> Diff + 'static,
) -> Flow<'scope> {
    reduce(flow, name, kept, move |row, values, out| {
        let copies = copies(row, values);
        if copies != 0 {
            out.push((Row::default(), copies));
        }
    })
}

/// Reduces a whole table to at most one row; `logic` is given its rows, and a mark that is
/// [absent](Row::is_absent), so that it is asked also while there are none.
pub(crate) fn reduce_table<'scope>(
    flow: Flow<'scope>,
    name: &str,
    kept: &Kept,
    mut logic: impl FnMut(&[(&Row, Diff)]) -> Option<Row> + 'static,
) -> Flow<'scope> {
    let scope = flow.scope();
    let mark = ((Row::default(), Row::ABSENT), LoopTime::minimum(), 1);
    let mark = (scope.index() == 0).then_some(mark).to_stream(scope).as_collection();
    let reduced = reduce(flow.concat(mark), name, kept, move |_, rows, out| {
        out.extend(logic(rows).map(|row| (row, 1)));
    });
    reduced.map(|(_, row)| (row, Row::default()))
}

/// Looks at the rows of each key of an index when they change.
pub(crate) fn check_keys(
    index: &Index<'_>,
    kept: &Kept,
    mut check: impl FnMut(&[(&Row, Diff)]) + 'static,
) {
    let logic: Reduction = Box::new(move |key, rows, _| {
        // A key that is null equals none.
        if !key.is_absent() {
            check(rows);
        }
    });
    reduce_index(index.clone(), "Unique", kept, logic);
}

/// The rows of an index.
pub(crate) fn rows_of<'scope>(index: &Index<'scope>) -> Flow<'scope> {
    index.clone().as_collection(|_, row| (row.clone(), Row::default()))
}

/// Sums equal updates.
pub(crate) fn consolidate<'scope>(flow: Flow<'scope>, kept: &Kept) -> Flow<'scope> {
    as_flow(index(flow, "Consolidate", kept))
}

/// The rows of an index that match a key of another; or, if `unmatched`, the others.
pub(crate) fn matched_keys<'scope>(
    rows: Index<'scope>,
    other: Index<'scope>,
    unmatched: bool,
    kept: &Kept,
) -> Flow<'scope> {
    let keys = reduce_index(
        other,
        "Keys",
        kept,
        Box::new(|_, _, out: &mut Vec<_>| out.push((Row::default(), 1))),
    );
    let matched = rows_with_key(rows.clone(), keys);
    if unmatched {
        let all = rows.as_collection(|_, row| (row.clone(), Row::default()));
        all.concat(matched.negate())
    } else {
        matched
    }
}
