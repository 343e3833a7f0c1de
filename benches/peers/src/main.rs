//! The same work done by this engine and by its peers: Python's Pathway, Spark, `DuckDB`, Polars,
//! hand-written Rust and hand-written differential dataflow.
//!
//! ```text
//! peers all ..                  everything: inputs, runs in turns, comparison, tables
//! peers ours <work> ..          one run of one piece of work, and so `by-hand`, `differential`
//! peers generate --size quick   the inputs alone
//! peers measure .. -- <program> what a program and all its children take
//! ```
//!
//! `cargo xtask peers` calls the first, which calls the others, each as a process of its own.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod args;
mod by_hand;
mod dataflow;
mod inputs;
#[cfg(target_os = "linux")]
mod measure;
mod ours;
mod results;
mod run;

use args::Args;
use cpu_time::ProcessTime;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// What a program of this crate ends with.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Outcome {
    let Some((command, rest)) = args.split_first() else {
        return Err("expected a command: `all`, `generate`, `ours`, `by-hand`, ..".into());
    };
    match command.as_str() {
        "all" => run::all(&Args::parse(rest)?),
        "generate" => {
            let args = Args::parse(rest)?;
            let inputs = inputs::Inputs::new(&args.path("data")?, args.text("size")? == "quick");
            inputs.words().and_then(|()| inputs.shop()).and_then(|()| inputs.graph())?;
            Ok(inputs.events()?)
        }
        "ours" => ours::run(&Args::parse(rest)?),
        "by-hand" => by_hand::run(&Args::parse(rest)?),
        "differential" => dataflow::run(&Args::parse(rest)?),
        #[cfg(target_os = "linux")]
        "measure" => measure::run(rest),
        other => Err(format!("unknown command `{other}`").into()),
    }
}

/// Reports a figure to the run that has started this program.
fn figure(name: &str, value: f64) {
    println!("figure {name} {value}");
}

/// Measures an increment, from the moment at which its file is there.
#[derive(Debug)]
struct Stopwatch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Stopwatch {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: ProcessTime::now() }
    }

    /// Reports an increment that has only added rows.
    fn increment(&self) {
        self.report("increment");
    }

    /// Reports an increment with updates and deletes, behind others without.
    fn change(&self) {
        self.report("change");
    }

    /// Reports what is there before the first increment.
    fn load(&self) {
        self.report("load");
    }

    fn report(&self, name: &str) {
        figure(&format!("{name}_s"), self.wall.elapsed().as_secs_f64());
        figure(&format!("{name}_cpu_s"), self.cpu.elapsed().as_secs_f64());
    }
}

/// The text of a file.
fn text(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()).into())
}
