//! Connected components.

use super::{least_labels, undirected, vertices};
use crate::schema::Schema;
use crate::table::Table;

/// The component of each vertex: pairs of the vertex and the least vertex that it is connected
/// with, whichever way the edges point.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::connected_components;
///
/// let app = Pipeline::new("example");
/// let edges = app.rows(vec![(2, 1), (2, 3), (5, 4)]);
/// let components = connected_components(&edges);
/// assert_eq!(components.collect()?, [(1, 1), (2, 1), (3, 1), (4, 4), (5, 4)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn connected_components<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<(V, V)> {
    let own = vertices(edges).map(|vertex| (vertex.clone(), vertex));
    least_labels(&own, &undirected(edges))
}
