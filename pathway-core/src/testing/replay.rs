//! Runs a history in two ways, and compares: epoch by epoch, and from scratch.

use super::capture::Counts;
use super::check::Check;
use super::history::{History, Life};
use crate::error::{Error, Result};
use crate::plan::NodeId;
use crate::runtime::{self, Durability, Running};
use crate::schema::DataType;
use crate::table::Captured;

/// A pipeline that was built for one run.
pub(super) struct Built {
    pub(super) check: Check,
    pub(super) sink: NodeId,
    pub(super) captured: Captured,
    pub(super) rows: DataType,
    /// The output is a stream.
    pub(super) append_only: bool,
}

/// How a history fails.
#[derive(Debug)]
pub(super) enum Failure {
    /// The rows after an epoch are not those of a computation from scratch.
    Differs { epoch: usize, expected: Counts, actual: Counts },
    /// A change stream takes away what is not there, or changes nothing.
    Unsound { epoch: usize, row: Vec<u8>, problem: String },
    /// An epoch has other changes than in a run that was never killed.
    Disturbed { epoch: usize, expected: Counts, actual: Counts },
    /// The incremental run failed.
    Failed { epoch: usize, error: Error },
    /// The run from scratch failed.
    FailedFromScratch { epoch: usize, error: Error },
}

impl Failure {
    pub(super) fn epoch(&self) -> usize {
        match self {
            Self::Differs { epoch, .. }
            | Self::Disturbed { epoch, .. }
            | Self::Unsound { epoch, .. }
            | Self::Failed { epoch, .. }
            | Self::FailedFromScratch { epoch, .. } => *epoch,
        }
    }
}

/// A pipeline that runs.
pub(super) struct Run {
    pub(super) built: Built,
    pub(super) running: Running,
}

impl Run {
    fn start(built: Built, workers: usize) -> Result<Self> {
        Self::start_durable(built, workers, Durability::default())
    }

    pub(super) fn start_durable(
        built: Built,
        workers: usize,
        durability: Durability,
    ) -> Result<Self> {
        let plan = built.check.pipeline.graph.plan();
        let settings = runtime::Settings { threads: workers, durability, ..Default::default() };
        let drive = runtime::Drive::Test(runtime::Clock::starting_at(0));
        let running = runtime::start("check", plan, &[built.sink], &settings, drive)?;
        Ok(Self { built, running })
    }

    /// Closes an epoch with these updates.
    pub(super) fn send(&self, updates: &[(&Life, i64)]) -> Result<()> {
        for (at, feed) in self.built.check.feeds().iter().enumerate() {
            let of_input = updates.iter().filter(|(life, _)| life.input == at);
            let sent = feed.send(of_input.map(|(life, diff)| (life.partition, &*life.row, *diff)));
            // The run has failed, and `step` says why.
            if sent.is_err() {
                break;
            }
        }
        self.running.step()
    }

    /// Closes an epoch with these updates, and answers what came out.
    fn step(&self, updates: &[(&Life, i64)]) -> Result<Vec<(Vec<u8>, i64)>> {
        self.send(updates)?;
        let epochs = self.built.captured.take();
        let updates = epochs.iter().flat_map(|(_, updates)| updates.iter());
        Ok(updates.map(|(row, diff)| (row.to_vec(), diff)).collect())
    }
}

/// Adds an epoch's changes, and finds what is wrong with them by themselves.
fn apply(
    counts: &mut Counts,
    changes: Vec<(Vec<u8>, i64)>,
    append_only: bool,
) -> Result<(), (Vec<u8>, String)> {
    for (row, diff) in changes {
        let count = counts.entry(row.clone()).or_insert(0);
        *count += diff;
        let problem = match (*count, diff) {
            (_, 0) => "a change changes nothing".to_owned(),
            (..0, _) => format!("a row is there {count} times"),
            (_, ..0) if append_only => "a stream retracts a row".to_owned(),
            _ => continue,
        };
        return Err((row, problem));
    }
    counts.retain(|_, count| *count != 0);
    Ok(())
}

/// Runs a history; `build` makes the same pipeline each time.
pub(super) fn replay(history: &History, build: &dyn Fn() -> Built) -> Result<(), Failure> {
    let built = build();
    let append_only = built.append_only;
    let run =
        Run::start(built, history.workers).map_err(|error| Failure::Failed { epoch: 0, error })?;
    let mut actual = Counts::new();
    let mut expected = Counts::new();
    for epoch in 0..history.epochs {
        let failed = |error| Failure::Failed { epoch, error };
        let changes = run.step(&history.updates(epoch)).map_err(failed)?;
        if let Err((row, problem)) = apply(&mut actual, changes, append_only) {
            return Err(Failure::Unsound { epoch, row, problem });
        }
        // Nothing has changed, so the answer is that of the epoch before.
        if epoch == 0 || !history.changes(epoch).is_empty() {
            let failed = |error| Failure::FailedFromScratch { epoch, error };
            let rows: Vec<_> = history.rows(epoch).map(|life| (life, 1)).collect();
            let scratch = Run::start(build(), 1).map_err(failed)?;
            expected = Counts::new();
            let changes = scratch.step(&rows).map_err(failed)?;
            if let Err((row, problem)) = apply(&mut expected, changes, append_only) {
                return Err(Failure::Unsound { epoch, row, problem });
            }
        }
        if actual != expected {
            return Err(Failure::Differs { epoch, expected, actual });
        }
    }
    Ok(())
}
