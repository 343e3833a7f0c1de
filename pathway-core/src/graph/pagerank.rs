//! `PageRank`.

use super::vertices;
use crate::reduce::Summable;
use crate::schema::Schema;
use crate::table::Table;

/// Up to so many rounds are operators one behind the other, each with ranks of its own: cheaper
/// than a loop while every round changes most ranks.
const UNROLLED_MAX: u64 = 16;

/// The rank of each vertex after so many rounds, in whole numbers: exact, and the same however
/// the edges came.
///
/// A vertex begins with 6000. In each round it hands five sixths of its rank to the ends of the
/// edges that leave it, in equal parts rounded down, and its next rank is 1000 and what it is
/// handed. With few rounds a change of the edges changes the ranks around it only.
///
/// State: the edges once, and three rows for each vertex and round. More than sixteen rounds are a
/// loop.
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
    ranks(edges, rounds, [6_000, 1_000], |rank, degree| rank * 5 / (degree.cast_signed() * 6))
}

/// The rank of each vertex after so many rounds, in floats whose mean is at most one: with the
/// probability `damping` a walk goes on along an edge, otherwise it begins anew anywhere.
///
/// Sums of floats are exact before they are rounded, so the result depends on nothing but the
/// edges. A small change of the edges changes every rank a little; [`pagerank`] rounds that away.
///
/// State: as that of [`pagerank`].
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
    #[expect(clippy::cast_precision_loss, reason = "a degree is far under 2^53")]
    let part = move |rank, degree: u64| rank * damping / degree as f64;
    ranks(edges, rounds, [1.0, 1.0 - damping], part)
}

/// The rank of each vertex after so many rounds: what it begins with at first, then what it has
/// `each` round and the parts that it is handed.
#[track_caller]
fn ranks<V, R>(
    edges: &Table<(V, V)>,
    rounds: u64,
    [first, each]: [R; 2],
    part: impl Fn(R, u64) -> R + Copy + Send + Sync + 'static,
) -> Table<(V, R)>
where
    V: Schema + Clone,
    R: Schema + Summable<Sum = R> + Copy,
{
    let vertices = vertices(edges);
    let base = vertices.map(move |vertex| (vertex, each));
    let degrees = degrees(edges).index_by(|(from, _)| from.clone());
    let edges = edges.index_by(|(from, _)| from.clone());
    let round = |ranks: Table<(V, R)>| -> Table<(V, R)> {
        ranks
            .index_by(|(vertex, _)| vertex.clone())
            .join(&degrees)
            .select(move |(vertex, rank), (_, degree)| (vertex.clone(), part(*rank, *degree)))
            .index_by(|(vertex, _)| vertex.clone())
            .join(&edges)
            .select(|(_, part), (_, to)| (to.clone(), *part))
            .concat(&base)
            .group_by(|(vertex, _)| vertex.clone())
            .reduce(|g| g.sum(|(_, part)| *part))
            .into()
    };
    let ranks = vertices.map(move |vertex| (vertex, first));
    if rounds > UNROLLED_MAX {
        return ranks.iterate_at_most(rounds, round);
    }
    (0..rounds).fold(ranks, |ranks, _| round(ranks))
}

/// The number of edges that leave each vertex.
fn degrees<V: Schema + Clone>(edges: &Table<(V, V)>) -> Table<(V, u64)> {
    edges.group_by(|(from, _)| from.clone()).reduce(|g| g.count()).into()
}
