//! PageRank by `iterate`, with ranks as rows or as weights (`bench_support::pagerank`).

use crate::by_hand::pagerank::edges;
use crate::inputs::files;
use crate::results::{self, Ranks};
use crate::{Outcome, Stopwatch};
use bench_support::pagerank::{Edge, ranks, weights};
use differential_dataflow::VecCollection;
use differential_dataflow::input::{Input, InputSession};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

type Weights =
    for<'a> fn(VecCollection<'a, u64, Edge, isize>) -> VecCollection<'a, u64, u32, isize>;

/// The rank of each vertex, by number.
type Kept = Rc<RefCell<Vec<i64>>>;

struct Program {
    edges: InputSession<u64, Edge, isize>,
    probe: ProbeHandle<u64>,
    ranks: Kept,
}

fn program(which: Option<&str>) -> Weights {
    match which {
        Some("weights") => weights,
        _ => |edges| ranks(edges).explode(Some),
    }
}

fn dataflow(worker: &mut Worker, program: Weights) -> Program {
    let ranks = Kept::default();
    let kept = Rc::clone(&ranks);
    let (edges, probe) = worker.dataflow::<u64, _, _>(|scope| {
        let (input, edges) = scope.new_collection::<Edge, isize>();
        let (probe, _) = program(edges)
            .inspect(move |(vertex, _, rank)| {
                let (mut kept, vertex) = (kept.borrow_mut(), *vertex as usize);
                if kept.len() <= vertex {
                    kept.resize(vertex + 1, 0);
                }
                kept[vertex] += *rank as i64;
            })
            .probe();
        (input, probe)
    });
    Program { edges, probe, ranks }
}

impl Program {
    fn load(&mut self, worker: &mut Worker, path: &Path, column: usize) -> Outcome {
        for (edge, diff) in edges(path, column)? {
            self.edges.update(edge, isize::try_from(diff)?);
        }
        let epoch = *self.edges.time() + 1;
        self.edges.advance_to(epoch);
        self.edges.flush();
        let Self { edges, probe, .. } = self;
        worker.step_while(|| probe.less_than(edges.time()));
        Ok(())
    }

    fn write(&self, output: &Path) -> Outcome {
        let ranks = self.ranks.borrow();
        // No vertex that is there has a rank of nothing.
        let there = ranks.iter().filter(|rank| **rank != 0);
        let none = Ranks { vertices: 0, total: 0, squares: 0 };
        let row = there.fold(none, |all, rank| Ranks {
            vertices: all.vertices + 1,
            total: all.total + rank,
            squares: all.squares + rank * rank,
        });
        results::write(output, [row])
    }
}

pub(super) fn whole(input: &Path, which: Option<&str>, output: &Path) -> Outcome {
    let (input, output, ranks) = (input.to_owned(), output.to_owned(), program(which));
    timely::execute_directly(move |worker| {
        let mut program = dataflow(worker, ranks);
        program.load(worker, &input.join("edges.csv"), 0)?;
        program.write(&output)
    })
}

pub(super) fn changes(input: &Path, folder: &str, which: Option<&str>, output: &Path) -> Outcome {
    let (input, parts) = (input.to_owned(), files(&input.join(folder))?);
    let (output, ranks) = (output.to_owned(), program(which));
    timely::execute_directly(move |worker| {
        let mut program = dataflow(worker, ranks);
        let watch = Stopwatch::start();
        program.load(worker, &input.join("edges.csv"), 0)?;
        watch.load();
        for part in parts {
            let watch = Stopwatch::start();
            program.load(worker, &part, 1)?;
            watch.increment();
        }
        program.write(&output)
    })
}
