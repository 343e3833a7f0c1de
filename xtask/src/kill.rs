//! `cargo xtask kill`: kills a durable pipeline again and again, and checks all its outputs.
//!
//! The program is that of `tests/kill`; this builds it and hands its options on.

use crate::command::{Cargo, cargo};
use crate::s3::S3;
use crate::steps::Failure;

/// How often the pipeline is killed in `ci`, and in `long`.
const RUNS_QUICK: &str = "20";
const RUNS: &str = "200";

/// What may be chosen.
#[derive(Debug)]
pub(crate) struct Options {
    /// For the program, as it takes them.
    passed: Vec<String>,
    /// Whether the store is in a server that speaks S3, which is started for it.
    s3: bool,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        let (mut passed, mut s3) = (Vec::new(), false);
        for pair in args.chunks(2) {
            match pair {
                [name, value] if name == "--store" => match value.as_str() {
                    "s3" => {
                        s3 = true;
                        continue;
                    }
                    "directory" | "objects" => {}
                    _ => {
                        let problem = format!("`--store` is `{value}`: directory, objects or s3");
                        return Err(Failure::usage(&problem));
                    }
                },
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
            passed.extend_from_slice(pair);
        }
        Ok(Self { passed, s3 })
    }

    /// As in `ci`.
    pub(crate) fn quick() -> Self {
        Self { passed: vec!["--runs".to_owned(), RUNS_QUICK.to_owned()], s3: false }
    }

    /// As in `long`.
    pub(crate) fn full() -> Self {
        Self { passed: vec!["--runs".to_owned(), RUNS.to_owned()], s3: false }
    }

    /// As in `long`, with a store in S3.
    pub(crate) fn in_s3() -> Self {
        Self { s3: true, ..Self::quick() }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let passed = |command: Cargo| options.passed.iter().fold(command, Cargo::arg);
    if !options.s3 {
        return passed(cargo("run --quiet --package kill-test --")).run();
    }
    let server = S3::start()?;
    let command = passed(cargo("run --quiet --package kill-test --features s3 --"));
    let settings = server.settings().into_iter();
    let command = settings.fold(command, |command, (name, value)| command.env(name, value));
    command.arg("--store").arg(server.url()).run()
}
