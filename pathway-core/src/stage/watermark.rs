//! What stands in front of a watermark: a terminal or, where rows are decided on one by one, a step
//! of the stage, so that they are not written down on the way.

use super::terminal::keyed;
use super::{AnyStep, Diff, KeyedTerminal, Step, enter};
use crate::schema::{EventTime, TimePoint as _};
use std::fmt;
use std::sync::Arc;

/// A watermark as a step of a stage.
pub trait TimeEdge {
    /// Whether a row is in time, by its event time, as sixteen bytes, and what its key is behind it.
    fn passes(&mut self, time_and_key: &[u8]) -> bool;

    /// Takes a row that is not.
    fn refuse(&mut self, time_and_key: &[u8], row: &[u8], diff: Diff);
}

impl fmt::Debug for ToWatermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToWatermark").finish_non_exhaustive()
    }
}

/// Makes the step of a watermark, for a node, in front of what follows.
pub(crate) type TimeStep = Arc<dyn Fn(u32, Box<dyn TimeEdge>, AnyStep) -> AnyStep + Send + Sync>;

/// Both ways to a watermark.
#[derive(Clone)]
pub struct ToWatermark {
    /// Encodes each row with its event time, as sixteen bytes, and its key behind.
    pub(crate) terminal: KeyedTerminal,
    /// Leaves rows as they are.
    pub(crate) step: TimeStep,
}

struct Passing<T, F> {
    node: u32,
    key_of: Arc<F>,
    edge: Box<dyn TimeEdge>,
    next: Box<dyn Step<T>>,
    time_and_key: Vec<u8>,
    row: Vec<u8>,
}

impl<T: EventTime, F: Fn(&T, &mut Vec<u8>)> Passing<T, F> {
    fn passes(&mut self, row: &T, diff: Diff) -> bool {
        enter(self.node);
        self.time_and_key.clear();
        put_time(row, &mut self.time_and_key);
        (self.key_of)(row, &mut self.time_and_key);
        let passes = self.edge.passes(&self.time_and_key);
        if !passes {
            self.row.clear();
            row.encode(&mut self.row);
            self.edge.refuse(&self.time_and_key, &self.row, diff);
        }
        passes
    }
}

impl<T: EventTime, F: Fn(&T, &mut Vec<u8>)> Step<T> for Passing<T, F> {
    fn push(&mut self, row: T, diff: Diff) {
        if self.passes(&row, diff) {
            self.next.push(row, diff);
        }
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        if self.passes(row, diff) {
            self.next.push_ref(row, diff);
        }
    }
}

/// A row without a time has one before all times.
fn put_time<T: EventTime>(row: &T, out: &mut Vec<u8>) {
    let steps = row.event_time().map_or(i128::MIN, |time| time.to_steps());
    out.extend_from_slice(&steps.to_le_bytes());
}

/// What stands in front of a watermark of rows with that key.
pub(crate) fn to_watermark<T, F>(key_of: F) -> ToWatermark
where
    T: EventTime,
    F: Fn(&T, &mut Vec<u8>) + Send + Sync + 'static,
{
    let key_of = Arc::new(key_of);
    let of_step = Arc::clone(&key_of);
    let terminal = keyed(move |row: &T, key, _| {
        put_time(row, key);
        key_of(row, key);
        false
    });
    let step: TimeStep = Arc::new(move |node, edge, next| {
        let (key_of, next) = (Arc::clone(&of_step), next.typed::<T>());
        let (time_and_key, row) = (Vec::new(), Vec::new());
        AnyStep::new::<T>(Box::new(Passing { node, key_of, edge, next, time_and_key, row }))
    });
    ToWatermark { terminal, step }
}
