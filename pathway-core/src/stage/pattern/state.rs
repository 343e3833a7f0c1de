//! A pattern of typed rows, and what of a key is under way.

use super::captures::{TakenRows, row};
use super::runs::{Decided, Fits, PatternPlan, PatternStep, Runs, Taken};
use crate::schema::{DataType, Schema, put_len};
use std::collections::VecDeque;
use std::fmt;

/// Whether a row fits, behind the rows that were taken; the number is that of the step.
pub type FitsStep<T> = Box<dyn Fn(TakenRows<'_, T>, usize, &T) -> bool + Send + Sync>;

struct StepOf<T> {
    fits: FitsStep<T>,
    forbids: Vec<FitsStep<T>>,
}

/// A pattern of rows of a type.
pub struct PatternOf<T> {
    plan: PatternPlan,
    steps: Vec<StepOf<T>>,
    /// What must not come before the step that is added next.
    forbids: Vec<FitsStep<T>>,
}

impl<T> Default for PatternOf<T> {
    fn default() -> Self {
        Self { plan: PatternPlan::default(), steps: Vec::new(), forbids: Vec::new() }
    }
}

impl<T> fmt::Debug for PatternOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatternOf").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl<T> PatternOf<T> {
    /// Adds a step.
    pub fn step(&mut self, step: PatternStep, fits: FitsStep<T>) {
        self.plan.steps.push(step);
        self.steps.push(StepOf { fits, forbids: std::mem::take(&mut self.forbids) });
    }

    /// Forbids rows before the step that is added next.
    pub fn forbid(&mut self, fits: FitsStep<T>) {
        self.forbids.push(fits);
    }

    /// Whether a row is forbidden before a step that there is not.
    pub fn ends_in_forbidden(&self) -> bool {
        !self.forbids.is_empty()
    }

    /// Adds the steps of another pattern as an alternative.
    pub fn or(&mut self, other: Self) {
        let alternative = self.plan.steps.len();
        for step in other.plan.steps {
            let alternative = alternative + step.alternative;
            self.plan.steps.push(PatternStep { alternative, ..step });
        }
        self.steps.extend(other.steps);
        self.plan.overlapping |= other.plan.overlapping;
    }

    /// Lets a row be part of several matches.
    pub fn overlap(&mut self) {
        self.plan.overlapping = true;
    }
}

/// A pattern, and the rows that it is tried on.
struct Trial<'a, T> {
    pattern: &'a PatternOf<T>,
    rows: &'a VecDeque<T>,
    first: u64,
}

impl<T> Fits for Trial<'_, T> {
    fn fits(&self, step: usize, taken: &[Taken], number: u64) -> bool {
        let Self { rows, first, .. } = *self;
        let row = row(rows, first, number);
        let alternative = self.pattern.plan.steps[step].alternative;
        let taken = TakenRows { rows, first, taken, alternative };
        (self.pattern.steps[step].fits)(taken, step - alternative, row)
    }

    fn forbids(&self, step: usize, taken: &[Taken], number: u64) -> bool {
        let Self { rows, first, .. } = *self;
        let row = row(rows, first, number);
        let alternative = self.pattern.plan.steps[step].alternative;
        let taken = TakenRows { rows, first, taken, alternative };
        let mut forbids = self.pattern.steps[step].forbids.iter();
        forbids.any(|forbids| forbids(taken, step - alternative, row))
    }
}

/// What a pattern has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A match.
    Match,
    /// A match that did not come to its end in time.
    TimedOut,
}

/// What of one key is under way: the rows, and the runs that need them.
pub struct PatternState<T> {
    rows: VecDeque<T>,
    /// The number of the first row.
    first: u64,
    runs: Runs,
}

impl<T> Default for PatternState<T> {
    fn default() -> Self {
        Self { rows: VecDeque::new(), first: 0, runs: Runs::default() }
    }
}

impl<T> fmt::Debug for PatternState<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatternState").field("runs", &self.runs).finish_non_exhaustive()
    }
}

impl<T> PatternState<T> {
    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Takes the next row of the key; a match that begins with it may take rows until a time.
    /// Answers whether one begins.
    pub fn row(
        &mut self,
        pattern: &PatternOf<T>,
        row: T,
        until: i128,
        f: &mut dyn FnMut(Outcome, TakenRows<'_, T>),
    ) -> bool {
        self.rows.push_back(row);
        self.change(pattern, f, |runs, trial, decided| {
            runs.row(&pattern.plan, trial, until, decided)
        })
    }

    /// Ends what may take no row behind a time.
    pub fn expire(
        &mut self,
        pattern: &PatternOf<T>,
        time: i128,
        f: &mut dyn FnMut(Outcome, TakenRows<'_, T>),
    ) {
        self.change(pattern, f, |runs, _, decided| {
            runs.expire(&pattern.plan, time, decided);
            false
        });
    }

    fn change(
        &mut self,
        pattern: &PatternOf<T>,
        f: &mut dyn FnMut(Outcome, TakenRows<'_, T>),
        change: impl FnOnce(&mut Runs, &dyn Fits, &mut dyn FnMut(Decided)) -> bool,
    ) -> bool {
        let Self { rows, first: kept, runs } = self;
        let first = *kept;
        let trial = Trial { pattern, rows, first };
        let begins = change(runs, &trial, &mut |decided| {
            let (outcome, taken) = match decided {
                Decided::Match(taken) => (Outcome::Match, taken),
                Decided::TimedOut(taken) => (Outcome::TimedOut, taken),
            };
            f(outcome, TakenRows { rows, first, taken: &taken, alternative: 0 });
        });
        let unneeded = usize::try_from(runs.first() - first).unwrap_or(rows.len());
        rows.drain(..unneeded);
        *kept = runs.first();
        begins
    }
}

/// The rows, and the rest as bytes.
impl<T: Schema> Schema for PatternState<T> {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        <(Vec<T>, Vec<u8>)>::data_type()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_len(self.rows.len(), out);
        for row in &self.rows {
            row.encode(out);
        }
        let mut rest = self.first.to_row_bytes();
        self.runs.save(&mut rest);
        rest.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Self {
        let rows = VecDeque::from(Vec::decode(input));
        let rest: Vec<u8> = Vec::decode(input);
        let mut rest = rest.as_slice();
        Self { rows, first: u64::decode(&mut rest), runs: Runs::load(&mut rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Captures;
    use super::*;

    /// An even number, odd ones, and the next even one.
    fn pattern() -> PatternOf<u8> {
        let one = PatternStep { min: 1, max: 1, adjacent: false, alternative: 0 };
        let mut pattern = PatternOf::default();
        pattern.step(one, Box::new(|_, _, row| row % 2 == 0));
        pattern.step(PatternStep { max: 9, ..one }, Box::new(|_, _, row| row % 2 == 1));
        pattern.forbid(Box::new(|_, _, row| *row == 100));
        pattern.step(
            one,
            Box::new(|taken, _, row| {
                let first = <(u8, Vec<u8>)>::refs(taken).0;
                *row == first + 2
            }),
        );
        pattern
    }

    type Found = Vec<(Outcome, Vec<u8>)>;

    fn row(state: &mut PatternState<u8>, row: u8, found: &mut Found) {
        state.row(&pattern(), row, 50, &mut |outcome, taken| found.push((outcome, all(taken))));
    }

    fn all(taken: TakenRows<'_, u8>) -> Vec<u8> {
        (0..3).flat_map(|step| taken.of(step).copied().collect::<Vec<_>>()).collect()
    }

    #[test]
    fn a_loaded_state_goes_on_as_the_saved_one() {
        let (mut state, mut found) = (PatternState::default(), Vec::new());
        for number in [1, 3, 8, 20, 5, 7] {
            row(&mut state, number, &mut found);
        }
        assert_eq!((found.len(), state.rows.len(), state.first), (0, 4, 2));
        let saved = state.to_row_bytes();
        let mut loaded: PatternState<u8> = Schema::decode(&mut saved.as_slice());
        assert_eq!(loaded.runs, state.runs);
        for state in [&mut state, &mut loaded] {
            found.clear();
            row(state, 22, &mut found);
            // What began before is not decided yet.
            assert!(found.is_empty());
            row(state, 10, &mut found);
            assert_eq!(found, [(Outcome::Match, vec![8, 5, 7, 10])]);
            assert!(state.is_empty());
            assert_eq!((state.rows.len(), state.first), (0, 8));
        }
    }

    #[test]
    fn what_is_forbidden_ends_a_run_and_time_does() {
        let (mut state, mut found) = (PatternState::default(), Vec::new());
        // Behind 100, the run waits for further odd rows alone.
        for number in [8, 5, 100, 40, 10] {
            row(&mut state, number, &mut found);
        }
        assert!(found.is_empty());
        let mut add = |outcome, taken: TakenRows<'_, u8>| found.push((outcome, all(taken)));
        state.expire(&pattern(), 50, &mut add);
        let timed_out = |rows: &[u8]| (Outcome::TimedOut, rows.to_vec());
        let expected = [timed_out(&[8, 5]), timed_out(&[100]), timed_out(&[40]), timed_out(&[10])];
        assert_eq!(found, expected);
        assert!(state.is_empty());
    }
}
