//! `cargo xtask peers`: the same work on this engine and on its peers, side by side.
//!
//! The runner is the program of `benches/peers`; this builds it, and keeps the tables that it
//! prints between `@ <name>` and `@ end` in `docs/benchmarks.md`.

use crate::bench;
use crate::command::cargo;
use crate::project;
use crate::steps::Failure;

/// What may be chosen.
#[derive(Debug, Default)]
pub(crate) struct Options {
    quick: bool,
    /// Whether the tables go into the document: not those of small inputs or of some systems.
    keep: bool,
    /// For the runner, as it takes them.
    passed: Vec<String>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        let mut options = Self { keep: true, ..Self::default() };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--quick" => {
                    options.quick = true;
                    options.keep = false;
                }
                "--only" | "--systems" | "--repeats" | "--slow-repeats" => {
                    let value = rest.next();
                    let value =
                        value.ok_or_else(|| Failure::usage(&format!("`{arg}` has no value")))?;
                    options.keep &= arg != "--systems";
                    options.passed.extend([arg.clone(), value.clone()]);
                }
                other => return Err(Failure::usage(&format!("unexpected argument `{other}`"))),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let size = if options.quick { "quick" } else { "full" };
    let folder = project::target().join("peers").display().to_string();
    let mut command = cargo("run --release --quiet --package peers -- all --size").arg(size);
    command = command.arg("--folder").arg(folder);
    for arg in &options.passed {
        command = command.arg(arg);
    }
    let mut tables = Tables::default();
    let outcome = command.run_lines(|line| tables.take(line));
    if options.keep {
        for (name, text) in &tables.done {
            bench::keep_text(name, text)?;
        }
    }
    outcome
}

/// The tables in what the runner prints.
#[derive(Debug, Default)]
struct Tables {
    open: Option<(String, String)>,
    done: Vec<(String, String)>,
}

impl Tables {
    fn take(&mut self, line: &str) {
        match (line.strip_prefix("@ "), &mut self.open) {
            (Some("end"), _) => self.done.extend(self.open.take()),
            (Some(name), _) => self.open = Some((name.to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_what_stands_between_their_marks() {
        let mut tables = Tables::default();
        for line in ["running", "@ peers-join", "| a |", "", "@ end", "done"] {
            tables.take(line);
        }
        assert_eq!(tables.done, [("peers-join".to_owned(), "| a |\n\n".to_owned())]);
    }

    #[test]
    fn tables_of_some_systems_are_not_kept() {
        let of = |args: &str| {
            let args = args.split(' ').map(String::from).collect::<Vec<String>>();
            Options::parse(&args).unwrap()
        };
        assert!(of("--only join").keep);
        assert!(!of("--only join --quick").keep);
        assert!(!of("--systems duckdb").keep);
        assert!(Options::parse(&["--only".to_owned()]).is_err());
    }
}
