//! PageRank on a graph that changes: the graph, and the program written by hand on differential
//! dataflow.

use crate::{Digest, Random};
use differential_dataflow::input::Input;
use differential_dataflow::operators::iterate::Variable;
use differential_dataflow::{AsCollection, VecCollection};
use std::cell::RefCell;
use std::rc::Rc;
use timely::dataflow::operators::vec::Filter;
use timely::order::Product;

/// From one vertex to another.
pub type Edge = (u32, u32);

/// The rounds of a PageRank.
pub const ROUNDS: u64 = 5;

/// A graph, and batches of changes to it: the edges that go, and those that come.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The edges at first.
    pub edges: Vec<Edge>,
    /// The changes.
    pub batches: Vec<(Vec<Edge>, Vec<Edge>)>,
}

impl Graph {
    /// A graph of that many vertices and edges, and batches of that many changed edges.
    ///
    /// # Panics
    ///
    /// If the graph has more vertices than the machine can count.
    pub fn generate(vertices: u32, edges: usize, batches: usize, changes: usize) -> Self {
        let mut random = Random::new(1);
        let mut below = |bound: usize| {
            usize::try_from(random.below(bound as u64)).expect("it is below a number that fits")
        };
        let vertex = |number: usize| u32::try_from(number).expect("vertices are numbered in u32");
        let size = vertices as usize;
        // Some vertices have far more edges leading to them than others.
        let edge = |below: &mut dyn FnMut(usize) -> usize| {
            let (from, bound) = (below(size), 1 + below(size));
            (vertex(from), vertex(below(bound)))
        };
        let mut there: Vec<Edge> = (0..edges).map(|_| edge(&mut below)).collect();
        let first = there.clone();
        let batch = |_| {
            let gone = (0..changes / 2).map(|_| there.swap_remove(below(there.len()))).collect();
            let come: Vec<Edge> = (0..changes - changes / 2).map(|_| edge(&mut below)).collect();
            there.extend(&come);
            (gone, come)
        };
        let batches = (0..batches).map(batch).collect();
        Self { edges: first, batches }
    }
}

/// The digest of ranks: how much of it each vertex has.
pub fn take(digest: &mut Digest, vertex: u32, rank: i64) {
    digest.update(&vertex.to_le_bytes(), [0, 0], rank);
}

/// The ranks after every batch, the same program as ours: a rank is a row, and the parts that come
/// to a vertex are reduced.
pub fn differential(graph: &Graph) -> Digest {
    run(graph, |edges| ranks(edges).explode(Some))
}

/// The ranks after every batch, each as the weight of its vertex: what differential can do beyond
/// rows. Parts that come to the same vertex add up before they are kept, and a change of a rank is
/// one update rather than two.
pub fn differential_weights(graph: &Graph) -> Digest {
    run(graph, weights)
}

fn run(
    graph: &Graph,
    ranks: fn(VecCollection<'_, u64, Edge, isize>) -> VecCollection<'_, u64, u32, isize>,
) -> Digest {
    let graph = graph.clone();
    timely::execute_directly(move |worker| {
        let digest = Rc::new(RefCell::new(Digest::default()));
        let taken = Rc::clone(&digest);
        let (mut input, probe) = worker.dataflow::<u64, _, _>(|scope| {
            let (input, edges) = scope.new_collection::<Edge, isize>();
            let (probe, _) = ranks(edges)
                .inspect(move |(vertex, _, rank)| {
                    take(&mut taken.borrow_mut(), *vertex, *rank as i64);
                })
                .probe();
            (input, probe)
        });
        for edge in &graph.edges {
            input.insert(*edge);
        }
        let mut epoch = 1;
        input.advance_to(epoch);
        input.flush();
        worker.step_while(|| probe.less_than(input.time()));
        for (gone, come) in &graph.batches {
            gone.iter().for_each(|edge| input.remove(*edge));
            come.iter().for_each(|edge| input.insert(*edge));
            epoch += 1;
            input.advance_to(epoch);
            input.flush();
            worker.step_while(|| probe.less_than(input.time()));
        }
        digest.take()
    })
}

/// The ranks of the vertices, each a row.
pub fn ranks(
    edges: VecCollection<'_, u64, Edge, isize>,
) -> VecCollection<'_, u64, (u32, isize), isize> {
    let vertices = edges.clone().flat_map(|(from, to)| [from, to]).distinct();
    let degrees = edges.clone().map(|(from, _)| from).count();
    let outer = edges.scope();
    outer.iterative::<u64, _, _>(|inner| {
        let edges = edges.enter(inner);
        let degrees = degrees.enter(inner);
        let base = vertices.enter(inner).map(|vertex| (vertex, 1_000));
        let first = base.clone().map(|(vertex, _)| (vertex, 6_000));
        let (variable, ranks) = Variable::new_from(first, Product::new(0, 1));
        let next = ranks
            .join_map(degrees, |vertex, rank, degree| (*vertex, rank * 5 / (degree * 6)))
            .join_map(edges, |_, part, to| (*to, *part))
            .concat(base)
            .reduce(|_, parts, out| {
                out.push((parts.iter().map(|(part, times)| **part * times).sum::<isize>(), 1));
            });
        let next = next.inner.filter(|(_, time, _)| time.inner < ROUNDS).as_collection();
        variable.set(next.clone());
        next.leave(outer)
    })
}

/// The ranks of the vertices, each the weight of its vertex.
pub fn weights(edges: VecCollection<'_, u64, Edge, isize>) -> VecCollection<'_, u64, u32, isize> {
    let vertices = edges.clone().flat_map(|(from, to)| [from, to]).distinct();
    let degrees = edges.clone().map(|(from, _)| from).count();
    let outer = edges.scope();
    outer.iterative::<u64, _, _>(|inner| {
        let edges = edges.enter(inner);
        let vertices = vertices.enter(inner);
        let degrees = degrees.enter(inner);
        let first = vertices.clone().explode(|vertex| Some((vertex, 6_000)));
        let base = vertices.explode(|vertex| Some((vertex, 1_000)));
        let (variable, ranks) = Variable::new_from(first, Product::new(0, 1));
        let parts = degrees
            .semijoin(ranks)
            .threshold(|(_, degree), rank| (5 * rank) / (6 * degree))
            .map(|(vertex, _)| vertex);
        let next = edges.semijoin(parts).map(|(_, to)| to).concat(base).consolidate();
        let next = next.inner.filter(|(_, time, _)| time.inner < ROUNDS).as_collection();
        variable.set(next.clone());
        next.leave(outer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn ranks_are_those_of_the_edges_that_are_left() {
        let graph = Graph::generate(50, 200, 7, 10);
        let mut edges = graph.edges.clone();
        for (gone, come) in &graph.batches {
            for edge in gone {
                let at = edges.iter().position(|there| there == edge).unwrap();
                edges.swap_remove(at);
            }
            edges.extend(come);
        }
        let mut degrees: BTreeMap<u32, i64> = BTreeMap::new();
        let mut ranks: BTreeMap<u32, i64> = BTreeMap::new();
        for (from, to) in &edges {
            *degrees.entry(*from).or_default() += 1;
            ranks.extend([(*from, 6_000), (*to, 6_000)]);
        }
        for _ in 0..ROUNDS {
            let mut next: BTreeMap<u32, i64> = ranks.keys().map(|v| (*v, 1_000)).collect();
            for (from, to) in &edges {
                *next.get_mut(to).unwrap() += ranks[from] * 5 / (degrees[from] * 6);
            }
            ranks = next;
        }
        let mut expected = Digest::default();
        ranks.iter().for_each(|(vertex, rank)| take(&mut expected, *vertex, *rank));
        assert_eq!(differential(&graph), expected);
        assert_eq!(differential_weights(&graph), expected);
    }
}
