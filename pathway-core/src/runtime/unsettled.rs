//! What becomes of loops that never settle.
//!
//! A run that is asked to stop finishes what has been read. A loop without a limit may never do
//! so, and nobody can tell it from one that takes long; so it is given a while.

use super::shared::Shared;
use super::stats::LoopStats;
use crate::dataflow::iterate::Rounds;
use crate::error::RunError;
use std::time::{Duration, Instant};

/// After a stop a loop that turns fast is given so long.
const PATIENCE_MIN: Duration = Duration::from_secs(1);
/// So many rounds in that time are fast.
const ROUNDS_FAST: u64 = 1_000;
/// Any other loop that still turns is given so long.
const PATIENCE_MAX: Duration = Duration::from_secs(5);

/// How far the loops were when the run was asked to stop.
pub(super) struct Unsettled {
    since: Instant,
    turns: Vec<(u64, u64)>,
}

impl Unsettled {
    pub(super) fn new(shared: &Shared) -> Self {
        let turns = |rounds: &Rounds| {
            let seen = rounds.seen();
            (seen.epoch, seen.turns)
        };
        let turns = shared.rounds.iter().map(|rounds| turns(rounds)).collect();
        Self { since: Instant::now(), turns }
    }

    /// Ends the run if a loop holds the epoch that has not drained for longer than it may.
    pub(super) fn give_up(&self, shared: &Shared) {
        let waited = self.since.elapsed();
        if waited < PATIENCE_MIN {
            return;
        }
        let epoch = shared.drained();
        let still_turns = |(rounds, then): &(&Rounds, &(u64, u64))| {
            let seen = rounds.seen();
            let turned = seen.turns - if then.0 == epoch { then.1 } else { 0 };
            let fast = turned >= ROUNDS_FAST;
            rounds.endless
                && seen.epoch == epoch
                && (fast || (turned > 0 && waited >= PATIENCE_MAX))
        };
        let loops = shared.rounds.iter().map(AsRef::as_ref).zip(&self.turns);
        // A loop around one that never settles turns slowly; one within is counted anew in every
        // round.
        let blamed = loops.filter(still_turns).max_by_key(|(rounds, _)| rounds.seen().round);
        if let Some((rounds, _)) = blamed {
            let seen = rounds.seen();
            let tables = (1..).zip(&seen.rows).filter(|(_, rows)| **rows > 0);
            let tables: Vec<String> = tables
                .map(|(table, rows)| {
                    if seen.rows.len() == 1 {
                        format!("{rows} rows")
                    } else {
                        format!("{rows} rows of its table {table}")
                    }
                })
                .collect();
            let problem = format!(
                "the run was stopped before the loop had settled: in round {} of epoch {epoch} it \
                 still changed {}\n\
                 help: a loop whose rows grow from round to round never ends; set a limit with \
                 `iterate_within` or `iterate_at_most`",
                seen.round,
                tables.join(" and "),
            );
            let operator = shared.describe(rounds.node);
            shared.fail(RunError::Operator { operator, problem }.into());
        }
    }
}

/// The loops that are under way.
pub(super) fn turning(shared: &Shared) -> Vec<LoopStats> {
    let epoch = shared.drained();
    let turning = |rounds: &Rounds| {
        let seen = rounds.seen();
        (seen.epoch == epoch && seen.turns > 0).then(|| LoopStats {
            operator: shared.describe(rounds.node),
            epoch,
            round: seen.round,
            rows: seen.rows.iter().sum(),
        })
    };
    shared.rounds.iter().filter_map(|rounds| turning(rounds)).collect()
}
