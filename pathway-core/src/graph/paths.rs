//! Shortest paths from some vertices.

use crate::schema::Schema;
use crate::table::Table;
use std::ops::Add;

/// The least number of edges from one of `roots` to each vertex that can be reached: 0 for the
/// roots themselves.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::bfs_levels;
///
/// let app = Pipeline::new("example");
/// let edges = app.rows(vec![(1, 2), (2, 3), (1, 3), (3, 4), (8, 9)]);
/// let levels = bfs_levels(&app.rows(vec![1]), &edges);
/// assert_eq!(levels.collect()?, [(1, 0), (2, 1), (3, 1), (4, 2)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn bfs_levels<V: Schema + Clone>(roots: &Table<V>, edges: &Table<(V, V)>) -> Table<(V, u64)> {
    let start = roots.map(|root| (root, 0));
    start.iterate(|levels| {
        levels
            .join(edges)
            .on(|(vertex, _)| vertex.clone(), |(from, _)| from.clone())
            .select(|(_, level), (_, to)| (to.clone(), level + 1))
            .concat(&start)
            .group_by(|(vertex, _)| vertex.clone())
            .reduce(|g| g.min(|(_, level)| *level))
    })
}

/// The length of the shortest path from one of `roots` to each vertex that can be reached, by the
/// weights of its edges (Bellman and Ford): `W::default()` for the roots themselves.
///
/// Weights may be negative. With a circle of negative length that a root reaches there is no
/// shortest path, and the epoch never ends.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::shortest_paths;
///
/// let app = Pipeline::new("example");
/// let roads = app.rows(vec![('a', 'b', 5), ('a', 'c', 1), ('c', 'b', 2), ('b', 'd', 1)]);
/// let lengths = shortest_paths(&app.rows(vec!['a']), &roads);
/// assert_eq!(lengths.collect()?, [('a', 0), ('b', 3), ('c', 1), ('d', 4)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn shortest_paths<V, W>(roots: &Table<V>, edges: &Table<(V, V, W)>) -> Table<(V, W)>
where
    V: Schema + Clone,
    W: Schema + Clone + Default + Add<Output = W>,
{
    let start = roots.map(|root| (root, W::default()));
    start.iterate(|lengths| {
        lengths
            .join(edges)
            .on(|(vertex, _)| vertex.clone(), |(from, ..)| from.clone())
            .select(|(_, length), (_, to, weight)| (to.clone(), length.clone() + weight.clone()))
            .concat(&start)
            .group_by(|(vertex, _)| vertex.clone())
            .reduce(|g| g.min(|(_, length)| length.clone()))
    })
}
