//! Communities by label propagation.

use super::{undirected, vertices};
use crate::schema::Schema;
use crate::table::Table;

/// Communities by label propagation: pairs of a vertex and its label after so many rounds.
///
/// A vertex begins with itself as its label. In each round all vertices at once take the label
/// that most of their neighbours have, and of several such labels the least; a vertex without
/// neighbours keeps its own. Some graphs never settle, hence the number of rounds.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::label_propagation;
///
/// let app = Pipeline::new("example");
/// let edges = app.rows(vec![(1, 2), (2, 3), (3, 1), (7, 8), (8, 9), (9, 7)]);
/// let labels = label_propagation(&edges, 4);
/// assert_eq!(labels.collect()?, [(1, 1), (2, 1), (3, 1), (7, 7), (8, 7), (9, 7)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn label_propagation<V: Schema + Clone>(edges: &Table<(V, V)>, rounds: u64) -> Table<(V, V)> {
    let own = vertices(edges).map(|vertex| (vertex.clone(), vertex));
    // A vertex with no other neighbour has itself for one.
    let neighbours = undirected(edges);
    let alone = vertices(edges).difference(&vertices(&neighbours));
    let neighbours = neighbours.concat(&alone.map(|vertex| (vertex.clone(), vertex)));
    own.iterate_at_most(rounds, |labels| {
        labels
            .join(&neighbours)
            .on(|(vertex, _)| vertex.clone(), |(from, _)| from.clone())
            .select(|(_, label), (_, to)| (to.clone(), label.clone()))
            .group_by(|heard| heard.clone())
            .reduce(|g| g.count())
            .group_by(|((vertex, _), _)| vertex.clone())
            .reduce(|g| g.argmax(|(_, count)| *count, |((_, label), _)| label.clone()))
    })
}
