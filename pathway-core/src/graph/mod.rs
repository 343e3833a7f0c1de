//! Algorithms on graphs, kept up to date as edges come and go.
//!
//! A graph is a table of edges: pairs `(from, to)` of vertices, or triples with a weight. A vertex
//! is any row type: a number, a name, a struct. The vertices of a graph are the ends of its edges.
//! Edges that are there several times count several times, unless an algorithm says otherwise.
//!
//! Most of them are loops; see [`Table::iterate`]. A change of some edges costs about what depends
//! on them in each round.

mod communities;
mod components;
mod k_core;
mod louvain;
mod pagerank;
mod paths;
mod strong;
mod triangles;

pub use communities::label_propagation;
pub use components::connected_components;
pub use k_core::k_core;
pub use louvain::louvain;
pub use pagerank::{pagerank, pagerank_float};
pub use paths::{bfs_levels, shortest_paths};
pub use strong::strongly_connected_components;
pub use triangles::triangles;

use crate::schema::Schema;
use crate::table::Table;

/// The ends of edges, each once.
fn vertices<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<V> {
    edges.flat_map(|(from, to)| [from, to]).distinct()
}

/// Each edge between two vertices once in both directions.
fn undirected<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<(V, V)> {
    edges
        .filter(|(from, to)| !from.row_eq(to))
        .flat_map(|(from, to)| [(from.clone(), to.clone()), (to, from)])
        .distinct()
}

/// For each vertex the least label that reaches it along edges; each begins with those it is
/// given.
fn least_labels<V: Schema + Clone>(labels: &Table<(V, V)>, edges: &Table<(V, V)>) -> Table<(V, V)> {
    labels.iterate(|reached| {
        reached
            .join(edges)
            .on(|(vertex, _)| vertex.clone(), |(from, _)| from.clone())
            .select(|(_, label), (_, to)| (to.clone(), label.clone()))
            .concat(labels)
            .group_by(|(vertex, _)| vertex.clone())
            .reduce(|g| g.min(|(_, label)| label.clone()))
    })
}
