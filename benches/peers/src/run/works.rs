//! The pieces of work, and what is to be reached in each.

use super::compare::{Columns, Kind};
use super::systems::System;
use crate::Outcome;
use crate::inputs::{Inputs, words_folder};
use std::path::PathBuf;

/// The tables, each of several pieces of work.
pub(super) const TABLES: [&str; 4] = ["wordcount", "join", "pagerank", "windows"];

/// One piece of work.
#[derive(Debug)]
pub(super) struct Work {
    /// As the tables name it.
    pub(super) name: String,
    /// As programs do.
    pub(super) word: &'static str,
    pub(super) input: PathBuf,
    pub(super) options: Vec<(&'static str, String)>,
    /// Of its result.
    pub(super) columns: Columns,
    pub(super) targets: Vec<Target>,
}

/// What is measured of ours and, for a ratio, of another system.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measured {
    /// CPU seconds of a whole run.
    Cpu,
    /// CPU seconds of an increment, the median.
    Increment,
    /// MiB at most.
    Memory,
}

/// What ours is to reach.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// At most so many times what another system takes.
    Beside(Measured, System, f64),
    /// At most so much.
    AtMost(Measured, f64),
    /// At most so many times the CPU seconds that ours takes for the work of that name.
    BesideWork(String, f64),
}

const COUNT: Columns = &[("word", Kind::Text), ("count", Kind::Whole)];
const SALES: Columns = &[
    ("country", Kind::Text),
    ("orders", Kind::Whole),
    ("total", Kind::Decimal(2)),
    ("mean", Kind::Decimal(4)),
    ("largest", Kind::Decimal(2)),
    ("smallest", Kind::Decimal(2)),
];
const RANKS: Columns =
    &[("vertices", Kind::Whole), ("total", Kind::Whole), ("squares", Kind::Whole)];
const TOTAL: Columns =
    &[("start", Kind::Whole), ("key", Kind::Whole), ("total", Kind::Whole), ("count", Kind::Whole)];

/// Makes the inputs of a table's works.
pub(super) fn generate(table: &str, inputs: &Inputs) -> Outcome {
    match table {
        "wordcount" => inputs.words()?,
        "join" => inputs.shop()?,
        "pagerank" => inputs.graph()?,
        _ => inputs.events()?,
    }
    Ok(())
}

pub(super) fn of_table(table: &str, inputs: &Inputs) -> Vec<Work> {
    match table {
        "wordcount" => word_count(inputs),
        "join" => join(inputs),
        "pagerank" => pagerank(inputs),
        _ => windows(inputs),
    }
}

use Measured::{Cpu, Increment, Memory};
use Target::{AtMost, Beside, BesideWork};

fn word_count(inputs: &Inputs) -> Vec<Work> {
    let (rows, parts) = (inputs.sizes.rows, inputs.sizes.increments);
    let mut works = Vec::new();
    for words in inputs.sizes.words {
        let folder = inputs.folder.join(words_folder(words));
        let name = |what: &str| format!("{rows} words of {words}, {what}");
        for (what, format) in [("CSV", "csv"), ("JSON Lines", "jsonl")] {
            works.push(Work {
                name: name(what),
                word: "wordcount",
                input: folder.join(format!("words.{format}")),
                options: vec![("format", format.to_owned())],
                columns: COUNT,
                targets: vec![
                    Beside(Cpu, System::Duckdb, 1.0),
                    Beside(Cpu, System::Pathway, 1.0 / 15.0),
                ],
            });
        }
        works.push(Work {
            name: name(&format!("{parts} increments pushed")),
            word: "wordcount-increments",
            input: folder.join("parts"),
            options: Vec::new(),
            columns: COUNT,
            targets: vec![BesideWork(name("CSV"), 1.2), Beside(Cpu, System::Pathway, 1.0 / 15.0)],
        });
        works.push(Work {
            name: name(&format!("{parts} files one by one")),
            word: "wordcount-files",
            input: folder.join("parts"),
            options: vec![("rows", (rows / parts).to_string()), ("total", rows.to_string())],
            columns: COUNT,
            targets: vec![BesideWork(name("CSV"), 1.2), Beside(Cpu, System::Spark, 1.0 / 40.0)],
        });
    }
    works
}

fn join(inputs: &Inputs) -> Vec<Work> {
    let sizes = &inputs.sizes;
    let name = format!("{} orders of {} users", sizes.rows, sizes.users);
    let work = |what: &str, word, options, targets| Work {
        name: format!("{name}, {what}"),
        word,
        input: inputs.folder.join("shop"),
        options,
        columns: SALES,
        targets,
    };
    let whole = vec![
        Beside(Cpu, System::Duckdb, 1.0),
        Beside(Cpu, System::Pathway, 1.0 / 25.0),
        AtMost(Memory, 100.0),
    ];
    let open = vec![AtMost(Cpu, 5.0), Beside(Cpu, System::Pathway, 0.1)];
    let increments = format!(
        "{} increments, then a tenth updated or deleted in {}",
        sizes.increments, sizes.change_increments
    );
    let increments_targets = vec![Beside(Cpu, System::Differential, 0.5)];
    let total = vec![("total", sizes.rows.to_string())];
    vec![
        work("whole", "join", Vec::new(), whole),
        work("whole, inputs left open", "join-open", total, open),
        work(&increments, "join-increments", Vec::new(), increments_targets),
    ]
}

fn pagerank(inputs: &Inputs) -> Vec<Work> {
    let sizes = &inputs.sizes;
    let name = format!("{} vertices, {} edges", sizes.vertices, sizes.edges);
    let work = |what: &str, word, options, targets| Work {
        name: format!("{name}, {what}"),
        word,
        input: inputs.folder.join("graph"),
        options,
        columns: RANKS,
        targets,
    };
    let beside = |measured, less| {
        vec![
            Beside(measured, System::Differential, 1.0),
            Beside(measured, System::Pathway, 1.0 / less),
        ]
    };
    let folder = |name: &str| vec![("changes", name.to_owned())];
    let single = format!("then {} changes of one edge", sizes.single_edges);
    let batches =
        format!("then {} changes of {} edges", sizes.edge_increments, sizes.edges_changed);
    vec![
        work("whole", "pagerank", Vec::new(), beside(Cpu, 10.0)),
        work(&single, "pagerank-changes", folder("single"), beside(Increment, 10.0)),
        work(&batches, "pagerank-changes", folder("batches"), beside(Increment, 10.0)),
    ]
}

fn windows(inputs: &Inputs) -> Vec<Work> {
    let (rows, keys) = (inputs.sizes.rows, inputs.sizes.keys);
    let work = |what: &str, window: &str, targets| Work {
        name: format!("{rows} events of {keys} keys, {what}"),
        word: "window",
        input: inputs.folder.join("events"),
        options: vec![("window", window.to_owned())],
        columns: TOTAL,
        targets,
    };
    vec![
        work("tumbling 60 s", "tumbling", vec![Beside(Cpu, System::Duckdb, 1.0)]),
        work("sliding 60 s by 10 s", "sliding", vec![Beside(Cpu, System::ByHand, 2.0)]),
        work("sessions, 30 s apart", "sessions", Vec::new()),
    ]
}
