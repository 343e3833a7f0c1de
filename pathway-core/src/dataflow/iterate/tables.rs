//! Reductions in a loop, and what is made of them.

use super::keyed::{Spine, rows_with_key};
use super::{Flow, Index, LoopTime, Pair, Row, index};
use crate::stage::Diff;
use differential_dataflow::trace::implementations::ValBuilder;

pub(super) type Builder = ValBuilder<Row, Row, LoopTime, Diff>;

/// Makes values of those of a key. Boxed, as all closures here are that differential's operators
/// take: each type of closure would be an operator to compile, and is called once a key only.
pub(crate) type Reduction = Box<dyn FnMut(&Row, &[(&Row, Diff)], &mut Vec<(Row, Diff)>)>;

/// Makes values of those of each key, whenever they change.
fn reduce_index<'scope>(index: Index<'scope>, name: &str, logic: Reduction) -> Index<'scope> {
    index.reduce_abelian::<_, Builder, Spine, _, _>(name, logic, |updates, key, changes| {
        updates.clear();
        updates.extend(changes.drain(..).map(|(row, time, diff)| ((key.clone(), row), time, diff)));
    })
}

pub(super) fn as_flow(index: Index<'_>) -> Flow<'_> {
    with_keys(index, |key, value| (key.clone(), value.clone()))
}

/// Pairs made of those of an index; by a pointer, so that this is compiled once.
fn with_keys<'scope>(index: Index<'scope>, pair: fn(&Row, &Row) -> Pair) -> Flow<'scope> {
    index.as_collection(pair)
}

/// Reduces each group; `logic` is given the key and the values with how often each occurs.
pub(crate) fn reduce<'scope>(flow: Flow<'scope>, name: &str, logic: Reduction) -> Flow<'scope> {
    as_flow(reduce_index(index(flow, name), name, logic))
}

/// Keeps so many copies of each row as `copies` says of its values, which are with how often each
/// occurs.
pub(crate) fn threshold<'scope>(
    flow: Flow<'scope>,
    name: &str,
    mut copies: impl FnMut(&Row, &[(&Row, Diff)]) -> Diff + 'static,
) -> Flow<'scope> {
    let logic = move |row: &Row, values: &[(&Row, Diff)], out: &mut Vec<(Row, Diff)>| {
        let copies = copies(row, values);
        if copies != 0 {
            out.push((Row::default(), copies));
        }
    };
    reduce(flow, name, Box::new(logic))
}

/// Sums equal updates.
pub(crate) fn consolidate(flow: Flow<'_>) -> Flow<'_> {
    as_flow(index(flow, "Consolidate"))
}

/// The rows of an index that match a key of another; or, if `unmatched`, the others.
pub(crate) fn matched_keys<'scope>(
    rows: Index<'scope>,
    other: Index<'scope>,
    unmatched: bool,
) -> Flow<'scope> {
    let once = |_: &Row, _: &[(&Row, Diff)], out: &mut Vec<_>| out.push((Row::default(), 1));
    let keys = reduce_index(other, "Keys", Box::new(once));
    let matched = rows_with_key(rows.clone(), keys);
    if unmatched {
        let all = with_keys(rows, |_, row| (row.clone(), Row::default()));
        all.concat(matched.negate())
    } else {
        matched
    }
}
