//! What a pattern captures, as typed rows.

use super::runs::Taken;
use crate::schema::Schema;
use std::collections::VecDeque;
use std::fmt;

/// The rows that a pattern has taken.
pub struct TakenRows<'a, T> {
    pub(super) rows: &'a VecDeque<T>,
    /// The number of the first of them.
    pub(super) first: u64,
    pub(super) taken: &'a [Taken],
    /// The first step of the alternative that is looked at.
    pub(super) alternative: usize,
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

/// A row by its number.
pub(super) fn row<T>(rows: &VecDeque<T>, first: u64, number: u64) -> &T {
    let place = usize::try_from(number - first).ok().and_then(|place| rows.get(place));
    place.expect("rows are kept for as long as something under way has taken them")
}

impl<'a, T> TakenRows<'a, T> {
    /// The rows of one step.
    pub fn of(self, step: usize) -> impl Iterator<Item = &'a T> {
        let step = self.alternative + step;
        let taken = self.taken.iter().filter(move |(of, _)| *of as usize == step);
        taken.map(move |(_, number)| row(self.rows, self.first, *number))
    }
}

impl<T> TakenRows<'_, T> {
    /// Whether the rows are those of an alternative behind so many steps.
    fn is_behind(self, steps: usize) -> bool {
        self.taken.first().is_some_and(|(step, _)| *step as usize >= self.alternative + steps)
    }

    fn behind(self, steps: usize) -> Self {
        Self { alternative: self.alternative + steps, ..self }
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
    /// How many steps there are.
    const STEPS: usize;

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

/// The rows of one of two alternatives of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// Of the first.
    Former(A),
    /// Of the second.
    Latter(B),
}

/// What a pattern of two alternatives captures. No step follows them.
impl<T: Schema, A: Captures<T>, B: Captures<T>> Captures<T> for Either<A, B> {
    type Refs<'a> = ();
    type Rows = Either<A::Rows, B::Rows>;
    type Parts = Either<A::Parts, B::Parts>;
    const STEPS: usize = A::STEPS + B::STEPS;

    fn refs(_: TakenRows<'_, T>) {}

    fn rows(taken: TakenRows<'_, T>) -> Self::Rows {
        match taken.is_behind(A::STEPS) {
            false => Either::Former(A::rows(taken)),
            true => Either::Latter(B::rows(taken.behind(A::STEPS))),
        }
    }

    fn parts(taken: TakenRows<'_, T>) -> Self::Parts {
        match taken.is_behind(A::STEPS) {
            false => Either::Former(A::parts(taken)),
            true => Either::Latter(B::parts(taken.behind(A::STEPS))),
        }
    }
}

impl<T: Schema, A: Capture<T>> Captures<T> for (A,) {
    type Refs<'a> = A::Ref<'a>;
    type Rows = A;
    type Parts = A::Part;
    const STEPS: usize = 1;

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
            const STEPS: usize = [$($index),*].len();

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
