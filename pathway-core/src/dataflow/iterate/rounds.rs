//! How far a loop is in an epoch, for those who wait for it.

use super::{LoopTime, Update};
use crate::dataflow::operator::Epoch;
use std::sync::{Mutex, MutexGuard, PoisonError};
use timely::progress::Timestamp as _;

/// How far one loop is, on all workers.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// The node that ends the loop.
    pub(crate) node: u32,
    /// Whether it goes on for as long as something changes.
    pub(crate) endless: bool,
    level: usize,
    now: Mutex<Now>,
}

/// What has changed last.
#[derive(Clone, Debug)]
struct Now {
    time: LoopTime,
    round: u64,
    turns: u64,
    rows: Vec<u64>,
    /// The rows of the time before this one.
    before: Vec<u64>,
}

/// How far a loop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoundsSeen {
    pub(crate) epoch: Epoch,
    /// The furthest round that has changed something, counted from one.
    pub(crate) round: u64,
    /// How often it went from one time to another in the epoch. Those of a loop in a loop, whose
    /// rounds are counted anew in each round of the outer one, do not come in order.
    pub(crate) turns: u64,
    /// How many rows of each table of the loop have changed at the last of these times but one,
    /// which is through; those of the first, until it is.
    pub(crate) rows: Vec<u64>,
}

impl Rounds {
    pub(crate) fn new(node: u32, endless: bool, level: usize, tables: usize) -> Self {
        let (rows, before) = (vec![0; tables], Vec::new());
        let now = Now { time: LoopTime::minimum(), round: 0, turns: 0, rows, before };
        Self { node, endless, level, now: Mutex::new(now) }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a round has changed of a table.
    pub(super) fn note(&self, table: usize, updates: &[Update]) {
        let mut now = self.now();
        for (_, time, _) in updates {
            if *time != now.time || now.round == 0 {
                if time.epoch() != now.time.epoch() {
                    (now.round, now.turns) = (0, 0);
                }
                let Now { rows, before, turns, .. } = &mut *now;
                if *turns > 0 {
                    before.clone_from(rows);
                } else {
                    before.clear();
                }
                now.time = *time;
                now.round = now.round.max(time.round(self.level) + 1);
                now.turns += 1;
                now.rows.fill(0);
            }
            now.rows[table] += 1;
        }
    }

    /// How far the loop is.
    pub(crate) fn seen(&self) -> RoundsSeen {
        let Now { time, round, turns, rows, before } = self.now().clone();
        let rows = if before.is_empty() { rows } else { before };
        RoundsSeen { epoch: time.epoch(), round, turns, rows }
    }
}
