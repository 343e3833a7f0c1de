//! Reducers of one's own.

use crate::dataflow::fold::{Acc, Fold};
use crate::schema::{RowEncoder, Schema};
use crate::stage::{Diff, Input};

/// A reducer of one's own whose accumulator can be subtracted, so that a retraction costs no scan
/// of the group.
///
/// Laws: `add` commutes, and adding `-n` times takes back what adding `n` times did.
///
/// ```
/// # use pathway::prelude::*;
/// /// The sum of squares.
/// struct SumOfSquares;
///
/// impl Accumulate for SumOfSquares {
///     type Input = i64;
///     type State = i64;
///     type Output = i64;
///
///     fn zero(&self) -> i64 {
///         0
///     }
///
///     fn add(&self, state: &mut i64, input: &i64, times: i64) {
///         *state += input * input * times;
///     }
///
///     fn merge(&self, state: &mut i64, other: &i64) {
///         *state += other;
///     }
///
///     fn output(&self, state: &i64) -> i64 {
///         *state
///     }
/// }
///
/// let app = Pipeline::new("example");
/// let squares = app
///     .rows(vec![1, 2, 3])
///     .group_by(|_| ())
///     .reduce(|g| g.accumulate(SumOfSquares, |n| *n));
/// assert_eq!(squares.collect()?, [((), 14)]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub trait Accumulate: Send + Sync + 'static {
    /// What is added for each row.
    type Input: Schema;
    /// The state of a group: part of checkpoints, and sent between workers.
    type State: Schema;
    /// The result.
    type Output: Schema;

    /// The state of a group without rows.
    fn zero(&self) -> Self::State;

    /// Adds `input` `times` times; takes it away where `times` is negative.
    fn add(&self, state: &mut Self::State, input: &Self::Input, times: i64);

    /// Adds the state of another worker.
    fn merge(&self, state: &mut Self::State, other: &Self::State);

    /// The result for a group.
    fn output(&self, state: &Self::State) -> Self::Output;
}

pub(super) struct AccumulateFold<A>(pub(super) A);

impl<A: Accumulate> AccumulateFold<A> {
    fn state<'a>(&self, acc: &'a mut Acc) -> &'a mut A::State {
        if !matches!(acc, Acc::Custom(_)) {
            *acc = Acc::Custom(Box::new(self.0.zero()));
        }
        let Acc::Custom(state) = acc else { unreachable!("the state was made above") };
        state.downcast_mut().expect("a reducer's state has its own type")
    }
}

fn current<A: Accumulate>(acc: &Acc) -> Option<&A::State> {
    match acc {
        Acc::Custom(state) => state.downcast_ref(),
        _ => None,
    }
}

impl<A: Accumulate> Fold for AccumulateFold<A> {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if let Input::Bytes(mut bytes) = input {
            let input = A::Input::decode(&mut bytes);
            self.0.add(self.state(acc), &input, diff);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match current::<A>(acc) {
            Some(state) => {
                out.push(1);
                state.encode(out);
            }
            None => out.push(0),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        if bool::decode(input) {
            let other = A::State::decode(input);
            self.0.merge(self.state(acc), &other);
        }
    }

    fn nullable(&self) -> bool {
        A::Output::NULLABLE
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let output = match current::<A>(acc) {
            Some(state) => self.0.output(state),
            None => self.0.output(&self.0.zero()),
        };
        output.encode_column(out);
        Ok(())
    }
}
