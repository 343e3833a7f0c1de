//! `cargo xtask ci`: everything a change must pass.

use crate::command::{Cargo, cargo};
use crate::steps::{Failure, Steps};
use crate::{bench, build_cost, default_tree, kill, project};
use std::time::Duration;

/// The longest that an example may take: those that follow live inputs do so only when asked.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(180);

pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    steps.run("format", || cargo("fmt --all --check").run())?;
    steps.run("lints", || {
        cargo("clippy --workspace --all-targets --all-features -- -D warnings").run()
    })?;
    // The README's own command, which is why it says no more.
    steps.run("tests", || cargo("test").run_tests())?;
    steps.run("docs", || {
        cargo("doc --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-D warnings").run()
    })?;
    steps.run("no features", || alone("").run())?;
    for feature in project::features()? {
        steps.run(&format!("feature {feature} alone"), || alone(&feature).run())?;
    }
    steps.run("tests of features", || {
        all_features("-p pathway -p pathway-core --lib").run_tests()
    })?;
    // Examples of methods that only a feature brings.
    steps.run("documentation of features", || {
        all_features("-p pathway-core --doc strategy").run_tests()
    })?;
    // Apart from running them, so that the limit is on the programs and not on the compiler.
    steps.run("examples", || cargo("build --release --examples").run())?;
    for example in project::targets("examples") {
        // Letter by letter the README's command, for the example that it names.
        steps.run(&format!("example {example}"), || {
            cargo("run --release --example").arg(&example).run_within(EXAMPLE_LIMIT)
        })?;
    }
    steps.run("kill", || kill::run(&kill::Options::quick()))?;
    steps.run("crates in the default tree", default_tree::count)?;
    steps.run("build cost", || build_cost::run(&build_cost::Options::default()))?;
    // Small inputs: that they compile, run and agree with their references, not how fast.
    steps.run("benchmarks, quick", || bench::run(&bench::Options::quick()))
}

/// That the crates compile with one feature and no other: their tests need not be built again.
fn alone(feature: &str) -> Cargo {
    cargo("check -p pathway --lib --no-default-features --features").arg(feature)
}

/// Tests with all features, of an engine that is not optimised: it is built for these few alone.
fn all_features(tests: &str) -> Cargo {
    let engine = "--config profile.dev.package.pathway-core.opt-level=0";
    cargo(&format!("test {engine} --all-features {tests}"))
}
