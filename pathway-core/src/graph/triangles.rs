//! Triangles.

use crate::schema::Schema;
use crate::table::Table;
use std::cmp::Ordering;

/// The triangles of a graph, each once, its vertices in order; the direction of the edges does
/// not count, nor how often they are there.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::triangles;
///
/// let app = Pipeline::new("example");
/// let edges = app.rows(vec![(1, 2), (3, 2), (3, 1), (3, 4), (4, 1)]);
/// assert_eq!(triangles(&edges).collect()?, [(1, 2, 3), (1, 3, 4)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn triangles<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<(V, V, V)> {
    let upward = edges
        .filter_map(|(from, to)| match from.row_cmp(&to) {
            Ordering::Less => Some((from, to)),
            Ordering::Equal => None,
            Ordering::Greater => Some((to, from)),
        })
        .distinct();
    let by_low = upward.index_by(|(low, _)| low.clone());
    by_low
        .join(&by_low)
        .select(|(low, a), (_, b)| {
            (a.row_cmp(b) == Ordering::Less).then(|| (low.clone(), a.clone(), b.clone()))
        })
        .filter_map(|corner| corner)
        .join(&upward)
        .on(|(_, a, b)| (a.clone(), b.clone()), |edge| edge.clone())
        .select(|corner, _| corner.clone())
}
