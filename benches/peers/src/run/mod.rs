//! `peers all`: every system does the same work, in turns, each run as a process of its own.
//!
//! Tables are printed between lines `@ <name>` and `@ end`, for `cargo xtask peers` to keep.

mod compare;
mod environment;
mod report;
mod systems;
#[cfg(test)]
mod tests;
mod turn;
mod works;

use crate::inputs::Inputs;
use crate::{Args, Outcome};
use environment::Environment;
use report::Row;
use std::path::{Path, PathBuf};
use systems::{Plan, System};
use turn::Turn;
use works::Work;

/// What is asked for.
struct Wanted {
    folder: PathBuf,
    quick: bool,
    /// The tables; none means all.
    only: Vec<String>,
    systems: Vec<System>,
    repeats: usize,
    /// Of peers that take a minute or so for each.
    slow_repeats: usize,
}

impl Wanted {
    fn parse(args: &Args) -> Outcome<Self> {
        let quick = args.maybe("size") == Some("quick");
        let list = |name| {
            let words = args.maybe(name).unwrap_or_default().split(',').map(str::trim);
            words.filter(|word| !word.is_empty()).map(String::from).collect::<Vec<String>>()
        };
        let only = list("only");
        if let Some(unknown) = only.iter().find(|name| !works::TABLES.contains(&name.as_str())) {
            let known = works::TABLES.join(", ");
            return Err(format!("unknown work `{unknown}`\nhelp: there are {known}").into());
        }
        let mut systems = Vec::new();
        for name in list("systems") {
            let found: Vec<System> = System::named(&name).collect();
            if found.is_empty() {
                let known = systems::NAMES.join(", ");
                return Err(format!("unknown system `{name}`\nhelp: there are {known}").into());
            }
            systems.extend(found);
        }
        if systems.is_empty() {
            systems = System::ALL.to_vec();
        }
        let number = |name, default| args.maybe(name).map_or(Ok(default), |_| args.number(name));
        let repeats = number("repeats", if quick { 1 } else { 5 })?;
        let slow_repeats = number("slow-repeats", if quick { 1 } else { 3 })?;
        let folder = args.path("folder")?;
        Ok(Self { folder, quick, only, systems, repeats, slow_repeats: slow_repeats.min(repeats) })
    }
}

pub(crate) fn all(args: &Args) -> Outcome {
    let wanted = Wanted::parse(args)?;
    let inputs = Inputs::new(&wanted.folder.join("data"), wanted.quick);
    let environment = Environment::prepare(&wanted.folder, &wanted.systems)?;
    let mut differing = Vec::new();
    for table in works::TABLES {
        if !wanted.only.is_empty() && !wanted.only.iter().any(|name| name == table) {
            continue;
        }
        println!("\n{table}: inputs");
        works::generate(table, &inputs)?;
        let mut rows = Vec::new();
        let works = works::of_table(table, &inputs);
        for work in &works {
            rows.extend(take_turns(work, &wanted, &environment)?);
        }
        println!("\n@ peers-{table}");
        print!("{}", report::table(&environment, &works, &rows, table));
        println!("@ end");
        // A peer that is wrong is marked in the table; it is for us to be right.
        let wrong = rows.iter().filter(|row| row.differs && row.is_own());
        differing.extend(wrong.map(Row::to_string));
    }
    if differing.is_empty() {
        Ok(())
    } else {
        Err(format!("results differ: {}", differing.join(", ")).into())
    }
}

/// All systems do one piece of work, in turns that begin with another system each.
fn take_turns(work: &Work, wanted: &Wanted, environment: &Environment) -> Outcome<Vec<Row>> {
    println!("\n{}", work.name);
    let mut rows: Vec<Row> = Vec::new();
    let mut plans = Vec::new();
    for &system in &wanted.systems {
        match system.plan(work, environment) {
            Plan::Absent => {}
            Plan::Cannot(why) => rows.push(Row::without(work, system, why)),
            Plan::Run(command) => {
                plans.push((rows.len(), system, command.clone()));
                rows.push(Row::of(work, system, command));
            }
        }
    }
    let mut agreed: Option<(String, compare::Table)> = None;
    for turn in 0..wanted.repeats {
        let first = turn % plans.len().max(1);
        for (at, system, command) in plans.iter().cycle().skip(first).take(plans.len()) {
            let row = &mut rows[*at];
            if row.failed.is_some() || (system.is_slow() && turn >= wanted.slow_repeats) {
                continue;
            }
            let output = output_path(&wanted.folder, work, *system)?;
            match Turn::take(command, &output, wanted.quick) {
                Err(why) => {
                    println!("  {:<22} failed: {why}", system.label());
                    row.failed = Some(why.to_string());
                }
                Ok(taken) => {
                    println!(
                        "  {:<22} {:>8.2} CPU s {:>8.2} s {:>7.0} MiB",
                        system.label(),
                        taken.cpu_s,
                        taken.wall_s,
                        taken.mib
                    );
                    row.turns.push(taken);
                    // Equal programs have equal results in every turn; once is enough.
                    if turn == 0 && !agrees(work, *system, &output, &mut agreed) {
                        row.differs = true;
                    }
                }
            }
        }
    }
    Ok(rows)
}

/// Whether a result is the same as that of the systems before; says in what it differs.
fn agrees(
    work: &Work,
    system: System,
    output: &Path,
    agreed: &mut Option<(String, compare::Table)>,
) -> bool {
    let table = match compare::read(output, work.columns) {
        Ok(table) => table,
        Err(error) => {
            println!("  {}: no result that can be read: {error}", system.label());
            return false;
        }
    };
    match agreed {
        None => {
            println!("  {} rows, digest {:016x}", table.rows(), table.digest());
            *agreed = Some((system.label().to_owned(), table));
            true
        }
        Some((_, first)) if first.digest() == table.digest() => true,
        Some((name, first)) => {
            println!("  {} differs from {name}: {}", system.label(), first.difference(&table));
            false
        }
    }
}

/// Where a result goes; what was there goes.
fn output_path(folder: &Path, work: &Work, system: System) -> Outcome<PathBuf> {
    let folder = folder.join("out");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}-{}.csv", work.word, system.id()));
    if path.is_dir() {
        std::fs::remove_dir_all(&path)?;
    } else if path.exists() {
        std::fs::remove_file(&path)?;
    }
    Ok(path)
}
