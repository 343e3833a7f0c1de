//! `PageRank`.

use super::vertices;
use crate::schema::Schema;
use crate::table::Table;

/// The rank of each vertex after so many rounds, in whole numbers: exact, and the same however
/// the edges came.
///
/// A vertex begins with 6000. In each round it hands five sixths of its rank to the ends of the
/// edges that leave it, in equal parts rounded down, and its next rank is 1000 and what it is
/// handed. With few rounds a change of the edges changes the ranks around it only.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::pagerank;
///
/// let app = Pipeline::new("example");
/// let links = app.rows(vec![('a', 'c'), ('b', 'c'), ('c', 'a')]);
/// let ranks = pagerank(&links, 2);
/// assert_eq!(ranks.collect()?, [('a', 10_166), ('b', 1_000), ('c', 6_833)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn pagerank<V: Schema + Clone>(edges: &Table<(V, V)>, rounds: u64) -> Table<(V, i64)> {
    let base = vertices(edges).map(|vertex| (vertex, 1_000_i64));
    let degrees = degrees(edges);
    base.map(|(vertex, _)| (vertex, 6_000_i64)).iterate_at_most(rounds, |ranks| {
        ranks
            .join(&degrees)
            .on(|(vertex, _)| vertex.clone(), |(from, _)| from.clone())
            .select(|(vertex, rank), (_, degree)| {
                let degree = degree.cast_signed();
                (vertex.clone(), rank * 5 / (degree * 6))
            })
            .join(edges)
            .on(|(vertex, _)| vertex.clone(), |(from, _)| from.clone())
            .select(|(_, part), (_, to)| (to.clone(), *part))
            .concat(&base)
            .group_by(|(vertex, _)| vertex.clone())
            .reduce(|g| g.sum(|(_, part)| *part))
    })
}

/// The rank of each vertex after so many rounds, in floats whose mean is at most one: with the
/// probability `damping` a walk goes on along an edge, otherwise it begins anew anywhere.
///
/// Sums of floats are exact before they are rounded, so the result depends on nothing but the
/// edges. A small change of the edges changes every rank a little; [`pagerank`] rounds that away.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::pagerank_float;
///
/// let app = Pipeline::new("example");
/// let ranks = pagerank_float(&app.rows(vec![(1, 2), (2, 1)]), 20, 0.85);
/// assert_eq!(ranks.collect()?, [(1, 1.0), (2, 1.0)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn pagerank_float<V: Schema + Clone>(
    edges: &Table<(V, V)>,
    rounds: u64,
    damping: f64,
) -> Table<(V, f64)> {
    let base = vertices(edges).map(move |vertex| (vertex, 1.0 - damping));
    let degrees = degrees(edges);
    base.map(|(vertex, _)| (vertex, 1.0)).iterate_at_most(rounds, |ranks| {
        ranks
            .join(&degrees)
            .on(|(vertex, _)| vertex.clone(), |(from, _)| from.clone())
            .select(move |(vertex, rank), (_, degree)| {
                #[expect(clippy::cast_precision_loss, reason = "a degree is far under 2^53")]
                (vertex.clone(), rank * damping / *degree as f64)
            })
            .join(edges)
            .on(|(vertex, _)| vertex.clone(), |(from, _)| from.clone())
            .select(|(_, part), (_, to)| (to.clone(), *part))
            .concat(&base)
            .group_by(|(vertex, _)| vertex.clone())
            .reduce(|g| g.sum(|(_, part)| *part))
    })
}

/// The number of edges that leave each vertex.
fn degrees<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<(V, u64)> {
    edges.group_by(|(from, _)| from.clone()).reduce(|g| g.count()).into()
}
