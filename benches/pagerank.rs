//! PageRank in a loop, beside the same written by hand on differential dataflow over pairs of
//! numbers: a graph at once, then batches of changed edges.
//!
//! Each run is a process of its own, so that its CPU time and its peak memory are its own; the
//! sides run in turns. Few batches and few turns: a batch takes the reference as long as the whole
//! graph, and what it takes differs little from the next. `PATHWAY_BATCHES=100` says how many, and
//! takes half an hour.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::pagerank::{Edge, Graph, ROUNDS, differential, differential_weights, take};
use bench_support::{Digest, Figure, Measured, is_quick, measure_child, median, report_self};
use pathway::prelude::*;
use pathway::testing::Harness;
use std::sync::{Arc, Mutex};

/// A program that ranks the vertices of a graph.
type Program = fn(&Graph) -> Digest;

const REFERENCE: &str = "reference";
const PATHWAY: &str = "pathway";

/// The reference, with ranks as weights rather than rows.
const WEIGHTS: &str = "weights";

const SIDES: &[(&str, Program)] =
    &[(REFERENCE, differential), (WEIGHTS, differential_weights), (PATHWAY, pathway_ranks)];

/// The most CPU time beside the reference's.
const RATIO_MAX: f64 = 1.5;

const CHANGES: usize = 1_000;

fn pathway_ranks(graph: &Graph) -> Digest {
    let mut t = Harness::new();
    let (input, edges) = t.pipeline().input_table::<Edge>();
    let ranks = pathway::graph::pagerank(&edges, ROUNDS);
    let digest = Arc::new(Mutex::new(Digest::default()));
    let sum = Arc::clone(&digest);
    let seen = ranks.inspect(move |(vertex, rank), diff| {
        take(&mut sum.lock().expect("only this closure locks"), *vertex, rank * diff);
    });
    seen.write(null::sink());
    let change = |gone: &[Edge], come: &[Edge]| {
        let changed = input.transaction(|changes| {
            gone.iter().try_for_each(|edge| changes.remove(edge))?;
            come.iter().for_each(|edge| changes.insert(*edge));
            Ok(())
        });
        changed.expect("what goes is there");
    };
    graph.edges.chunks(CHANGES).for_each(|edges| change(&[], edges));
    t.step();
    for (gone, come) in &graph.batches {
        change(gone, come);
        t.step();
    }
    drop(t);
    let digest = digest.lock().expect("the run has ended");
    *digest
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, side, vertices, edges, batches] = args.as_slice()
        && let Some((_, program)) = SIDES.iter().find(|(name, _)| name == side)
    {
        let number = |text: &String| text.parse().expect("the parent gives numbers");
        let vertices = u32::try_from(number(vertices)).expect("vertices are numbered in u32");
        let graph = Graph::generate(vertices, number(edges), number(batches), CHANGES);
        return report_self(program(&graph));
    }
    let (vertices, edges, batches, repeats) =
        if is_quick() { (2_000, 20_000, 3, 1) } else { (200_000, 2_000_000, 3, 2) };
    let wanted = std::env::var("PATHWAY_BATCHES").ok();
    let wanted = wanted.map(|batches| batches.parse().expect("`PATHWAY_BATCHES` is a number"));
    // Many batches need no second turn.
    let (batches, repeats) = wanted.map_or((batches, repeats), |batches| (batches, 1));
    compare(vertices, edges, batches, repeats);
}

fn compare(vertices: usize, edges: usize, batches: usize, repeats: usize) {
    let [vertices, edges] = [vertices, edges].map(|number| number.to_string());
    let measure = |side: &str, batches: usize| {
        measure_child(&[side, &vertices, &edges, &batches.to_string()])
    };
    // For each side, runs without batches and with them.
    let mut runs: Vec<(&str, Measured, Measured)> = Vec::new();
    for _ in 0..repeats {
        runs.extend(
            SIDES.iter().map(|(side, _)| (*side, measure(side, 0), measure(side, batches))),
        );
    }
    let (_, first, last) = runs[0];
    let agree = |(_, at_first, at_last): &(&str, Measured, Measured)| {
        (at_first.digest, at_last.digest) == (first.digest, last.digest)
    };
    assert!(runs.iter().all(agree), "the sides disagree: {runs:?}");

    let print = |work: &str, measured, ratio_max, value: &dyn Fn(&Measured, &Measured) -> f64| {
        let median_of = |side: &str| {
            let values = runs.iter().filter(|(of, ..)| *of == side);
            median(&values.map(|(_, first, last)| value(first, last)).collect::<Vec<f64>>())
        };
        for (reference, than) in [(REFERENCE, "rows"), (WEIGHTS, "weights")] {
            let figure = Figure {
                work: &format!(
                    "PageRank, {vertices} vertices, {edges} edges, {work}; beside {than}"
                ),
                measured,
                pathway: median_of(PATHWAY),
                reference: median_of(reference),
                ratio_max,
            };
            println!("{figure}");
        }
    };
    print("at once", "CPU s", Some(RATIO_MAX), &|first, _| first.cpu_s);
    let work = format!("then {batches} batches of {CHANGES} changes");
    print(&work, "CPU s", Some(RATIO_MAX), &|first, last| last.cpu_s - first.cpu_s);
    print(&work, "peak memory, MB", None, &|_, last| last.peak_bytes / 1e6);
}
