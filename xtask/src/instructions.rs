//! `cargo xtask instructions`: counts the instructions that a row takes in the main programs, and
//! compares them with those that are kept in `benches/instructions.txt`.
//!
//! A count hardly differs between two runs, however busy the machine is, so that a change which
//! costs a few percent is seen. What it says depends on the compiler, whose version is kept too.

use crate::command::cargo;
use crate::project;
use crate::steps::Failure;
use std::process::{Command, Stdio};

const KEPT: &str = "benches/instructions.txt";
/// What the benchmark writes in front of a count.
const MARK: &str = "instructions per row: ";
/// By how much a count may grow.
const GROWTH_MAX: f64 = 1.03;

/// What may be chosen.
#[derive(Debug)]
pub(crate) struct Options {
    /// Whether the counts are kept rather than compared.
    keep: bool,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        match args.iter().find(|arg| *arg != "--keep") {
            None => Ok(Self { keep: !args.is_empty() }),
            Some(arg) => Err(Failure::usage(&format!("unexpected argument `{arg}`"))),
        }
    }

    /// Compares.
    pub(crate) fn compare() -> Self {
        Self { keep: false }
    }
}

/// Whether the machine has what counts.
pub(crate) fn is_possible() -> bool {
    let mut valgrind = Command::new("valgrind");
    let status = valgrind.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if !is_possible() {
        return Err(Failure::new(
            "instructions are counted by `valgrind`, which could not be started\n\
             help: install it, on Debian with `apt install valgrind`",
        ));
    }
    let mut counts = Vec::new();
    cargo("bench --bench instructions -- count").run_lines(|line| {
        counts.extend(line.strip_prefix(MARK).and_then(parse));
    })?;
    let path = project::root().join(KEPT);
    let compiler = cargo("--version").output()?;
    if options.keep {
        return project::write(&path, &text(compiler.trim(), &counts));
    }
    let kept = project::read(&path)?;
    let (lines, grown) = compare(&kept, &counts);
    println!("{lines}");
    if grown.is_empty() {
        return Ok(());
    }
    let other = if kept.contains(compiler.trim()) { "" } else { ", by another compiler" };
    Err(Failure::new(format!(
        "not the instructions that are kept in `{KEPT}`{other}: {}\n\
         help: find what they are for (`valgrind --tool=callgrind`); if they are worth it, keep \
         them with\n    cargo xtask instructions --keep",
        grown.join(", ")
    )))
}

/// `name: count`.
fn parse(line: &str) -> Option<(String, f64)> {
    let (name, count) = line.rsplit_once(": ")?;
    Some((name.to_owned(), count.trim().parse().ok()?))
}

fn text(compiler: &str, counts: &[(String, f64)]) -> String {
    let mut text = format!(
        "# Instructions per row, kept by `cargo xtask instructions --keep`.\n# {compiler}\n"
    );
    for (name, count) in counts {
        text += &format!("{name}: {count:.1}\n");
    }
    text
}

/// A line for each count, and the names of those that have grown, that are not kept, or that are
/// kept and were not counted.
fn compare(kept: &str, counts: &[(String, f64)]) -> (String, Vec<String>) {
    let kept: Vec<(String, f64)> = kept.lines().filter_map(parse).collect();
    let (mut lines, mut grown) = (String::new(), Vec::new());
    for (name, count) in counts {
        let before = kept.iter().find(|(of, _)| of == name).map(|(_, before)| *before);
        lines += &match before {
            Some(before) => format!("{name}: {count:.1}, kept {before:.1}\n"),
            None => format!("{name}: {count:.1}, none kept\n"),
        };
        if before.is_none_or(|before| *count > before * GROWTH_MAX) {
            grown.push(format!("`{name}`"));
        }
    }
    for (name, _) in kept.iter().filter(|(name, _)| counts.iter().all(|(of, _)| of != name)) {
        lines += &format!("{name}: kept, not counted\n");
        grown.push(format!("`{name}`"));
    }
    (lines, grown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, f64)]) -> Vec<(String, f64)> {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let kept = text("cargo 1.0", &counts(&[("word count, CSV", 512.25), ("join", 90.0)]));
        assert!(
            kept.contains("# cargo 1.0\n") && kept.contains("word count, CSV: 512.2\n"),
            "{kept}"
        );
        let (_, grown) = compare(&kept, &counts(&[("word count, CSV", 520.0), ("join", 80.0)]));
        assert!(grown.is_empty(), "{grown:?}");
    }

    #[test]
    fn a_count_that_has_grown_is_new_or_is_missing_is_named() {
        let kept = [("reduce", 100.0), ("join", 100.0), ("order", 5.0)];
        let kept = text("cargo 1.0", &counts(&kept));
        let (lines, grown) =
            compare(&kept, &counts(&[("reduce", 104.0), ("join", 102.0), ("windows", 1.0)]));
        assert_eq!(grown, ["`reduce`", "`windows`", "`order`"]);
        assert!(lines.contains("reduce: 104.0, kept 100.0\n"), "{lines}");
        assert!(lines.contains("none kept") && lines.contains("order: kept, not counted"));
    }
}
