//! Communities by the Louvain method.

use super::vertices;
use crate::schema::Schema;
use crate::table::{Table, iterate_at_most};
use std::cmp::Ordering;

/// Communities by the Louvain method: pairs of a vertex and the least vertex of its community,
/// after so many `levels` at most, of so many `rounds` each.
///
/// Communities are found whose edges are more than those that chance would put there: the
/// modularity is raised step by step. A vertex, with the degree `k`, begins as a community of its
/// own. A community `c` is worth `2m · w - k · s` to it, where `w` is the weight of its edges to
/// other vertices there, `s` the sum of their degrees and `2m` that of all degrees. A round has two
/// halves. In each, all vertices at once look for the community that is worth most to them, their
/// own or a neighbour's, and of several that are worth the same for the least; and they move if it
/// is worth more than their own. In the first half those move whose new community has a smaller
/// name, in the second those whose new one has a greater name, so that no two change places for
/// ever. After the rounds of a level each community becomes one vertex, with the edges of all of
/// its own, and the next level begins.
///
/// Everything is counted in whole numbers: the result is exact, and depends on nothing but the
/// edges. An edge has no direction, counts as often as it is there, and may lead from a vertex to
/// itself. Every change of the number of edges changes what all communities are worth, so that it
/// costs about as much as the whole.
///
/// ```
/// # use pathway::prelude::*;
/// use pathway::graph::louvain;
///
/// let app = Pipeline::new("example");
/// let edges = app.rows(vec![(1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 6), (6, 4)]);
/// let communities = louvain(&edges, 3, 5);
/// assert_eq!(communities.collect()?, [(1, 1), (2, 1), (3, 1), (4, 4), (5, 4), (6, 4)]);
/// # Ok::<(), pathway::Error>(())
/// ```
#[track_caller]
pub fn louvain<V: Schema + Clone>(
    edges: &Table<(V, V)>,
    levels: u64,
    rounds: u64,
) -> Table<(V, V)> {
    let own = vertices(edges).map(|vertex| (vertex.clone(), vertex));
    // An edge from a vertex to itself has both of its ends there.
    let weights = edges
        .flat_map(|(from, to)| [(from.clone(), to.clone()), (to, from)])
        .group_by(|edge| edge.clone())
        .reduce(|g| g.count())
        .map(|(edge, count)| (edge, count.cast_signed()));
    let (communities, _) = iterate_at_most(levels, (&own, &weights), |(communities, weights)| {
        let moved = level(&weights, rounds);
        let next = communities
            .join(&moved)
            .on(|(_, community)| community.clone(), |(vertex, _)| vertex.clone())
            .select(|(vertex, _), (_, community)| (vertex.clone(), community.clone()));
        (next, merged(&weights, &moved))
    });
    let named = communities
        .group_by(|(_, community)| community.clone())
        .reduce(|g| g.min(|(vertex, _)| vertex.clone()));
    communities
        .join(&named)
        .on(|(_, community)| community.clone(), |(community, _)| community.clone())
        .select(|(vertex, _), (_, name)| (vertex.clone(), name.clone()))
}

/// The weight of the edges from one vertex to another; each edge is there in both directions.
type Weights<V> = Table<((V, V), i64)>;

/// The communities of one level.
fn level<V: Schema + Clone>(weights: &Weights<V>, rounds: u64) -> Table<(V, V)> {
    let degrees = weights.group_by(|((from, _), _)| from.clone()).reduce(|g| g.sum(|edge| edge.1));
    let total = degrees.group_by(|_| ()).reduce(|g| g.sum(|(_, degree)| *degree));
    let degrees = degrees
        .join(&total)
        .on(|_| (), |_| ())
        .select(|(vertex, degree), (_, total)| (vertex.clone(), *degree, *total));
    let others = weights.filter(|((from, to), _)| !from.row_eq(to));
    let own = degrees.map(|(vertex, ..)| (vertex.clone(), vertex));
    own.iterate_at_most(rounds, |labels| {
        let labels = half_round(&labels, &degrees, &others, Ordering::Less);
        half_round(&labels, &degrees, &others, Ordering::Greater)
    })
}

/// Moves vertices to communities that are worth more to them, where they may.
fn half_round<V: Schema + Clone>(
    labels: &Table<(V, V)>,
    degrees: &Table<(V, i64, i64)>,
    others: &Weights<V>,
    direction: Ordering,
) -> Table<(V, V)> {
    // A vertex, its community, its degree and the sum of all.
    let members = labels
        .join(degrees)
        .on(|(vertex, _)| vertex.clone(), |(vertex, ..)| vertex.clone())
        .select(|(vertex, own), (_, degree, total)| (vertex.clone(), own.clone(), *degree, *total));
    let sums = members
        .group_by(|(_, community, ..)| community.clone())
        .reduce(|g| g.sum(|(_, _, degree, _)| *degree));
    // The weight of a vertex's edges to each community; nothing to its own, at least.
    let links = others
        .join(labels)
        .on(|((_, to), _)| to.clone(), |(vertex, _)| vertex.clone())
        .select(|((from, _), weight), (_, community)| ((from.clone(), community.clone()), *weight))
        .concat(&labels.map(|label| (label, 0)))
        .group_by(|(link, _)| link.clone())
        .reduce(|g| g.sum(|(_, weight)| *weight));
    links
        .join(&members)
        .on(|((vertex, _), _)| vertex.clone(), |(vertex, ..)| vertex.clone())
        .select(|((_, community), weight), member| (member.clone(), community.clone(), *weight))
        .join(&sums)
        .on(|(_, community, _)| community.clone(), |(community, _)| community.clone())
        .select(|((vertex, own, degree, total), community, weight), (_, sum)| {
            // Its own degree does not count.
            let others = sum - if community.row_eq(own) { *degree } else { 0 };
            let worth =
                i128::from(*total) * i128::from(*weight) - i128::from(*degree) * i128::from(others);
            ((vertex.clone(), own.clone()), community.clone(), worth)
        })
        .group_by(|(label, ..)| label.clone())
        .reduce(|g| {
            let own = g.max(|(_, _, worth)| *worth).when(|((_, own), to, _)| to.row_eq(own));
            (g.argmax(|(_, _, worth)| *worth, |(_, to, _)| to.clone()), g.max(|row| row.2), own)
        })
        .select(move |(vertex, own), (best, worth, stay)| {
            let moves = stay.is_none_or(|stay| worth > stay) && best.row_cmp(&own) == direction;
            (vertex, if moves { best } else { own })
        })
}

/// The graph whose vertices are the communities.
fn merged<V: Schema + Clone>(weights: &Weights<V>, moved: &Table<(V, V)>) -> Weights<V> {
    weights
        .join(moved)
        .on(|((from, _), _)| from.clone(), |(vertex, _)| vertex.clone())
        .select(|((_, to), weight), (_, community)| (community.clone(), to.clone(), *weight))
        .join(moved)
        .on(|(_, to, _)| to.clone(), |(vertex, _)| vertex.clone())
        .select(|(from, _, weight), (_, community)| ((from.clone(), community.clone()), *weight))
        .group_by(|(edge, _)| edge.clone())
        .reduce(|g| g.sum(|(_, weight)| *weight))
        .into()
}
