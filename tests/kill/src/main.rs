//! Kills a durable pipeline again and again, by SIGKILL at random moments and now and then by
//! SIGTERM, while its inputs grow; then checks every output from its first row to its last.
//!
//! `kill-test [--runs N] [--threads T] [--seed S]` (with `--threads 0`, another number of threads in
//! each run) prints kills, restarts, rows compared and
//! differences. The pipeline runs in processes of the same program, `kill-test victim FOLDER`.

#![expect(clippy::print_stdout, reason = "printing is what this program does")]

mod campaign;
mod check;
mod feeder;
mod inputs;
mod random;
mod victim;

use campaign::Campaign;
use std::process::ExitCode;

const USAGE: &str = "usage: kill-test [--runs N] [--threads T] [--seed S]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, folder] = args.as_slice()
        && first == "victim"
    {
        return match victim::run(folder.as_ref()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let Some(campaigns) = campaigns(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    for campaign in campaigns {
        match campaign.run() {
            Ok(report) => println!("{report}"),
            Err(problem) => {
                eprintln!("{problem}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// One campaign with the threads that are asked for, or one each with one, with two, and with another
/// number in each run.
fn campaigns(args: &[String]) -> Option<Vec<Campaign>> {
    let (mut runs, mut threads, mut seed) = (20, None, 1);
    for pair in args.chunks(2) {
        let [name, value] = pair else { return None };
        let value: u64 = value.parse().ok()?;
        match name.as_str() {
            "--runs" => runs = value,
            "--threads" => threads = Some(value),
            "--seed" => seed = value,
            _ => return None,
        }
    }
    let threads = threads.map_or(vec![1, 2, 0], |threads| vec![threads]);
    let each = runs.div_ceil(threads.len() as u64);
    Some(threads.into_iter().map(|threads| Campaign { runs: each, threads, seed }).collect())
}
