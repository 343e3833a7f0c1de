//! Reductions in a loop, and what is made of them.

use super::keyed::{Spine, rows_with_key};
use super::{Flow, Index, LoopTime, Row, index};
use crate::stage::Diff;
use differential_dataflow::trace::implementations::ValBuilder;

pub(super) type Builder = ValBuilder<Row, Row, LoopTime, Diff>;

/// Makes values of those of each key, whenever they change.
fn reduce_index<'scope>(
    index: Index<'scope>,
    name: &str,
    logic: impl FnMut(&Row, &[(&Row, Diff)], &mut Vec<(Row, Diff)>) + 'static,
) -> Index<'scope> {
    index.reduce_abelian::<_, Builder, Spine, _, _>(name, logic, |updates, key, changes| {
        updates.clear();
        updates.extend(changes.drain(..).map(|(row, time, diff)| ((key.clone(), row), time, diff)));
    })
}

pub(super) fn as_flow(index: Index<'_>) -> Flow<'_> {
    index.as_collection(|key, value| (key.clone(), value.clone()))
}

/// Reduces each group; `logic` is given the key and the values with how often each occurs.
pub(crate) fn reduce<'scope>(
    flow: Flow<'scope>,
    name: &str,
    logic: impl FnMut(&Row, &[(&Row, Diff)], &mut Vec<(Row, Diff)>) + 'static,
) -> Flow<'scope> {
    as_flow(reduce_index(index(flow, name), name, logic))
}

/// Keeps so many copies of each row as `copies` says of its values, which are with how often each
/// occurs.
pub(crate) fn threshold<'scope>(
    flow: Flow<'scope>,
    name: &str,
    mut copies: impl FnMut(&Row, &[(&Row, Diff)]) -> Diff + 'static,
) -> Flow<'scope> {
    reduce(flow, name, move |row, values, out| {
        let copies = copies(row, values);
        if copies != 0 {
            out.push((Row::default(), copies));
        }
    })
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
    let keys = reduce_index(other, "Keys", |_, _, out| out.push((Row::default(), 1)));
    let matched = rows_with_key(rows.clone(), keys);
    if unmatched {
        let all = rows.as_collection(|_, row| (row.clone(), Row::default()));
        all.concat(matched.negate())
    } else {
        matched
    }
}
