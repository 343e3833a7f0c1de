//! PageRank in five rounds.

use super::follow;
use crate::inputs::files;
use crate::results::{self, Ranks};
use crate::{Outcome, Stopwatch};
use bench_support::pagerank::{Edge, ROUNDS};
use pathway::graph::pagerank;
use pathway::prelude::*;
use serde::Deserialize;
use std::path::Path;

#[derive(Clone, Debug, Schema, Deserialize)]
struct Link {
    u: u32,
    v: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Changed {
    u: u32,
    v: u32,
    diff: i64,
}

fn ranks(edges: &Table<Edge>) -> Table<Ranks> {
    let ranks = pagerank(edges, ROUNDS);
    ranks.write(null::sink());
    ranks
        .reduce(|g| (g.count(), g.sum(|(_, rank)| *rank), g.sum(|(_, rank)| rank * rank)))
        .select(|&(vertices, total, squares)| Ranks { vertices, total, squares })
}

pub(crate) fn whole(input: &Path, output: &Path) -> Outcome {
    let app = Pipeline::new("ranks").progress(false);
    let links = app.read(csv::files::<Link>(input.join("edges.csv")));
    ranks(&links.map(|link| (link.u, link.v))).write(csv::file(output));
    Ok(app.run()?)
}

/// The whole graph at first, then the changes of a folder.
pub(crate) fn changes(input: &Path, folder: &str, output: &Path) -> Outcome {
    let app = Pipeline::new("ranks").progress(false);
    let (edges, rows) = app.input_table::<Edge>();
    let followed = follow(&ranks(&rows), |_| ());
    let watch = Stopwatch::start();
    let mut reader = ::csv::Reader::from_path(input.join("edges.csv"))?;
    let links = reader.deserialize().collect::<Result<Vec<Link>, _>>()?;
    edges.transaction(|changes| {
        links.iter().for_each(|link| changes.insert((link.u, link.v)));
        Ok(())
    })?;
    drop(links);
    let running = app.start()?;
    // A whole table has a row from the first epoch on, also if there are no edges yet.
    while followed.rows().values().all(|ranks| ranks.vertices == 0) {
        followed.wait()?;
    }
    watch.load();
    for part in files(&input.join(folder))? {
        let watch = Stopwatch::start();
        let mut reader = ::csv::Reader::from_path(part)?;
        let changed = reader.deserialize().collect::<Result<Vec<Changed>, _>>()?;
        edges.transaction(|changes| {
            for Changed { u, v, diff } in changed {
                if diff < 0 {
                    changes.remove(&(u, v))?;
                } else {
                    changes.insert((u, v));
                }
            }
            Ok(())
        })?;
        followed.wait()?;
        watch.increment();
    }
    edges.close();
    running.wait()?;
    let rows = followed.rows();
    results::write(output, rows.values())
}
