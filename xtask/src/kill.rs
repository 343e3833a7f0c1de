//! `cargo xtask kill`: kills a durable pipeline again and again, and checks all its outputs.
//!
//! The program is that of `tests/kill`; this builds it and hands its options on.

use crate::command::cargo;
use crate::steps::Failure;

/// How often the pipeline is killed in `ci`, and in `long`.
const RUNS_QUICK: &str = "20";
const RUNS: &str = "200";

/// What may be chosen.
#[derive(Debug)]
pub(crate) struct Options {
    /// For the program, as it takes them.
    passed: Vec<String>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        for pair in args.chunks(2) {
            match pair {
                [name, value] if matches!(name.as_str(), "--runs" | "--threads" | "--seed") => {
                    if value.parse::<u64>().is_err() {
                        let problem = format!("`{name}` is `{value}`, but must be a number");
                        return Err(Failure::usage(&problem));
                    }
                }
                [name, ..] => {
                    return Err(Failure::usage(&format!("unexpected argument `{name}`")));
                }
                [] => {}
            }
        }
        Ok(Self { passed: args.to_vec() })
    }

    /// As in `ci`.
    pub(crate) fn quick() -> Self {
        Self { passed: vec!["--runs".to_owned(), RUNS_QUICK.to_owned()] }
    }

    /// As in `long`.
    pub(crate) fn full() -> Self {
        Self { passed: vec!["--runs".to_owned(), RUNS.to_owned()] }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let command = cargo("run --quiet --package kill-test --");
    options.passed.iter().fold(command, |command, arg| command.arg(arg)).run()
}
