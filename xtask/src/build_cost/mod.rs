//! `cargo xtask build-cost`: what one more operator and one more struct cost a user's build.
//!
//! The programs of [`programs`] are written into a crate of their own outside the workspace, with
//! the profile lines that the README gives, because cargo honours profiles only there. Each is
//! rebuilt alone after its dependencies, without incremental compilation, and what a program with
//! ten more operators takes beyond one without them is divided by ten. CPU seconds, not wall
//! time: other work on the machine changes those least. The word
//! count also runs, as a debug and as a release build.

mod measure;
mod programs;
mod speed;

use crate::project;
use crate::steps::Failure;
use measure::{Mode, UserCrate};
use programs::Program;
use std::path::PathBuf;

/// What may be chosen.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// One run instead of the median of several, and no release builds.
    quick: bool,
    /// The folder of the `pathway` to measure.
    pathway: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match (arg.as_str(), args.len()) {
                ("--quick", _) => options.quick = true,
                ("--crate", 1..) => options.pathway = args.next().map(PathBuf::from),
                ("--crate", 0) => return Err(Failure::usage("`--crate` needs a folder")),
                _ => return Err(Failure::usage(&format!("unexpected argument `{arg}`"))),
            }
        }
        Ok(options)
    }

    fn repeats(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    fn modes(&self) -> &[Mode] {
        if self.quick { &Mode::ALL[..2] } else { &Mode::ALL }
    }
}

/// What a program has beyond [`Program::Base`], and the most CPU seconds that one of it may take.
struct Budget {
    program: Program,
    one_more: &'static str,
    /// In the order of [`Mode::ALL`].
    seconds_max: [f64; 3],
}

const BUDGETS: [Budget; 3] = [
    Budget {
        program: Program::Reduces,
        one_more: "group-by with two reducers",
        seconds_max: [0.06, 0.15, 0.4],
    },
    Budget { program: Program::Joins, one_more: "join", seconds_max: [0.06, 0.15, 0.4] },
    Budget {
        program: Program::Structs,
        one_more: "derived ten-column struct",
        seconds_max: [0.03, 0.1, 0.2],
    },
];

/// The most CPU seconds of a debug build of the word count after an edit.
const REBUILD_S_MAX: f64 = 5.0;

/// Measures, prints the table and fails where a budget is exceeded.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let pathway = match &options.pathway {
        None => project::root(),
        Some(folder) => folder.canonicalize().map_err(|error| {
            Failure::new(format!("could not find `{}`: {error}", folder.display()))
        })?,
    };
    let user_crate = UserCrate::generate(&pathway)?;
    let mut exceeded = Vec::new();
    let mut table = vec![row("CPU seconds of", Mode::ALL.map(|mode| mode.name().to_owned()))];

    let mut columns = Vec::new();
    for &mode in options.modes() {
        columns.push(costs_of_one(&user_crate, mode, options.repeats())?);
    }
    for (at, budget) in BUDGETS.iter().enumerate() {
        let cells = std::array::from_fn(|mode| match columns.get(mode) {
            None => String::from("–"),
            Some(costs) => {
                let (cost, max) = (costs[at], budget.seconds_max[mode]);
                if cost > max {
                    let mode = Mode::ALL[mode].name();
                    exceeded.push(format!("one {}, {mode}: {cost:.3} > {max}", budget.one_more));
                }
                format!("{cost:.3} of {max}")
            }
        });
        table.push(row(&format!("one more {}", budget.one_more), cells));
    }

    let rebuild = user_crate.rebuild_after_edit(options.repeats())?;
    if rebuild > REBUILD_S_MAX {
        exceeded.push(format!("word count after an edit: {rebuild:.2} > {REBUILD_S_MAX}"));
    }
    let cells = ["–".into(), format!("{rebuild:.2} of {REBUILD_S_MAX}"), "–".into()];
    table.push(row("the word count after an edit", cells));

    println!("\n{}", table.join("\n"));
    if !options.quick {
        let [debug, release] = speed::measure(&user_crate, options.repeats())?;
        let slower = debug / release;
        println!(
            "the word count takes {debug:.2} CPU s as a debug build, {release:.2} as a release \
             build: {slower:.1} times as long, of {}",
            speed::SLOWER_MAX
        );
        if slower > speed::SLOWER_MAX {
            exceeded.push(format!("a debug build of the word count is {slower:.1} times slower"));
        }
    }
    if exceeded.is_empty() {
        return Ok(());
    }
    let problem = format!("build time exceeds its budget\n  {}", exceeded.join("\n  "));
    Err(Failure::new(problem).rerun("cargo xtask build-cost"))
}

/// The CPU seconds that one of each budget takes in that mode, in the order of [`BUDGETS`].
fn costs_of_one(
    user_crate: &UserCrate,
    mode: Mode,
    repeats: usize,
) -> Result<[f64; BUDGETS.len()], Failure> {
    println!("{} ..", mode.name());
    for program in Program::ALL {
        user_crate.build(program, mode)?;
    }
    // In turns, so that what slows the machine for a while slows all of them.
    let mut seconds = [const { Vec::new() }; Program::ALL.len()];
    for _ in 0..repeats {
        for (program, seconds) in Program::ALL.into_iter().zip(&mut seconds) {
            seconds.push(user_crate.rebuild(program, mode)?);
        }
    }
    let medians = seconds.map(measure::median);
    let [base, ..] = medians;
    for (program, median) in Program::ALL.iter().zip(medians) {
        println!("  {:<8} {median:.2}", program.name());
    }
    Ok(std::array::from_fn(|at| (medians[at + 1] - base) / BUDGETS[at].program.more() as f64))
}

fn row(name: &str, cells: [String; 3]) -> String {
    let [check, debug, release] = cells;
    format!("{name:<36} {check:>16} {debug:>16} {release:>16}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_follow_the_programs_behind_the_base() {
        let programs = BUDGETS.each_ref().map(|budget| budget.program);
        assert_eq!(Program::ALL[0], Program::Base);
        assert_eq!(Program::ALL[1..], programs);
    }
}
