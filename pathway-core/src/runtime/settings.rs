//! How a pipeline runs.

use super::durable::Durability;
use crate::error::BuildError;
use std::time::Duration;

/// How a pipeline runs: from the builder, then from the environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Worker threads. `PATHWAY_THREADS`; one by default.
    pub threads: usize,
    /// Whether `run` shows progress. `PATHWAY_PROGRESS` (`0` or `1`); by default it does.
    pub progress: bool,
    /// A batch job is one epoch, unless this bounds an epoch's rows. `PATHWAY_EPOCH_ROWS_MAX`.
    pub epoch_rows_max: Option<u64>,
    /// Whether the pipeline goes on after it was killed, and how. `PATHWAY_CHECKPOINT_MS` overrides
    /// the time between checkpoints.
    pub(crate) durability: Durability,
}

impl Default for Settings {
    fn default() -> Self {
        Self { threads: 1, progress: true, epoch_rows_max: None, durability: Durability::default() }
    }
}

/// More threads than any machine has are a mistake.
const THREADS_MAX: usize = 1024;

impl Settings {
    /// These settings, overridden by the variables that are set.
    ///
    /// # Errors
    ///
    /// A variable that means nothing.
    pub(crate) fn with_environment(mut self) -> Result<Self, BuildError> {
        if let Some(threads) = variable("PATHWAY_THREADS", "a number of threads from 1 to 1024")? {
            self.threads = threads;
        }
        if let Some(progress) = variable::<u8>("PATHWAY_PROGRESS", "0 or 1")? {
            self.progress = progress != 0;
        }
        if let Some(rows) = variable("PATHWAY_EPOCH_ROWS_MAX", "a number of rows above 0")? {
            self.epoch_rows_max = Some(rows);
        }
        let every = "a number of milliseconds from 1 on";
        if let Some(ms) = variable::<std::num::NonZeroU64>("PATHWAY_CHECKPOINT_MS", every)? {
            self.durability.checkpoint_every = Duration::from_millis(ms.get());
        }
        if !(1..=THREADS_MAX).contains(&self.threads) {
            return Err(BuildError::Setting {
                setting: "threads",
                value: self.threads.to_string(),
                expected: "a number of threads from 1 to 1024",
            });
        }
        if let asked @ [_, _, ..] = &*self.durability.asked {
            return Err(BuildError::Setting {
                setting: "store",
                value: asked.join(", "),
                expected: "given once: for `durable`, for `record` or for `replay`",
            });
        }
        let speed = self.durability.replay_speed;
        if let Some(speed) = speed.filter(|speed| !(speed.is_finite() && *speed > 0.0)) {
            return Err(BuildError::Setting {
                setting: "replay_speed",
                value: speed.to_string(),
                expected: "a number above 0",
            });
        }
        if self.epoch_rows_max == Some(0) {
            return Err(BuildError::Setting {
                setting: "epoch_rows_max",
                value: "0".to_owned(),
                expected: "a number of rows above 0",
            });
        }
        Ok(self)
    }
}

fn variable<T: std::str::FromStr>(
    name: &'static str,
    expected: &'static str,
) -> Result<Option<T>, BuildError> {
    let Ok(value) = std::env::var(name) else { return Ok(None) };
    match value.trim().parse() {
        Ok(parsed) => Ok(Some(parsed)),
        Err(_) => Err(BuildError::Setting { setting: name, value, expected }),
    }
}
