//! Kills a durable pipeline again and again, by SIGKILL at random moments and now and then by
//! SIGTERM, while its inputs grow; then checks every output from its first row to its last.
//!
//! `kill-test [--runs N] [--threads T] [--seed S] [--store directory|objects|URL]` (with
//! `--threads 0`, another number of threads in each run) prints kills, restarts, rows compared and
//! differences. The pipeline runs in processes of the same program, `kill-test victim FOLDER`.

#![expect(clippy::print_stdout, reason = "printing is what this program does")]

mod campaign;
mod check;
mod feeder;
mod inputs;
mod random;
mod victim;

use campaign::{Campaign, Store};
use std::process::ExitCode;

const USAGE: &str = "usage: kill-test [--runs N] [--threads T] [--seed S] \
                     [--store directory|objects|URL]";

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
/// number in each run; and one with a store in object storage, if no other is asked for.
fn campaigns(args: &[String]) -> Option<Vec<Campaign>> {
    let (mut runs, mut threads, mut seed, mut store) = (20, None, 1, None);
    for pair in args.chunks(2) {
        let [name, value] = pair else { return None };
        match (name.as_str(), value.as_str(), value.parse::<u64>()) {
            ("--store", "directory", _) => store = Some(Store::Directory),
            ("--store", "objects", _) => store = Some(Store::Objects),
            ("--store", url, _) if url.contains("://") => store = Some(Store::Url(url.to_owned())),
            ("--runs", _, Ok(value)) => runs = value,
            ("--threads", _, Ok(value)) => threads = Some(value),
            ("--seed", _, Ok(value)) => seed = value,
            _ => return None,
        }
    }
    let in_objects = threads.is_none() && store.is_none();
    let threads = threads.map_or(vec![1, 2, 0], |threads| vec![threads]);
    let store = store.unwrap_or(Store::Directory);
    let mut chosen: Vec<(u64, Store)> =
        threads.into_iter().map(|threads| (threads, store.clone())).collect();
    chosen.extend(in_objects.then_some((2, Store::Objects)));
    let runs = runs.div_ceil(chosen.len() as u64);
    let campaign = |(threads, store)| Campaign { runs, threads, seed, store };
    Some(chosen.into_iter().map(campaign).collect())
}
