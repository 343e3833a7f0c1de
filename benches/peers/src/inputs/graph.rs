//! A graph whose edges change.

use super::{Sizes, part_path, with_header};
use bench_support::pagerank::{Edge, Graph};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

/// Edges have a number for peers that need one to delete them: that of their line, and on behind.
type Numbers = HashMap<Edge, Vec<usize>, foldhash::fast::RandomState>;

pub(super) fn write(folder: &Path, sizes: &Sizes) -> io::Result<()> {
    let Sizes { vertices, edges, edges_changed, .. } = *sizes;
    let single = Graph::generate(vertices, edges, sizes.single_edges, 1);
    let batches = Graph::generate(vertices, edges, sizes.edge_increments, edges_changed);
    let mut out = with_header(&folder.join("edges.csv"), "u,v")?;
    for (u, v) in &single.edges {
        writeln!(out, "{u},{v}")?;
    }
    out.flush()?;
    write_changes(&folder.join("single"), &single)?;
    write_changes(&folder.join("batches"), &batches)
}

fn write_changes(folder: &Path, graph: &Graph) -> io::Result<()> {
    let mut numbers = Numbers::default();
    for (number, edge) in graph.edges.iter().enumerate() {
        numbers.entry(*edge).or_default().push(number);
    }
    let mut next = graph.edges.len();
    for (batch, (gone, come)) in graph.batches.iter().enumerate() {
        let mut out = with_header(&part_path(folder, batch), "edge,u,v,diff")?;
        for (u, v) in gone {
            let number = numbers.get_mut(&(*u, *v)).and_then(Vec::pop);
            let number = number.expect("an edge that goes is there");
            writeln!(out, "{number},{u},{v},-1")?;
        }
        for (u, v) in come {
            numbers.entry((*u, *v)).or_default().push(next);
            writeln!(out, "{next},{u},{v},1")?;
            next += 1;
        }
        out.flush()?;
    }
    Ok(())
}
