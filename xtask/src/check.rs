//! `cargo xtask check`: format, lints and the quick tests.

use crate::command::{Cargo, cargo};
use crate::project;
use crate::steps::{Failure, Steps};

pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    steps.run("format", || cargo("fmt --all --check").run())?;
    steps.run("lints", || cargo("clippy --workspace --all-targets -- -D warnings").run())?;
    if cargo("nextest --version").succeeds() {
        steps.run("tests", || quick_tests("nextest run").run())
    } else {
        steps.run("tests", || quick_tests("test").run_tests())
    }
}

/// Unit tests and `tests/it`: no doc tests, no UI tests, no examples.
fn quick_tests(runner: &str) -> Cargo {
    let tests = cargo(&format!("{runner} --workspace --lib --bins"));
    if project::targets("tests").iter().any(|name| name == "it") {
        tests.arg("--test").arg("it")
    } else {
        tests
    }
}
