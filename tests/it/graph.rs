//! Graph algorithms beside naive ones, over random graphs that change.

use crate::oracle::against;
use pathway::graph;
use pathway::prelude::*;
use pathway::testing::Random;
use std::collections::{BTreeMap, BTreeSet};

type Edge = (u8, u8);

fn vertex(random: &mut Random) -> u8 {
    random.value::<u8>() % 10
}

fn edge(random: &mut Random) -> Edge {
    (vertex(random), vertex(random))
}

fn vertices(edges: &[Edge]) -> BTreeSet<u8> {
    edges.iter().flat_map(|edge| [edge.0, edge.1]).collect()
}

/// Each edge in both directions, once, but those from a vertex to itself.
fn undirected(edges: &[Edge]) -> BTreeSet<Edge> {
    let both = edges.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
    both.filter(|edge| edge.0 != edge.1).collect()
}

/// The vertices that one reaches, itself included.
/// A rank that can be compared whatever the order of its sum.
#[expect(clippy::cast_possible_truncation, reason = "ranks are small")]
fn billionths(rank: f64) -> i64 {
    (rank * 1e9).round() as i64
}

fn reached(from: u8, edges: &[Edge]) -> BTreeSet<u8> {
    let mut reached = BTreeSet::from([from]);
    loop {
        let before = reached.len();
        for edge in edges {
            if reached.contains(&edge.0) {
                reached.insert(edge.1);
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

/// Compares an algorithm on edges alone.
fn on_edges<C: pathway::table::IntoTable>(
    pipeline: impl Fn(&Table<Edge>) -> C,
    naive: impl Fn(&[Edge]) -> Vec<C::Row>,
) {
    against(|edges, _: &Table<u8>| pipeline(edges), |edges, _| naive(edges), edge, vertex);
}

#[test]
fn connected_components() {
    on_edges(graph::connected_components, |edges| {
        let both = undirected(edges).into_iter().collect::<Vec<_>>();
        let least = |&vertex: &u8| (vertex, *reached(vertex, &both).first().unwrap());
        vertices(edges).iter().map(least).collect()
    });
}

#[test]
fn strongly_connected_components() {
    on_edges(graph::strongly_connected_components, |edges| {
        let component = |&vertex: &u8| {
            let mut ways = reached(vertex, edges).into_iter();
            (vertex, ways.find(|&other| reached(other, edges).contains(&vertex)).unwrap())
        };
        vertices(edges).iter().map(component).collect()
    });
}

#[test]
fn bfs_levels() {
    against(
        graph::bfs_levels,
        |roots, edges| {
            let mut levels: BTreeMap<u8, u64> = roots.iter().map(|&root| (root, 0)).collect();
            for level in 0..20 {
                for edge in edges {
                    if levels.get(&edge.0) == Some(&level) {
                        levels.entry(edge.1).or_insert(level + 1);
                    }
                }
            }
            levels.into_iter().collect()
        },
        vertex,
        edge,
    );
}

#[test]
fn shortest_paths() {
    against(
        graph::shortest_paths::<u8, i64>,
        |roots, edges| {
            let mut lengths: BTreeMap<u8, i64> = roots.iter().map(|&root| (root, 0)).collect();
            for _ in 0..20 {
                for (from, to, weight) in edges {
                    if let Some(length) = lengths.get(from).map(|length| length + weight) {
                        let known = lengths.entry(*to).or_insert(length);
                        *known = length.min(*known);
                    }
                }
            }
            lengths.into_iter().collect()
        },
        vertex,
        |random| {
            let (from, to) = edge(random);
            // Weights may be below zero upwards: no circle is.
            let weight = i64::try_from(random.below(9)).unwrap();
            (from, to, if from < to { weight - 3 } else { weight + 30 })
        },
    );
}

#[test]
fn pagerank() {
    ranks(5);
}

#[test]
fn pagerank_in_a_loop() {
    ranks(17);
}

#[test]
fn pagerank_without_a_round() {
    ranks(0);
}

fn ranks(rounds: u64) {
    on_edges(
        move |edges| graph::pagerank(edges, rounds),
        move |edges| {
            let mut ranks: BTreeMap<u8, i64> =
                vertices(edges).iter().map(|&vertex| (vertex, 6_000)).collect();
            for _ in 0..rounds {
                let mut next: BTreeMap<u8, i64> =
                    ranks.keys().map(|&vertex| (vertex, 1_000)).collect();
                for (from, to) in edges {
                    let degree = edges.iter().filter(|edge| edge.0 == *from).count() as i64;
                    *next.get_mut(to).expect("it is a vertex") += ranks[from] * 5 / (degree * 6);
                }
                ranks = next;
            }
            ranks.into_iter().collect()
        },
    );
}

#[test]
fn pagerank_in_floats() {
    on_edges(
        |edges| {
            // Up to what the order of sums changes.
            graph::pagerank_float(edges, 6, 0.85).map(|(v, rank)| (v, billionths(rank)))
        },
        |edges| {
            let mut ranks: BTreeMap<u8, f64> =
                vertices(edges).iter().map(|&vertex| (vertex, 1.0)).collect();
            for _ in 0..6 {
                let mut next: BTreeMap<u8, f64> =
                    ranks.keys().map(|&vertex| (vertex, 1.0 - 0.85)).collect();
                for (from, to) in edges {
                    let degree = edges.iter().filter(|edge| edge.0 == *from).count() as f64;
                    *next.get_mut(to).unwrap() += ranks[from] * 0.85 / degree;
                }
                ranks = next;
            }
            ranks.into_iter().map(|(v, rank)| (v, billionths(rank))).collect()
        },
    );
}

#[test]
fn k_core() {
    on_edges(
        |edges| graph::k_core(edges, 3),
        |edges| {
            let mut core = undirected(edges);
            loop {
                let degree = |vertex: u8| core.iter().filter(|edge| edge.0 == vertex).count();
                let next: BTreeSet<Edge> = core
                    .iter()
                    .copied()
                    .filter(|edge| degree(edge.0) >= 3 && degree(edge.1) >= 3)
                    .collect();
                if next == core {
                    return core.into_iter().collect();
                }
                core = next;
            }
        },
    );
}

#[test]
fn label_propagation() {
    on_edges(
        |edges| graph::label_propagation(edges, 4),
        |edges| {
            let both = undirected(edges);
            let mut labels: BTreeMap<u8, u8> =
                vertices(edges).iter().map(|&vertex| (vertex, vertex)).collect();
            for _ in 0..4 {
                let next = |(&vertex, &label): (&u8, &u8)| {
                    let mut heard: BTreeMap<u8, i64> = BTreeMap::new();
                    for edge in both.iter().filter(|edge| edge.0 == vertex) {
                        *heard.entry(labels[&edge.1]).or_default() -= 1;
                    }
                    let most = heard.into_iter().min_by_key(|&(label, count)| (count, label));
                    (vertex, most.map_or(label, |(label, _)| label))
                };
                labels = labels.iter().map(next).collect();
            }
            labels.into_iter().collect()
        },
    );
}

#[test]
fn triangles() {
    on_edges(graph::triangles, |edges| {
        let both = undirected(edges);
        let mut found = Vec::new();
        for &(a, b) in both.iter().filter(|edge| edge.0 < edge.1) {
            for c in vertices(edges).into_iter().filter(|&c| c > b) {
                if both.contains(&(a, c)) && both.contains(&(b, c)) {
                    found.push((a, b, c));
                }
            }
        }
        found
    });
}

/// The Louvain method of [`graph::louvain`], one vertex after the other.
fn naive_louvain(edges: &[Edge], levels: u64, rounds: u64) -> Vec<Edge> {
    let mut communities: BTreeMap<u8, u8> =
        vertices(edges).into_iter().map(|vertex| (vertex, vertex)).collect();
    let mut weights: BTreeMap<Edge, i64> = BTreeMap::new();
    for &(from, to) in edges {
        *weights.entry((from, to)).or_default() += 1;
        *weights.entry((to, from)).or_default() += 1;
    }
    for _ in 0..levels {
        let mut degrees: BTreeMap<u8, i64> = BTreeMap::new();
        weights.iter().for_each(|((from, _), weight)| {
            *degrees.entry(*from).or_default() += weight;
        });
        let total: i64 = degrees.values().sum();
        let mut labels: BTreeMap<u8, u8> = degrees.keys().map(|v| (*v, *v)).collect();
        for half in 0..2 * rounds {
            let move_of = |vertex: u8, own: u8| {
                let worth = |to: u8| {
                    let in_there = |other: &u8| *other != vertex && labels[other] == to;
                    let weight: i64 = weights
                        .iter()
                        .filter(|((from, other), _)| *from == vertex && in_there(other))
                        .map(|(_, weight)| weight)
                        .sum();
                    let others: i64 =
                        degrees.iter().filter(|(v, _)| in_there(v)).map(|(_, k)| k).sum();
                    total * weight - degrees[&vertex] * others
                };
                let neighbours = weights.keys().filter(|(from, _)| *from == vertex);
                let known: BTreeSet<u8> =
                    neighbours.filter(|(_, to)| *to != vertex).map(|(_, to)| labels[to]).collect();
                let best = known.into_iter().chain([own]).min_by_key(|to| (-worth(*to), *to));
                let best = best.expect("there is its own");
                let may = if half % 2 == 0 { best < own } else { best > own };
                if may && worth(best) > worth(own) { best } else { own }
            };
            labels = labels.iter().map(|(vertex, own)| (*vertex, move_of(*vertex, *own))).collect();
        }
        communities.values_mut().for_each(|community| *community = labels[community]);
        let mut merged: BTreeMap<Edge, i64> = BTreeMap::new();
        for ((from, to), weight) in &weights {
            *merged.entry((labels[from], labels[to])).or_default() += weight;
        }
        weights = merged;
    }
    let name = |community: u8| {
        let members = communities.iter().filter(|(_, of)| **of == community);
        members.map(|(vertex, _)| *vertex).min().unwrap_or(community)
    };
    communities.iter().map(|(vertex, community)| (*vertex, name(*community))).collect()
}

#[test]
fn louvain() {
    for (levels, rounds) in [(1, 2), (3, 2)] {
        on_edges(
            |edges| graph::louvain(edges, levels, rounds),
            |edges| naive_louvain(edges, levels, rounds),
        );
    }
}

#[test]
fn louvain_finds_cliques() {
    let app = Pipeline::new("cliques");
    let clique =
        |first: u8| (first..first + 6).flat_map(move |a| (a + 1..first + 6).map(move |b| (a, b)));
    let mut edges: Vec<Edge> = (0..8).flat_map(|n| clique(n * 10)).collect();
    // A ring of cliques.
    edges.extend((0..8).map(|n| (n * 10, (n + 1) % 8 * 10 + 1)));
    let communities = graph::louvain(&app.rows(edges), 4, 6).collect().unwrap();
    assert_eq!(communities.len(), 48);
    assert!(communities.iter().all(|(vertex, name)| vertex / 10 * 10 == *name), "{communities:?}");
}
