//! `cargo xtask long`: `ci`, then what takes longer and is run before a release or a large change
//! is declared done.

use crate::command::cargo;
use crate::steps::{Failure, Steps};
use crate::{bench, ci, default_tree, instructions, kill};

/// How many random cases each property is tried on.
const CASES: &str = "256";

pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    ci::run(steps)?;
    steps.run("more random cases", || {
        cargo("test --workspace --lib --bins --tests --all-features")
            .env("PROPTEST_CASES", CASES)
            .env("PATHWAY_CASES", CASES)
            .run_tests()
    })?;
    steps.run("more kills", || kill::run(&kill::Options::full()))?;
    steps.run("kills with a store in S3", || kill::run(&kill::Options::in_s3()))?;
    if instructions::is_possible() {
        steps.run("instructions", || instructions::run(&instructions::Options::compare()))?;
    } else {
        println!("\n── instructions: left out, because `valgrind` is not installed");
    }
    steps.run("cold release build", default_tree::cold_build)?;
    steps.run("benchmarks", || bench::run(&bench::Options::print_only()))
}
