//! The commands of the project: `cargo xtask <command>`.
//!
//! One file per command. Each prints its steps with their times, stops at the first failure with
//! the command that repeats it, and ends with a summary. Std only, so that the first answer does
//! not wait for dependencies.

#![expect(clippy::print_stdout, reason = "printing is what these commands do")]

mod bench;
mod build_cost;
mod check;
mod ci;
mod command;
mod cpu;
mod default_tree;
mod instructions;
mod kill;
mod long;
mod peers;
mod project;
mod s3;
mod steps;

use std::process::ExitCode;
use steps::{Failure, Steps};

const USAGE: &str = "\
usage: cargo xtask <command>

  check                  format, lints and tests, as quickly as a warm machine can
  ci                     everything a change must pass
  long                   ci, more random cases, a cold build, all benchmarks
  build-cost [--quick]   the budgets of build time; --quick: one run, no release builds
             [--crate P]   of the `pathway` in folder P instead of this one
  bench [name..]         the benchmarks, and their figures in docs/benchmarks.md
        [--quick]          small inputs; leaves docs/benchmarks.md alone
  instructions [--keep]  instructions per row, beside those that are kept; needs valgrind
  kill                   kills a durable pipeline at random moments, and checks all its outputs
       [--runs N]          how often; 20 without it
       [--threads T]       with that many worker threads, 0: another number in each run; with one,
                           with two and with another in each run without it
       [--store WHERE]     directory, objects (object storage that is a folder), or s3 (a server
                           that is installed and started; needs Python 3)
       [--seed S]          another row of random moments
  peers                  the same work on Python's Pathway, Spark, DuckDB, Polars and by hand, and
                         its tables in docs/benchmarks.md; needs Python 3, and Java 17 for Spark
        [--only a,b]       of wordcount, join, pagerank, windows
        [--systems a,b]    of pathway-rs, by-hand, differential, duckdb, polars, pathway, spark;
                           leaves docs/benchmarks.md alone, as --quick does
        [--repeats N] [--slow-repeats N]  of Pathway and Spark
        [--quick]          small inputs
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, options)) = args.split_first() else {
        print!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut steps = Steps::new(&format!("cargo xtask {}", args.join(" ")));
    let outcome = match name.as_str() {
        "check" => none(options).and_then(|()| check::run(&mut steps)),
        "ci" => none(options).and_then(|()| ci::run(&mut steps)),
        "long" => none(options).and_then(|()| long::run(&mut steps)),
        "build-cost" => build_cost::Options::parse(options)
            .and_then(|options| steps.run("build cost", || build_cost::run(&options))),
        "bench" => bench::Options::parse(options)
            .and_then(|options| steps.run("benchmarks", || bench::run(&options))),
        "instructions" => instructions::Options::parse(options)
            .and_then(|options| steps.run("instructions", || instructions::run(&options))),
        "kill" => kill::Options::parse(options)
            .and_then(|options| steps.run("kill", || kill::run(&options))),
        "peers" => peers::Options::parse(options)
            .and_then(|options| steps.run("peers", || peers::run(&options))),
        other => Err(Failure::usage(&format!("unknown command `{other}`"))),
    };
    steps.finish(&outcome)
}

/// Refuses options where a command takes none.
fn none(options: &[String]) -> Result<(), Failure> {
    match options.first() {
        None => Ok(()),
        Some(option) => Err(Failure::usage(&format!("unexpected argument `{option}`"))),
    }
}
