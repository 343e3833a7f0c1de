//! The sides that are written in Rust, on small inputs, in this process.

use super::compare;
use super::environment::Environment;
use super::systems::{Plan, System};
use super::works::{self, Work};
use crate::inputs::{Inputs, QUICK, Sizes};
use std::path::PathBuf;

const OURS: [System; 6] = [
    System::ByHand,
    System::Ours,
    System::OursUpserts,
    System::OursFinal,
    System::Differential,
    System::Weights,
];

/// The results of each side for each piece of work of a table, compared.
fn agree(table: &str) {
    let folder = std::env::temp_dir().join(format!("peers-{table}-{}", std::process::id()));
    let sizes = Sizes { rows: 4_000, words: [50, 900], edges: 1_000, ..QUICK };
    let inputs = Inputs { folder: folder.join("data"), sizes };
    works::generate(table, &inputs).unwrap();
    let environment = Environment::prepare(&folder, &OURS).unwrap();
    for work in works::of_table(table, &inputs) {
        let mut sides = 0;
        let mut first: Option<compare::Table> = None;
        for system in OURS {
            let Some(output) = result(&work, system, &environment, &folder) else { continue };
            let rows = compare::read(&output, work.columns).unwrap();
            assert!(rows.rows() > 0, "{}: {} has no rows", work.name, system.label());
            sides += 1;
            let first = first.get_or_insert_with(|| compare::read(&output, work.columns).unwrap());
            assert_eq!(
                first.digest(),
                rows.digest(),
                "{}: {} differs: {}",
                work.name,
                system.label(),
                first.difference(&rows)
            );
        }
        // Inputs that are left open, and files one by one, are ours alone.
        let alone = matches!(work.word, "join-open" | "wordcount-files");
        assert_eq!(sides > 1, !alone, "{}", work.name);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Runs one side; nothing where it is no side of this work.
fn result(
    work: &Work,
    system: System,
    environment: &Environment,
    folder: &std::path::Path,
) -> Option<PathBuf> {
    let Plan::Run(command) = system.plan(work, environment) else { return None };
    let output = folder.join("out.csv");
    let mut args = command.words[1..].to_vec();
    args.extend(["--output".to_owned(), output.display().to_string()]);
    crate::dispatch(&args).unwrap();
    Some(output)
}

#[test]
fn sides_count_the_same_words() {
    agree("wordcount");
}

#[test]
fn sides_sell_the_same() {
    agree("join");
}

#[test]
fn sides_rank_the_same() {
    agree("pagerank");
}

#[test]
fn sides_have_the_same_windows() {
    agree("windows");
}
