//! What a pattern captures, as typed rows.

use super::pattern::{Decided, Fits, PatternPlan, PatternStep, Runs, Taken};
use crate::schema::{DataType, Schema, put_len};
use std::collections::VecDeque;
use std::fmt;

/// The rows that a pattern has taken.
pub struct TakenRows<'a, T> {
    rows: &'a VecDeque<T>,
    /// The number of the first of them.
    first: u64,
    taken: &'a [Taken],
}

impl<T> Clone for TakenRows<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TakenRows<'_, T> {}

impl<T> fmt::Debug for TakenRows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakenRows").field("taken", &self.taken).finish_non_exhaustive()
    }
}

fn row<T>(rows: &VecDeque<T>, first: u64, number: u64) -> &T {
    let place = usize::try_from(number - first).ok().and_then(|place| rows.get(place));
    place.expect("rows are kept for as long as something under way has taken them")
}

impl<'a, T> TakenRows<'a, T> {
    /// The rows of one step.
    pub fn of(self, step: usize) -> impl Iterator<Item = &'a T> {
        let taken = self.taken.iter().filter(move |(of, _)| *of as usize == step);
        taken.map(move |(_, number)| row(self.rows, self.first, *number))
    }
}

/// What one step of a pattern captures: a row, a row or none, or several.
pub trait Capture<T: Schema>: Sized + 'static {
    /// What later steps see of it.
    type Ref<'a>;
    /// What there is of it before the match is complete.
    type Part: 'static;

    /// What later steps see.
    fn by_ref(taken: TakenRows<'_, T>, step: usize) -> Self::Ref<'_>;

    /// The rows.
    fn rows(taken: TakenRows<'_, T>, step: usize) -> Self;

    /// The rows so far.
    fn part(taken: TakenRows<'_, T>, step: usize) -> Self::Part;
}

impl<T: Schema> Capture<T> for T {
    type Ref<'a> = &'a T;
    type Part = Option<T>;

    fn by_ref(taken: TakenRows<'_, T>, step: usize) -> &T {
        taken.of(step).next().expect("a later step follows a row of this one")
    }

    fn rows(taken: TakenRows<'_, T>, step: usize) -> T {
        Self::by_ref(taken, step).duplicate()
    }

    fn part(taken: TakenRows<'_, T>, step: usize) -> Option<T> {
        taken.of(step).next().map(T::duplicate)
    }
}

impl<T: Schema> Capture<T> for Option<T> {
    type Ref<'a> = Option<&'a T>;
    type Part = Self;

    fn by_ref(taken: TakenRows<'_, T>, step: usize) -> Option<&T> {
        taken.of(step).next()
    }

    fn rows(taken: TakenRows<'_, T>, step: usize) -> Self {
        taken.of(step).next().map(T::duplicate)
    }

    fn part(taken: TakenRows<'_, T>, step: usize) -> Self {
        Self::rows(taken, step)
    }
}

impl<T: Schema> Capture<T> for Vec<T> {
    type Ref<'a> = Vec<&'a T>;
    type Part = Self;

    fn by_ref(taken: TakenRows<'_, T>, step: usize) -> Vec<&T> {
        taken.of(step).collect()
    }

    fn rows(taken: TakenRows<'_, T>, step: usize) -> Self {
        taken.of(step).map(T::duplicate).collect()
    }

    fn part(taken: TakenRows<'_, T>, step: usize) -> Self {
        Self::rows(taken, step)
    }
}

/// What the steps of a pattern capture, as a tuple.
pub trait Captures<T: Schema>: 'static {
    /// What later steps see: a tuple, or of one step its rows alone.
    type Refs<'a>;
    /// The rows of a match: a tuple, or of one step its rows alone.
    type Rows;
    /// The rows of a match that did not come to its end.
    type Parts;

    /// What later steps see.
    fn refs(taken: TakenRows<'_, T>) -> Self::Refs<'_>;

    /// The rows of a match.
    fn rows(taken: TakenRows<'_, T>) -> Self::Rows;

    /// The rows so far.
    fn parts(taken: TakenRows<'_, T>) -> Self::Parts;
}

/// A tuple with room for one more.
pub trait Append<C> {
    /// The tuple with it.
    type Output;
}

impl<T: Schema, A: Capture<T>> Captures<T> for (A,) {
    type Refs<'a> = A::Ref<'a>;
    type Rows = A;
    type Parts = A::Part;

    fn refs(taken: TakenRows<'_, T>) -> A::Ref<'_> {
        A::by_ref(taken, 0)
    }

    fn rows(taken: TakenRows<'_, T>) -> A {
        A::rows(taken, 0)
    }

    fn parts(taken: TakenRows<'_, T>) -> A::Part {
        A::part(taken, 0)
    }
}

macro_rules! captures {
    ($($name:ident $index:tt),*) => {
        impl<T: Schema, $($name: Capture<T>),*> Captures<T> for ($($name,)*) {
            type Refs<'a> = ($($name::Ref<'a>,)*);
            type Rows = Self;
            type Parts = ($($name::Part,)*);

            fn refs(taken: TakenRows<'_, T>) -> Self::Refs<'_> {
                ($($name::by_ref(taken, $index),)*)
            }

            fn rows(taken: TakenRows<'_, T>) -> Self {
                ($($name::rows(taken, $index),)*)
            }

            fn parts(taken: TakenRows<'_, T>) -> Self::Parts {
                ($($name::part(taken, $index),)*)
            }
        }
    };
}

macro_rules! append {
    ($($name:ident)*) => {
        impl<$($name,)* Next> Append<Next> for ($($name,)*) {
            type Output = ($($name,)* Next,);
        }
    };
}

captures!(A 0, B 1);
captures!(A 0, B 1, C 2);
captures!(A 0, B 1, C 2, D 3);
captures!(A 0, B 1, C 2, D 3, E 4);
captures!(A 0, B 1, C 2, D 3, E 4, F 5);
captures!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
captures!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
append!();
append!(A);
append!(A B);
append!(A B C);
append!(A B C D);
append!(A B C D E);
append!(A B C D E F);
append!(A B C D E F G);

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
        (self.pattern.steps[step].fits)(TakenRows { rows, first, taken }, step, row)
    }

    fn forbids(&self, step: usize, taken: &[Taken], number: u64) -> bool {
        let Self { rows, first, .. } = *self;
        let row = row(rows, first, number);
        let taken = TakenRows { rows, first, taken };
        self.pattern.steps[step].forbids.iter().any(|forbids| forbids(taken, step, row))
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
            f(outcome, TakenRows { rows, first, taken: &taken });
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
    use super::*;

    /// An even number, odd ones, and the next even one.
    fn pattern() -> PatternOf<u8> {
        let one = PatternStep { min: 1, max: 1, adjacent: false };
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
