//! How fast a debug build runs, beside the release build of the same program.

use super::measure::{Mode, UserCrate, median};
use crate::steps::Failure;
use crate::{cpu, project};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A debug build takes at most so many times the CPU seconds of a release build.
pub(super) const SLOWER_MAX: f64 = 4.0;

const ROWS: usize = 2_000_000;
const WORDS: usize = 5_000;

/// The median CPU seconds of the word count over a large file: of a debug build, and of a release
/// build.
pub(super) fn measure(user_crate: &UserCrate, repeats: usize) -> Result<[f64; 2], Failure> {
    println!("speed of the word count ..");
    let folder = user_crate.run_folder();
    project::write(&folder.join("words.csv"), &words())?;
    let mut binaries = Vec::new();
    for mode in [Mode::Debug, Mode::Release] {
        binaries.push(user_crate.word_count(mode)?);
    }
    let mut seconds = [Vec::new(), Vec::new()];
    // In turns, so that what slows the machine for a while slows both.
    for _ in 0..repeats {
        for (binary, seconds) in binaries.iter().zip(&mut seconds) {
            let before = cpu::children_s()?;
            run(binary, &folder)?;
            seconds.push(cpu::children_s()? - before);
        }
    }
    Ok(seconds.map(median))
}

fn run(binary: &Path, folder: &Path) -> Result<(), Failure> {
    let failed =
        |problem: &str| Failure::new(format!("the word count {} {problem}", binary.display()));
    let mut command = Command::new(binary);
    command.current_dir(folder).env("PATHWAY_PROGRESS", "0").stdout(Stdio::null());
    let status = command.status().map_err(|error| failed(&format!("did not start: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(&format!("ended with {status}"))) }
}

/// A file of one column, whose words take turns in an order that no cache foresees.
fn words() -> String {
    let mut text = String::from("word\n");
    for row in 0..ROWS {
        let word = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        writeln!(text, "word{}", word % WORDS).expect("a string can be written to");
    }
    text
}
