//! What the default features cost a user who adds the crate: crates, and a first release build.

use crate::command::cargo;
use crate::cpu;
use crate::project;
use crate::steps::Failure;
use std::collections::BTreeSet;
use std::fs;

const CRATES_MAX: usize = 60;
const COLD_BUILD_S_MAX: f64 = 150.0;

/// Counts the crates that `pathway` brings along, itself included.
pub(crate) fn count() -> Result<(), Failure> {
    let tree = cargo("tree -p pathway -e normal --prefix none");
    let text = tree.output()?;
    // A crate met before is printed again with a star.
    let crates: BTreeSet<&str> =
        text.lines().map(|line| line.trim_end_matches(" (*)")).filter(|l| !l.is_empty()).collect();
    println!("{} crates, at most {CRATES_MAX}", crates.len());
    if crates.len() <= CRATES_MAX {
        return Ok(());
    }
    Err(Failure::new(format!("{} crates are more than {CRATES_MAX}", crates.len()))
        .rerun(tree.line() + " | sed 's/ (\\*)$//' | sort -u"))
}

/// Measures a release build from nothing.
pub(crate) fn cold_build() -> Result<(), Failure> {
    let target = project::target().join("cold-build");
    remove(&target)?;
    // In a user's project our profile does not count, which keeps source lines for profilers.
    let build = cargo("build --release -p pathway")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_TARGET_DIR", target.display().to_string());
    let before = cpu::children_s()?;
    build.run()?;
    let took = cpu::children_s()? - before;
    remove(&target)?;
    println!("{took:.1} CPU seconds, at most {COLD_BUILD_S_MAX}");
    if took <= COLD_BUILD_S_MAX {
        return Ok(());
    }
    let problem = format!("{took:.1} CPU seconds are more than {COLD_BUILD_S_MAX}");
    Err(Failure::new(problem).rerun(build.line()))
}

fn remove(folder: &std::path::Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::new(format!("could not remove `{}`: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}
