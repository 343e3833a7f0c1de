//! `pathway state`: looks at the store of a durable pipeline, without its program.

#![expect(clippy::print_stdout, reason = "printing is what this program does")]

mod state;

use clap::{Parser, Subcommand};
use state::Problem;
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks at the stores of durable pipelines.
#[derive(Debug, Parser)]
#[command(name = "pathway", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What a store holds.
    #[command(subcommand)]
    State(State),
}

#[derive(Debug, Subcommand)]
enum State {
    /// Lists the checkpoints, the newest first, and the log behind it.
    Ls {
        /// The directory of the store.
        store: PathBuf,
    },
    /// Shows the operators of a checkpoint, with the sizes of their states.
    Show {
        /// The directory of the store.
        store: PathBuf,
        /// The checkpoint's epoch; the newest without it.
        epoch: Option<u64>,
    },
    /// Shows how the operators of two checkpoints differ.
    Diff {
        /// The directory of the store.
        store: PathBuf,
        /// The epoch of one of them.
        old: u64,
        /// The epoch of the other one.
        new: u64,
    },
    /// Removes a checkpoint, so that the next run goes on from the one before it.
    Rm {
        /// The directory of the store.
        store: PathBuf,
        /// The checkpoint's epoch.
        epoch: u64,
    },
}

fn main() -> ExitCode {
    let Command::State(command) = Cli::parse().command;
    match run(command) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(Problem(problem)) => {
            eprintln!("pathway: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: State) -> Result<String, Problem> {
    match command {
        State::Ls { store } => state::ls(&store),
        State::Show { store, epoch } => state::show(&store, epoch),
        State::Diff { store, old, new } => state::diff(&store, old, new),
        State::Rm { store, epoch } => state::rm(&store, epoch),
    }
}
