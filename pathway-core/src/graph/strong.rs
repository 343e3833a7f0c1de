//! Strongly connected components.

use super::{least_labels, vertices};
use crate::schema::Schema;
use crate::table::Table;

/// The strongly connected component of each vertex: pairs of the vertex and the least vertex that
/// it can reach and that can reach it.
///
/// A loop in a loop: the inner one finds the least vertex that reaches each, the outer one drops
/// the edges between vertices where it differs, forward and backward in turns.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::strongly_connected_components;
///
/// let app = Pipeline::new("example");
/// let edges = app.rows(vec![(1, 2), (2, 3), (3, 2), (3, 4)]);
/// let components = strongly_connected_components(&edges);
/// assert_eq!(components.collect()?, [(1, 1), (2, 2), (3, 2), (4, 4)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn strongly_connected_components<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<(V, V)> {
    let within = edges.distinct().iterate(|edges| reversed_within(&reversed_within(&edges)));
    let own = vertices(edges).map(|vertex| (vertex.clone(), vertex));
    // Within a component every vertex reaches every other.
    least_labels(&own, &within)
}

/// The edges whose ends are reached from the same least vertex, reversed.
fn reversed_within<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<(V, V)> {
    // A vertex that no edge leads to is on no circle.
    let own = edges.map(|(_, to)| (to.clone(), to)).distinct();
    let labels = least_labels(&own, edges);
    edges
        .join(&labels)
        .on(|(from, _)| from.clone(), |(vertex, _)| vertex.clone())
        .select(|(from, to), (_, label)| (from.clone(), to.clone(), label.clone()))
        .join(&labels)
        .on(|(_, to, _)| to.clone(), |(vertex, _)| vertex.clone())
        .select(|(from, to, label), (_, other)| {
            label.row_eq(other).then(|| (to.clone(), from.clone()))
        })
        .filter_map(|edge| edge)
}
