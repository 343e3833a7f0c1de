//! Checks that a durable pipeline that is killed gives what one gives that never is.

use super::capture::Counts;
use super::check::{Check, RandomCheck};
use super::history::{History, Limits};
use super::random::Random;
use super::replay::{Built, Failure, Run};
use crate::error::{BuildError, Error, Result, RunError};
use crate::io::Updates;
use crate::persistence::{Memory, memory};
use crate::runtime::Durability;
use crate::table::IntoTable;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Checks that a pipeline goes on, after it was killed, as if nothing had happened.
///
/// The closure derives a table from random inputs, as for
/// [`check_incremental`](super::check_incremental); configure the check in the same way, and end
/// it with [`run`](RandomCheck::run).
///
/// A case is a history that is run twice: once undisturbed, and once with a store that fails at
/// random writes, tears what was not synced, and lets the pipeline be started again from what is
/// left, now and then with another number of workers; now and then it is stopped as it should be. Every epoch has to have the same changes in
/// both, also where it is made again.
///
/// ```
/// use pathway::prelude::*;
/// use pathway::testing::check_durable;
///
/// fn totals(orders: &Table<(u32, i64)>) -> Table<(u32, i64)> {
///     let sums = orders.group_by(|(user, _)| *user).reduce(|g| g.sum(|(_, amount)| *amount >> 8));
///     sums.select(|user, sum| (user, sum))
/// }
///
/// check_durable(|t| totals(&t.table())).cases(16).run();
/// ```
pub fn check_durable<F, C>(pipeline: F) -> RandomCheck<F>
where
    F: Fn(&Check) -> C,
    C: IntoTable,
{
    let limits = Limits { epochs_max: 10, rows_per_epoch_max: 8, workers_max: 3 };
    RandomCheck::new(pipeline, limits, disturb)
}

fn counts(updates: &Updates) -> Counts {
    let mut counts = Counts::new();
    for (row, diff) in updates.iter() {
        *counts.entry(row.to_vec()).or_insert(0) += diff;
    }
    counts.retain(|_, diff| *diff != 0);
    counts
}

/// The changes of each epoch of a run that nobody disturbs.
fn undisturbed(history: &History, build: &dyn Fn() -> Built) -> Result<Vec<Counts>, Failure> {
    let failed = |epoch| move |error| Failure::Failed { epoch, error };
    let run = Run::start_durable(build(), history.workers, Durability::default());
    let run = run.map_err(failed(0))?;
    let step = |epoch| {
        run.send(&history.updates(epoch)).map_err(failed(epoch))?;
        let changes = run.built.captured.take();
        Ok(changes.first().map(|(_, updates)| counts(updates)).unwrap_or_default())
    };
    (0..history.epochs).map(step).collect()
}

/// A history in a pipeline that is killed again and again.
struct Disturbed<'a> {
    history: &'a History,
    expected: Vec<Counts>,
    build: &'a dyn Fn() -> Built,
    random: Random,
    store: Memory,
    durability: Durability,
    /// For each epoch of the pipeline, which of the history it is; nothing where a stop made it.
    made: Vec<Option<usize>>,
    /// Epochs of the history whose changes have come out.
    seen: BTreeSet<usize>,
}

/// It is started with at most so many workers.
const WORKERS_MAX: usize = 4;

fn disturb(history: &History, seed: u64, build: &dyn Fn() -> Built) -> Result<(), Failure> {
    let expected = undisturbed(history, build)?;
    let mut random = Random::new(seed ^ 0x6b69_6c6c);
    let store = memory();
    let durability = Durability {
        store: Some(Arc::new(store.clone())),
        checkpoint_epochs: Some(1 + random.below(4)),
        checkpoint_every: Duration::MAX,
        ..Durability::default()
    };
    let (made, seen) = (Vec::new(), BTreeSet::new());
    Disturbed { history, expected, build, random, store, durability, made, seen }.run()
}

/// Whether it is the store that failed, as it was told to.
fn was_killed(error: &Error) -> bool {
    matches!(error, Error::Run(RunError::Store { .. }) | Error::Build(BuildError::Store { .. }))
}

impl Disturbed<'_> {
    fn run(mut self) -> Result<(), Failure> {
        let mut next = 0;
        let mut run = self.start(next)?;
        while next < self.history.epochs {
            if self.random.one_in(2) {
                self.store.fail_after(self.random.below(9));
            }
            let result = run.send(&self.history.updates(next));
            self.take(&run, Some(next))?;
            match result {
                Ok(()) => {
                    self.made.push(Some(next));
                    next += 1;
                    if self.random.one_in(6) {
                        self.store.mend(1000);
                        // A stop closes the open epoch, in which nothing is.
                        self.made.push(None);
                        drop(run);
                        run = self.start(next)?;
                    }
                }
                Err(error) if was_killed(&error) => {
                    drop(run);
                    run = self.start(next)?;
                    // It may have been logged before the run was killed.
                    if run.running.logged_before() > self.made.len() as u64 {
                        self.made.push(Some(next));
                        next += 1;
                    }
                }
                Err(error) => return Err(Failure::Failed { epoch: next, error }),
            }
        }
        // What is made again last comes out at once.
        run.running.step().or_else(|error| match was_killed(&error) {
            true => Ok(()),
            false => Err(Failure::Failed { epoch: self.history.epochs - 1, error }),
        })?;
        self.take(&run, None)?;
        let lost = (0..self.history.epochs)
            .find(|epoch| !self.expected[*epoch].is_empty() && !self.seen.contains(epoch));
        match lost {
            None => Ok(()),
            Some(epoch) => {
                let expected = self.expected[epoch].clone();
                Err(Failure::Disturbed { epoch, expected, actual: Counts::new() })
            }
        }
    }

    /// Starts the pipeline from what is left.
    fn start(&mut self, next: usize) -> Result<Run, Failure> {
        let mut only = None;
        loop {
            self.store.mend(self.random.index(1001));
            if self.random.one_in(4) {
                self.store.fail_after(self.random.below(4));
            }
            let workers = match only {
                Some(workers) => workers,
                None if self.random.one_in(3) => 1 + self.random.index(WORKERS_MAX),
                None => self.history.workers,
            };
            match Run::start_durable((self.build)(), workers, self.durability.clone()) {
                Ok(run) => return Ok(run),
                Err(error) if was_killed(&error) => {}
                // Some states, and the results of calls, belong to as many workers as they had.
                Err(Error::Build(BuildError::OtherThreads { of, .. })) => only = Some(of),
                Err(error) => return Err(Failure::Failed { epoch: next, error }),
            }
        }
    }

    /// Compares what has come out. The epoch that is not known yet is `open`.
    fn take(&mut self, run: &Run, open: Option<usize>) -> Result<(), Failure> {
        for (at, updates) in run.built.captured.take() {
            let at = usize::try_from(at).expect("epochs are few");
            let epoch = self.made.get(at).copied().unwrap_or(open);
            let actual = counts(&updates);
            let Some(epoch) = epoch else {
                let epoch = self.history.epochs - 1;
                return Err(Failure::Disturbed { epoch, expected: Counts::new(), actual });
            };
            let expected = &self.expected[epoch];
            if actual != *expected {
                return Err(Failure::Disturbed { epoch, expected: expected.clone(), actual });
            }
            self.seen.insert(epoch);
        }
        Ok(())
    }
}
