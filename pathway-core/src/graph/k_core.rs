//! The k-core.

use super::undirected;
use crate::schema::Schema;
use crate::table::Table;

/// The edges of the `k`-core: what is left when vertices with fewer than `k` neighbours are taken
/// away until there are none. Each edge is there in both directions, once; edges from a vertex to
/// itself do not count.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::k_core;
///
/// let app = Pipeline::new("example");
/// let edges = app.rows(vec![(1, 2), (2, 3), (3, 1), (3, 4)]);
/// let core = k_core(&edges, 2).map(|(from, _)| from).distinct();
/// assert_eq!(core.collect()?, [1, 2, 3]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn k_core<V: Schema + Clone>(edges: &Table<(V, V)>, k: u64) -> Table<(V, V)> {
    undirected(edges).iterate(|edges| {
        let kept = edges
            .group_by(|(from, _)| from.clone())
            .reduce(|g| g.count())
            .filter(move |(_, neighbours)| *neighbours >= k);
        edges
            .join(&kept)
            .on(|(from, _)| from.clone(), |(vertex, _)| vertex.clone())
            .select(|edge, _| edge.clone())
            .join(&kept)
            .on(|(_, to)| to.clone(), |(vertex, _)| vertex.clone())
            .select(|edge, _| edge.clone())
    })
}
