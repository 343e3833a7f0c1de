//! `cargo xtask bench`: runs the benchmarks and keeps their figures in `docs/benchmarks.md`.
//!
//! A benchmark prints each figure as a line of a Markdown table: `| work | measured | pathway |
//! reference | ratio | at most |`. The lines of one run replace those between
//! `<!-- figures: name -->` and `<!-- end -->`.

use crate::command::cargo;
use crate::project;
use crate::steps::Failure;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

const DOCUMENT: &str = "docs/benchmarks.md";
const END: &str = "<!-- end -->";

/// What may be chosen.
#[derive(Debug)]
pub(crate) struct Options {
    /// The benchmarks to run; none means all.
    names: Vec<String>,
    /// Small inputs.
    quick: bool,
    /// Whether the figures go into the document.
    keep: bool,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        let quick = args.iter().any(|arg| arg == "--quick");
        let names: Vec<String> = args.iter().filter(|arg| *arg != "--quick").cloned().collect();
        let known = project::benchmarks();
        match names.iter().find(|name| !known.contains(name)) {
            None => Ok(Self { names, quick, keep: !quick }),
            Some(name) => Err(Failure::usage(&format!(
                "unknown benchmark `{name}`\nhelp: there are {}",
                known.join(", ")
            ))),
        }
    }

    /// Every benchmark on small inputs: that they run, not how fast.
    pub(crate) fn quick() -> Self {
        Self { names: Vec::new(), quick: true, keep: false }
    }

    /// Every benchmark at full size, and the document left alone.
    pub(crate) fn print_only() -> Self {
        Self { names: Vec::new(), quick: false, keep: false }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let all = project::benchmarks();
    let names = if options.names.is_empty() { &all } else { &options.names };
    for name in names {
        let mut command = cargo("bench --bench").arg(name);
        if options.quick {
            command = command.arg("--").arg("--quick");
        }
        let mut figures = Vec::new();
        command.run_lines(|line| {
            if line.starts_with("| ") {
                figures.push(line.to_owned());
            }
        })?;
        if options.keep && !figures.is_empty() {
            keep(name, &figures)?;
        }
    }
    Ok(())
}

/// Replaces the figures of one benchmark in the document.
fn keep(name: &str, figures: &[String]) -> Result<(), Failure> {
    let intro = format!("{}. Medians; both sides of a ratio ran in turns in one run.", machine());
    replace(name, &table(name, &intro, figures))
}

/// Replaces what stands for a name in the document by tables that are ready, behind the date.
pub(crate) fn keep_text(name: &str, text: &str) -> Result<(), Failure> {
    replace(name, &format!("{}; medians of runs in turns. {text}", machine()))
}

fn replace(name: &str, text: &str) -> Result<(), Failure> {
    let path = project::root().join(DOCUMENT);
    let document = project::read(&path)?;
    let document = replaced(&document, name, text).ok_or_else(|| {
        Failure::new(format!(
            "`{DOCUMENT}` has no place for the figures of `{name}`\n\
             help: add the lines `<!-- figures: {name} -->` and `{END}`"
        ))
    })?;
    project::write(&path, &document)
}

/// When and where.
fn machine() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", today())
}

fn table(name: &str, intro: &str, figures: &[String]) -> String {
    let mut table = format!(
        "{intro}\n\n\
         | work | measured | pathway | reference | ratio | at most | command |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for figure in figures {
        table += &format!("{figure} `cargo xtask bench {name}` |\n");
    }
    table
}

/// The document with other text between the marks of `name`.
fn replaced(document: &str, name: &str, text: &str) -> Option<String> {
    let mark = format!("<!-- figures: {name} -->\n");
    let (before, rest) = document.split_once(&mark)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{mark}\n{text}\n{END}{after}"))
}

fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    format!("{year}-{month:02}-{day:02}")
}

/// The date of a day counted from 1970-01-01.
fn civil(mut day: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }

    #[test]
    fn only_the_named_figures_are_replaced() {
        let document =
            "<!-- figures: a -->\nold\n<!-- end -->\n<!-- figures: b -->\nb\n<!-- end -->\n";
        let expected =
            "<!-- figures: a -->\n\nnew\n\n<!-- end -->\n<!-- figures: b -->\nb\n<!-- end -->\n";
        assert_eq!(replaced(document, "a", "new\n").as_deref(), Some(expected));
        assert_eq!(replaced(document, "c", "new"), None);
    }
}
