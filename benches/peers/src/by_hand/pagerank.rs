//! PageRank over vectors, by vertex number; changed edges begin it anew.

use crate::inputs::files;
use crate::results::{self, Ranks};
use crate::{Outcome, Stopwatch};
use bench_support::pagerank::{Edge, ROUNDS};
use std::path::Path;

/// The edges of a file with `u` and `v` from that column on, and their diffs if there are any.
pub(crate) fn edges(path: &Path, column: usize) -> Outcome<Vec<(Edge, i64)>> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut record = csv::StringRecord::new();
    let mut edges = Vec::new();
    while reader.read_record(&mut record)? {
        let diff = record.get(column + 2).map_or(Ok(1), str::parse)?;
        edges.push(((record[column].parse()?, record[column + 1].parse()?), diff));
    }
    Ok(edges)
}

/// As `pathway::graph::pagerank` defines it.
fn ranks(edges: &[Edge]) -> Ranks {
    let last = edges.iter().map(|(u, v)| *u.max(v)).max().unwrap_or(0) as usize;
    let (mut degrees, mut there) = (vec![0_i64; last + 1], vec![false; last + 1]);
    for &(u, v) in edges {
        degrees[u as usize] += 1;
        there[u as usize] = true;
        there[v as usize] = true;
    }
    let mut ranks = vec![6_000_i64; last + 1];
    for _ in 0..ROUNDS {
        let part =
            |(rank, degree): (&i64, &i64)| if *degree > 0 { rank * 5 / (degree * 6) } else { 0 };
        let parts: Vec<i64> = ranks.iter().zip(&degrees).map(part).collect();
        ranks.fill(1_000);
        for &(u, v) in edges {
            ranks[v as usize] += parts[u as usize];
        }
    }
    let ranks = ranks.iter().zip(&there).filter(|(_, there)| **there).map(|(rank, _)| *rank);
    ranks.fold(Ranks { vertices: 0, total: 0, squares: 0 }, |all, rank| Ranks {
        vertices: all.vertices + 1,
        total: all.total + rank,
        squares: all.squares + rank * rank,
    })
}

pub(crate) fn whole(input: &Path, output: &Path) -> Outcome {
    let edges = edges(&input.join("edges.csv"), 0)?;
    let edges: Vec<Edge> = edges.into_iter().map(|(edge, _)| edge).collect();
    results::write(output, [ranks(&edges)])
}

pub(crate) fn changes(input: &Path, folder: &str, output: &Path) -> Outcome {
    let watch = Stopwatch::start();
    let first = edges(&input.join("edges.csv"), 0)?;
    let mut all: Vec<Edge> = first.into_iter().map(|(edge, _)| edge).collect();
    let mut result = ranks(&all);
    watch.load();
    for part in files(&input.join(folder))? {
        let watch = Stopwatch::start();
        for (edge, diff) in edges(&part, 1)? {
            if diff > 0 {
                all.push(edge);
            } else if let Some(at) = all.iter().position(|there| *there == edge) {
                all.swap_remove(at);
            }
        }
        result = ranks(&all);
        watch.increment();
    }
    results::write(output, [result])
}
